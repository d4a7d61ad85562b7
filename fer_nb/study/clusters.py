"""Cluster-based permutation tests over time, and Holm's correction over signals.

All permutations are matrix products, a block of rows at a time, so that ten thousand of them for
five hundred people and five minutes take a second or so per signal. A p that falls near one of the
thresholds which decide is refined with more permutations: otherwise a headline would depend on the
seed. (`mne.stats` takes one permutation after the other, and the largest, not the farthest, cluster
of a two-sample permutation; the tests here compare with it.)

Sources
-------
Maris, E., & Oostenveld, R. (2007). Nonparametric statistical testing of EEG- and MEG-data.
*J. Neurosci. Methods, 164*(1), 177-190.
Holm, S. (1979). A simple sequentially rejective multiple test procedure. *Scand. J. Stat., 6*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy  # whose parts are loaded on first use

from fer_nb.study.config import CURVES, TESTED, StudyConfig
from fer_nb.study.intervals import blocks, generator

_ROUNDS = 10  # at most so many times the permutations asked for, for a p near a threshold
_NEAR = 3.0  # Monte Carlo standard errors


@dataclass(frozen=True)
class Cluster:
    """Bins `start` to `stop` (excluded) on one side of zero, and the cluster's own p."""

    start: int
    stop: int
    sign: int
    p: float


def testable_bins(values: np.ndarray, config: StudyConfig) -> np.ndarray:
    """(B,) of bool: bins in which enough of the people were measured."""
    n = (~np.isnan(values)).sum(axis=0)
    return n >= max(config.min_n_interval, config.min_n_t_share * len(values))


def cluster_test(values: np.ndarray, config: StudyConfig, *names: str) -> list[Cluster]:
    """Test where the mean curve of (n, B) person-level departures leaves zero.

    The signs of whole persons are flipped, in all 2^n ways where these are fewer than
    `n_permutations`. Missing values stay missing: a person counts in the bins in which they were
    measured. `names` seed the permutations. Without a cluster the list is empty.
    """
    values = values[~np.isnan(values).all(axis=1)]
    usable = testable_bins(values, config)
    seen = ~np.isnan(values)
    filled = np.where(seen & usable, values, 0.0).astype(np.float32, copy=False)
    n = np.maximum(seen.sum(axis=0), 2).astype(np.float32)
    # Flipping signs changes sums but not sums of squares: these are worked out once.
    squares = np.einsum("ij,ij->j", filled, filled, dtype=float).astype(np.float32)
    critical = scipy.stats.t.isf(config.cluster_p / 2, n - 1).astype(np.float32)

    def statistic(flips: np.ndarray) -> np.ndarray:
        mean = flips @ filled / n
        variance = np.maximum((squares - n * mean**2) / (n - 1), 1e-18)
        return np.where(usable, mean / np.sqrt(variance / n) / critical, 0.0)

    people = len(values)
    del values, seen  # as long as the test runs: several run side by side
    rng = generator(config.seed, "clusters", *names)
    if people and 2 ** (people - 1) <= config.n_permutations:
        # All flips; a flip and its opposite have the same largest mass, so half of them do.
        bits = (np.arange(2 ** (people - 1))[:, None] >> np.arange(people)) & 1
        every = (1 - 2 * bits).astype(np.float32)
        return _test(statistic, lambda rows: every[rows], people, config, exact=len(every))

    def flips(rows: slice) -> np.ndarray:
        size = (rows.stop - rows.start, people)
        return rng.integers(0, 2, size, dtype=np.int8) * np.float32(2) - np.float32(1)

    return _test(statistic, flips, people, config)


def two_sample_cluster_test(
    first: np.ndarray, second: np.ndarray, config: StudyConfig, *names: str
) -> list[Cluster]:
    """Test where the mean curves of two independent groups, (n, B) and (m, B), differ."""
    groups = [g[~np.isnan(g).all(axis=1)] for g in (first, second)]
    usable = testable_bins(groups[0], config) & testable_bins(groups[1], config)
    both, size = np.vstack(groups), len(groups[0])
    seen = ~np.isnan(both)
    # A large common level would cost digits of the sums of squares.
    centre = np.where(seen, both, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    filled = np.where(seen, both - centre, 0.0).astype(np.float32)
    parts = (seen.astype(np.float32), filled, filled**2)
    totals = [part.sum(axis=0) for part in parts]
    freedoms = np.arange(1, len(both) + 1)
    critical = scipy.stats.t.isf(config.cluster_p / 2, freedoms).astype(np.float32)

    def statistic(member: np.ndarray) -> np.ndarray:
        sums = [member @ part for part in parts]
        sides = []
        for side in (sums, [t - s for t, s in zip(totals, sums, strict=True)]):
            n = np.maximum(side[0], 2)
            mean = side[1] / n
            sides.append((n, mean, side[2] - n * mean**2))
        (n1, m1, s1), (n2, m2, s2) = sides
        freedom = n1 + n2 - 2
        pooled = np.maximum((s1 + s2) / freedom, 1e-18)
        t = (m1 - m2) / np.sqrt(pooled * (1 / n1 + 1 / n2))
        return np.where(usable, t / critical[freedom.astype(int) - 1], 0.0)

    rng = generator(config.seed, "clusters", *names)
    members = np.zeros(len(both), dtype=np.float32)
    members[:size] = 1

    def shuffles(rows: slice) -> np.ndarray:
        return rng.permuted(np.tile(members, (rows.stop - rows.start, 1)), axis=1)

    return _test(statistic, shuffles, len(both), config, observed=members)


def _test(
    statistic: Callable[[np.ndarray], np.ndarray],
    draw: Callable[[slice], np.ndarray],
    people: int,
    config: StudyConfig,
    observed: np.ndarray | None = None,
    exact: int = 0,
) -> list[Cluster]:
    """Clusters of the observed statistic, each with the share of permutations that have a larger.

    Clusters of either sign compete: the statistic's largest mass is taken without its sign. `draw`
    gives permutations, of which there are only `exact` where that is not 0.
    """
    if not people:
        return []
    observed = np.ones(people, np.float32) if observed is None else observed
    stat = statistic(observed[None])[0]
    found = _clusters(stat)
    if not found:
        return []
    mass = np.array([abs(m) for *_, m in found]) * (1 - 1e-5)
    # The permutation that was observed is one of them: no p is 0.
    above, count = np.zeros(len(found)) + (not exact), int(not exact)
    for _ in range(_ROUNDS):
        for rows in blocks(exact or config.n_permutations, max(people, len(stat))):
            part = largest_mass(statistic(draw(rows)))
            above += (part[:, None] >= mass).sum(axis=0)
            count += len(part)
        if exact or not _undecided(above / count, count, config.alpha):
            break
    return [
        Cluster(start, stop, sign, float(p))
        for (start, stop, sign, _), p in zip(found, above / count, strict=True)
    ]


def _undecided(p: np.ndarray, count: int, alpha: float) -> bool:
    """Whether a p lies within its Monte Carlo error of a threshold that decides over it.

    Holm may decide over a signal's best cluster at any of its steps; over further clusters
    Bonferroni does (see `holm_over_signals`), for the signals of a stimulus or of a comparison.
    """
    thresholds = alpha / np.arange(1, len(TESTED) + 1)
    error = np.sqrt(thresholds * (1 - thresholds) / count)
    near = np.abs(p[:, None] - thresholds) < _NEAR * error
    further = [len(TESTED) - 1, len(CURVES) - 1]
    return bool(near[p.argmin()].any() or near[:, further].any())


def _clusters(stat: np.ndarray) -> list[tuple[int, int, int, float]]:
    """(start, stop, sign, mass) of each run of the statistic (B,) beyond 1 on one side."""
    found = []
    for sign in (1, -1):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], sign * stat > 1, [False]])))
        found += [(int(a), int(b), sign, float(stat[a:b].sum())) for a, b in edges.reshape(-1, 2)]
    return sorted(found)


def largest_mass(stat: np.ndarray) -> np.ndarray:
    """Largest absolute cluster mass in each row of (P, B) statistics (threshold 1).

    Examples
    --------
    >>> largest_mass(np.array([[2.0, 2.0, 0.0, -3.0], [0.0, 0.5, -1.0, 1.0]])).tolist()
    [4.0, 0.0]
    """
    rows, bins = stat.shape
    # A column of zeros between rows ends every cluster.
    flat = np.zeros((rows, bins + 1), dtype=np.float32)
    flat[:, :bins] = stat
    flat = flat.ravel()
    at = np.flatnonzero(np.abs(flat) > 1)
    best = np.zeros(rows)
    if not len(at):
        return best
    value = flat[at]
    new = np.ones(len(at), dtype=bool)
    new[1:] = (np.diff(at) > 1) | (np.sign(value[1:]) != np.sign(value[:-1]))
    start = np.flatnonzero(new)
    np.maximum.at(best, at[start] // (bins + 1), np.abs(np.add.reduceat(value, start)))
    return best


def holm(p_values) -> np.ndarray:
    """Holm-adjusted p-values; NaN (not tested) stays NaN and does not count.

    Examples
    --------
    >>> [round(float(p), 2) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    from statsmodels.stats.multitest import multipletests

    p = np.asarray(p_values, dtype=float)
    adjusted, tested = np.full(p.shape, np.nan), ~np.isnan(p)
    if tested.any():
        adjusted[tested] = multipletests(p[tested], method="holm")[1]
    return adjusted


def holm_over_signals(found: dict[str, list[Cluster]]) -> dict[str, list[float]]:
    """Adjust each cluster's p over signals.

    Signals compete with their best cluster, as Holm has it. A signal's further clusters are no
    longer covered by Holm's argument once that signal's null is gone: they are multiplied by the
    number of signals (Bonferroni), or a strong effect would let weak ones in elsewhere.
    """
    best = [min((c.p for c in found[s]), default=1.0) for s in found]
    floors, count = holm(best), len(found)
    adjusted = {}
    for signal, floor in zip(found, floors, strict=True):
        clusters = found[signal]
        first = min(range(len(clusters)), key=lambda i: clusters[i].p, default=None)
        adjusted[signal] = [
            float(floor) if i == first else min(1.0, max(float(floor), c.p * count))
            for i, c in enumerate(clusters)
        ]
    return adjusted
