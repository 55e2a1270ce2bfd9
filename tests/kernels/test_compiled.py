"""Every kernel runs uncompiled and then gives what the compiled one gives."""

import copy
import importlib
import pkgutil

import numpy as np
import pytest
import scipy.sparse as sp
from numba.core.registry import CPUDispatcher
from tests.kernels.networks import random_network

import quot.kernels

MODULES = {
    info.name: importlib.import_module(f"quot.kernels.{info.name}")
    for info in pkgutil.iter_modules(quot.kernels.__path__)
    if info.name != "_jit"
}
KERNELS = {
    f"{name}.{kernel}": value
    for name, module in MODULES.items()
    for kernel, value in vars(module).items()
    if isinstance(value, CPUDispatcher) and value.py_func.__module__ == module.__name__
}
CALLS: dict[str, list[tuple]] = {}


class Recorder:
    """Stands in for a kernel, keeps a few small calls, and lets them through."""

    def __init__(self, name, kernel):
        self.name, self.kernel = name, kernel

    def __call__(self, *args):
        kept = CALLS.setdefault(self.name, [])
        if len(kept) < 4:
            kept.append(copy.deepcopy(args))
        return self.kernel(*args)


@pytest.fixture(scope="module", autouse=True)
def calls():
    """Record what small problems of each kind ask of the kernels."""
    import quot
    from quot import costs
    from quot.flow import newton
    from quot.pricing import blocks
    from quot.quadratic import coarse, working_set
    from quot.rounding import round_sparse

    patch = pytest.MonkeyPatch()
    for name, kernel in KERNELS.items():
        module, attribute = name.split(".")
        if not attribute.startswith("_"):
            patch.setattr(MODULES[module], attribute, Recorder(name, kernel))
    try:
        rng = np.random.default_rng(5)
        for module in (coarse, working_set):  # small problems take the way of large ones
            patch.setattr(module, "SMALL", 16)
        patch.setattr(coarse, "_FEW", 2)
        patch.setattr(blocks, "_PART_ROWS", 4)
        patch.setattr(newton, "_LARGE", 20)
        patch.setattr(newton, "_SMALL_PART", 0.3)
        patch.setattr(newton, "_RINGS", 1)
        C = rng.random((12, 14))
        X, Y = rng.normal(size=(40, 2)), rng.normal(size=(50, 2))
        for reg in (0.0, 1e-4, 1.0):
            for mass in (None, 0.6):
                quot.solve(C, reg=reg, mass=mass)
                quot.solve(sp.csr_array(C), reg=reg, mass=mass)
                quot.solve_points(X, Y, reg=reg, mass=mass)
                quot.solve_points(X, Y, reg=reg, mass=mass, metric="cityblock")
        patch.setattr(costs, "_TREE_PAIRS", 0)
        for metric in costs.METRICS:
            quot.solve_points(X, Y, reg=0.1, mass=0.6, metric=metric)
        MODULES["certificate"].log_sums(C, rng.normal(size=12), rng.normal(size=14), 0.3)
        rough = quot.Plan.from_dense(C / C.sum())
        round_sparse(rough, np.full(12, 1 / 12), np.full(14, 1 / 14), 1.0)
        for seed in range(3):
            _record_flow(random_network(np.random.default_rng(seed)))
        yield
    finally:
        patch.undo()


def _record_flow(net):
    flow, laplacian, sweep = MODULES["flow"], MODULES["laplacian"], MODULES["sweep"]
    seen = sweep.incidence(*net.arcs, net.n)
    flow.respond(net.p, net.side, *net.arcs, net.supply)
    *graph, twin = laplacian.adjacency(net.tail, net.head, 1.0 / (1.0 + net.weight), net.n)
    laplacian.cg_jacobi(*graph, net.supply, 1e-9, 50)
    laplacian.cg_factor(*graph, *laplacian.factor(*graph[:3], twin, 1), net.supply, 1e-9, 50)
    sweep.sweep(net.p.copy(), net.side.copy(), *seen, net.supply, 1e-12, 0.0, 0.0)


def flat(values):
    """All arrays and numbers in a return value or in arguments."""
    if isinstance(values, (tuple, list)):
        return [item for value in values for item in flat(value)]
    return [np.asarray(values)] if values is not None else []


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_compiled_and_uncompiled_agree(name):
    kernel = KERNELS[name]
    if name.split(".")[1].startswith("_"):
        pytest.skip("reached through the kernels that call it")
    assert CALLS.get(name), f"{name} is never called by small problems: dead, or not covered here"
    for recorded in CALLS[name]:
        compiled_args, plain_args = copy.deepcopy(recorded), copy.deepcopy(recorded)
        compiled = kernel(*compiled_args)
        with np.errstate(all="ignore"):
            plain = kernel.py_func(*plain_args)
        for left, right in zip(
            flat([compiled, compiled_args]), flat([plain, plain_args]), strict=True
        ):
            if left.dtype.kind in "iub":
                np.testing.assert_array_equal(left, right)
            else:  # contraction and reassociation move the last bits
                np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_kernel_is_cached_on_disk(name):
    assert KERNELS[name]._cache.cache_path, f"{name} is compiled without cache=True"


def test_kernels_are_found():
    assert {name.split(".")[0] for name in KERNELS} == set(MODULES)
