"""The command line, run in-process."""

import json

import pytest

from quot.cli import main


@pytest.fixture
def said(capsys):
    """Run the command line; return exit code, output and errors."""

    def run(*argv):
        code = main([str(k) for k in argv])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def told(said):
    """Run with --json; return exit code and what was told."""

    def run(*argv):
        code, out, err = said(*argv, "--json")
        assert err == ""
        return code, json.loads(out, parse_constant=pytest.fail)

    return run
