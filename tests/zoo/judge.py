"""Right or wrong: answers judged in exact arithmetic, by networkx and by the dual."""

import warnings
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from tests.zoo import exact
from tests.zoo.problems import dearer

import quot

# Most violation of a constraint, in units of the largest mass; what less explains is round-off.
FEASIBLE = Fraction(1, 10**12)
ROUND_OFF = Fraction(1, 2**44)
# A value may exceed the optimum by this part of it, and by this part of all that is added up.
VALUE, TERMS = Fraction(1, 10**7), Fraction(1, 10**13)
# Where so much (relative) cannot be moved a problem is infeasible; from FEASIBLE on it may be.
STUCK = Fraction(1, 10**9)

# One in so many is also solved with dearer costs where nothing is carried; so much of the plan of
# least norm may then move.
DEARER = 3
SAME = 1e-6

GOOD = ("right", "refused")
BAD = ("undecided", "exception", "warning", "nan", "wrong", "changed")
VERDICTS = (*GOOD, "unconverged", *BAD)


@dataclass(frozen=True)
class Verdict:
    """One of VERDICTS, and why."""

    name: str
    why: str = ""
    seconds: float = 0.0


def attempt(problem, refused=None, **options):
    """The answer, or a Verdict where there is none; warnings are errors but one.

    refused: says of a problem that is called infeasible whether it is, in whole numbers by default.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error")
        warnings.simplefilter("always", quot.NotConvergedWarning)
        try:
            r = problem.solve(**options)
        except quot.InfeasibleError as error:
            return (refused or _refused)(problem, error)
        except Warning as error:
            return Verdict("warning", _where(error))
        except Exception as error:
            return Verdict("exception", _where(error))
    if bool(caught) == r.converged or (r.status is quot.Status.OPTIMAL) != r.converged:
        return Verdict("wrong", f"{r.status.name}, {r.converged=}, {len(caught)} warnings")
    return r


def examine(problem, **options):
    """The verdict on the answer to a problem and, for some, on that with dearer costs."""
    r = attempt(problem, **options)
    verdict = r if isinstance(r, Verdict) else judge(problem, r)
    if verdict.name != "right" or problem.seed % DEARER:
        return verdict
    other = dearer(problem, r)
    if other is None:
        return verdict
    again = attempt(other, **options)
    second = again if isinstance(again, Verdict) else judge(other, again)
    seconds = verdict.seconds + second.seconds
    if second.name != "right":
        return Verdict("changed", f"with dearer costs {second.name}: {second.why}", seconds)
    if problem.reg == 0 and problem.has_ties:
        one, two = (_Answer(problem, x).amounts() for x in (r, again))
        moved = np.linalg.norm(two - one) / (np.linalg.norm(one) or 1.0)
        if moved > SAME:
            why = f"with dearer costs {moved:.1e} of the plan of least norm moves"
            return Verdict("changed", why, seconds)
    return replace(verdict, seconds=seconds)


def judge(problem, r):
    """The verdict on an answer."""
    numbers = [r.plan.values, r.f, r.g, r.lam, r.value, r.cost]
    numbers += [r.certificate.lower, r.certificate.upper] if r.converged else []
    if not all(np.isfinite(x).all() for x in numbers):
        return Verdict("nan", f"{r.status.name}; value {r.value}, bracket {r.certificate}")
    found = _Answer(problem, r)
    admitted = not r.converged and r.certificate.primal_residual > FEASIBLE
    wrong = ("" if admitted else found.infeasible()) or found.misreported()
    if wrong:
        return Verdict("wrong", f"{r.status.name}: {wrong}", r.seconds)
    if not r.converged:
        c = r.certificate
        return Verdict(
            "unconverged",
            f"{r.status.name}, relative gap {c.relative_gap:.1e}, residual {c.primal_residual:.1e}",
            r.seconds,
        )
    name, why = found.compare()
    return Verdict(name, why, r.seconds)


def _where(error):
    """The error and the last line of quot that it went through."""
    at, frame = "", error.__traceback__
    while frame is not None:
        if "quot" in frame.tb_frame.f_globals.get("__name__", ""):
            at = f" at {frame.tb_frame.f_globals['__name__']}:{frame.tb_lineno}"
        frame = frame.tb_next
    return f"{type(error).__name__}: {error}{at}"


def _refused(problem, error):
    """Whether there really is no plan, by a maximum flow."""
    net, source, sink, total = _through(problem)
    short = Fraction(int(total - exact.most(net, source, sink)), int(total) or 1)
    if short <= FEASIBLE:
        return Verdict("exception", f"InfeasibleError, but only {float(short):.1e} is: {error}")
    return Verdict("refused", f"{float(short):.1e} cannot be moved")


# --- problems as networks ----------------------------------------------------------------------


def _arcs(problem):
    """Arcs (tail, head, cost, capacity) between the nodes: rows and columns with mass, or all."""
    if problem.kind == "graph":
        g = problem.graph
        both = ~g.directed
        u, v = g.edges.T
        return (
            np.r_[u, v[both]],
            np.r_[v, u[both]],
            np.r_[g.lengths, g.lengths[both]],
            np.r_[g.capacity, g.capacity[both]],
        )
    rows, cols = np.nonzero(_live(problem))
    cost = problem.C[rows, cols]
    return rows, cols + problem.a.size, cost, np.full(rows.size, np.inf)


def _live(problem):
    """Pairs (n, m) that may carry mass."""
    return np.isfinite(problem.C) & np.logical_and.outer(problem.a > 0, problem.b > 0)


def _nodes(problem):
    """Nodes, those that send and those that take."""
    n, m = problem.a.size, problem.b.size
    if problem.kind == "graph":
        return n, np.arange(n), np.arange(n)
    return n + m, np.arange(n), n + np.arange(m)


def _network(problem, ends=None):
    """All of it, as it was given; the sources and sinks of partial mass are two more nodes.

    The rounding of equal totals goes to the largest target.
    """
    tail, head, cost, capacity = _arcs(problem)
    count, one, other = _nodes(problem)
    partial = problem.mass is not None if ends is None else ends
    mass = problem.mass if problem.mass is not None else 0.0
    mass_bits = exact.bits(problem.a, problem.b, mass, capacity) + 60
    a, b = (exact.whole(x, mass_bits) for x in (problem.a, problem.b))
    weight = np.full(tail.size, problem.reg)
    demand = np.full(count + 2 * partial, 0, object)
    if problem.mass is None:
        b[np.argmax(problem.b)] += sum(a) - sum(b)
    if partial:
        S, T = np.full(one.size, count), np.full(other.size, count + 1)
        tail, head = np.r_[tail, S, other], np.r_[head, one, T]
        cost, weight = (np.r_[x, np.zeros(one.size + other.size)] for x in (cost, weight))
        capacity = np.r_[capacity, problem.a, problem.b]
        total = min(sum(a), sum(b))  # sums that are rounded may say a little more
        if problem.mass is not None:
            total = min(exact.whole(problem.mass, mass_bits)[0], total)
        demand[-2:] = -total, total
    else:
        np.subtract.at(demand, one, a)
        np.add.at(demand, other, b)
    return exact.Network.of(tail, head, cost, weight, capacity, demand, mass_bits)


def _through(problem):
    """The network from one source to one sink, and what has to go through."""
    net = _network(problem, ends=True)
    return net, net.demand.size - 2, net.demand.size - 1, net.demand[-1]


class _Answer:
    """A result on the network of its problem, in whole numbers."""

    def __init__(self, problem, r):
        self.problem, self.r = problem, r
        self.net = net = _network(problem)
        masses = lambda x: exact.whole(x, net.mass_bits)  # noqa: E731
        _, one, other = _nodes(problem)
        if problem.kind == "graph":
            w, both = r.plan.values, ~problem.graph.directed
            x = masses(np.r_[np.where(both, np.maximum(w, 0.0), w), np.maximum(-w, 0.0)[both]])
            sent, received = masses(r.plan.sent), masses(r.plan.received)
            self.stray = None
        else:
            P = np.zeros(problem.C.shape)
            np.add.at(P, (r.plan.rows, r.plan.cols), r.plan.values)
            live = _live(problem)
            self.stray = np.argwhere((P != 0) & ~live)
            x = masses(P[live])
            rows, cols = np.nonzero(live)
            sent, received = (np.full(k, 0, object) for k in P.shape)
            np.add.at(sent, rows, x)
            np.add.at(received, cols, x)
        costs = lambda p: exact.whole(p, net.cost_bits)  # noqa: E731
        p = np.full(net.demand.size, 0, object)
        p[one] = -costs(r.f)
        if problem.kind != "graph":
            p[other] = costs(r.g) + costs(r.lam)[0]
        if problem.mass is not None:
            x = np.r_[x, sent, received]
            p[-2:] = 0, costs(r.lam)[0]
        self.x, self.p = x, p
        most = max(problem.a.max(), problem.b.max())
        self.unit = masses(min(most, problem.mass) if problem.mass is not None else most)[0]
        self.value = net.value(x)

    def amounts(self):
        """What pairs or edges carry, in floating point.

        Mass that is sent and received at the same node, where lengths pay, has no norm to be least.
        """
        if self.problem.kind == "graph":
            return self.r.plan.values
        return np.array([self.net.mass(x) for x in self.x])

    def infeasible(self):
        """What constraint the plan violates, if any."""
        if self.stray is not None and len(self.stray):
            return f"mass on pairs that can carry none, first {self.stray[0].tolist()}"
        most = FEASIBLE * self.unit
        off = abs(self.net.arriving(self.x) - self.net.demand)
        if max(off) > most:
            v = int(np.argmax(off))
            return f"node {v} is off by {float(Fraction(off[v], self.unit)):.1e} of the largest"
        for e, (x, k) in enumerate(zip(self.x, self.net.capacity, strict=True)):
            if x < 0 or (k is not None and x - k > most):
                return f"arc {e} carries {float(Fraction(x, self.unit)):.3e} of the largest mass"
        return ""

    def misreported(self):
        """What number of the result is not what it is said to be, if any."""
        net, r = self.net, self.r
        said, is_, terms = r.value, net.real(self.value), net.real(net.value(self.x))
        terms = net.real(net.linear_terms(self.x)) + abs(terms)
        if abs(said - is_) > 1e-12 * terms + self.blur():
            return f"the value is said to be {said:.15g}, and is {is_:.15g}"
        return ""

    def blur(self):
        """What the value may be off by since costs between points are themselves rounded."""
        if self.problem.kind != "points":
            return 0.0
        units = 1.0 if self.problem.points[2] == "cosine" else 0.0
        return 1e-14 * units * float(self.problem.a.sum())

    def own(self):
        """The network whose masses and limits are those that the plan has, up to round-off."""
        net = self.net
        off = ROUND_OFF * self.unit
        capacity = net.capacity.copy()
        for e, k in enumerate(capacity):
            if k is not None and abs(k - self.x[e]) <= off:
                capacity[e] = self.x[e]
        return net.but(capacity=capacity, demand=net.arriving(self.x))

    def allowed(self, best, *flows):
        """By how much the value may differ from the best one, perhaps of these flows."""
        net = self.net
        blur = Fraction(self.blur()) * (1 << (net.cost_bits + net.mass_bits))
        whole = max(net.rounding(x) for x in (self.x, *flows))
        return VALUE * abs(best) + TERMS * net.linear_terms(self.x) + blur + whole

    def compare(self):
        """Verdict and reason: the value against the optimum.

        First that for the masses the plan has: it is feasible for those, and no plan is better than
        the optimum, only than one that was found. Then that for those given, where round-off of
        masses excuses what it costs on the dearest arc that the best plan uses.
        """
        own, given = (self.bounds(net) for net in (self.own(), self.net))
        for name, (lower, upper, x) in (("its own masses", own), ("the masses as given", given)):
            excused, off = 0, None if upper is None else self.value - upper
            if name != "its own masses" and x is not None:
                used = x > 0
                dearest = max(abs(self.net.cost[used] + self.net.weight[used] * x[used]), default=0)
                excused, off = ROUND_OFF * self.unit * dearest, off and abs(off)
            best = () if x is None else (x,)
            if off is not None and off > self.allowed(upper, *best) + excused:
                return "wrong", self.tell(upper, name)
            if lower is not None and self.value - lower > self.allowed(lower, *best) + excused:
                return "undecided", self.tell(lower, name)
        return "right", ""

    def bounds(self, net):
        """Bounds of the least value and the flow of the upper one, None where there is none."""
        if self.problem.reg == 0:
            found = exact.cheapest(net)
            return (None, None, None) if found is None else (found[0], *found)
        enough = self.value - self.allowed(self.value) / 2
        lower, upper, x = exact.improve(net, self.p, self.x, enough)
        if upper is None and (lower is None or lower < enough):
            found = exact.cheapest(net)
            if found is None:
                return None, None, None
            p = exact.potentials(net, found[1])
            lower, upper, x = exact.improve(net, p, found[1], enough)
        return lower, upper, x

    def tell(self, best, name):
        """How far the value is from the best, and what of it the certificate allows."""
        net, c = self.net, self.r.certificate
        above, size = net.real(self.value - best), abs(net.real(best)) or 1.0
        excused = 1e-9 * c.scale, c.round_off
        return (
            f"value {self.r.value:.9g}, best {net.real(best):.9g} for {name}: "
            f"{above / size:+.1e} of it; in units of that difference tol * scale is "
            f"{excused[0] / abs(above):.1e}, round_off {excused[1] / abs(above):.1e}"
        )
