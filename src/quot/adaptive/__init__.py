"""Adaptive transport: every point shares its mass with enough others."""

from quot.adaptive.projections import project_rows
from quot.adaptive.shares import share_rows

__all__ = ["project_rows", "share_rows"]
