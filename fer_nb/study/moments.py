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

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

from fer_nb.errors import StudyError
from fer_nb.study.clusters import Cluster, cluster_test, holm_over_signals
from fer_nb.study.config import SIGNALS, TESTED, StudyConfig
from fer_nb.study.curves import Audience
from fer_nb.study.intervals import exact_share, generator, mean_interval

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
    "moved",
    "moved_of",
    "p",
    "p_holm",
    "status",
)


def find_moments(audience: Audience) -> pd.DataFrame:
    """Find the moments of one stimulus.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, ordered by time. `effect` is the mean over respondents of each one's
        mean departure in the window, with its interval; `share` is the share of respondents who
        expressed the emotion there for at least a second (valence, arousal: who departed in the
        same direction), of the `n` who were measured in at least half of the window; `moved` of
        the `moved_of` seen at the peak had moved that way by half of what is listed untested.
        `status` is "significant"; "small" (beyond chance, but below the smallest effect of
        interest); "not_significant" (large and common, but not beyond chance), or "untested" where
        there are fewer than `min_n_test` people; "few_moved" (large in the mean, neither beyond
        chance nor common).
    """
    config = audience.config
    if len(audience) < config.min_n_test:
        return _table(_large(audience, "untested", []))
    if audience.tested is None:
        raise StudyError("this study was read from its files; run it again to test its moments")

    def test(signal: str) -> list[Cluster]:
        k = SIGNALS.index(signal)
        return cluster_test(audience.tested[:, k], config, audience.stimulus, signal)

    # Each signal has its own seed, so that threads change nothing but the time it takes.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:  # each needs some 20 MB
        found = dict(zip(TESTED, pool.map(test, TESTED), strict=True))
    adjusted = holm_over_signals(found)
    rows = []
    for signal, clusters in found.items():
        for cluster, p_holm in zip(clusters, adjusted[signal], strict=True):
            if p_holm <= config.alpha:
                row = _describe(audience, signal, cluster)
                large = abs(row["effect"]) >= least_effect(signal, config)
                status = "significant" if large else "small"
                rows.append(row | {"p": cluster.p, "p_holm": p_holm, "status": status})
    return _table(rows + _large(audience, "not_significant", rows))


def least_effect(signal: str, config: StudyConfig) -> float:
    """Smallest effect of interest of a signal; none where changes are in standard deviations."""
    if config.baseline == "z":
        return 0.0
    return config.min_effect_rating if signal in ("valence", "arousal") else config.min_effect


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
    at_peak = cluster.sign * curves[:, peak - cluster.start]
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
        "moved": int((at_peak > _listed(signal, config) / 2).sum()),
        "moved_of": int((~np.isnan(at_peak)).sum()),
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


def _listed(signal: str, config: StudyConfig) -> float:
    """Least change of the mean that is listed without evidence."""
    rating = signal in ("valence", "arousal")
    return config.untested_valence if rating else config.untested_effect


def _large(audience: Audience, status: str, known: list[dict]) -> list[dict]:
    """Large rises of an emotion, and changes of valence, as observed, that are not known.

    Those that most of the audience shares have `status`, the others "few_moved".
    """
    config = audience.config
    rows: list[dict] = []
    sides = [("valence", 1), ("valence", -1), *[(signal, 1) for signal in TESTED[2:]]]
    for signal, sign in sides:
        least = _listed(signal, config)
        curves = sign * audience.signal(signal)
        seen = ~np.isnan(curves)
        n = seen.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(seen, curves, 0).sum(axis=0) / n
            moving = ((curves > least / 2) & seen).sum(axis=0) / n
        large = (mean >= least) & (n >= max(1, config.min_n_t_share * len(curves)))
        common = large & (moving >= config.untested_share)
        for mask, kind in ((common, status), (large, "few_moved")):
            for start, stop in _runs(mask):
                if stop - start < config.rate_hz / 2:
                    continue
                row = _describe(audience, signal, Cluster(start, stop, sign, np.nan))
                if not any(_same(row, other) for other in known + rows):
                    rows.append(row | {"p": np.nan, "p_holm": np.nan, "status": kind})
    return rows


def _same(row: dict, other: dict) -> bool:
    """Whether two rows tell of one departure."""
    alike = (row["signal"], row["direction"]) == (other["signal"], other["direction"])
    return alike and row["start_s"] < other["end_s"] and other["start_s"] < row["end_s"]


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Start and stop (excluded) of each run of True.

    Examples
    --------
    >>> _runs(np.array([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
