"""Pages that load nothing from outside: a build that made others fails."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

# What a browser fetches by itself; where an `a` or a `form` leads, it goes only when asked.
FETCHED = {"src", "srcset", "data", "poster", "background"}
OUTSIDE = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
IN_STYLE = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s;]+)""", re.IGNORECASE)


def outside(path: Path) -> list[str]:
    """Return the addresses outside that a page or a style sheet makes a browser load."""
    text = path.read_text(encoding="utf-8")
    found = IN_STYLE.findall(text) if path.suffix == ".css" else Page(text).addresses
    return [address for address in found if OUTSIDE.match(address)]


class Page(HTMLParser):
    """The addresses that a page makes a browser load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.is_style = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_style = tag == "style"
        for name, value in attrs:
            if value is not None:
                self.addresses += _addresses(tag, name, value)

    def handle_data(self, data: str) -> None:
        if self.is_style:
            self.addresses += IN_STYLE.findall(data)


def _addresses(tag: str, name: str, value: str) -> Iterator[str]:
    if name == "style":
        yield from IN_STYLE.findall(value)
    elif name == "srcset":
        yield from (part.split()[0] for part in value.split(",") if part.strip())
    elif name in FETCHED or (name.endswith("href") and tag in {"link", "image", "use"}):
        yield value


def check(app: "Sphinx", exception: Exception | None) -> None:
    from sphinx.errors import ExtensionError

    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    pages = [path for kind in ("html", "css", "svg") for path in sorted(folder.rglob(f"*.{kind}"))]
    found = [
        f"{path.relative_to(folder)}: {address}" for path in pages for address in outside(path)
    ]
    if found:
        raise ExtensionError("pages load from outside:\n" + "\n".join(found))


def setup(app: "Sphinx") -> dict[str, bool]:
    app.connect("build-finished", check, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
