"""Transport on graphs: solvers, builders, and methods that only graphs have."""

from quot.graphs.connect import connect
from quot.graphs.football import football
from quot.graphs.lattice import from_image, grid
from quot.graphs.neighbours import delaunay, knn, near, partition
from quot.graphs.rescaling import reg_rescaling

__all__ = [
    "connect",
    "delaunay",
    "football",
    "from_image",
    "grid",
    "knn",
    "near",
    "partition",
    "reg_rescaling",
]
