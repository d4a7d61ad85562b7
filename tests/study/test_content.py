"""Who left early is compared on content seen of both; completers are the check."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fer_nb.study import StudyConfig
from fer_nb.study.comparison import compare_metrics, completers, contrast
from fer_nb.study.content import common_content, leavers, left_s
from fer_nb.study.sensitivity import sensitivity
from fer_nb.study.simulate import simulate_audience
from fer_nb.study.stimuli import Scene

CONFIG = StudyConfig(n_boot=400, n_permutations=2000)
VALENCE = 0
LATE = slice(100, 150)  # the last ten of thirty seconds
PRIMARY = ("average", "valence")


def flat(n, seed, late=0.0, level=0.0, noise=0.02):
    """People whose valence lies at `level` for twenty seconds, and at `late` after that."""
    one = simulate_audience(
        n, np.random.default_rng(seed), duration_s=30.0, missing=False, config=CONFIG
    )
    rng = np.random.default_rng([seed, 1])
    one.corrected[:, VALENCE] = level + noise * rng.standard_normal((n, 1))
    one.corrected[:, VALENCE, LATE] += late - level
    return one


def leave(audience, rows, second):
    raw, corrected = audience.raw.copy(), audience.corrected.copy()
    raw[rows, :, second * 5 :] = np.nan
    corrected[rows, :, second * 5 :] = np.nan
    return replace(audience, raw=raw, corrected=corrected)


def primary(c):
    return compare_metrics(c).set_index(["metric", "signal"]).loc[PRIMARY]


def test_who_leaves_is_told_from_who_is_lost_for_a_moment():
    one = leave(flat(4, 0), [1], 20)
    raw = one.raw.copy()
    raw[2, :, 50:60] = np.nan
    raw[3, :, -3:] = np.nan  # 0.6 s: no leaving
    one = replace(one, raw=raw)
    assert leavers(one) == {"1"}
    assert left_s(one).tolist() == [np.inf, 20.0, np.inf, np.inf]


def test_two_films_that_move_alike_do_not_differ_because_some_left_one_early():
    """Both films end with the same joke; those who left the first never saw it there."""
    first = leave(flat(14, 1, late=1.5), [0, 1, 2, 3, 4], 20)
    second = flat(14, 2, late=1.5)
    c = contrast(first, second, ("a", "b"), "stimuli")
    assert c.leavers == {"0", "1", "2", "3", "4"}
    row = primary(c)
    assert row["n_first"] == 14
    assert abs(row["difference"]) < 0.03
    assert row["p"] > 0.05
    # As watched, five people would have missed a third of the joke's second in one film only.
    values = np.nanmean(first.corrected[:, VALENCE], axis=1) - second.corrected[:, VALENCE].mean(1)
    assert values.mean() < -0.15
    check = sensitivity(c).set_index("check").loc["completers"]
    assert check["n_first"] == 9
    assert abs(check["difference"]) < 0.03
    assert check["low"] < 0 < check["high"]


def test_a_true_difference_is_found_at_its_size_on_common_content():
    first = leave(flat(14, 3, level=0.4, late=0.4), [0, 1], 18)
    row = primary(contrast(first, flat(14, 4), ("a", "b"), "stimuli"))
    assert row["difference"] == pytest.approx(0.4, abs=0.03)
    assert row["low"] <= 0.4 <= row["high"]
    assert row["p"] < 0.01


def test_scenes_that_moved_are_cut_by_their_names():
    here = (Scene("joke", 0, 10), Scene("chase", 10, 20), Scene("end", 20, 30))
    there = (Scene("chase", 0, 10), Scene("joke", 10, 20), Scene("end", 20, 30))
    first, second = leave(flat(3, 5), [0], 22), flat(3, 6)
    one, two = common_content(first, second, here, there)
    seen = [~np.isnan(side.corrected[0, VALENCE]) for side in (one, two)]
    # Joke and chase, in either film; the end was seen for two seconds in one film, so in neither.
    for mask in seen:
        assert mask[10:100].all()
        assert not mask[110:].any()
    assert not np.isnan(one.corrected[1:]).any()
    first = leave(
        flat(3, 5), [0], 12
    )  # of the first film the joke only, which is late in the other
    one, two = common_content(first, second, here, there)
    assert not np.isnan(two.corrected[0, VALENCE, 60:100]).any()
    assert np.isnan(two.corrected[0, VALENCE, :50]).all()


def test_groups_are_not_told_apart_by_who_left_early():
    """Everybody laughs at the end; only the first group has people who left before."""
    film = leave(flat(24, 7, late=1.5), [0, 1, 2, 3, 4], 20)
    groups = [film.take(range(12)), film.take(range(12, 24))]
    c = contrast(*groups, ("x", "y"), "groups of film")
    row = primary(c)
    assert (row["n_first"], row["n_second"]) == (12, 12)
    assert abs(row["difference"]) < 0.03
    assert row["p"] > 0.05
    assert len(completers(c).first) == 7
    assert isinstance(sensitivity(c), pd.DataFrame)
    assert sensitivity(c)["n_first"].tolist() == [7]
