"""Sparse partial transport by a quadratic term: experiments Q0 to Q7, and a digest's."""
