"""What goes by the hub of a network of pairs, and what of that is rounding."""

import numpy as np
import pytest

import quot
from quot.dual import Dual
from quot.network.network import FlowState
from quot.pairs.candidates import Box
from quot.quadratic.bipartite import Bipartite
from quot.support import Support


@pytest.mark.parametrize("mass", [None, 0.7])
@pytest.mark.parametrize(("least", "sent", "presses"), [
    (0.1, 1e-17, False),  # the rounding of a sum of all masses
    (0.1, 1e-12, True),
    (1e-18, 1e-18, True),  # all that this row has
])  # fmt: skip
def test_rounding_does_not_press(mass, least, sent, presses):
    a = np.array([least, 0.4, 0.6 - least])
    arcs = Bipartite(
        quot.Problem(np.eye(3), a, np.full(3, 1 / 3), reg=1.0, mass=mass),
        Support((3, 3), np.arange(3, dtype=np.int32), np.arange(3, dtype=np.int32)),
        Box(np.full(3, 5.0), np.full(3, 5.0)),
    )
    state = arcs.state(Dual(np.zeros(3), np.zeros(3)))
    flow = state.flow.copy()
    flow[arcs.first_hub_arc] = sent
    state = FlowState(state.potentials, state.side, flow)
    rows, cols = arcs.pressing(state)
    assert rows.tolist() == [presses, False, False]
    assert not cols.any()
    assert arcs.through_hub(state) == (0.5 * sent if presses else 0.0)
