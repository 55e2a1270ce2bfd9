"""Which values of the arguments of a test meet in its cases."""

import itertools

import pytest


def every_two(**values):
    """Parametrize a test so that any two values of different arguments meet in some case.

    A fault comes of one value, or of two that meet; a product tries the same two many times.
    """
    options = [list(some) for some in values.values()]
    sizes = [len(some) for some in options]
    places = range(len(sizes))
    left = dict.fromkeys(  # in order
        (i, a, j, b)
        for i, j in itertools.combinations(places, 2)
        for a, b in itertools.product(range(sizes[i]), range(sizes[j]))
    )
    cases = []
    while left:
        i, a, j, b = next(iter(left))
        case = {i: a, j: b}
        for k in places:
            if k not in case:
                new = [
                    sum(_pair(k, c, *at) in left for at in case.items()) for c in range(sizes[k])
                ]
                case[k] = new.index(max(new))
        for one, other in itertools.combinations(case.items(), 2):
            left.pop(_pair(*one, *other), None)
        cases.append([some[case[k]] for k, some in enumerate(options)])
    return pytest.mark.parametrize(list(values), cases, ids=str)


def _pair(i, a, j, b):
    return (i, a, j, b) if i < j else (j, b, i, a)
