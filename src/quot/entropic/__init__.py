"""Entropic transport, balanced and partial."""
