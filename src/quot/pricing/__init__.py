"""Pricing: which pairs outside the candidates would improve the value, over every kind of cost.

Slack is ``C - f - g`` throughout; a caller with a price of the total mass adds it to f or g.
"""

from quot.pricing.scan import nearest, round_off, row_roots, violators

__all__ = ["nearest", "round_off", "row_roots", "violators"]
