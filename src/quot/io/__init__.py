"""Files: results to and from .npz, and the arrays and plans the command line works with."""

from quot.io.results import load, save

__all__ = ["load", "save"]
