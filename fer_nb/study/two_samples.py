"""Two samples of people: tests, intervals and effect sizes of what differs, paired or not.

Paired samples are tested by sign flips, independent ones by shuffles of a studentised difference,
which holds its level when the groups' spreads differ (Chung & Romano 2013). Intervals use the
bootstrap's standard error with Student's t; BCa intervals, too narrow in small samples
(docs/statistics.md), stand beside them from 100 people on.

Sources
-------
Chung, E., & Romano, J. P. (2013). Exact and asymptotically robust permutation tests.
*Ann. Stat., 41*(2), 484-507.
Hedges, L. V. (1981). Distribution theory for Glass's estimator of effect size.
*J. Educ. Stat., 6*(2), 107-128.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy  # whose parts are loaded on first use

from fer_nb.study.config import StudyConfig
from fer_nb.study.intervals import blocks, mean_band, resamples, weighted

BCA_FROM = 100


def sign_flip_p(differences: np.ndarray, rng: np.random.Generator, permutations: int):
    """Two-sided p of each column's mean under flips of whole persons' signs.

    Parameters
    ----------
    differences : array (n, k)
        NaN where a person has no value; all 2^n flips are used where they are fewer.
    """
    seen = ~np.isnan(differences)
    filled = np.where(seen, differences, 0.0)
    n = len(filled)
    observed = np.abs(filled.sum(axis=0)) * (1 - 1e-12) - 1e-15
    if 2**n <= permutations:
        bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        return (np.abs((1.0 - 2.0 * bits) @ filled) >= observed).mean(axis=0)
    as_large = 0
    for rows in blocks(permutations, n):
        flips = rng.choice([-1.0, 1.0], size=(rows.stop - rows.start, n))
        if not rows.start:
            flips[0] = 1
        # The number of values is the same for every flip, so sums order as means (and as t) do.
        as_large = as_large + (np.abs(flips @ filled) >= observed).sum(axis=0)
    return as_large / permutations


def shuffle_p(first: np.ndarray, second: np.ndarray, rng, permutations: int):
    """Two-sided p of each column's difference of means; a studentised permutation test."""
    both = np.vstack([first, second])
    seen = (~np.isnan(both)).astype(float)
    centre = np.nanmean(both, axis=0)
    filled = np.where(seen > 0, both - centre, 0.0)
    members = np.zeros(len(both))
    members[: len(first)] = 1

    def statistic(member: np.ndarray) -> np.ndarray:
        t, spread = 0.0, 0.0
        for side, m in ((1, member), (-1, 1 - member)):
            n = np.maximum(m @ seen, 2)
            mean = m @ filled / n
            variance = np.maximum(m @ filled**2 / n - mean**2, 0) * n / (n - 1)
            t = t + side * mean
            spread = spread + variance / n
        return np.abs(t) / np.sqrt(np.maximum(spread, 1e-18))

    observed = statistic(members[None]) * (1 - 1e-12)
    as_large = 1  # the permutation that was observed is one of them
    for rows in blocks(permutations - 1, len(both)):
        shuffled = rng.permuted(np.tile(members, (rows.stop - rows.start, 1)), axis=1)
        as_large = as_large + (statistic(shuffled) >= observed).sum(axis=0)
    return as_large / permutations


def _correction(freedom):
    """Hedges' factor against the small-sample bias of a standardised difference."""
    return 1 - 3 / (4 * freedom - 1)


def paired_row(difference: np.ndarray, config: StudyConfig, rng) -> dict:
    """Mean difference with intervals and d_z (with Hedges' factor) of person-level differences."""
    d = difference[~np.isnan(difference)]
    band = band_of(d[:, None], config, rng)
    row = {"difference": band.mean[0], "low": band.low[0], "high": band.high[0]}
    row |= dict(zip(("bca_low", "bca_high"), _bca((d,), config, rng), strict=True))
    sd = d.std(ddof=1) if len(d) > 1 else 0.0
    usable = len(d) >= config.min_n_interval and sd > 0
    effect = d.mean() / sd * _correction(len(d) - 1) if usable else np.nan
    return row | {"effect_size": "d_z", "effect": effect}


def independent_row(first: np.ndarray, second: np.ndarray, config: StudyConfig, rng) -> dict:
    """Difference of means with Welch-type bootstrap interval, and Hedges' g."""
    a, b = first[~np.isnan(first)], second[~np.isnan(second)]
    row: dict[str, Any] = {"difference": np.nan, "low": np.nan, "high": np.nan}
    row |= {"bca_low": np.nan, "bca_high": np.nan, "effect_size": "g", "effect": np.nan}
    if not len(a) or not len(b):
        return row
    row["difference"] = a.mean() - b.mean()
    if min(len(a), len(b)) < config.min_n_interval:
        return row
    variance = []
    for x in (a, b):
        boot = weighted(resamples(rng, len(x), config.n_boot), (x - x.mean())[:, None]) / len(x)
        variance.append((boot**2).mean() * len(x) / (len(x) - 1))
    total = sum(variance)
    if total > 0:
        freedom = total**2 / (variance[0] ** 2 / (len(a) - 1) + variance[1] ** 2 / (len(b) - 1))
        half = scipy.stats.t.ppf(0.5 + config.level / 2, freedom) * np.sqrt(total)
        row["low"], row["high"] = row["difference"] - half, row["difference"] + half
        pooled = ((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (
            len(a) + len(b) - 2
        )
        row["effect"] = row["difference"] / np.sqrt(pooled) * _correction(len(a) + len(b) - 2)
    row["bca_low"], row["bca_high"] = _bca((a, b), config, rng)
    return row


def measured(x: np.ndarray, y: np.ndarray, paired: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the values (n,) of those who have one: of pairs, who has both."""
    if paired:
        both = ~np.isnan(x) & ~np.isnan(y)
        return x[both], y[both]
    return x[~np.isnan(x)], y[~np.isnan(y)]


def difference_row(x: np.ndarray, y: np.ndarray, paired: bool, config: StudyConfig, rng) -> dict:
    """`paired_row` or `independent_row` of measured values; nothing of no pairs."""
    if not paired:
        return independent_row(x, y, config, rng)
    return paired_row(x - y, config, rng) if len(x) else {}


def difference_p(x: np.ndarray, y: np.ndarray, paired: bool, config: StudyConfig, rng) -> float:
    """Test measured values by permutation; NaN where either side is too small to be tested."""
    if min(len(x), len(y)) < config.min_n_test:
        return np.nan
    count = config.n_permutations
    if paired:
        return sign_flip_p((x - y)[:, None], rng, count)[0]
    return shuffle_p(x[:, None], y[:, None], rng, count)[0]


def _bca(samples, config: StudyConfig, rng) -> tuple[float, float]:
    if min(len(x) for x in samples) < BCA_FROM or any(np.ptp(x) == 0 for x in samples):
        return np.nan, np.nan

    def statistic(*x, axis=-1):
        return x[0].mean(axis=axis) - (x[1].mean(axis=axis) if len(x) > 1 else 0)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", scipy.stats.DegenerateDataWarning)
        found = scipy.stats.bootstrap(
            samples,
            statistic,
            n_resamples=config.n_boot,
            batch=max(1, min(500, 1_000_000 // max(map(len, samples)))),  # 16 MB at a time
            confidence_level=config.level,
            method="BCa",
            rng=rng,
        )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def band_of(values, config: StudyConfig, rng):
    """Mean of each column over people, with its pointwise interval."""
    return mean_band(
        values, rng=rng, level=config.level, n_boot=config.n_boot, min_n=config.min_n_interval
    )


def robust_p(x: np.ndarray, y: np.ndarray, paired: bool) -> float:
    """p by ranks, which an outlier cannot move: Wilcoxon's, or Brunner and Munzel's."""
    if paired:
        difference = x - y
        return float(scipy.stats.wilcoxon(difference).pvalue) if difference.any() else 1.0
    with np.errstate(invalid="ignore", divide="ignore"):
        p = float(scipy.stats.brunnermunzel(x, y).pvalue)
    return 0.0 if np.isnan(p) else p  # no overlap at all


def welch_band(a, b, config, rng):
    """Pointwise band of the difference of two independent mean curves."""
    first, second = band_of(a, config, rng), band_of(b, config, rng)
    parts = []
    with np.errstate(invalid="ignore", divide="ignore"):
        for band in (first, second):
            quantile = scipy.stats.t.ppf(0.5 + config.level / 2, np.maximum(band.n - 1, 1))
            parts.append(((band.high - band.low) / 2 / quantile) ** 2)
        total = parts[0] + parts[1]
        freedom = total**2 / (parts[0] ** 2 / (first.n - 1) + parts[1] ** 2 / (second.n - 1))
        half = scipy.stats.t.ppf(0.5 + config.level / 2, freedom) * np.sqrt(total)
    estimate = first.mean - second.mean
    return estimate, estimate - half, estimate + half, np.minimum(first.n, second.n)
