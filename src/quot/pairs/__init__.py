"""Passes over all pairs of a cost: which are candidates, and which others would improve the value.

Slack is ``C - f - g`` throughout; a caller with a price of the total mass adds it to f or g.
"""

from quot.pairs.effort import Effort
from quot.pairs.price import Pricer

__all__ = ["Effort", "Pricer"]
