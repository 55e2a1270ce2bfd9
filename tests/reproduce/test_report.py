"""The report: the same in every run, whole without a network, and readable anywhere."""

import base64
import filecmp
import hashlib
import inspect
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from quot.cli import main
from quot.reproduce.experiment import Document
from quot.reproduce.outcome import Verdict
from quot.reproduce.registry import IS_EXPERIMENT, experiments
from quot.reproduce.report.formulas import PROBLEMS, mathml
from quot.reproduce.report.page import cell, policy, pretty

TEMPLATES = Path(__file__).parents[2] / "src/quot/reproduce/report/templates"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The quick report of all experiments."""
    folder = tmp_path_factory.mktemp("report")
    assert main(["reproduce", "--quick", "-o", str(folder)]) == 0
    return folder


class Page(HTMLParser):
    """What a page has: tags with attributes, texts of some, and that all that opens is closed."""

    VOID = frozenset({"meta", "img", "br", "link", "input"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.texts = [], [], {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts[self.open[-1]] = self.texts.get(self.open[-1], "") + data

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(built):
    return Page((built / "report.html").read_text(encoding="utf-8"))


def test_the_same_bytes_in_every_run(built, tmp_path):
    """Of some experiments of each document, beside others or not; and from what was kept."""
    some = ("Q4", "Qd", "O3", "A0", "A7", "G3", "G6")
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        assert main(["reproduce", *some, "--quick", "-o", str(folder)]) == 0
    names = files(folders[0])
    assert {"report.html", "run.json", "seeds.csv", "csv/claims.csv"} < set(names)
    assert filecmp.cmpfiles(*folders, names, shallow=False) == (names, [], [])
    own = [name for name in names if Path(name).name.startswith(tuple(f"{id}-" for id in some))]
    assert len(own) > len(some)
    assert filecmp.cmpfiles(folders[0], built, own, shallow=False) == (own, [], [])
    first = [(built / name).read_bytes() for name in files(built)]
    assert main(["reproduce", "--quick", "-o", str(built)]) == 0
    assert [(built / name).read_bytes() for name in files(built)] == first


def files(folder):
    """The files of a report, but for what it keeps, and for times."""
    return [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "parts" not in path.parts and path.name != "seconds.csv"
    ]


def test_another_seed_other_numbers(built, tmp_path):
    assert main(["reproduce", "Qd", "--quick", "--seed", "1", "-o", str(tmp_path)]) == 0
    name = "csv/Qd-eps.csv"
    assert (built / name).read_text() != (tmp_path / name).read_text()
    one, other = ((folder / "report.html").read_text() for folder in (built, tmp_path))

    def ours(text):
        part = text[text.index('<article id="Qd">') :].split("</article>")[0]
        return re.findall(r"<dt>ours</dt><dd>(.*?)</dd>", part)

    assert len(ours(one)) == len(ours(other)) == 4
    assert ours(one) != ours(other)
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["experiments"]["Qd"]["seed"] == 1
    assert (tmp_path / "seeds.csv").read_text() == "id,seed\nQd,1\n"


def test_it_loads_nothing(built, page):
    text = (built / "report.html").read_text(encoding="utf-8")
    assert len(text.encode()) < 10_000_000
    assert "http" not in text.replace("http-equiv", "").lower()
    assert "url(" not in text
    assert "@import" not in text
    for _, attributes in page.tags:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            if name in attributes:
                assert attributes[name].startswith(("#", "data:image/")), attributes
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    assert not {"link", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in page.tags}
    assert page.open == []


def test_its_policy_allows_what_is_in_it(page):
    (meta,) = [m for m in page.of("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    allowed = meta["content"]
    assert allowed.startswith("default-src 'none'; img-src data:; ")
    assert "unsafe" not in allowed
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.texts[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in allowed
    style, script = ((TEMPLATES / f"report.{kind}").read_text() for kind in ("css", "js"))
    assert allowed == policy(style, script)


def test_every_figure_is_told_and_every_link_leads_somewhere(page):
    images = page.of("img")
    assert len(images) >= 2
    assert all(len(image["alt"]) > 40 for image in images)
    assert {image["src"].partition(";")[0] for image in images} == {
        "data:image/svg+xml", "data:image/webp",
    }  # fmt: skip
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {a["href"].removeprefix("#") for a in page.of("a")} <= set(ids)
    assert any(m.get("name") == "viewport" for m in page.of("meta"))


def test_numbers_of_the_page_are_those_of_the_files(built, page):
    lines = (built / "csv" / "claims.csv").read_text(encoding="utf-8").splitlines()
    rows = [a for a in page.of("tr") if "data-verdict" in a]
    assert len(rows) == len(lines) - 1 >= 3 * len(experiments())
    text = (built / "report.html").read_text(encoding="utf-8")
    for name in re.findall(r"csv/([\w-]+\.csv)", text):
        assert (built / "csv" / name).is_file()
    assert "seconds" not in page.texts.get("td", "")
    assert "Data missing for Q4" in text


def test_every_experiment_is_in_order():
    known = experiments()
    rows = {"Q": range(8), "O": range(1, 5), "A": range(7), "G": range(1, 8)}
    assert {f"{letter}{k}" for letter, numbers in rows.items() for k in numbers} <= set(known)
    order = list(Document)
    assert sorted(known.values(), key=lambda e: (order.index(e.document), e.id)) == list(
        known.values()
    )
    for id, experiment in known.items():
        assert experiment.id == id
        file = experiment.run.__module__.rpartition(".")[2]
        assert file.startswith(f"{id.lower()}_")
        assert set(experiment.parameters(is_quick=True)) == set(experiment.full)


def test_no_experiment_imports_another():
    """Its outcome is kept while its own file and what is shared are the same."""
    for experiment in experiments().values():
        text = Path(inspect.getfile(experiment.run)).read_text(encoding="utf-8")
        for name in re.findall(r"from quot\.reproduce\.\w+\.(\w+) import", text):
            assert not IS_EXPERIMENT.fullmatch(name), f"{experiment.id} imports {name}"


def test_formulas_are_mathml():
    assert mathml("a_i^2 / 3") == (
        '<math display="block"><msubsup><mi>a</mi><mi>i</mi><mn>2</mn></msubsup>'
        "<mo>/</mo><mn>3</mn></math>"
    )
    assert "<mfrac><mi>ε</mi><mn>2</mn></mfrac>" in mathml("ε/2 ‖ X ‖^2 with X < 1")
    assert "<mo>&lt;</mo>" in mathml("X < 1")
    assert set(PROBLEMS) == set(Document)
    for text in PROBLEMS.values():
        assert Page(mathml(text)).open == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1e-10", "10⁻¹⁰"),
        ("from 3e-05 to 2.5e+03", "from 3·10⁻⁵ to 2.5·10³"),
        ("by -0.306 to 0.7", "by −0.306 to 0.7"),
        ("12-NN, CIFAR-10, 0.5-0.7, X - 1", "12-NN, CIFAR-10, 0.5-0.7, X - 1"),
    ],
)
def test_numbers_in_texts(text, shown):
    assert pretty(text) == shown


def test_cells():
    cells = [1234567, 0.123456, 1e-12, float("nan"), None, True, "text"]
    assert [*map(cell, cells)] == ["1,234,567", "0.1235", "1e-12", "", "", "yes", "text"]


# --- in a browser ------------------------------------------------------------------------------


def browse(address, folder, width, *options):
    """Open a page in headless Chromium; return what is there when it has run, and errors."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed, in which the page could be opened")
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
        "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr",
        f"--window-size={width},900", *options, "--dump-dom", address,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, said


def rows_of(dom):
    """Rows of the table of claims: id, verdict, and whether each is shown; in order."""
    body = dom[dom.index('<table id="all">') : dom.index("</tbody>")]
    found = []
    for attributes, rest in re.findall(r"<tr ([^>]*)>(.*?)</tr>", body, flags=re.DOTALL):
        id = re.search(r'<a href="#(\w+)">', rest).group(1)
        verdict = re.search(r'data-verdict="([\w-]+)"', attributes).group(1)
        found.append((id, verdict, "hidden" not in attributes))
    return found


def test_a_browser_opens_it(built, tmp_path):
    dom, said = browse(f"file://{built / 'report.html'}", tmp_path, 1280)
    assert said == []
    rows = rows_of(dom)
    assert all(shown for *_, shown in rows)
    assert f"{len(rows)} of {len(rows)} claims" in dom
    assert 'aria-sort="ascending"' in dom  # the script was allowed to run


def test_verdicts_are_chosen_and_sorted(built, tmp_path):
    address = f"file://{built / 'report.html'}#verdict=unsupported&sort=verdict"
    dom, said = browse(address, tmp_path, 1280)
    assert said == []
    rows = rows_of(dom)
    chosen = [verdict for _, verdict, shown in rows if shown]
    assert set(chosen) == {"unsupported"}
    assert f"{len(chosen)} of {len(rows)} claims" in dom
    order = [verdict.replace(" ", "-") for verdict in Verdict]
    places = [order.index(verdict) for _, verdict, _ in rows]
    assert places == sorted(places)


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(built, tmp_path, width):
    """On a copy that may run one more script, which says how wide all is."""
    text = (built / "report.html").read_text(encoding="utf-8")
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    script = "<script>document.title = [innerWidth, document.body.scrollWidth].join()</script>"
    copy = tmp_path / "copy.html"
    copy.write_text(text.replace("</body>", f"{script}</body>"), encoding="utf-8")
    dom, _ = browse(f"file://{copy}", tmp_path, width)
    inner, scroll = map(int, re.search(r"<title>(\d+),(\d+)</title>", dom).groups())
    assert scroll <= inner <= max(width, 500)
