"""Notebooks 6 and 7 run headless with their defaults and become pages a client can be given."""

from __future__ import annotations

import re

import pytest

from fer_nb.reports import render, run_notebook


@pytest.fixture(scope="module")
def study_page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    parameters = {"config": {"n_boot": 200, "n_permutations": 200, "isc_shifts": 50}}
    executed = run_notebook("06_ad_study_report.ipynb", folder / "r.ipynb", parameters)
    return render(executed, folder / "r.html", "Study").read_text(encoding="utf-8")


def test_the_study_report_has_all_its_parts(study_page):
    for part in (
        "How it was done",
        "Who counts",
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
    assert "more pleasant after than before" in page
    assert "p (Holm)" in page
    assert "AI Act" in page
