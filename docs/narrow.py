"""Ask a browser whether pages fit on a phone: ``python docs/narrow.py docs/_build/html``.

Each page is shown 390 pixels wide, by Chromium without a window; pages that are wider fail. Where
there is no Chromium nothing is asked, and a line says so.
"""

import argparse
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
    "--allow-file-access-from-files", "--virtual-time-budget=60000", "--dump-dom",
)  # fmt: skip
WIDTH = 390
FRAMES = """<!doctype html><meta charset="utf-8"><pre></pre><script>
const found = {}, pages = PAGES;
for (const page of pages) {
  const frame = document.createElement("iframe");
  frame.style = "width: WIDTHpx; height: 800px; border: 0";
  frame.onload = () => {
    const shown = frame.contentDocument;
    for (const folded of shown.querySelectorAll("details")) folded.open = true;
    const boxes = shown.querySelectorAll("html, .content");
    found[page] = Math.max(...[...boxes].map((box) => box.scrollWidth));
    if (Object.keys(found).length == pages.length)
      document.querySelector("pre").textContent = JSON.stringify(found);
  };
  frame.src = page;
  document.body.append(frame);
}
</script>"""


def widths(browser: str, folder: Path, width: int = WIDTH) -> dict[str, int]:
    """Return how wide each page of a folder is where there is room for `width`."""
    pages = [path.resolve().as_uri() for path in sorted(folder.rglob("*.html"))]
    with tempfile.TemporaryDirectory() as room:
        frames = Path(room) / "frames.html"
        frames.write_text(FRAMES.replace("PAGES", json.dumps(pages)).replace("WIDTH", str(width)))
        command = [browser, *OPTIONS, f"--user-data-dir={room}/user", frames.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    found = re.search(r"<pre>(\{.*?\})</pre>", done.stdout)
    if found is None:
        raise SystemExit(f"{browser} did not show the pages: {done.stderr[-2000:]}")
    start = len(folder.resolve().as_uri()) + 1
    return {page[start:]: wide for page, wide in json.loads(found[1]).items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print("no Chromium here: whether pages fit on a phone is not asked")
        return 0
    wide = {page: wide for page, wide in widths(browser, folder).items() if wide > WIDTH}
    for page, pixels in wide.items():
        print(f"{page}: {pixels} pixels wide, on a screen of {WIDTH}")
    return bool(wide)


if __name__ == "__main__":
    raise SystemExit(main())
