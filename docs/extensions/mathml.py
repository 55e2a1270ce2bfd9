"""Formulas as MathML, made when the pages are: browsers show them without a script."""

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

# Letters of one word, as `\mathrm{reg}` has them; in one element they stand as close as in text.
LETTERS = re.compile(
    r'<mi mathvariant="(?P<kind>\w+)">\w</mi>(?:<mi mathvariant="(?P=kind)">\w</mi>)+'
)
# How close things stand, where the converter leaves it to the browser: bars to what they enclose,
# names of functions to what follows, a slash to both sides, a sign to its number.
CLOSE = (
    (
        r"<m[io][^>]*>(&#x0007C;|&#x02016;)</m[io]>",
        r'<mo stretchy="false" lspace="0" rspace="0">\1</mo>',
    ),
    (r"<mo>(max|min)</mo>(?=<mo)", r'<mo lspace="0" rspace="0">\1</mo>'),
    (r"<mo>(max|min)</mo>", r'<mo lspace="0" rspace="0.167em">\1</mo>'),
    (r"<mi>(log|exp)</mi>(?=<m(?:i|n|su))", r'<mi>\1</mi><mspace width="0.167em" />'),
    (r"<mo>&#x0002F;</mo>", '<mo lspace="0" rspace="0">/</mo>'),
    (r"(?<=>&#x00028;</mo>)<mo>&#x02212;</mo>", '<mo form="prefix">&#x02212;</mo>'),
)
# What a line may not begin with, after a formula.
CLOSING = re.compile(r"[.,;:!?)\]]+")


def formula(latex: str, *, display: bool) -> str:
    """Return the MathML of a formula in LaTeX."""
    latex = re.sub(r"\\[lr](v|V)ert(?![a-zA-Z])", r"\\\1ert ", latex)  # those would grow
    if display:
        latex = re.sub(r"\\(min|max)_", r"\\\1\\limits_", latex)
    try:
        made = convert(latex, display="block" if display else "inline")
    except Exception as error:
        raise ExtensionError(f"no MathML of the formula {latex!r}: {error}") from error
    made = made.replace(r"\_", "_")
    for loose, close in CLOSE:
        made = re.sub(loose, close, made)
    if "\\" in made:
        raise ExtensionError(f"a command is left in the MathML of the formula {latex!r}")
    return LETTERS.sub(_word, made)


def _word(found: re.Match[str]) -> str:
    letters = re.sub(r"<[^>]*>", "", found.group())
    return f'<mi mathvariant="{found["kind"]}">{letters}</mi>'


def _inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(f'<span class="math">{formula(node.astext(), display=False)}</span>')
    raise nodes.SkipNode


def _block(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="math">{formula(node.astext(), display=True)}</div>\n')
    raise nodes.SkipNode


def keep_together(app: Sphinx, page: nodes.document, name: str) -> None:
    """Put formulas and what closes them, as a comma, in one box that is on one line."""
    for node in list(page.findall(nodes.math)):
        after = node.next_node(nodes.Text, descend=False, siblings=True)
        if after is None or after.parent is not node.parent:
            continue
        closing = CLOSING.match(after.astext())
        if closing and node.parent.index(after) == node.parent.index(node) + 1:
            box = nodes.inline("", "", node.deepcopy(), nodes.Text(closing[0]), classes=["closed"])
            after.parent.replace(after, nodes.Text(after.astext()[closing.end() :]))
            node.parent.replace(node, box)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("doctree-resolved", keep_together)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
