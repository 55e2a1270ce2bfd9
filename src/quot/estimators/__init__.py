"""Transport in the idioms of scikit-learn (extra `estimators`)."""

from quot.optional import need

need("sklearn", "estimators", "estimators", "scikit-learn")

from quot.estimators.color import ColorTransfer  # noqa: E402
from quot.estimators.mapper import TransportMapper  # noqa: E402
from quot.estimators.propagation import TransportLabelPropagation  # noqa: E402
from quot.estimators.registration import RigidRegistration  # noqa: E402

__all__ = ["ColorTransfer", "RigidRegistration", "TransportLabelPropagation", "TransportMapper"]
