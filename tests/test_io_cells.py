"""Cells of a table: what is a number, and which names are the same."""

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quot import InvalidProblemError
from quot.io.cells import BadCellError, Names, flags, number, numbers

WRITTEN = {
    "0": 0.0, "-0": -0.0, "+1.5": 1.5, "1.": 1.0, ".5": 0.5, " 2 ": 2.0, "1e3": 1000.0,
    "1.5E-3": 0.0015, "-1e+05": -1e5, "inf": np.inf, "-Inf": -np.inf, "+INF": np.inf, "\t7\n": 7.0,
}  # fmt: skip
NONE = [
    "", " ", "1_000", "1,000", "1.000,5", "1,5", "1 000", "1\u00a0000", "0x10", "nan", "NaN", "NA",
    "infinity", "1e999", "-1e999", "\uff11", "\u0661", "1e", "e5", ".", "+", "--1", "1.2.3", "1d3",
    "true", "1/2", "5 %", "\u22121", "1'000", "1f", "1j", "i", "in f",
]  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN)
def test_what_is_a_number(text):
    assert number(text) == WRITTEN[text]
    assert numbers([text, "1"]).tolist() == [WRITTEN[text], 1.0]


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_number(text):
    with pytest.raises(ValueError, match=r"is no number|is too large a number"):
        number(text)
    if text.strip():
        with pytest.raises(BadCellError, match="which is no number; write it with") as caught:
            numbers(["1", text])
        assert caught.value.index == 1


@given(st.text("0123456789.+-eE_ infx", max_size=8))
def test_columns_are_read_as_cells_are(text):
    """All at once or one by one, with Python's `float` as the oracle for plain ones."""
    try:
        found = number(text)
    except ValueError:
        with pytest.raises(ValueError, match="no number"):
            numbers([text or "x"])
    else:
        assert found == float(text) == numbers([text])[0]
        assert "_" not in text


@given(st.floats(allow_nan=False))
def test_numbers_keep_every_bit(value):
    assert number(repr(value)) == value


def test_nothing_bools_and_what_is_of_another_type():
    assert np.isnan(numbers(["", None, " ", np.nan, "1"])).tolist() == [True] * 4 + [False]
    assert numbers(np.array([True, False])).tolist() == [1.0, 0.0]
    assert numbers([True, None])[0] == 1.0
    for odd in (b"1", datetime.date(2020, 1, 1), [1.0], {"a": 1}):
        with pytest.raises(BadCellError, match="which is no number"):
            numbers([odd])


def test_flags():
    cells = ["1", "0", "TRUE", "False", "yes", "", None, "1.0"]
    assert flags(cells).tolist() == [True, False, True, False, True, False, False, True]
    with pytest.raises(BadCellError, match="it should be 0 or 1"):
        flags(["true.0"])


# --- names ---------------------------------------------------------------------------------------


def test_blanks_around_a_name_are_no_part_of_it_and_cases_are():
    book = Names()
    assert book.codes(["a", " a", "a\u00a0", "A"]).tolist() == [0, 0, 0, 1]
    assert book.labels() == ["a", "A"]


@pytest.mark.parametrize(
    ("one", "other"), [("\xc9cole", "E\u0301cole"), ("\u212b", "A\u030a"), ("K", "\u212a")]
)
def test_names_that_look_alike(one, other):
    for pair in ([one, other], [other, one]):
        book = Names()
        book.codes(pair)
        with pytest.raises(InvalidProblemError, match="two names of nodes look alike, ") as caught:
            book.labels()
        assert all(ascii(name) in str(caught.value) for name in pair)
    for name in (one, other):
        book = Names()
        book.codes([name, name, "e"])
        assert book.labels() == [name, "e"]


def test_one_number_in_two_forms():
    """Columns of integers become floats where some are missing: nodes fell apart."""
    for pair in (["12", "12.0"], ["12.0", "12"], ["a", "12.0", "b", "12"]):
        book = Names()
        book.codes(pair)
        with pytest.raises(
            InvalidProblemError, match=r"of nodes, '12' and '12\.0', are one number"
        ):
            book.labels()
    book = Names()
    book.codes(["1.0", "01", "v1.0", "v1"])
    assert book.labels() == ["1.0", "01", "v1.0", "v1"]


@pytest.mark.parametrize("cell", ["1.23457E+11", "1e+05", "-2E+15"])
def test_large_integers_of_excel_and_r(cell):
    with pytest.raises(BadCellError, match=r"as Excel and R write large integers.*scipen") as bad:
        Names().codes(["a", cell])
    assert bad.value.index == 1


def test_names_of_other_types():
    assert Names().codes(np.array([2.0**53, 1.0])).tolist() == [0, 1]
    for odd in (np.array([2.0**54]), [b"a"], np.array([b"a"], object), [None], [datetime.date.max]):
        with pytest.raises(BadCellError, match="nodes have integers or text for names"):
            Names().codes(odd)


def test_long_cells_take_no_time():
    """A rule that goes back and forth would take hours."""
    for text in (
        "1" * 300_000 + "x",
        "1" * 300_000 + ".",
        "1." + "0" * 300_000 + "e",
        "0." * 100_000,
    ):
        with pytest.raises(ValueError, match=r"is no number|is too large"):
            number(text)
