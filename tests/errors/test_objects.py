"""What other libraries hand over instead of an array of doubles: read rightly, or refused."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp

import quot
from quot import (
    Graph,
    InvalidProblemError,
    Plan,
    PointCost,
    Problem,
    solve,
    solve_graph,
    solve_points,
)
from quot.api import solve_batch

rng = np.random.default_rng(3)
C, X, Y = rng.random((4, 5)), rng.random((4, 2)), rng.random((5, 2))
A, B = np.full(4, 0.25), np.full(5, 0.2)
PLAN = Plan.from_dense(np.outer(A, B) / 2)
GIBBS = quot.solve_entropic(C, A, B, eps=0.1).plan


class Tensor:
    """A tensor of another library, as far as NumPy sees it."""

    def __init__(self, data, refusal=None):
        self.data, self.refusal = np.asarray(data), refusal

    shape = property(lambda self: self.data.shape)
    ndim = property(lambda self: self.data.ndim)
    requires_grad = property(lambda self: isinstance(self.refusal, RuntimeError))

    def __len__(self):
        return len(self.data)

    def __getitem__(self, at):
        return Tensor(self.data[at], self.refusal)

    def __array__(self, dtype=None, copy=None):
        if self.refusal is not None:
            raise self.refusal
        return self.data if dtype is None else self.data.astype(dtype)

    def __float__(self):
        return float(self.__array__())


def requires_grad(data):
    text = "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
    return Tensor(data, RuntimeError(text))


def on_device(data):
    text = (
        "can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to "
        "host memory first."
    )
    return Tensor(data, TypeError(text))


def on_cupy(data):
    text = "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct"
    return Tensor(data, TypeError(text))


def sparse(data):
    text = "can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first."
    return Tensor(data, TypeError(text))


def bfloat(data):
    return Tensor(data, TypeError("Got unsupported ScalarType BFloat16"))


class AnnData:
    """A table that is no array."""

    X, shape = X, X.shape


CALLS = {
    "C": lambda x: solve(x, A, B),
    "a": lambda x: solve(C, x, B),
    "b": lambda x: Problem(C, A, x),
    "X": lambda x: solve_points(x, Y),
    "Y": lambda x: PointCost(X, x),
    "source": lambda x: solve_graph(quot.graphs.grid((2, 2)), x, A),
    "lengths": lambda x: Graph(5, [[0, 1], [1, 2], [2, 3], [3, 4]], x),
    "capacity": lambda x: Graph(5, [[0, 1], [1, 2], [2, 3], [3, 4]], A, capacity=x),
    "positions": lambda x: Graph(4, [[0, 1], [1, 2], [2, 3]], A[:3], positions=x),
    "edges": lambda x: Graph(5, x, A),
    "entropic": lambda x: quot.solve_entropic(C, x, B, eps=0.1),
    "adaptive": lambda x: quot.solve_adaptive(C, x, B, perplexity=2.0),
    "batch": lambda x: solve_batch([C], x, B),
    "each of a batch": lambda x: solve_batch([C, C], x, B),
    "image": quot.graphs.from_image,
    "f": lambda x: quot.certify(Problem(C, A, B), solve(C, A, B).plan, x, B),
    "g": lambda x: quot.certify(Problem(C, A, B), solve(C, A, B).plan, A, x),
    "P": Plan.from_dense,
    "push": PLAN.push,
    "pull": PLAN.pull,
    "push by prices": GIBBS.push,
    "pull by prices": GIBBS.pull,
    "from the left": lambda x: PLAN.__array_ufunc__(np.matmul, "__call__", x, PLAN),
    "barycentric": PLAN.barycentric,
    "places": lambda x: PLAN.barycentric(Y, X=x),
    "masses": lambda x: PLAN.barycentric(Y, X=X, a=x),
}
GOOD = {
    "C": C, "a": A, "b": B, "X": X, "Y": Y, "source": A, "lengths": A, "capacity": A,
    "positions": X, "edges": np.array([[0, 1], [1, 2], [2, 3], [3, 4]]),
    "entropic": A, "adaptive": A, "batch": A, "f": A, "g": B, "P": C, "push": X, "pull": B,
    "push by prices": A, "pull by prices": Y, "from the left": A, "barycentric": Y, "places": X,
    "masses": A, "each of a batch": np.stack((A, A)), "image": C,
}  # fmt: skip
NAMES = {
    "entropic": "a", "adaptive": "a", "batch": "a", "push": "x", "pull": "y",
    "push by prices": "x", "pull by prices": "y", "from the left": "x", "barycentric": "Y",
    "places": "X", "masses": "a", "each of a batch": "a",
}  # fmt: skip

REFUSED = {
    "requires grad": (
        requires_grad, "`{}` requires grad, and its gradient would be lost; pass `{}.detach()`."
    ),
    "on a device": (on_device, "`{}` is on another device; pass `{}.cpu()`."),
    "on another device": (on_cupy, "`{}` is on another device; pass `{}.get()`."),
    "sparse": (sparse, "`{}` is a sparse tensor; pass "),
    "bfloat16": (
        bfloat, "`{}` is of type bfloat16, which NumPy does not have; pass `{}.float()`."
    ),
    "no array": (
        lambda _: AnnData(), "`{}` is of type AnnData, which is no array; pass numbers."
    ),
    "complex": (
        lambda x: x + 0j,
        "`{}` has dtype complex128, which is not real numbers; take the part that is meant, as "
        "`{}.real`.",
    ),
    "decimals": (
        np.vectorize(Decimal, otypes=[object]),
        "`{}` has dtype object (the first is of type Decimal), which is not real numbers; convert "
        "it to float64 (`np.asarray({}, dtype=float)`).",
    ),
    "fractions": (lambda x: (x * 0 + Fraction(1, 2)) if x.dtype == object else
        np.full(x.shape, Fraction(1, 2)), "`{}` has dtype object (the first is of type Fraction)"
    ),
    "text": (lambda x: x.astype("U9"), "`{}` has dtype <U9, which is not real numbers; convert"),
    "bytes": (lambda x: x.astype("S9"), "`{}` has dtype |S9, which is not real numbers; convert"),
    "dates": (
        lambda x: x.astype("M8[s]"),
        "`{}` has dtype datetime64[s], which is not real numbers; pass numbers of a unit, as "
        "`({} - {}[0]) / np.timedelta64(1, 's')`.",
    ),
    "fields": (
        lambda x: x.astype([("x", float), ("y", float)]),
        "`{}` has dtype [('x', '<f8'), ('y', '<f8')], which is not real numbers; name a field, as "
        "`{}['x']`.",
    ),
    "a mask": (
        lambda x: np.ma.masked_array(x, mask=x == x.flat[0]),
        "`{}` is a masked array, and a mask would be lost; fill it first (`{}.filled(...)`).",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "text"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("place", CALLS)
def test_refused_in_one_sentence(place, make, text):
    with pytest.raises(InvalidProblemError) as caught:
        CALLS[place](make(GOOD[place]))
    said = str(caught.value).removeprefix("problem 0: ")
    name = NAMES.get(place, place)
    assert said.startswith(text.format(*[name] * 4))
    assert "\n" not in said


@pytest.mark.parametrize("place", ["X", "Y", "a", "positions", "lengths"])
def test_a_sparse_matrix_says_how_large_the_array_would_be(place):
    given = sp.csr_matrix(GOOD[place]) if place in "XYpositions" else sp.csc_array(A[None])
    with pytest.raises(InvalidProblemError) as caught:
        CALLS[place](given)
    call = ".toarray()" if place in ("X", "Y", "positions") else ".toarray().ravel()"
    kind = "csr_matrix" if place in ("X", "Y", "positions") else "csc_array"
    assert str(caught.value).startswith(
        f"`{place}` is a sparse {kind} of shape {given.shape}, and a plain array is needed; pass "
        f"`{place}{call}` ("
    )
    with pytest.raises(InvalidProblemError, match=r"pass `X\.toarray\(\)` \(16,000 MB\)"):
        PointCost(sp.csr_array((1_000_000, 2000)), Y)


ACCEPTED = {
    "a tensor on the processor": Tensor,
    "a list": lambda x: x.tolist(),
    "a matrix": lambda x: x.view(np.matrix) if x.ndim == 2 else x,
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "of another order": np.asfortranarray,
    "with gaps": lambda x: np.repeat(x, 2, axis=0)[::2],
    "from the end": lambda x: x[::-1].copy()[::-1],
    "a subclass": lambda x: x.view(type("Sub", (np.ndarray,), {})),
}


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


@pytest.mark.parametrize("make", [*ACCEPTED.values(), read_only], ids=[*ACCEPTED, "read only"])
@pytest.mark.parametrize("place", CALLS)
def test_read_as_the_array_it_is(place, make):
    found, wanted = (CALLS[place](x) for x in (make(GOOD[place]), GOOD[place]))
    assert _facts(found) == _facts(wanted)


def _facts(x):
    if isinstance(x, (list, quot.Batch)):
        return [_facts(each) for each in x]
    if isinstance(x, (np.ndarray, Plan)):
        return np.asarray(x).tolist()
    if isinstance(x, Problem):
        return x.a.tolist(), x.b.tolist()
    if isinstance(x, PointCost):
        return x.X.tolist(), x.Y.tolist()
    if isinstance(x, Graph):
        return x.lengths.tolist(), x.capacity.tolist(), x.edges.tolist(), str(x.positions)
    if isinstance(x, quot.Certificate):
        return x.lower, x.upper
    return x.value, x.f.tolist()


@pytest.mark.parametrize("name", ["mass", "reg"])
def test_numbers(name):
    """A tensor without axes is a number; what is none is named by its type."""
    value = solve(C, A, B, **{name: 0.5}).value
    assert solve(C, A, B, **{name: Tensor(0.5)}).value == value
    said = {
        f"`{name}` requires grad, and its gradient would be lost": requires_grad(0.5),
        f"`{name}` must be a number; got a Tensor.": _Long([0.5]),
        f"`{name}` must be a number; got a csr_array.": sp.csr_array([[0.5]]),
    }
    for text, given in said.items():
        with pytest.raises(InvalidProblemError) as caught:
            solve(C, A, B, **{name: given})
        assert str(caught.value).startswith(text.replace("Tensor", type(given).__name__))


class _Long(Tensor):
    def __repr__(self):
        return "tensor(\n" + 100 * "0.5, " + ")"


PLACES = {"x": "push", "y": "pull", "Y": "barycentric", "P": "P"}


@pytest.mark.parametrize("name", PLACES)
def test_what_a_plan_takes_of_another_size(name):
    """One row too many; a plan has two axes."""
    given = np.append(GOOD[PLACES[name]], GOOD[PLACES[name]][:1], axis=0)
    of = {"x": "4 rows", "y": "5 columns", "Y": "5 columns"}.get(name)
    text = f"`{name}` has shape {given.shape}, and the plan has {of}; pass one entry, or row, each."
    if name == "P":
        given = C[0]
        text = "`P` must have 2 axes, as (n, m); got shape (5,)."
    with pytest.raises(InvalidProblemError) as caught:
        CALLS[PLACES[name]](given)
    assert str(caught.value) == text


def test_a_sparse_quantity_is_carried_too():
    assert PLAN.push(sp.csr_array(X)).tolist() == PLAN.push(X).tolist()
    assert Plan.from_sparse(sp.coo_array(C)).to_dense().tolist() == C.tolist()
    with pytest.raises(InvalidProblemError, match=r"`P` requires grad.*pass `P\.detach\(\)`"):
        Plan.from_sparse(requires_grad(C))


def test_potentials_of_another_size():
    plan = solve(C, A, B).plan
    with pytest.raises(InvalidProblemError) as caught:
        quot.certify(Problem(C, A, B), plan, B, A)
    assert str(caught.value) == "`f` must have shape (4,), one potential each; got shape (5,)."


def test_mapped_files(tmp_path):
    for name, array in (("C", C), ("a", A)):
        np.save(tmp_path / f"{name}.npy", array)
    for mode in ("r", "c", "r+"):
        maps = [np.load(tmp_path / f"{name}.npy", mmap_mode=mode) for name in ("C", "a")]
        assert solve(*maps).value == solve(C, A).value
    np.testing.assert_array_equal(np.load(tmp_path / "C.npy"), C)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, bool, np.uint16, np.float16])
def test_small_types_are_summed_as_doubles(dtype):
    a, b = np.ones(300, dtype), np.ones(300, dtype)
    assert Problem(np.zeros((300, 300)), a, b).total == 300.0
    picture = np.full((20, 20), 1 if dtype is bool else 120, dtype)
    assert PointCost.from_images(picture, picture)[1].sum() == pytest.approx(1.0)


def test_small_integers_that_are_there_twice_do_not_overflow():
    twice = sp.coo_array((np.array([200, 100], np.uint8), ([0, 0], [1, 1])), shape=(2, 2))
    assert Problem(twice).cost.values.tolist() == [300.0]


AXES = {
    "X": (np.ones(3), "`X` must have 2 axes, as (n, d); got shape (3,). For points on a line pass "
        "`X[:, None]`."),
    "Y": (1.0, "`Y` must have 2 axes, as (n, d); got shape ()."),
    "positions": (np.ones(4), "`positions` must have 2 axes, as (n, d); got shape (4,). For points "
        "on a line pass `positions[:, None]`."),
    "a": (A[None], "`a` must have 1 axis, as (n,); got shape (1, 4). Pass `np.ravel(a)`."),
    "b": (B[None].view(np.matrix), "`b` must have 1 axis, as (n,); got shape (1, 5). Pass "
        "`np.ravel(b)`."),
    "source": (np.ones((2, 2)), "`source` must have 1 axis, as (n,); got shape (2, 2)."),
    "C": (np.ones(3), "`C` must have 2 axes, as (n, m); got shape (3,)."),
    "edges": ([[0, 1], [2]], "`edges` cannot be read as an array of numbers ("),
}  # fmt: skip


@pytest.mark.parametrize("place", AXES)
def test_wrong_axes(place):
    given, text = AXES[place]
    with pytest.raises(InvalidProblemError) as caught:
        CALLS[place](given)
    assert str(caught.value).startswith(text)


def test_images_and_spacing_come_through_the_same_door():
    masked = np.ma.masked_array(np.ones((2, 2)), mask=[[True, False], [False, False]])
    with pytest.raises(InvalidProblemError, match="`source` is a masked array"):
        PointCost.from_images(masked, np.ones((2, 2)))
    with pytest.raises(InvalidProblemError, match="`target` is a sparse csr_array"):
        PointCost.from_images(np.ones((2, 2)), sp.csr_array(np.ones((2, 2))))
    with pytest.raises(InvalidProblemError, match="`spacing` is text, 'one' of type str"):
        PointCost.from_images(np.ones((2, 2)), np.ones((2, 2)), spacing="one")


@pytest.mark.parametrize("name", ["directed", "nodes"])
def test_truth_values_with_a_mask(name):
    graph = Graph(3, [[0, 1], [1, 2]], [1.0, 1.0])
    calls = {
        "directed": lambda x: Graph(3, graph.edges, graph.lengths, x[:2]),
        "nodes": graph.subgraph,
    }
    with pytest.raises(InvalidProblemError, match=f"`{name}` is a masked array"):
        calls[name](np.ma.masked_array([True, False, True], [True, False, False]))


def test_a_sparse_tensor_as_a_cost_would_be_free_where_it_is_empty():
    text = r"`C` is a sparse tensor; pass a scipy\.sparse array, in which pairs left out are forb"
    with pytest.raises(InvalidProblemError, match=text):
        solve(sparse(C))


FLOW = solve_graph(quot.graphs.grid((2, 2)), A, A[::-1]).plan
OPERATIONS = {
    "times": lambda x, P: P * x,
    "by": lambda x, P: P / x,
    "plus": lambda x, P: P + x,
    "minus": np.subtract,
    "less": lambda x, P: x > P,
    "function": np.hypot,
}
ARRAYS = {"plan": (PLAN, C), "plan by prices": (GIBBS, C), "flow": (FLOW, A)}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("kind", ARRAYS)
@pytest.mark.parametrize("refusal", ["requires grad", "on a device", "sparse", "bfloat16"])
def test_operators_refuse_tensors_in_the_same_words(operation, kind, refusal):
    make, text = REFUSED[refusal]
    noun, x = ARRAYS[kind]
    with pytest.raises(InvalidProblemError) as caught:
        OPERATIONS[operation](make(x), noun)
    assert str(caught.value).startswith(text.format("other", "other"))


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("kind", ARRAYS)
def test_operators_take_tensors_as_the_arrays_that_they_are(operation, kind):
    noun, x = ARRAYS[kind]
    found, wanted = (OPERATIONS[operation](each, noun) for each in (Tensor(x), x))
    assert type(found) is type(wanted)
    assert (found != wanted).sum() == 0


def test_single_entries_by_tensors():
    for noun in (PLAN, GIBBS, Problem(C).cost, Problem(sp.csr_array(C)).cost, PointCost(X, Y)):
        found = noun.at(Tensor([0, 1]), Tensor([2, 3]))
        assert found.tolist() == noun.at(np.array([0, 1]), np.array([2, 3])).tolist()


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def test_a_real_tensor(torch):
    value = solve(torch.tensor(C), torch.tensor(A), torch.tensor(B)).value
    assert value == solve(C, A, B).value
    for dtype in (torch.float32, torch.float16):
        C_of_type = torch.tensor(C, dtype=dtype)
        assert solve(C_of_type).value == solve(C_of_type.numpy()).value


@pytest.mark.parametrize("place", CALLS)
def test_real_tensors_in_every_place(torch, place):
    given = GOOD[place]
    assert _facts(CALLS[place](torch.tensor(given))) == _facts(CALLS[place](given))
    name = NAMES.get(place, place)
    tensor = torch.tensor(given, dtype=torch.float64)
    refused = {
        "requires grad": tensor.clone().requires_grad_(),
        "is on another device": tensor.to("meta"),
        "is a sparse tensor": tensor.to_sparse(),
        "is of type bfloat16": tensor.bfloat16(),
    }
    for text, tensor in refused.items():
        with pytest.raises(InvalidProblemError, match=f"`{name}` {text}"):
            CALLS[place](tensor)


@pytest.mark.parametrize("kind", ARRAYS)
def test_operators_with_real_tensors(torch, kind):
    noun, x = ARRAYS[kind]
    for operation in OPERATIONS.values():
        found, wanted = (operation(each, noun) for each in (torch.tensor(x), x))
        assert type(found) is type(wanted)
        assert (found != wanted).sum() == 0
        with pytest.raises(InvalidProblemError, match="`other` requires grad"):
            operation(torch.tensor(x, requires_grad=True), noun)
    assert (torch.tensor(x) + noun == x + noun).all()
    assert torch.from_numpy(np.asarray(noun)).tolist() == np.asarray(noun).tolist()
