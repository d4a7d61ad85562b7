"""Simulated audiences: on the clock as recordings are, with the truth that was put in."""

from __future__ import annotations

import numpy as np
import pytest

from fer_nb.study import StudyConfig
from fer_nb.study.simulate import Event, audience_of, simulate_audience, simulate_signals

CONFIG = StudyConfig()
JOKE = (Event("happy", 10, 14, 2.0),)


def test_an_audience_is_cut_out_of_its_signals():
    times, signals = simulate_signals(6, 20, 5, np.random.default_rng(0), events=JOKE)
    audience = audience_of(times, signals, CONFIG, 0.0, 20.0, 5.0)
    np.testing.assert_allclose(audience.raw, signals[..., 25:], atol=1e-12)
    rest = signals[..., :25].mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(audience.corrected, signals[..., 25:] - rest, atol=1e-12)
    assert audience.times == pytest.approx(times[25:])
    assert audience.seconds.shape == (6, 9, 20)


def test_who_is_not_seen_in_the_baseline_is_left_out():
    times, signals = simulate_signals(4, 40, 5, np.random.default_rng(0), missing=False)
    signals[1, :, times > 12] = np.nan  # leaves before the second stimulus
    first, second = (audience_of(times, signals, CONFIG, at, 20.0, 5.0) for at in (0.0, 20.0))
    assert first.respondents == ("0", "1", "2", "3")
    assert second.respondents == ("0", "2", "3")


def test_the_same_seed_gives_the_same_audience_and_an_event_shows():
    one, two = (simulate_audience(20, np.random.default_rng(3), events=JOKE) for _ in range(2))
    np.testing.assert_array_equal(one.curves, two.curves)
    happy = np.nanmean(one.signal("p_happy"), axis=0)
    assert happy[55:68].mean() > 0.1 + happy[:45].mean()
