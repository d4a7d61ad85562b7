"""What the study benchmarks share: the simulated moments, and a fast cluster test.

The cluster test here is the one of `fer_nb.study.moments` written as matrix products over all
permutations at once, which makes thousands of studies affordable; `check_fast_tests` makes sure
that both give the same answer.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from fer_nb.study.config import StudyConfig
from fer_nb.study.moments import cluster_test, testable_bins, two_sample_cluster_test
from fer_nb.study.simulate import Event

CONFIG = StudyConfig()
EVENTS = (Event("happy", 10, 14, 2.0), Event("surprise", 20, 22, 2.0))


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


def check_fast_tests(studies=4):
    """Stop where the fast tests find other clusters than the package's, or other p-values."""
    config = CONFIG.with_(n_permutations=1000)
    for seed in range(studies):
        rng = np.random.default_rng(seed)
        x, y = (
            np.cumsum(rng.normal(size=(n, 60)), axis=1) / 4 + rng.normal(size=(n, 60))
            for n in (14, 12)
        )
        x[:, 20:30] += 0.8
        x[rng.random(x.shape) < 0.1] = np.nan
        for slow, fast in (
            (cluster_test(x, config, "a"), fast_one_sample(x, config, rng)),
            (two_sample_cluster_test(x, y, config, "a"), fast_two_sample(x, y, config, rng)),
        ):
            found = [(c.start, c.stop, c.sign) for c in slow]
            if found != sorted(f[:3] for f in fast):
                raise SystemExit(f"the fast test finds other clusters: {sorted(fast)}, not {slow}")
            np.testing.assert_allclose([c.p for c in slow], [f[3] for f in sorted(fast)], atol=0.06)
