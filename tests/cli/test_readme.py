"""What the README shows is what happens."""

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parents[2] / "README.md").read_text()
BLOCKS = re.findall(r"```console\n(\$ cat .*?)```", TEXT, flags=re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=["solve", "graph"][-len(BLOCKS) :])
def test_the_readme_shows_what_happens(said, tmp_path, monkeypatch, block):
    """Its tables are written, its command is run, and the lines it prints are those printed."""
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("QUOT_QUIET")
    *files, (command, printed) = re.findall(r"\$ (.*)\n((?:[^$].*\n)*)", block)
    for cat, table in files:
        Path(cat.removeprefix("cat ")).write_text(table)
    code, out, err = said(*command.removeprefix("quot ").split())
    assert code == 0
    assert (err + out).startswith(printed.removesuffix("...\n"))
    assert printed.endswith("...\n")
    if "graph" in command:
        flows = Path("flows.csv").read_text()
        assert flows.startswith("from,to,edge,flow,length,cost\nstation,park,0")
        assert Path("flows.png").exists()


def test_both_verbs_are_shown():
    assert len(BLOCKS) == 2
