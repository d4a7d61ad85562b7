"""Notebooks 6 and 7 run headless with their defaults and become pages a client can be given."""

from __future__ import annotations

import re
import shutil
from itertools import pairwise

import nbformat
import pytest

from fer_nb.reports import render, run_notebook
from fer_nb.weights import notebooks_folder


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    parameters = {"config": {"n_boot": 200, "n_permutations": 200, "isc_shifts": 50}}
    return run_notebook("06_ad_study_report.ipynb", folder / "r.ipynb", parameters)


@pytest.fixture(scope="module")
def study_page(executed, tmp_path_factory):
    page = tmp_path_factory.mktemp("page") / "r.html"
    return render(executed, page, "Study").read_text(encoding="utf-8")


def test_no_heading_stands_over_nothing(executed, study_page):
    """A notebook says why a section is empty; the page leaves it out."""
    cells = nbformat.read(executed, 4).cells
    told = {}
    for heading, cell in pairwise(cells):
        if heading.source.startswith("## ") and cell.cell_type == "code":
            told[heading.source.splitlines()[0]] = cell.outputs
    assert all(told.values()), [name for name, outputs in told.items() if not outputs]
    assert "No further column" in told["## Segments"][0].text
    assert "Segments" not in re.findall(r"<h2[^>]*>(.*?)</h2>", study_page)
    assert "No further column" not in study_page


def test_the_study_report_has_all_its_parts(study_page):
    for part in (
        "How it was done",
        "Sample and data quality",
        "Curves",
        "Every respondent",
        "Moments",
        "Did they respond together?",
        "Numbers",
        "Scenes",
        "Comparison",
        "Norms",
        "Appendix",
        "What this is, and is not",
        "AI Act",
        "No norms",
        "too dark",
        "95% interval",
        "parameter: n_boot",
        "no person was recorded",
    ):
        assert part in study_page, part
    text = re.sub(r"<[^>]*>", " ", re.sub(r"data:image[^\"]*", "", study_page))
    assert not re.search(r"\bnan\b|Traceback|Warning", text)
    assert study_page.count("data:image/png") >= 10


def test_the_study_report_asks_no_other_computer(study_page):
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", study_page)


def test_the_mood_report(tmp_path):
    executed = run_notebook("07_before_after_mood.ipynb", tmp_path / "m.ipynb", {})
    page = render(executed, tmp_path / "m.html", "Mood").read_text(encoding="utf-8")
    assert "more positive after than before" in page
    assert "p (Holm)" in page
    assert "AI Act" in page


def test_the_mood_of_a_few_guests_of_ones_own(viewer, tmp_path):
    for side in ("before", "after"):
        (tmp_path / side).mkdir()
        for guest in ("Ana", "Bo", "Cy Müller"):
            shutil.copy(viewer, tmp_path / side / f"{guest}.mp4")
    parameters = {"clips": str(tmp_path), "min_valid_s": 0.5}
    executed = run_notebook("07_before_after_mood.ipynb", tmp_path / "m.ipynb", parameters)
    page = render(executed, tmp_path / "m.html", "Mood").read_text(encoding="utf-8")
    assert "too few to say more (at least 5 per side needed)" in page


def test_a_study_of_one_person_of_ones_own(viewer, tmp_path):
    (tmp_path / "m.csv").write_text(f"respondent,stimulus,video\nann,film,{viewer}\n")
    quick = {"n_boot": 200, "n_permutations": 200}
    parameters = {"manifest": str(tmp_path / "m.csv"), "config": quick}
    executed = run_notebook("06_ad_study_report.ipynb", tmp_path / "s.ipynb", parameters)
    page = render(executed, tmp_path / "s.html", "Study").read_text(encoding="utf-8")
    assert "too small for a verdict" in page


@pytest.mark.parametrize(
    ("name", "parameters", "promised"),
    [
        (
            "06_ad_study_report.ipynb",
            {"config": {"n_boot": 200, "n_permutations": 200, "isc_shifts": 50}},
            ("clearly departed from its baseline", "not tested (a test needs 30 respondents)"),
        ),
        ("07_before_after_mood.ipynb", {}, ("correlation of before and after", "independent")),
    ],
)
def test_solutions_show_what_they_explain(name, parameters, promised, tmp_path):
    notebook = notebooks_folder() / "solutions" / name
    executed = run_notebook(notebook, tmp_path / name, parameters)
    shown = render(executed, tmp_path / "s.html", "Solution").read_text(encoding="utf-8")
    for text in promised:
        assert text in shown, text
