"""Formulas as MathML, written as text: tokens between blanks, with ``_``, ``^`` and ``/``."""

from __future__ import annotations

import re
from html import escape

from quot.reproduce.experiment import Document

_WORD = re.compile(r"[a-z]{2,}")
_FUNCTIONS = {"min", "max", "log"}
_NUMBER = re.compile(r"\d+(\.\d+)?")
# Latin and Greek letters, but for the sign of a sum.
_NAME = re.compile(r"[A-Za-z\u0370-\u03a2\u03a4-\u03ff]+")
_TOKEN = re.compile(r"(?P<base>[^_^]+)(_(?P<sub>[^_^]+))?(\^(?P<sup>[^_^]+))?")

# The problem that each document is about.
PROBLEMS = {
    Document.QPOT: "min ⟨ C , X ⟩ + ε/2 ‖ X ‖^2 over X ≥ 0 with X 1 ≤ r , X^⊤ 1 ≤ c , "
    "1^⊤ X 1 = s = λ min ( | r | , | c | )",
    Document.OTARI: "min ⟨ C , P ⟩ over P ≥ 0 with P 1 = a , P^⊤ 1 = b , "
    "perplexity ( P_i / a_i ) ≥ ξ for rows or columns or both",
    Document.ASPOT: "min ⟨ C , X ⟩ + γ ( Σ X ( log X - 1 ) + Σ p ( log p - 1 ) + "
    "Σ q ( log q - 1 ) ) with X 1 + p = r , X^⊤ 1 + q = c , 1^⊤ X 1 = s",
    Document.GRAPHS: "min Σ_e ( ℓ_e | x_e | + α/2 x_e^2 ) with D x = ρ_1 - ρ_0",
}


def mathml(text: str) -> str:
    """Return a formula as MathML.

    Parameters
    ----------
    text : str
        As ``"min ⟨ C , X ⟩ + ε/2 ‖ X ‖^2"``: numbers, names, words and signs with blanks between.
    """
    body = "".join(_token(token) for token in text.split())
    return f'<math display="block">{body}</math>'


def _token(token: str) -> str:
    if "/" in token and len(token) > 1:
        above, below = token.split("/")
        return f"<mfrac>{_token(above)}{_token(below)}</mfrac>"
    match = _TOKEN.fullmatch(token)
    if match is None or not (match["sub"] or match["sup"]):
        return _atom(token)
    parts = [match["base"], *filter(None, (match["sub"], match["sup"]))]
    name = "msubsup" if len(parts) == 3 else "msub" if match["sub"] else "msup"
    return f"<{name}>{''.join(map(_atom, parts))}</{name}>"


def _atom(text: str) -> str:
    if _WORD.fullmatch(text) and text not in _FUNCTIONS:
        return f"<mtext>&#160;{text}&#160;</mtext>"
    if text in _FUNCTIONS:
        return f'<mo lspace="0.17em" rspace="0.17em">{text}</mo>'
    kind = "mn" if _NUMBER.fullmatch(text) else "mi" if _NAME.fullmatch(text) else "mo"
    shown = escape(text.replace("-", "\u2212"))
    return f"<{kind}>{shown}</{kind}>"
