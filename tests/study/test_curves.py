"""Recordings on the stimulus clock: what binning, baseline and smoothing must keep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_nb.person import Person, angular, holds, moving_average, rest_of
from fer_nb.study.curves import bin_recording, departed


def person(times, values) -> Person:
    """A respondent whose every signal has the given values (NaN: face absent)."""
    times, values = np.asarray(times, dtype=float), np.asarray(values, dtype=float)
    column = np.zeros(len(times))
    values = np.repeat(values[:, None], 11, 1)
    return Person(times, holds(times), values, *[column] * 7)


def bins(p, edges, least=0.5):
    values, coverage = bin_recording(p, np.asarray(edges, dtype=float), min_coverage=least)
    return values[0], coverage


def test_a_constant_stays_constant_at_any_frame_rate():
    for fps in (6, 15, 29.97, 240):
        t = np.arange(0, 4, 1 / fps)
        values, coverage = bins(person(t, np.full(len(t), 3.3)), np.arange(0, 3.8, 0.2))
        np.testing.assert_allclose(values, 3.3)
        np.testing.assert_allclose(coverage, 1.0, atol=1e-9)


def test_frames_weigh_by_the_time_they_last():
    # 1 for 0.15 s, then 2 for 0.05 s: the mean over the bin is 1.25, not 1.5.
    values, _ = bins(person([0, 0.15, 0.2], [1, 2, 9]), [0, 0.2])
    assert values[0] == pytest.approx(1.25)


def test_gaps_are_missing_and_never_filled():
    t = np.arange(0, 6, 0.1)
    v = np.where((t > 1.95) & (t < 4), np.nan, 1.0)
    values, coverage = bins(person(t, v), np.arange(0, 6, 0.2))
    assert np.isnan(values[10:20]).all()
    assert np.isfinite(values[:10]).all()
    assert coverage[12] == 0
    # A frame is held for half a second at most when frames themselves are missing.
    values, coverage = bins(person([0, 0.1, 3.0, 3.1], [1, 1, 1, 1]), np.arange(0, 3.2, 0.2))
    assert np.isfinite(values[:3]).all()
    assert np.isnan(values[3:15]).all()


def test_a_bin_needs_half_its_time():
    t = np.arange(0, 1, 0.05)
    v = np.where(t % 0.2 < 0.04, 1.0, np.nan)  # one quarter of each bin
    assert np.isnan(bins(person(t, v), np.arange(0, 1, 0.2))[0]).all()
    assert np.isfinite(bins(person(t, v), np.arange(0, 1, 0.2), least=0.2)[0]).all()


@given(
    st.lists(st.floats(0.005, 0.4), min_size=3, max_size=80),
    st.integers(0, 10**6),
)
@settings(max_examples=60, deadline=None)
def test_bin_means_lie_between_extremes_and_add_up_to_the_whole(steps, seed):
    times = np.concatenate([[0], np.cumsum(steps)])
    rng = np.random.default_rng(seed)
    v = np.where(rng.random(len(times)) < 0.2, np.nan, rng.normal(size=len(times)))
    end = times[-1] + 1
    values, coverage = bins(person(times, v), np.linspace(0, end, 13), least=1e-9)
    if np.isnan(v).all():
        assert np.isnan(values).all()
        return
    seen = np.isfinite(values)
    assert (values[seen] >= np.nanmin(v) - 1e-9).all()
    assert (values[seen] <= np.nanmax(v) + 1e-9).all()
    hold = np.minimum(np.append(np.diff(times), np.median(np.diff(times))), 0.5)
    assert coverage.sum() * end / 12 == pytest.approx(hold[~np.isnan(v)].sum(), abs=1e-6)
    integral = (values[seen] * coverage[seen]).sum() * end / 12
    assert integral == pytest.approx(np.nansum(v * hold), abs=1e-6)


def test_an_empty_recording_is_all_missing():
    values, coverage = bins(person([], []), [0, 1, 2])
    assert np.isnan(values).all()
    assert coverage.sum() == 0


def test_smoothing_keeps_constants_and_gaps_and_averages_what_is_there():
    x = np.array([1.0, 1, np.nan, 1, 1, 4, 1])
    out = moving_average(x, 3)
    assert np.isnan(out[2])
    assert out[1] == 1
    assert out[5] == pytest.approx(2.0)
    np.testing.assert_array_equal(moving_average(x, 1), x)
    np.testing.assert_allclose(moving_average(np.full((2, 9), 7.0), 5), 7.0)


def test_baselines():
    t = np.arange(0, 10, 0.1)
    p = person(t, np.where(t < 5, 0.2, 0.7))
    base = rest_of(p, 1.0, 5.0)
    assert base.mean[3] == pytest.approx(0.2)
    assert base.seconds == pytest.approx(4.0, abs=0.01)
    assert base.angular[3] == pytest.approx(np.arcsin(np.sqrt(0.2)))
    raw = np.full((11, 4), 0.7)
    assert departed(raw[None], [base], "difference")[0, 4, 0] == pytest.approx(0.5)
    assert departed(raw[None], [base], "none")[0, 4, 0] == 0.7
    # z divides by the SD, but never by less than the floor: no departure of a thousand SDs.
    assert departed(raw[None], [base], "z")[0, 4, 0] == pytest.approx(0.5 / 0.01)
    assert rest_of(person(t, t * np.nan), 1, 5).seconds == 0


def test_the_angular_scale_leaves_ratings_alone():
    x = np.full((11, 1), 0.25)
    assert angular(x)[:, 0].tolist() == pytest.approx([0.25, 0.25] + [np.pi / 6] * 9)
