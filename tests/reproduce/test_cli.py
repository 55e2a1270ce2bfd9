"""`quot reproduce`: what it takes, and what it says."""

import pytest

from quot.exceptions import MissingDependencyError


def test_an_unknown_id_lists_those_there_are(said, tmp_path):
    code, out, err = said("reproduce", "Q2", "Z9", "-o", tmp_path / "out")
    assert (code, out) == (2, "")
    assert err.startswith("quot: error: there is no experiment 'Z9'; choose from Q0, Q1, Q2,")
    assert err.endswith(", or name none to run all.\n")
    assert not (tmp_path / "out").exists()


def test_places_that_are_none(said, tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    code, _, err = said("reproduce", "Q4", "-o", file)
    assert code == 2
    assert f"`{file}` is a file; name a directory for the report." in err
    code, _, err = said("reproduce", "Q4", "-o", file / "below")
    assert code == 2
    assert "cannot be made (Not a directory); choose another place." in err
    code, _, err = said("reproduce", "Q4", "--data", tmp_path / "none", "-o", tmp_path / "out")
    assert code == 2
    assert "none` is no directory; name the one that has photos/, digits/," in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("seed", ["-1", "x", "1.5"])
def test_seeds_are_whole_numbers(said, tmp_path, seed):
    code, _, err = said("reproduce", "Q4", f"--seed={seed}", "-o", tmp_path)
    assert code == 2
    assert f"must be a whole number, 0 or more; got '{seed}'" in err


def test_it_says_what_is_missing_for_what(said, tmp_path, monkeypatch):
    monkeypatch.setenv("QUOT_QUIET", "")
    code, out, err = said("reproduce", "q4", "--quick", "--data", tmp_path, "-o", tmp_path / "out")
    assert code == 0
    assert (
        f"quot: `{tmp_path}` lacks cifar10-test/ship-0000.jpg, cifar10-test/horse-0000.jpg for Q4; "
        "in their place: two cuts of photographs of scikit-learn, 32 x 32 pixels\n"
    ) in err
    assert "quot: Q4: " in err
    assert "experiments             Q4\n" in out
    assert f"report                  {tmp_path / 'out' / 'report.html'}\n" in out
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Data missing for Q4:" in page
    assert "A quick run:" in page


def test_a_missing_package_is_named(said, tmp_path, monkeypatch):
    def missing(module, user, extra, package=None):
        raise MissingDependencyError(f"{package or module}, {user}, {extra}")

    monkeypatch.setattr("quot.reproduce.registry.need", missing)
    code, _, err = said("reproduce", "Q4", "-o", tmp_path)
    assert code == 2
    assert err == "quot: error: clarabel, reproductions, reproduce\n"
