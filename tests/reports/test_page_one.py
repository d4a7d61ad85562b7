"""The first page: what it says of a verdict, that it holds no p-value, and which moments."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from fer_nb.reports.export import export_study, study_deck
from fer_nb.reports.page_one import moments_of, page_one, page_one_html
from fer_nb.study import add_to_norms, compare_with_norms
from fer_nb.study.storage import save_study


@pytest.fixture
def said(result):
    return page_one(result, "Two <trailers>")


def test_the_page_names_everything_once_and_has_no_p_value(result, said):
    html = page_one_html(said, result)
    assert "Two &lt;trailers&gt;" in html
    assert html.count("No norms yet") == 1
    assert html.count("<b>") >= 10  # five scores of two films, side by side
    assert " p = " not in html
    assert " p &lt; " not in html
    for name in result.audiences:
        assert said.scores[name][0].label == "Expressiveness"


def test_moments_are_the_largest_that_do_not_overlap(result):
    for name in result.audiences:
        for views in moments_of(result, name):
            spans = sorted(tuple(view.when.split("–")) for view in views)
            assert all(a[1] <= b[0] for a, b in pairwise(spans))
    best = [
        view.what.split(" +")[0] for view in moments_of(result, next(iter(result.audiences)))[0]
    ]
    assert best[:1] == ["happiness"]


def test_a_moment_that_few_share_comes_after_the_others(result):
    name = next(iter(result.audiences))
    one = result.moments.iloc[0].to_dict() | {"stimulus": name, "direction": "up", "moved": 9}
    rows = [
        one
        | {"signal": "p_fear", "status": status, "effect": effect, "moved_of": 20}
        | {"start_s": start, "end_s": start + 2, "peak_s": start + 1}
        for status, effect, start in (("few_moved", 0.3, 2.0), ("significant", 0.1, 10.0))
    ]
    worst = moments_of(replace(result, moments=pd.DataFrame(rows)), name)[1]
    assert [view.what for view in worst] == ["fear +10 of 100", "fear +30 of 100"]
    assert worst[1].sure == "large in the mean, but only 9 of 20 moved"


@pytest.mark.parametrize(("peak_s", "scene"), [(7.1, "opening"), (7.9, "opening"), (8.1, "joke")])
def test_a_moment_is_of_the_scene_that_caused_it(result, peak_s, scene):
    name = next(iter(result.audiences))
    one = result.moments.iloc[0].to_dict() | {"stimulus": name, "direction": "up"}
    one |= {"signal": "p_happy", "status": "significant", "start_s": 6.5, "end_s": 9.0}
    (view,), _ = moments_of(replace(result, moments=pd.DataFrame([one | {"peak_s": peak_s}])), name)
    assert view.scene == scene


def test_each_score_stands_beside_its_norm_as_a_bar(result, tmp_path):
    name = next(iter(result.audiences))
    for k in range(10):
        add_to_norms(result, tmp_path, study=f"s{k}")
    places = {n: compare_with_norms(result, n, tmp_path) for n in result.audiences}
    said = page_one(result, "Two trailers", places)
    assert 3 <= len(said.scores[name]) <= 5
    known = places[name].table.query("metric == 'score'").set_index("signal")["percentile"]
    first = said.scores[name][0]
    assert first.percentile == known["expressiveness"]
    assert all(score.interval for score in said.scores[name])
    html = page_one_html(said, result)
    bars = [s.percentile for scores in said.scores.values() for s in scores]
    assert html.count('role="img"') == sum(at is not None for at in bars) >= 8
    assert "the line marks the score&#39;s percentile" in html or "score's percentile" in html
    assert "No norms yet" not in html


def test_a_caution_stands_on_the_page_and_bars_are_explained_only_where_there_are_any(result, said):
    html = page_one_html(said, result)
    assert "An expression is not a feeling" in html
    assert "On each bar" not in html


def test_of_many_films_the_largest_moments_are_told_with_their_film(result):
    first = next(iter(result.audiences))
    one = result.moments.iloc[0].to_dict() | {"signal": "p_happy", "direction": "up"}
    films = [f"ad{k}" for k in range(5)]
    rows = [
        one | {"stimulus": film, "effect": k / 10, "status": "few_moved" if k == 4 else "untested"}
        for k, film in enumerate(films, start=1)
    ]
    stimulus, audience = result.stimuli[first], result.audiences[first]
    study = replace(
        result,
        stimuli={f: replace(stimulus, name=f, title=f.upper()) for f in films},
        audiences=dict.fromkeys(films, audience),
        moments=pd.DataFrame(rows),
        comparison=result.comparison.iloc[:0],
        quality=result.quality.assign(stimulus=films[0]),
        metrics=result.metrics.iloc[:0],
        sensitivity=result.sensitivity.iloc[:0],
    )
    said = page_one(study, "Five ads")
    assert f"Usable: {len(audience)} for each of 5 films." in said.sample
    best, worst = said.moments
    assert [(m.stimulus, m.what) for m in best.views] == [
        ("ad4", "happiness +50 of 100"),
        ("ad2", "happiness +30 of 100"),
        ("ad1", "happiness +20 of 100"),
    ]
    assert not worst.views
    (title, cards), *others = study_deck(study, said).moments
    assert title == "Best moments"
    assert [card.film for card in cards] == ["AD4", "AD2", "AD1"]
    assert not others
    html = page_one_html(said, study)
    assert "None: no drop of valence" in html
    assert html.count('class="moment"') == 3
    assert '<div class="soft">AD4</div>' in html


def test_slides_and_workbook_of_a_finished_study(result, tmp_path, said):
    pytest.importorskip("pptx")
    save_study(result, tmp_path)
    written = export_study(tmp_path, pptx=True, xlsx=True, title="Two trailers")
    assert [path.name for path in written] == ["study.xlsx", "study.pptx"]
    deck = study_deck(result, said)
    assert [len(curves.lines) for curves in deck.curves] == [2, 2, 2]
    scores = deck.tables[0]
    assert scores.rows[0][0] == "Score"
    assert scores.rows[1][1].startswith(next(iter(said.scores.values()))[0].value)
    assert "95% intervals" in scores.note
    band = deck.curves[0].lines[0]
    assert np.nanmin(band.values - band.low) >= 0
    assert "thin lines" in deck.curves[0].note


@pytest.mark.parametrize(("seen", "told"), [("all", False), ("inside", True), ("ends", False)])
def test_a_slide_says_why_a_line_breaks(result, said, seen, told):
    curves = result.curves.copy()
    first, last = curves["time_s"].min(), curves["time_s"].max()
    gone = {
        "all": curves["time_s"] < first,
        "inside": curves["time_s"].between(5, 7),
        "ends": ~curves["time_s"].between(first + 2, last - 2),
    }[seen] & (curves["stimulus"] == next(iter(result.audiences)))
    curves.loc[gone, ["estimate", "low", "high"]] = np.nan
    deck = study_deck(replace(result, curves=curves), said)
    assert ("breaks where no face was seen" in deck.curves[0].note) == told
