"""Adaptive regularisation: experiments O1 to O4."""
