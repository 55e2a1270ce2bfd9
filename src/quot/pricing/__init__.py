"""Pricing: which pairs outside the candidates would improve the value, over every kind of cost.

Slack is ``C - f - g`` throughout; a caller with a price of the total mass adds it to f or g.
"""

from quot.pricing.effort import Effort
from quot.pricing.pricer import Pricer

__all__ = ["Effort", "Pricer"]
