"""What the README and the page on the command line show is what happens."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = [
    (page, block)
    for page in ("README.md", "docs/command-line.md")
    for block in re.findall(r"```console\n(\$ cat .*?)```", (ROOT / page).read_text(), re.DOTALL)
]


@pytest.mark.parametrize("block", [block for _, block in BLOCKS], ids=[page for page, _ in BLOCKS])
def test_pages_show_what_happens(said, tmp_path, monkeypatch, block):
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
    shown = [(page, re.findall(r"\$ quot (\w+)", block)) for page, block in BLOCKS]
    assert shown == [
        ("README.md", ["solve"]),
        ("docs/command-line.md", ["solve"]),
        ("docs/command-line.md", ["graph"]),
    ]
