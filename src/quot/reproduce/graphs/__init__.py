"""Quadratic transport on graphs: experiments G1 to G7."""
