"""Boxes around nested clusters of points, and the passes over pairs that they cut short.

A tree over n points in kd order has 2^depth leaves, ranges ``bounds`` of that order, and inner
nodes numbered as in a heap: node v has children 2v and 2v + 1, node 1 is the root. Points come
transposed, (d, n), so that inner loops run along leaves. A side is the tuple
(points, bounds, nodes). Over the potentials of each node lies a lid, a plane; the cost less both
lids bounds every slack C - f - g between two boxes.
"""

import numpy as np

from quot.kernels._jit import kernel

# A bound gives way by this much, relative to its terms, for rounding in itself and in the costs.
_GIVE = 1e-14
# A distance between boxes that nearly touch is wrong by the rounding of what is subtracted.
_SHRINK = 1e-15
# Dimensions up to which lids are tilted.
_FITTED = 16


@kernel
def fit(points, bounds):
    """Smallest boxes of all nodes: low, high (2 leaves, d)."""
    d, _ = points.shape
    leaves = bounds.size - 1
    low = np.empty((2 * leaves, d))
    high = np.empty((2 * leaves, d))
    for k in range(d):
        low[0, k] = 0.0
        high[0, k] = 0.0
        for leaf in range(leaves):
            least = np.inf
            most = -np.inf
            for q in range(bounds[leaf], bounds[leaf + 1]):
                least = min(least, points[k, q])
                most = max(most, points[k, q])
            low[leaves + leaf, k] = least
            high[leaves + leaf, k] = most
        for v in range(leaves - 1, 0, -1):
            low[v, k] = min(low[2 * v, k], low[2 * v + 1, k])
            high[v, k] = max(high[2 * v, k], high[2 * v + 1, k])
    return low, high


@kernel
def nodes(points, bounds, low, high, values):
    """Boxes and lids of all nodes, a line each: middle, half width, slope (d each), height, top.

    A lid lies on the values from above: value <= height + slope . (point - middle), and value <=
    top. The slope is that of a least-squares fit: potentials are smooth where points are close,
    and a constant in place of a plane would spoil every bound by the size of the box.
    """
    d, _ = points.shape
    leaves = bounds.size - 1
    out = np.zeros((2 * leaves, 3 * d + 2))
    moment = np.empty((d, d))
    mean = np.empty(d)
    slope = np.empty(d)
    span = leaves  # leaves of a node
    for v in range(1, 2 * leaves):
        if v & (v - 1) == 0 and v > 1:
            span //= 2
        first = (v * span) % leaves
        start = bounds[first]
        stop = bounds[first + span]
        for k in range(d):
            out[v, k] = 0.5 * (low[v, k] + high[v, k])
            out[v, d + k] = max(high[v, k] - out[v, k], out[v, k] - low[v, k])
            slope[k] = 0.0
        if d <= _FITTED and stop - start > d:
            _fit_slope(points, values, start, stop, moment, mean, slope)
        above = -np.inf
        most = -np.inf
        for k in range(d):
            out[v, 2 * d + k] = slope[k]
        for q in range(start, stop):
            plane = 0.0
            for k in range(d):
                plane += slope[k] * (points[k, q] - out[v, k])
            above = max(above, values[q] - plane)
            most = max(most, values[q])
        out[v, 3 * d] = above
        out[v, 3 * d + 1] = most
    return out


@kernel
def _fit_slope(points, values, start, stop, moment, mean, slope):
    """Least-squares slope of the values of some points, into `slope`."""
    d = slope.size
    size = stop - start
    average = 0.0
    for q in range(start, stop):
        average += values[q]
    average /= size
    trace = 0.0
    for k in range(d):
        mean[k] = 0.0
        for q in range(start, stop):
            mean[k] += points[k, q]
        mean[k] /= size
        for q in range(start, stop):
            slope[k] += (points[k, q] - mean[k]) * (values[q] - average)
        for h in range(k + 1):
            moment[k, h] = 0.0
            for q in range(start, stop):
                moment[k, h] += (points[k, q] - mean[k]) * (points[h, q] - mean[h])
        trace += moment[k, k]
    # Cholesky, by columns below the diagonal, of the moments and a ridge.
    for k in range(d):
        moment[k, k] += 1e-9 * trace
        for h in range(k):
            moment[k, k] -= moment[k, h] * moment[k, h]
        moment[k, k] = np.sqrt(max(moment[k, k], 1e-12 * trace))
        for i in range(k + 1, d):
            for h in range(k):
                moment[i, k] -= moment[i, h] * moment[k, h]
            moment[i, k] /= moment[k, k]
    for k in range(d):
        for h in range(k):
            slope[k] -= moment[k, h] * slope[h]
        slope[k] /= moment[k, k]
    for k in range(d - 1, -1, -1):
        for h in range(k + 1, d):
            slope[k] -= moment[h, k] * slope[h]
        slope[k] /= moment[k, k]
        if not np.isfinite(slope[k]):
            slope[k] = 0.0


@kernel
def _between(metric, d, node, u, other, v):
    """The least slack between two boxes: cost less the lids of both.

    Squares are taken exactly, coordinate by coordinate. Of the other metrics there are two bounds:
    one from the planes that touch the distance between the middles, to first order as good as the
    lids are; and the plain one, from box to box.
    """
    height = node[u, 3 * d]
    rise = other[v, 3 * d]
    total = 0.0
    size = abs(height) + abs(rise)
    if metric == 1 or metric == 2:
        plain = 0.0
        apart = 0.0
        for k in range(d):
            t = node[u, k] - other[v, k]
            apart += t * t
            half = node[u, d + k] + other[v, d + k]
            t = max(0.0, abs(t) - half - _SHRINK * (abs(t) + half))
            plain += t if metric == 2 else t * t
        apart = np.sqrt(apart)
        if metric == 1:
            plain = np.sqrt(plain)
        for k in range(d):
            t = node[u, k] - other[v, k]
            if metric == 1:
                n = t / apart if apart > 0.0 else 0.0
            else:
                n = 1.0 if t > 0.0 else -1.0
            lean = abs(n - node[u, 2 * d + k]) * node[u, d + k]
            lean += abs(n + other[v, 2 * d + k]) * other[v, d + k]
            total += n * t - lean
            size += abs(t) + lean
        top = node[u, 3 * d + 1]
        peak = other[v, 3 * d + 1]
        bound = max(total - height - rise, plain - top - peak)
        return bound - _GIVE * (size + abs(top) + abs(peak))
    twice = 2.0 if metric == 3 else 1.0  # 1 - cos of the angle is half the squared chord
    for k in range(d):
        apart = node[u, k] - other[v, k]
        half = node[u, d + k]
        wide = other[v, d + k]
        r = twice * node[u, 2 * d + k]
        p = twice * other[v, 2 * d + k]
        # From the middles x and y, the least of (apart + x - y)^2 - r x - p y.
        x = (-wide if p + r < 0.0 else wide) - apart + 0.5 * r
        x = min(max(x, -half), half)
        y = min(max(apart + x + 0.5 * p, -wide), wide)
        t = max(0.0, abs(apart + x - y) - _SHRINK * (abs(apart) + half + wide))
        square = t * t
        total += square - r * x - p * y
        size += square + abs(r * x) + abs(p * y)
    if metric == 3:
        total *= 0.5
        size += 1.0
    return total - height - rise - _GIVE * size


@kernel
def _towards(metric, d, points, i, value, other, v):
    """The least slack between point i, of the given potential, and a box."""
    rise = other[v, 3 * d]
    total = 0.0
    size = abs(rise) + abs(value)
    if metric == 1 or metric == 2:
        plain = 0.0
        apart = 0.0
        for k in range(d):
            t = points[k, i] - other[v, k]
            apart += t * t
            half = other[v, d + k]
            t = max(0.0, abs(t) - half - _SHRINK * (abs(t) + half))
            plain += t if metric == 2 else t * t
        apart = np.sqrt(apart)
        if metric == 1:
            plain = np.sqrt(plain)
        for k in range(d):
            t = points[k, i] - other[v, k]
            if metric == 1:
                n = t / apart if apart > 0.0 else 0.0
            else:
                n = 1.0 if t > 0.0 else -1.0
            lean = abs(n + other[v, 2 * d + k]) * other[v, d + k]
            total += n * t - lean
            size += abs(t) + lean
        peak = other[v, 3 * d + 1]
        bound = max(total - rise, plain - peak) - value
        return bound - _GIVE * (size + abs(peak))
    twice = 2.0 if metric == 3 else 1.0
    for k in range(d):
        apart = points[k, i] - other[v, k]
        wide = other[v, d + k]
        p = twice * other[v, 2 * d + k]
        y = min(max(apart + 0.5 * p, -wide), wide)
        t = max(0.0, abs(apart - y) - _SHRINK * (abs(apart) + wide))
        square = t * t
        total += square - p * y
        size += square + abs(p * y)
    if metric == 3:
        total *= 0.5
        size += 1.0
    return total - rise - value - _GIVE * size


@kernel
def _costs(metric, points, i, others, start, stop, out):
    """Costs of point i to the others start .. stop, into out[: stop - start]."""
    for q in range(stop - start):
        out[q] = 0.0
    for k in range(points.shape[0]):
        x = points[k, i]
        if metric <= 1:
            for q in range(stop - start):
                t = x - others[k, start + q]
                out[q] += t * t
        elif metric == 2:
            for q in range(stop - start):
                out[q] += abs(x - others[k, start + q])
        else:
            for q in range(stop - start):
                out[q] += x * others[k, start + q]
    if metric == 1:
        for q in range(stop - start):
            out[q] = np.sqrt(out[q])
    elif metric == 3:
        for q in range(stop - start):
            out[q] = 1.0 - out[q]


@kernel
def _widest(bounds):
    """Points of the largest leaf."""
    most = 0
    for leaf in range(bounds.size - 1):
        most = max(most, bounds[leaf + 1] - bounds[leaf])
    return most


@kernel
def _insert(slack, index, i, value, where):
    """Put `value` into the ascending list `slack[i]`, dropping its last entry."""
    k = slack.shape[1] - 1
    while k > 0 and slack[i, k - 1] > value:
        slack[i, k] = slack[i, k - 1]
        index[i, k] = index[i, k - 1]
        k -= 1
    slack[i, k] = value
    index[i, k] = where


@kernel
def _doubled(index):
    """A copy with twice the room."""
    longer = np.empty(2 * index.size, np.int32)
    for k in range(index.size):
        longer[k] = index[k]
    return longer


@kernel
def nearest(first, last, metric, side, f, other, g, noise, slack, index, collect):
    """Keep the pairs of least slack C - f - g > noise of each row, in place.

    Rows are the points of the leaves first .. last of `side`. slack, index (n, k) are ascending
    lists; places not used yet hold a slack beyond which nothing is wanted, -inf for nothing at all.
    Returns rows, cols (int32) of the pairs of slack <= noise if `collect`, and how many pairs
    and boxes were looked at.
    """
    points, bounds, node = side
    others, other_bounds, box = other
    d = points.shape[0]
    leaves = bounds.size - 1
    other_leaves = other_bounds.size - 1
    k = slack.shape[1] - 1
    rows = np.empty(1024, np.int32)
    cols = np.empty(1024, np.int32)
    count = 0
    pairs = 0
    boxes = 0
    line = np.empty(_widest(other_bounds))
    stack = np.empty(128, np.int64)
    level = np.empty(128)
    for leaf in range(first, last):
        start = bounds[leaf]
        stop = bounds[leaf + 1]
        here = leaves + leaf
        reach = -np.inf
        for i in range(start, stop):
            reach = max(reach, slack[i, k])
        if reach == -np.inf:
            continue
        reach = max(reach, noise)
        stack[0] = 1
        level[0] = -np.inf
        depth = 1
        while depth > 0:
            depth -= 1
            if level[depth] > reach:
                continue
            v = stack[depth]
            if v < other_leaves:
                boxes += 2
                for child in range(2 * v, 2 * v + 2):
                    stack[depth] = child
                    level[depth] = _between(metric, d, node, here, box, child)
                    depth += 1
                if level[depth - 2] < level[depth - 1]:  # the nearer one on top
                    stack[depth - 2], stack[depth - 1] = stack[depth - 1], stack[depth - 2]
                    level[depth - 2], level[depth - 1] = level[depth - 1], level[depth - 2]
                continue
            begin = other_bounds[v - other_leaves]
            end = other_bounds[v - other_leaves + 1]
            reach = noise
            for i in range(start, stop):
                if slack[i, k] == -np.inf:
                    continue
                worst = max(slack[i, k], noise)
                bound = _towards(metric, d, points, i, f[i], box, v)
                if bound <= worst:
                    _costs(metric, points, i, others, begin, end, line)
                    pairs += end - begin
                    for q in range(end - begin):
                        s = line[q] - f[i] - g[begin + q]
                        if s > worst:
                            continue
                        if s <= noise:
                            if collect:
                                if count == rows.size:
                                    rows = _doubled(rows)
                                    cols = _doubled(cols)
                                rows[count] = i
                                cols[count] = begin + q
                                count += 1
                        elif s < slack[i, k]:
                            _insert(slack, index, i, s, begin + q)
                            worst = max(slack[i, k], noise)
                reach = max(reach, worst)
    return rows[:count], cols[:count], pairs, boxes


@kernel
def row_roots(start, stop, metric, points, other, g, target):
    """For each row the f with sum_j [f + g_j - C_j]_+ = target, (stop - start,).

    With target 0 the largest such f. Also returns how many pairs and boxes were looked at.
    Any pairs seen bound f from above; boxes beyond that cannot matter.
    """
    others, bounds, box = other
    d = points.shape[0]
    leaves = bounds.size - 1
    out = np.empty(stop - start)
    line = np.empty(_widest(bounds))
    kept = np.empty(64)
    stack = np.empty(128, np.int64)
    level = np.empty(128)
    pairs = 0
    boxes = 0
    for i in range(start, stop):
        root = np.inf
        count = np.int64(0)
        stack[0] = 1
        level[0] = -np.inf
        depth = 1
        while depth > 0:
            depth -= 1
            if level[depth] >= root:
                continue
            v = stack[depth]
            if v < leaves:
                boxes += 2
                for child in range(2 * v, 2 * v + 2):
                    stack[depth] = child
                    level[depth] = _towards(metric, d, points, i, 0.0, box, child)
                    depth += 1
                if level[depth - 2] < level[depth - 1]:
                    stack[depth - 2], stack[depth - 1] = stack[depth - 1], stack[depth - 2]
                    level[depth - 2], level[depth - 1] = level[depth - 1], level[depth - 2]
                continue
            begin = bounds[v - leaves]
            end = bounds[v - leaves + 1]
            _costs(metric, points, i, others, begin, end, line)
            pairs += end - begin
            if target[i] == 0.0:
                for q in range(end - begin):
                    root = min(root, line[q] - g[begin + q])
                continue
            if count + end - begin > kept.size:
                count = _keep_below(kept, count, root)
                while count + end - begin > kept.size:
                    longer = np.empty(2 * kept.size)
                    for q in range(count):
                        longer[q] = kept[q]
                    kept = longer
            before = count
            for q in range(end - begin):
                s = line[q] - g[begin + q]
                kept[count] = s
                count += 1 if s < root else 0
            if count > before:
                root = _root(kept, count, target[i], root)
        out[i - start] = root
    return out, pairs, boxes


@kernel
def _keep_below(values, count, limit):
    """Move the values below the limit to the front; return how many there are."""
    left = 0
    for q in range(count):
        s = values[q]
        values[left] = s
        left += 1 if s < limit else 0
    return left


@kernel
def _root(values, count, target, above):
    """The f with sum [f - values]_+ = target; Newton from `above` or another upper bound."""
    if above == np.inf:
        least = np.inf
        for q in range(count):
            least = min(least, values[q])
        above = least + target
    f = above
    for _ in range(60):
        total = -target
        active = 0.0
        for q in range(count):
            y = f - values[q]
            active += 1.0 if y > 0.0 else 0.0
            total += max(y, 0.0)
        if active == 0.0 or total <= 1e-13 * target:
            break
        f -= total / active
    return f


@kernel
def scan(start, stop, metric, points, f, other, g, scale):
    """Of Y = f + g - C for the points start .. stop: sum of [scale Y]_+^2 and largest Y, each.

    For the certificate, hence apart from `nearest`. A box is left out if no pair with it has Y > 0,
    nor more than the largest Y so far. Also returns how many pairs were looked at.
    """
    others, bounds, box = other
    d = points.shape[0]
    leaves = bounds.size - 1
    squares = np.empty(stop - start)
    largest = np.empty(stop - start)
    line = np.empty(_widest(bounds))
    stack = np.empty(128, np.int64)
    level = np.empty(128)
    pairs = 0
    for i in range(start, stop):
        total = 0.0
        top = -np.inf
        stack[0] = 1
        level[0] = -np.inf
        depth = 1
        while depth > 0:
            depth -= 1
            if level[depth] > max(0.0, -top):
                continue
            v = stack[depth]
            if v < leaves:
                near = 2 * v
                far = near + 1
                near_level = _towards(metric, d, points, i, f[i], box, near)
                far_level = _towards(metric, d, points, i, f[i], box, far)
                if far_level < near_level:
                    near, far = far, near
                    near_level, far_level = far_level, near_level
                stack[depth] = far
                level[depth] = far_level
                stack[depth + 1] = near
                level[depth + 1] = near_level
                depth += 2
                continue
            begin = bounds[v - leaves]
            size = bounds[v - leaves + 1] - begin
            _costs(metric, points, i, others, begin, begin + size, line)
            pairs += size
            for q in range(size):
                y = f[i] + g[begin + q] - line[q]
                top = max(top, y)
                y = scale * max(y, 0.0)
                total += y * y
        squares[i - start] = total
        largest[i - start] = top
    return squares, largest, pairs
