"""Who showed it: the same smile counts the same on every face, and a face at rest seldom counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fer_nb.emotions import EMOTIONS
from fer_nb.study import StudyConfig
from fer_nb.study.expressed import expressed_seconds, expressed_shares
from fer_nb.study.simulate import Event, People, simulate_audience

CONFIG = StudyConfig()
HAPPY = EMOTIONS.index("happy")


def face(rest, rise, n=9, seed=0):
    """(n, 9, 30) seconds of faces that lie near `rest` and rise by `rise` from 10 s to 14 s."""
    rng = np.random.default_rng(seed)
    happy = np.full((n, 30), rest) + 0.01 * rng.standard_normal((n, 30))
    happy[:, 10:14] += rise
    seconds = np.full((n, 9, 30), 0.05)
    seconds[:, HAPPY] = happy
    return seconds, np.full((n, 9), 0.05) + np.eye(9)[HAPPY] * (rest - 0.05)


def test_two_identities_with_the_same_rise_count_the_same():
    """One looks a little happy at rest, the other does not; a bar of 0.5 saw but one of them."""
    cheerful, stern = face(0.42, 0.15), face(0.10, 0.15)
    for seconds, rest in (cheerful, stern):
        assert expressed_seconds(seconds, rest, CONFIG)[:, HAPPY].any(axis=-1).all()
    mixed = [np.concatenate(parts) for parts in zip(cheerful, stern, strict=True)]
    yes = expressed_seconds(*mixed, CONFIG)[:, HAPPY]
    assert yes[:, 10:14].any(axis=-1).all()
    assert yes[:, 10:14].mean() > 0.9
    assert not yes[:, :10].any()
    assert (cheerful[0][:, HAPPY].max(axis=-1) >= 0.5).all()  # the bar would count these
    assert (stern[0][:, HAPPY].max(axis=-1) < 0.5).all()  # and none of those


def test_a_lively_face_needs_more_than_a_calm_one():
    seconds, rest = face(0.3, 0.0)
    seconds[0, HAPPY] += 0.12 * np.sin(np.arange(30))  # its usual
    seconds[:, HAPPY, 20] = 0.45
    yes = expressed_seconds(seconds, rest, CONFIG)[:, HAPPY, 20]
    assert not yes[0]
    assert yes[1:].all()


def test_smiles_that_come_back_and_a_frown_between_them_count():
    """Half of the film is reaction, as in the demo: the seconds' own spread is not rest's."""
    seconds, rest = face(0.2, 0.0, seed=2)
    seconds[:, HAPPY, 6:11] += 0.6
    seconds[:, HAPPY, 12:17] -= 0.19
    seconds[:, HAPPY, 20:27] += 0.6
    yes = expressed_seconds(seconds, rest, CONFIG)[:, HAPPY]
    assert yes[:, 6:11].all()
    assert yes[:, 20:27].all()
    assert not yes[:, :6].any()


def test_a_smile_through_most_of_the_film_counts():
    seconds, rest = face(0.1, 0.0)
    seconds[:, HAPPY, 5:] += 0.6
    assert expressed_seconds(seconds, rest, CONFIG)[:, HAPPY, 10].all()


def false_alarms(people, seed):
    """Share of people who showed each of seven emotions though nothing was shown to them."""
    rng = np.random.default_rng(seed)
    audiences = [simulate_audience(20, rng, people=people, missing=False) for _ in range(30)]
    yes = np.concatenate([a.expressed.any(axis=-1) for a in audiences])
    return yes.mean(axis=0)[[e not in ("neutral", "uncertain") for e in EMOTIONS]]


@pytest.mark.parametrize(
    ("tau", "mean", "worst"), [(1.5, 0.055, 0.075), (6.0, 0.09, 0.11), (15, 0.08, 0.1)]
)
def test_faces_at_rest_are_seldom_counted_however_slowly_they_drift(tau, mean, worst):
    """Without the quick beginning: 25 % for happiness at 6 s. Errors of 600 people are 1 %."""
    false = false_alarms(People(drift_tau_s=tau), seed=5)
    assert false.mean() < mean
    assert false.max() < worst


def test_what_grows_slowly_is_a_mood_and_what_begins_at_once_goes_on():
    seconds, rest = face(0.1, 0.0)
    seconds[:, HAPPY, 5:] += np.minimum(0.02 * np.arange(25), 0.5)  # 2 of 100 a second
    assert not expressed_seconds(seconds, rest, CONFIG).any()
    quick, rest = face(0.1, 0.5)
    quick[:, HAPPY, 12] = np.nan  # a hand before the mouth
    yes = expressed_seconds(quick, rest, CONFIG)[:, HAPPY]
    assert yes[:, [10, 11, 13]].all()
    assert not yes[:, 12].any()


def test_equal_smiles_count_equally_often():
    event = (Event("happy", 10, 14, 2.0),)
    smiles = simulate_audience(
        900,
        np.random.default_rng(1),
        people=People(responders=1.0),
        events=event,
        missing=False,
    )
    hit = smiles.expressed[:, HAPPY, 9:16].any(axis=-1)
    third = np.digitize(
        smiles.resting[:, HAPPY], np.quantile(smiles.resting[:, HAPPY], [1 / 3, 2 / 3])
    )
    shares = [hit[third == k].mean() for k in range(3)]
    assert max(shares) - min(shares) < 0.15  # a bar of 0.5: 20 %, 30 %, 50 %
    assert min(shares) > 0.15


def test_parts_of_an_audience_keep_what_they_showed():
    audience = simulate_audience(20, np.random.default_rng(3), events=(Event("happy", 8, 12, 3),))
    part = audience.take([0, 3, 5])
    np.testing.assert_array_equal(part.expressed, audience.expressed[[0, 3, 5]])


def test_stricter_thresholds_count_fewer():
    seconds, rest = face(0.2, 0.18)
    shares = [expressed_shares(seconds, rest, CONFIG, factor)[HAPPY] for factor in (0.5, 1, 2)]
    assert shares == [1, 1, 0]
    assert expressed_seconds(np.full((2, 9, 5), np.nan), None, CONFIG).sum() == 0


@pytest.mark.parametrize("method", ["none", "difference"])
def test_without_a_baseline_the_own_median_is_rest(method):
    seconds, _ = face(0.3, 0.3)
    config = replace(CONFIG, baseline=method)
    assert expressed_seconds(seconds, None, config)[:, HAPPY, 10:14].all()
