"""What the pages of the documentation are made with."""

import importlib.util
import re
import subprocess
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"


def tool(name):
    path = DOCS / f"{name}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOST = "//cdn.example"


@pytest.mark.parametrize(
    "text",
    [
        f'<script src="{HOST}/a.js"></script>',
        f'<script async src="https:{HOST}/a.js"></script>',
        f'<link rel="stylesheet" href="https:{HOST}/a.css">',
        f'<link rel="preload" as="font" href="{HOST}/a.woff2">',
        f'<img alt="" src=" https:{HOST}/a.png">',
        f'<img alt="" src="a.png" srcset="a.png 1x, {HOST}/a.png 2x">',
        f'<video poster="{HOST}/a.png"></video>',
        f'<object data="{HOST}/a.svg"></object>',
        f'<svg><image xlink:href="https:{HOST}/a.png"/></svg>',
        f"<style>@import '{HOST}/a.css';</style>",
        f"<style>p {{ background: url( {HOST}/a.png ) }}</style>",
        f'<p style="background: url({HOST}/a.png)">',
    ],
)
def test_what_a_page_loads_from_outside_is_found(text, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><title>A page</title>{text}")
    (found,) = tool("extensions/offline").outside(page)
    assert HOST in found


def test_style_sheets_are_looked_at(tmp_path):
    sheet = tmp_path / "sheet.css"
    sheet.write_text(f'@import "{HOST}/a.css"; @font-face {{ src: url(https:{HOST}/a.woff2) }}')
    assert len(tool("extensions/offline").outside(sheet)) == 2


def test_links_and_what_is_at_hand_are_no_fault(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        f'<a href="https:{HOST}/">away</a> <form action="{HOST}"></form> <img src="images/a.png">'
        '<link rel="stylesheet" href="_static/a.css?v=1"><script src="../_static/a.js"></script>'
        '<img src="data:image/png;base64,AA=="><style>p { background: url("a.png") }</style>'
    )
    assert tool("extensions/offline").outside(page) == []


def test_a_build_with_such_a_page_fails(tmp_path):
    pytest.importorskip("sphinx")
    offline = tool("extensions/offline")
    app = type("App", (), {"outdir": tmp_path, "builder": type("Builder", (), {"format": "html"})})
    (tmp_path / "good.html").write_text("<p>")
    offline.check(app, None)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "bad.html").write_text(f'<script src="{HOST}/a.js"></script>')
    with pytest.raises(Exception, match=r"load from outside:\nsub/bad.html: //cdn.example/a.js"):
        offline.check(app, None)


def test_formulas_are_mathml():
    pytest.importorskip("latex2mathml")
    formula = tool("extensions/mathml").formula
    made = formula(r"\min_{P \ge 0} \mathrm{reg}\,\texttt{round\_off}", display=True)
    assert made.startswith("<math")
    assert 'display="block"' in made
    assert '<munder><mo lspace="0" rspace="0.167em">min</mo>' in made
    assert '<mi mathvariant="normal">reg</mi>' in made
    assert ">round_off<" in made
    assert formula("|x|", display=False).count('lspace="0" rspace="0">&#x0007C;') == 2
    assert 'stretchy="true"' not in formula(r"\lVert P\rVert^2", display=False)
    assert "munder" not in formula(r"\min_x x", display=False)
    with pytest.raises(Exception, match=r"is left in the MathML of the formula '\\\\nothing x'"):
        formula(r"\nothing x", display=True)


def test_a_comma_stays_with_its_formula():
    pytest.importorskip("latex2mathml")
    from docutils import nodes

    page = nodes.paragraph()
    page += [nodes.Text("of "), nodes.math("k", "k"), nodes.Text("), or "), nodes.math("n", "n")]
    page += [nodes.Text(" of "), nodes.math("m", "m")]
    tool("extensions/mathml").keep_together(None, page, "page")
    (box,) = page.findall(nodes.inline)
    assert [child.astext() for child in box] == ["k", "),"]
    assert box["classes"] == ["closed"]
    assert page.astext() == "of k), or n of m"


def test_pages_that_are_too_wide_are_found(tmp_path, monkeypatch, capsys):
    narrow = tool("narrow")
    monkeypatch.setattr(narrow.shutil, "which", lambda name: None)
    monkeypatch.setattr("sys.argv", ["narrow.py", str(tmp_path)])
    assert narrow.main() == 0
    assert "no Chromium here" in capsys.readouterr().out
    shown = '<pre>{"PAGE/wide.html": 900, "PAGE/fits.html": 390}</pre>'
    shown = shown.replace("PAGE", tmp_path.resolve().as_uri())
    monkeypatch.setattr(narrow.shutil, "which", lambda name: "chromium")
    monkeypatch.setattr(
        narrow.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0, shown, "")
    )
    assert narrow.main() == 1
    assert capsys.readouterr().out == "wide.html: 900 pixels wide, on a screen of 390\n"


def test_a_browser_says_how_wide_pages_are(tmp_path):
    narrow = tool("narrow")
    browser = next(filter(None, map(narrow.shutil.which, narrow.BROWSERS)), None)
    if browser is None:
        pytest.skip("no Chromium here")
    for name, wide in (("fits", 100), ("wide", 900)):
        (tmp_path / f"{name}.html").write_text(f'<p style="width: {wide}px">{name}')
    found = narrow.widths(browser, tmp_path)
    assert found["fits.html"] <= narrow.WIDTH < 900 <= found["wide.html"]


def test_every_extra_is_on_the_page_about_installing():
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["project"]
    extras = set(project["optional-dependencies"]) - {"all"}
    told = re.findall(r"^\| `(\w+)` \|", (DOCS / "install.md").read_text(), flags=re.MULTILINE)
    assert set(told) == extras
    assert len(told) == len(extras)


def test_every_page_is_in_the_table_of_contents():
    listed = "\n".join(
        found
        for page in DOCS.glob("*.md")
        for found in re.findall(r"```{toctree}\n(.*?)```", page.read_text(), flags=re.DOTALL)
    )
    pages = {page.stem for page in DOCS.glob("*.md")} - {"index"}
    assert pages <= set(re.findall(r"^(?:.* <)?([\w-]+)>?$", listed, flags=re.MULTILINE))


def test_pictures_open_in_full_size():
    pytest.importorskip("sphinx")
    from docutils import nodes

    builder = SimpleNamespace(format="html", imagedir="_images")
    env = SimpleNamespace(images={"images/a.png": (set(), "a1.png")})
    app, enlarge = SimpleNamespace(builder=builder, env=env), tool("extensions/enlarge")
    for name, address in (("page", "_images/a1.png"), ("sub/page", "../_images/a1.png")):
        page = nodes.section("", nodes.image(uri="images/a.png"), nodes.image(uri="elsewhere"))
        enlarge.link_pictures(app, page, name)
        (link,) = page.findall(nodes.reference)
        assert link["refuri"] == address
        assert link[0]["uri"] == "images/a.png"
    page = nodes.section("", nodes.image(uri="images/a.png"))
    enlarge.link_pictures(app, page, "gallery/index")
    assert not list(page.findall(nodes.reference))
