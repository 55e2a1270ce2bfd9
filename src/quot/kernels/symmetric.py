"""Symmetric plans of a point set with itself: entries, their sums, and products with the Hessian.

The pairs of row i are col, cost [start[i] : start[i + 1]], both (i, j) and (j, i) among them. With
prices f (n,) and what spreading costs, E = e_i + e_j + floor > 0, an entry is p = h*'(l) with
l = (f_i + f_j - C_ij)/E: exp(l), or max(l, 0). Of each the Hessian knows w = h*''(l)/E and l.
"""

from quot.kernels._jit import exp, kernel


@kernel
def answer(first, last, start, col, cost, f, e, floor, is_entropic, p, w, l, sums):
    """In place: entries p, weights w and l (K,) of rows first .. last, and sums (7, n) over them.

    Those are of p, of h(p), of E h*(l), and of w, w l, w l^2, and what of w is on the diagonal.
    """
    for i in range(first, last):
        mass = 0.0
        spread = 0.0
        paid = 0.0
        one = 0.0
        two = 0.0
        three = 0.0
        own = 0.0
        for q in range(start[i], start[i + 1]):
            j = col[q]
            E = e[i] + e[j] + floor
            inverse = 1.0 / E
            y = (f[i] + f[j] - cost[q]) * inverse
            if is_entropic:
                p[q] = exp(y)
                w[q] = p[q] * inverse
            else:
                p[q] = max(y, 0.0)
                w[q] = inverse if y > 0.0 else 0.0
            l[q] = y
            if j == i:
                own = w[q]
        for q in range(start[i], start[i + 1]):
            E = e[i] + e[col[q]] + floor
            y = l[q]
            if is_entropic:
                spread += p[q] * (y - 1.0)
                paid += E * p[q]
            else:
                spread += 0.5 * p[q] * p[q]
                paid += 0.5 * E * p[q] * p[q]
            mass += p[q]
            one += w[q]
            two += w[q] * y
            three += w[q] * y * y
        sums[0, i] = mass
        sums[1, i] = spread
        sums[2, i] = paid
        sums[3, i] = one
        sums[4, i] = two
        sums[5, i] = three
        sums[6, i] = own


@kernel
def product(first, last, start, col, w, l, x, y, out_x, out_y):
    """In place: rows first .. last of the Hessian times prices x and costs of spreading y (n,)."""
    for i in range(first, last):
        one = 0.0
        two = 0.0
        for q in range(start[i], start[i + 1]):
            j = col[q]
            t = w[q] * ((x[i] + x[j]) - l[q] * (y[i] + y[j]))
            one += t
            two -= l[q] * t
        out_x[i] = one
        out_y[i] = two
