"""What the study benchmarks share: simulated audiences, their truth, and a fast cluster test.

The cluster test here is the one of `fer_nb.study.moments` written as matrix products over all
permutations at once; tests/study/test_moments.py checks that both give the same answer.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from fer_nb.study.config import SIGNALS, TESTED, StudyConfig
from fer_nb.study.curves import Audience, angular, smooth, smoothing_bins
from fer_nb.study.moments import testable_bins
from fer_nb.study.simulate import Audience as People
from fer_nb.study.simulate import Event, simulate_signals

DURATION_S, BEFORE_S = 30.0, 5.0
CONFIG = StudyConfig()
EVENTS = (Event("happy", 10, 14, 2.0), Event("surprise", 20, 22, 2.0))
TESTED_AT = [SIGNALS.index(s) for s in TESTED]


def audience_of(times, signals, config=CONFIG, start_s=0.0, duration_s=DURATION_S, before_s=5.0):
    """Cut one stimulus out of simulated signals (n, 11, T) and take its baseline off."""
    rate = config.rate_hz
    bins = round(duration_s * rate)
    first = round((start_s - times[0]) * rate + 0.5)
    raw = signals[..., first : first + bins]
    rest = signals[..., first - round(before_s * rate) : first]

    def mean(x):
        seen = ~np.isnan(x)
        return np.where(seen, x, 0).sum(-1, keepdims=True) / np.maximum(
            seen.sum(-1, keepdims=True), 1
        )

    n, width = len(raw), round(rate)
    whole = raw[:, 2:, : bins // width * width].reshape(n, 9, -1, width)
    enough = (~np.isnan(whole)).mean(-1) >= config.min_bin_coverage
    seconds = np.full(enough.shape, np.nan)
    seconds[enough] = np.nanmean(whole[enough], axis=-1)
    return Audience(
        stimulus="simulated",
        respondents=tuple(str(i) for i in range(n)),
        groups=("",) * n,
        times=(np.arange(bins) + 0.5) / rate,
        raw=raw,
        corrected=raw - mean(rest),
        coverage=(~np.isnan(raw[:, 0])).astype(float),
        seconds=seconds,
        baseline="simulated",
        resting=mean(rest)[:, 2:, 0],
        config=config,
        tested=smooth(angular(raw) - mean(angular(rest)), smoothing_bins(config)),
    )


def simulate_audience(n, rng, events=EVENTS, people: People | None = None, missing=True):
    """One simulated audience of n on a stimulus of 30 s."""
    times, signals = simulate_signals(
        n,
        DURATION_S,
        CONFIG.rate_hz,
        rng,
        events=events,
        before_s=BEFORE_S,
        audience=people,
        missing=missing,
    )
    return audience_of(times, signals)


def _largest_mass(stat):
    """Largest absolute cluster mass in each row of (P, B) statistics (threshold 1)."""
    rows, bins = stat.shape
    # A column of zeros between rows ends every cluster.
    flat = np.zeros((rows, bins + 1), dtype=np.float32)
    flat[:, :bins] = stat
    flat = flat.ravel()
    at = np.flatnonzero(np.abs(flat) > 1)
    if not len(at):
        return np.zeros(rows)
    value = flat[at]
    new = np.ones(len(at), dtype=bool)
    new[1:] = (np.diff(at) > 1) | (np.sign(value[1:]) != np.sign(value[:-1]))
    start = np.flatnonzero(new)
    mass = np.abs(np.add.reduceat(value, start))
    best = np.zeros(rows)
    np.maximum.at(best, at[start] // (bins + 1), mass)
    return best


def _observed(stat):
    """(start, stop, mass, sign) of each cluster of one row."""
    found = []
    for sign in (1, -1):
        mask = sign * stat > 1
        edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
        for a, b in edges.reshape(-1, 2):
            found.append((a, b, abs(stat[a:b].sum()), sign))
    return found


def fast_one_sample(values, config, rng, permutations=None):
    """Clusters (start, stop, sign, p) of (n, B) departures; sign flips as a matrix product."""
    values = values[~np.isnan(values).all(axis=1)]
    usable = testable_bins(values, config)
    seen = ~np.isnan(values)
    filled = np.where(seen & usable, values, 0.0).astype(np.float32)
    n = np.maximum(seen.sum(axis=0), 2).astype(np.float32)
    squares = (filled**2).sum(axis=0)
    critical = stats.t.isf(config.cluster_p / 2, n - 1).astype(np.float32)
    count = permutations or config.n_permutations
    flips = rng.integers(0, 2, size=(count, len(values)), dtype=np.int8) * np.float32(2) - 1
    flips[0] = 1
    mean = flips @ filled / n
    variance = np.maximum((squares - n * mean**2) / (n - 1), 1e-18)
    stat = np.where(usable, mean / np.sqrt(variance / n) / critical, 0.0)
    null = _largest_mass(stat)
    return [
        (a, b, sign, float((null >= mass * (1 - 1e-5)).mean()))
        for a, b, mass, sign in _observed(stat[0])
    ]


def fast_two_sample(first, second, config, rng):
    """Clusters of the difference of two independent groups; shuffles as matrix products."""
    both = np.vstack([first, second])
    usable = testable_bins(first, config) & testable_bins(second, config)
    seen = (~np.isnan(both)).astype(float)
    filled = np.where(seen > 0, both, 0.0)
    member = np.zeros((config.n_permutations, len(both)))
    member[:, : len(first)] = 1
    member[1:] = rng.permuted(member[1:], axis=1)
    side = []
    for m in (member, 1 - member):
        n = np.maximum(m @ seen, 2)
        mean = m @ filled / n
        side.append((n, mean, m @ filled**2 - n * mean**2))
    (n1, m1, s1), (n2, m2, s2) = side
    pooled = np.maximum((s1 + s2) / (n1 + n2 - 2), 1e-18)
    stat = (m1 - m2) / np.sqrt(pooled * (1 / n1 + 1 / n2))
    freedom = (n1 + n2 - 2).astype(int)
    critical = stats.t.isf(config.cluster_p / 2, np.arange(1, freedom.max() + 1))[freedom - 1]
    stat = np.where(usable, stat / critical, 0.0)
    null = _largest_mass(np.abs(stat))
    return [
        (a, b, int(np.sign(stat[0, a:b].sum())), float((null >= mass * (1 - 1e-5)).mean()))
        for a, b, mass, _ in _observed(np.abs(stat[0]))
    ]
