"""The engine: quadratic flow on an edge list."""
