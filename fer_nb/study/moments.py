"""Moments: stretches of the stimulus where the audience departs from its baseline.

Cluster-based permutation test over time (signs of whole persons are flipped, so neither the
autocorrelation of a person's curve nor their gaps matter), then Holm over signals. Probabilities
are tested on the angular scale (see `fer_nb.study.curves.angular`) and shown on their own. What is
tested is that there is a departure; the ends of a cluster are where it is visible, not tested
times.

Sources
-------
Maris, E., & Oostenveld, R. (2007). Nonparametric statistical testing of EEG- and MEG-data.
*J. Neurosci. Methods, 164*(1), 177-190.
Sassenhagen, J., & Draschkow, D. (2019). Cluster-based permutation tests of MEG/EEG data do not
establish significance of effect latency or location. *Psychophysiology, 56*(6), e13335.
Holm, S. (1979). A simple sequentially rejective multiple test procedure. *Scand. J. Stat., 6*.
"""

from __future__ import annotations

import inspect
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from fer_nb.errors import StudyError
from fer_nb.study.config import SIGNALS, TESTED, StudyConfig
from fer_nb.study.curves import Audience
from fer_nb.study.intervals import exact_share, generator, mean_interval
from fer_nb.study.words import people, percent

COLUMNS = (
    "stimulus",
    "signal",
    "direction",
    "start_s",
    "end_s",
    "peak_s",
    "effect",
    "low",
    "high",
    "n",
    "share",
    "share_low",
    "share_high",
    "p",
    "p_holm",
    "status",
)


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

    Missing values stay missing: a person counts in the bins in which they were measured.
    `names` seed the permutations. Without a cluster the list is empty.
    """
    from mne.stats import permutation_cluster_1samp_test

    values = values[~np.isnan(values).all(axis=1)]
    usable = testable_bins(values, config)
    seen = ~np.isnan(values)
    filled = np.where(seen & usable, values, 0.0).astype(np.float32)
    n = np.maximum(seen.sum(axis=0), 2)
    # Flipping signs changes sums but not sums of squares: these are worked out once.
    squares = (filled.astype(float) ** 2).sum(axis=0)
    critical = stats.t.isf(config.cluster_p / 2, n - 1)

    def statistic(flipped):
        mean = flipped.sum(axis=0) / n
        variance = np.maximum((squares - n * mean**2) / (n - 1), 1e-18)
        return np.where(usable, mean / np.sqrt(variance / n) / critical, 0.0)

    return _clusters(permutation_cluster_1samp_test, filled, statistic, config, names)


def two_sample_cluster_test(
    first: np.ndarray, second: np.ndarray, config: StudyConfig, *names: str
) -> list[Cluster]:
    """Test where the mean curves of two independent groups, (n, B) and (m, B), differ."""
    from mne.stats import permutation_cluster_test

    groups = [g[~np.isnan(g).all(axis=1)] for g in (first, second)]
    usable = testable_bins(groups[0], config) & testable_bins(groups[1], config)

    def statistic(*samples):
        # Permuted groups hold NaN where a person was not measured; the NaN moves with the person.
        n, mean, square = [], [], []
        for x in samples:
            seen = ~np.isnan(x)
            count = np.maximum(seen.sum(axis=0), 2)
            filled = np.where(seen, x, 0.0)
            average = filled.sum(axis=0) / count
            n.append(count)
            mean.append(average)
            square.append((filled**2).sum(axis=0) - count * average**2)
        freedom = n[0] + n[1] - 2
        pooled = np.maximum((square[0] + square[1]) / freedom, 1e-18)
        # mne takes the largest, not the farthest, cluster of a two-sample permutation: |t| makes
        # them the same.
        t = np.abs(mean[0] - mean[1]) / np.sqrt(pooled * (1 / n[0] + 1 / n[1]))
        return np.where(usable, t / stats.t.isf(config.cluster_p / 2, freedom), 0.0)

    found = _clusters(permutation_cluster_test, groups, statistic, config, names, tail=1)
    difference = _mean(groups[0]) - _mean(groups[1])
    return [replace(c, sign=int(np.sign(np.nansum(difference[c.start : c.stop])))) for c in found]


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over people, NaN where nobody was measured."""
    seen = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(seen, values, 0.0).sum(axis=0) / seen.sum(axis=0)


def _clusters(test, data, statistic, config, names, tail=0) -> list[Cluster]:
    observed = statistic(*data) if isinstance(data, list) else statistic(data)
    if not (np.abs(observed) > 1).any():
        return []  # mne would warn, and in threads its `verbose` does not reliably prevent that
    seed = int(generator(config.seed, "clusters", *names).integers(2**31))
    random = {"rng" if "rng" in inspect.signature(test).parameters else "seed": seed}
    _, clusters, p, _ = test(
        data,
        threshold=1.0,
        stat_fun=statistic,
        n_permutations=config.n_permutations,
        tail=tail,
        out_type="mask",
        buffer_size=None,
        verbose="ERROR",
        **random,
    )
    found = []
    for cluster, p_value in zip(clusters, p, strict=True):
        at = np.flatnonzero(_mask(cluster, len(observed)))
        found.append(Cluster(at[0], at[-1] + 1, int(np.sign(observed[at[0]])), float(p_value)))
    return sorted(found, key=lambda c: c.start)


def _mask(cluster, length):
    mask = np.zeros(length, dtype=bool)
    mask[cluster[0] if isinstance(cluster, tuple) else cluster] = True
    return mask


def holm(p_values) -> np.ndarray:
    """Holm-adjusted p-values; NaN (not tested) stays NaN and does not count.

    Examples
    --------
    >>> [round(float(p), 2) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    factors = len(tested) - np.arange(len(tested))
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return adjusted


def holm_over_signals(found: dict[str, list[Cluster]]) -> dict[str, list[float]]:
    """Adjust each cluster's p over signals.

    Signals compete with their best cluster, as Holm has it. A signal's further clusters are no
    longer covered by Holm's argument once that signal's null is gone: they are multiplied by the
    number of signals (Bonferroni), or a strong effect would let weak ones in elsewhere.
    """
    best = [min((c.p for c in found[s]), default=1.0) for s in found]
    order = np.argsort(best, kind="stable")
    names, count = list(found), len(found)
    adjusted, floor = {}, 0.0
    for rank, k in enumerate(order):
        clusters = found[names[k]]
        floor = max(floor, min(1.0, best[k] * (count - rank)))
        first = min(range(len(clusters)), key=lambda i: clusters[i].p, default=None)
        adjusted[names[k]] = [
            floor if i == first else min(1.0, max(floor, c.p * count))
            for i, c in enumerate(clusters)
        ]
    return adjusted


def find_moments(audience: Audience) -> tuple[pd.DataFrame, str]:
    """Find the moments of one stimulus.

    Returns
    -------
    moments : DataFrame
        Columns `COLUMNS`, ordered by time. `effect` is the mean over respondents of each one's
        mean departure in the window, with its interval; `share` is the share of respondents who
        expressed the emotion there for at least a second (valence, arousal: who departed in the
        same direction), of the `n` who were measured in at least half of the window. `status` is
        "significant", or "untested" where there are too few people.
    sentence : str
        What was done and found, in words.
    """
    config = audience.config
    n = len(audience)
    if n < config.min_n_test:
        table = _untested(audience)
        listed = (
            f"Listed without p, as seen in this sample: {len(table)}."
            if len(table)
            else "Nothing was large and common enough to list."
        )
        return table, (
            f"{people(n)} kept: too few to test moments (at least {config.min_n_test} needed, or "
            f"the false-alarm rate could not be held at {percent(config.alpha)}). {listed}"
        )
    if audience.tested is None:
        raise StudyError("this study was read from its files; run it again to test its moments")

    def test(signal: str) -> list[Cluster]:
        values = audience.tested[:, SIGNALS.index(signal)]
        return cluster_test(values, config, audience.stimulus, signal)

    # Each signal has its own seed, so that threads change nothing but the time it takes.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = dict(zip(TESTED, pool.map(test, TESTED), strict=True))
    adjusted = holm_over_signals(found)
    rows = []
    for signal, clusters in found.items():
        for cluster, p_holm in zip(clusters, adjusted[signal], strict=True):
            if p_holm <= config.alpha:
                rows.append(
                    _describe(audience, signal, cluster)
                    | {"p": cluster.p, "p_holm": p_holm, "status": "significant"}
                )
    table = _table(rows)
    if table.empty:
        return table, (
            f"No moment: in none of {len(TESTED)} signals did the {n} respondents depart from "
            f"their baseline beyond chance (family-wise error {percent(config.alpha)})."
        )
    count = "1 moment" if len(table) == 1 else f"{len(table)} moments"
    return table, (
        f"{count} in {table['signal'].nunique()} of {len(TESTED)} signals, at a family-wise error "
        f"of {percent(config.alpha)} over time and signals."
    )


def _table(rows: list[dict]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values(["start_s", "signal"], kind="stable", ignore_index=True)


def _describe(audience: Audience, signal: str, cluster: Cluster) -> dict:
    config = audience.config
    window = slice(cluster.start, cluster.stop)
    curves = audience.signal(signal)[:, window]
    seen = ~np.isnan(curves)
    half = seen.mean(axis=1) >= 0.5
    person = np.full(len(curves), np.nan)
    person[half] = np.nanmean(curves[half], axis=1) if half.any() else np.nan
    effect, low, high, n = mean_interval(
        person,
        rng=generator(config.seed, "effect", audience.stimulus, signal, str(cluster.start)),
        level=config.level,
        n_boot=config.n_boot,
        min_n=config.min_n_interval,
    )
    with np.errstate(invalid="ignore"):
        mean = np.nansum(curves, axis=0) / seen.sum(axis=0)
    peak = cluster.start + int(np.nanargmax(cluster.sign * mean))
    start_s, end_s = cluster.start / config.rate_hz, cluster.stop / config.rate_hz
    yes, of = _responding(audience, signal, person, start_s, end_s, cluster.sign)
    share_low, share_high = exact_share(yes, of, config.level)
    return {
        "stimulus": audience.stimulus,
        "signal": signal,
        "direction": "up" if cluster.sign > 0 else "down",
        "start_s": start_s,
        "end_s": end_s,
        "peak_s": float(audience.times[peak]),
        "effect": effect,
        "low": low,
        "high": high,
        "n": n,
        "share": yes / of if of else np.nan,
        "share_low": float(share_low),
        "share_high": float(share_high),
    }


def _responding(audience, signal, person, start_s, end_s, sign) -> tuple[int, int]:
    """How many of how many respondents show it in the window."""
    known = ~np.isnan(person)
    if signal in ("valence", "arousal"):
        yes = sign * person > 0
    else:
        window = slice(int(start_s), max(int(start_s) + 1, int(np.ceil(end_s))))
        yes = audience.expressed[:, SIGNALS.index(signal) - 2, window].any(axis=1)
    return int((yes & known).sum()), int(known.sum())


def _untested(audience: Audience) -> pd.DataFrame:
    """Rises of an emotion, and changes of valence, common to most of a handful, as observed."""
    config = audience.config
    rows = []
    sides = [("valence", 1), ("valence", -1), *[(signal, 1) for signal in TESTED[2:]]]
    for signal, sign in sides:
        least = config.untested_valence if signal == "valence" else config.untested_effect
        curves = sign * audience.signal(signal)
        seen = ~np.isnan(curves)
        n = seen.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(seen, curves, 0).sum(axis=0) / n
            moving = ((curves > least / 2) & seen).sum(axis=0) / n
        often = (mean >= least) & (moving >= config.untested_share)
        often &= n >= max(1, config.min_n_t_share * len(curves))
        for start, stop in _runs(often):
            if stop - start >= config.rate_hz / 2:
                rows.append(
                    _describe(audience, signal, Cluster(start, stop, sign, np.nan))
                    | {"p": np.nan, "p_holm": np.nan, "status": "untested"}
                )
    return _table(rows)


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Start and stop (excluded) of each run of True.

    Examples
    --------
    >>> _runs(np.array([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
