"""The composed study of benchmarks/study_composed.py: what is odd in it is told."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from fer_nb.reports.page_one import page_one, page_one_html
from fer_nb.reports.sections import moments_table
from fer_nb.reports.segment_sections import segments
from fer_nb.study import StudyConfig, run_study
from fer_nb.study.content import leavers

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "study_composed.py"
CONFIG = StudyConfig(n_boot=200, n_permutations=500, isc_shifts=20)


@pytest.fixture(scope="module")
def composed(tmp_path_factory):
    """All viewers simulated, whatever data lie beside the checkout."""
    spec = importlib.util.spec_from_file_location("study_composed", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    folder = tmp_path_factory.mktemp("composed")
    script.VIDEOS = folder / "none"
    manifest, tables = script.compose(folder)
    return run_study(manifest, tables=tables, config=CONFIG)


def test_who_is_left_out_and_who_left_is_told(composed):
    quality = composed.quality.set_index(["respondent", "stimulus"])
    assert len(quality) == 40
    dark = quality.loc["V08"]
    assert (dark["status"] == "excluded").all()
    assert dark["reasons"].str.contains("brightness").all()
    assert quality.loc[("V04", "cut-b"), "left_at_s"] == pytest.approx(20, abs=1)
    assert "V04" in leavers(composed.audiences["cut-b"])
    check = composed.sensitivity.query("within == 'stimuli'").set_index("check")
    seen_both = set(composed.audiences["cut-a"].respondents) & set(
        composed.audiences["cut-b"].respondents
    )
    assert check.loc["completers", "n_first"] <= len(seen_both) - 1


def test_order_and_period_are_modelled(composed):
    assert composed.mixed_fit["presentation"] == "modelled"
    assert {"stimulus", "period", "order"} >= set(composed.mixed["term"]) >= {"stimulus", "period"}
    assert "presentation" in set(composed.sensitivity["check"])


def test_scenes_that_moved_are_compared_by_name_and_not_by_the_clock(composed):
    rows = composed.scene_comparison.query("within == 'stimuli'")
    assert {"Joke", "Storm"} <= set(rows["scene"])
    assert composed.difference_curves.query("within == 'stimuli'").empty
    joke = rows[(rows["scene"] == "Joke") & (rows["signal"] == "p_happy")].iloc[0]
    assert joke["difference"] < 0  # cut B's joke was made the better one


def test_the_first_page_shows_both_films_the_brand_and_the_moments(composed):
    page = page_one(composed, "Which cut?")
    html = page_one_html(page, composed)
    assert html.count("Brand moment: Harbour Lights, 0:25.0–0:30.0") == 2
    assert next(view.label for view, _ in page.board) == "Expressiveness"
    assert all(len(views) == 2 for _, views in page.board)
    assert any(m.scene == "Joke" and m.frame is not None for m in page.best["cut-b"])
    assert "fewer than 5: not shown" in segments(composed)  # of the Austrian viewers


def test_the_storm_is_listed_though_few_moved(composed):
    """Cut A's fear rises far in the mean; too few moved for a moment, and the reader is told so."""
    mean = composed.curves.query("stimulus == 'cut-a' and kind == 'mean' and group == 'all'")
    highest = mean.loc[mean.loc[mean["signal"] == "p_fear", "estimate"].idxmax()]
    assert highest["estimate"] > composed.config.untested_effect
    storm = composed.moments.query("stimulus == 'cut-a' and signal == 'p_fear'")
    storm = storm[(storm["start_s"] <= highest["time_s"]) & (highest["time_s"] <= storm["end_s"])]
    assert storm["status"].tolist() == ["few_moved"]
    told = moments_table(composed, "cut-a")
    assert f"only {storm['moved'].iloc[0]} of {storm['moved_of'].iloc[0]} moved" in told
