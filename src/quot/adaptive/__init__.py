"""Adaptive transport: every point shares its mass with enough others."""

from quot.adaptive.projections import project_rows

__all__ = ["project_rows"]
