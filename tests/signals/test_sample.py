"""A sample of moments; `make signals` has many more, and problems that take long."""

import os
import signal

import pytest

if os.name != "posix":
    pytest.skip("signals as these are sent to processes of POSIX systems", allow_module_level=True)

from tests.signals import calls, commands


@pytest.mark.parametrize(("name", "kind"), [("points", "INT"), ("graph", "TERM")])
def test_a_command_ends_as_promised_at_any_moment(name, kind, tmp_path):
    words = commands.prepare(name, tmp_path, short=True)
    found = list(commands.attempts(words, tmp_path, [kind], count=3, seed=0))
    assert [outcome for _, outcome in found if outcome.fault] == []
    assert len(found) == 3


@pytest.mark.parametrize("name", calls.NAMES)
def test_a_call_ends_as_promised_at_any_moment(name):
    before = signal.getsignal(signal.SIGINT)
    found = list(calls.attempts(name, calls.calls(short=True)[name], count=3, seed=0))
    assert [outcome for _, outcome in found if outcome.fault] == []
    assert signal.getsignal(signal.SIGINT) is before
