"""Intervals: against other implementations, by their laws, and by their coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from fer_nb.errors import StudyError
from fer_nb.study.intervals import (
    METHODS,
    exact_share,
    generator,
    mean_band,
    mean_interval,
    simultaneous_band,
)


def test_exact_share_is_that_of_statsmodels():
    for k, n in ((0, 5), (3, 10), (10, 10), (57, 120)):
        assert exact_share(k, n) == pytest.approx(
            proportion_confint(k, n, method="beta"), abs=1e-12
        )
    assert np.isnan(exact_share(0, 0)).all()


@pytest.mark.parametrize("n", [5, 12, 30])
def test_exact_share_covers_whatever_the_true_share(n):
    k = np.arange(n + 1)
    low, high = exact_share(k, n)
    for true in np.linspace(0.001, 0.999, 200):
        held = (low <= true) & (true <= high)
        assert stats.binom.pmf(k[held], n, true).sum() >= 0.95 - 1e-9


def test_the_default_is_close_to_students_interval():
    x = np.random.default_rng(5).normal(3, 2, 15)
    _, low, high, _ = mean_interval(x, rng=generator(1, "t"), n_boot=20000)
    want = stats.t.interval(0.95, 14, x.mean(), stats.sem(x))
    assert (low, high) == pytest.approx(want, abs=0.05 * (want[1] - want[0]))


@pytest.mark.parametrize("method", METHODS)
@given(
    seed=st.integers(0, 10**6),
    shift=st.floats(-50, 50),
    scale=st.floats(0.01, 100),
)
@settings(max_examples=10, deadline=None)
def test_intervals_move_and_stretch_with_the_data(method, seed, shift, scale):
    x = np.random.default_rng(seed).gamma(2, 1, (12, 2))
    x[3, 1] = np.nan
    options = {"n_boot": 300, "method": method}
    one = mean_band(x, rng=generator(seed), **options)
    two = mean_band(scale * x + shift, rng=generator(seed), **options)
    tolerance = 1e-6 * (scale + abs(shift))
    for a, b in ((one.mean, two.mean), (one.low, two.low), (one.high, two.high)):
        np.testing.assert_allclose(scale * a + shift, b, atol=tolerance)
    assert (one.low <= one.mean).all()
    assert (one.mean <= one.high).all()
    assert one.n.tolist() == [12, 11]


def test_too_few_people_get_a_mean_and_no_interval():
    x = np.full((6, 3), np.nan)
    x[:4, 0] = 1, 2, 3, 4
    x[:, 1] = 1, 2, 3, 4, 5, 6
    band = mean_band(x, rng=generator(0))
    assert band.mean[:2].tolist() == [2.5, 3.5]
    assert np.isnan(band.low).tolist() == [True, False, True]
    assert np.isnan(band.mean[2])
    assert band.n.tolist() == [4, 6, 0]


def test_equal_values_have_an_interval_of_no_width():
    for method in METHODS:
        mean, low, high, _ = mean_interval([2.0] * 8, rng=generator(0), method=method)
        assert (mean, low, high) == pytest.approx((2, 2, 2))


def test_the_same_seed_gives_the_same_interval_and_names_separate_streams():
    x = np.random.default_rng(0).normal(size=(10, 1))
    a, b, c = (mean_band(x, rng=generator(7, name)).low[0] for name in ("x", "x", "y"))
    assert a == b
    assert a != c


@pytest.mark.parametrize("n", [6, 12, 30])
def test_coverage_of_the_default_under_symmetric_heavy_tails(n):
    x = np.random.default_rng(n).standard_t(4, (n, 1500))
    band = mean_band(x, rng=generator(1), n_boot=400)
    covered = ((band.low <= 0) & (band.high >= 0)).mean()
    assert 0.93 <= covered <= 0.975


def test_an_unknown_method_is_told_before_any_work():
    for people in (0, 3, 12):
        with pytest.raises(StudyError, match=r"'bca'.*bootstrap-se, wider-t"):
            mean_band(np.zeros((people, 2)), rng=generator(0), method="bca")


def test_a_simultaneous_band_holds_the_whole_curve():
    rng = np.random.default_rng(3)
    held = 0
    for k in range(200):
        curves = rng.normal(size=(14, 1)) + rng.normal(size=(14, 40)).cumsum(axis=1) / 4
        band = simultaneous_band(curves, rng=generator(k), n_boot=300)
        held += bool(((band.low <= 0) & (band.high >= 0)).all())
    assert held >= 180
