"""Quadratically regularised transport by a working set of pairs."""
