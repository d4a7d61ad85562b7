"""Scores by hand on people whose curves are known, and their truth on simulated audiences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fer_nb.study.config import StudyConfig
from fer_nb.study.scores import SCORES, person_scores, stimulus_scores
from fer_nb.study.simulate import Event, simulate_audience

CONFIG = StudyConfig(smooth_s=0, n_boot=200)


@pytest.fixture
def still():
    """Three people who rest for twenty seconds."""
    audience = simulate_audience(
        3, np.random.default_rng(0), duration_s=20.0, missing=False, config=CONFIG
    )
    raw = np.repeat(audience.raw[..., :1], audience.raw.shape[-1], axis=2)
    return replace(
        audience,
        raw=raw,
        corrected=np.zeros_like(raw),
        coverage=np.ones_like(audience.coverage),
        resting=raw[:, 2:, 0],
    )


def test_who_rests_expresses_nothing_and_looks_on(still):
    scores = person_scores(still)
    assert set(scores) == set(SCORES)
    for name in ("expressiveness", "valence", "positive", "negative", "peak_end"):
        assert scores[name] == pytest.approx(0, abs=1e-9)
    assert scores["attention"] == pytest.approx(1)
    assert scores["retain"].tolist() == [1, 1, 1]
    assert scores["capture"].tolist() == [20, 20, 20]  # never: the film's length


def test_a_smile_from_4_to_8_seconds_by_hand(still):
    corrected, raw = still.corrected.copy(), still.raw.copy()
    corrected[0, 0, 20:40] = 1.0
    raw[0, 2:, 20:40] = 0.0
    raw[0, 2 + 4, 20:40] = 1.0  # happy
    scores = person_scores(replace(still, corrected=corrected, raw=raw))
    assert scores["capture"].tolist() == [4, 20, 20]
    assert scores["positive"] == pytest.approx([0.2, 0, 0])
    assert scores["valence"] == pytest.approx([0.2, 0, 0])
    assert scores["peak_end"] == pytest.approx([0.5, 0, 0])
    rest = still.resting[0, 4]
    assert scores["expressiveness"][0] == pytest.approx(100 * 0.2 * (1 - rest))


def test_who_looks_away_loses_attention_but_is_not_missing_there(still):
    coverage, raw, corrected = still.coverage.copy(), still.raw.copy(), still.corrected.copy()
    coverage[1, 20:] = 0
    raw[1, :, 20:] = np.nan
    corrected[1, :, 20:] = np.nan
    scores = person_scores(replace(still, coverage=coverage, raw=raw, corrected=corrected))
    assert scores["attention"] == pytest.approx([1, 0.2, 1])
    assert scores["retain"].tolist() == [1, 0, 1]
    assert np.isnan(scores["valence"][1])


def test_attention_counts_the_time_turned_to_the_camera_where_pose_is_known(still):
    scores = person_scores(replace(still, facing=np.array([1.0, 0.25, np.nan])))
    assert scores["attention"] == pytest.approx([1, 0.25, 1])
    assert scores["retain"].tolist() == [1, 1, 1]


def test_a_film_of_three_seconds_has_no_retention(still):
    short = replace(
        still,
        times=still.times[:15],
        raw=still.raw[..., :15],
        corrected=still.corrected[..., :15],
        coverage=still.coverage[:, :15],
    )
    assert np.isnan(person_scores(short)["retain"]).all()


def test_a_joke_raises_the_scores_of_an_audience_and_intervals_hold_them():
    rng = np.random.default_rng(1)
    joke = (Event("happy", 8, 16, 3.0),)
    calm, amused = (
        stimulus_scores(simulate_audience(40, rng, events=events)).set_index("signal")
        for events in ((), joke)
    )
    for name in ("expressiveness", "valence", "positive", "peak_end"):
        assert amused.loc[name, "low"] > calm.loc[name, "estimate"]
    for table in (calm, amused):
        assert (table["low"] <= table["estimate"]).all()
        assert (table["estimate"] <= table["high"]).all()


def test_too_few_people_have_no_interval(still):
    table = stimulus_scores(still).set_index("signal")
    assert np.isnan(table.loc["valence", ["low", "high"]].to_numpy(float)).all()
    assert table.loc["valence", "estimate"] == pytest.approx(0)


def test_skewed_scores_of_a_few_people_have_no_interval():
    """“0 to 100 %” of seven people says nothing."""
    few = simulate_audience(7, np.random.default_rng(2), events=(Event("happy", 8, 16, 3.0),))
    table = stimulus_scores(few).set_index("signal")
    skewed = ["expressiveness", "attention", "positive", "negative", "capture", "peak_end"]
    assert table.loc[skewed, "low"].isna().all()
    assert table.loc[["valence", "retain"], "low"].notna().all()


def test_a_score_that_is_a_metric_has_its_number_and_interval(result):
    table = result.metrics.query("scope == 'whole'")
    keys = ["stimulus", "group", "estimate", "low", "high", "n"]
    for score, metric in (("valence", "average"), ("peak_end", "peak_end")):
        own = table[(table["metric"] == "score") & (table["signal"] == score)][keys]
        same = table[(table["metric"] == metric) & (table["signal"] == "valence")][keys]
        assert own.to_numpy().tolist() == same.to_numpy().tolist()
