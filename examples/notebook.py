"""Make the notebook of an example from its script, with what it prints and draws.

``python examples/notebook.py examples/cells.py`` writes ``examples/cells.ipynb``. In the script a
cell begins with a line ``# %%``, and text with ``# %% [markdown]``; there is no other way to change
a notebook, so that the two are the same.
"""

import base64
import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

MARK, TEXT = "# %%", "# %% [markdown]"
META = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def cells(script: str) -> list[tuple[str, str]]:
    """The cells of a script: "markdown" or "code", and the source."""
    found: list[tuple[str, list[str]]] = []
    for line in script.splitlines():
        if line.startswith(MARK):
            found.append(("markdown" if line == TEXT else "code", []))
        else:
            found[-1][1].append(line)
    return [
        (kind, "\n".join(line[2:] if kind == "markdown" else line for line in lines).strip("\n"))
        for kind, lines in found
    ]


def outputs(source: str, names: dict[str, Any]) -> list[dict[str, Any]]:
    """Run a cell; what it prints, and the figures that it leaves open."""
    import matplotlib.pyplot as plt

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(source, "cell", "exec"), names)
    found: list[dict[str, Any]] = []
    if said.getvalue():
        text = said.getvalue().splitlines(keepends=True)
        found.append({"output_type": "stream", "name": "stdout", "text": text})
    for number in plt.get_fignums():
        drawn = io.BytesIO()
        plt.figure(number).savefig(drawn, format="png", dpi=80, metadata={"Software": None})
        image = base64.b64encode(drawn.getvalue()).decode()
        data = {"image/png": image, "text/plain": ["<Figure>"]}
        found.append({"output_type": "display_data", "data": data, "metadata": {}})
    plt.close("all")
    return found


def notebook(script: str) -> dict[str, Any]:
    """The notebook of a script, run from above to below."""
    names: dict[str, Any] = {"__name__": "__main__"}
    made: list[dict[str, Any]] = []
    for number, (kind, source) in enumerate(cells(script)):
        cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}}
        cell["source"] = source.splitlines(keepends=True)
        if kind == "code":
            count = 1 + sum(other["cell_type"] == "code" for other in made)
            cell |= {"execution_count": count, "outputs": outputs(source, names)}
        made.append(cell)
    return {"cells": made, "metadata": META, "nbformat": 4, "nbformat_minor": 5}


if __name__ == "__main__":
    import matplotlib

    matplotlib.use("agg")
    path = Path(sys.argv[1])
    text = json.dumps(notebook(path.read_text()), indent=1, ensure_ascii=False)
    path.with_suffix(".ipynb").write_text(text + "\n")
    print(path.with_suffix(".ipynb"))
