"""Two stimuli, or two groups: what differs, by how much, how sure.

Paired where the same people saw both (sign flips), independent otherwise (shuffles of a
studentised difference, which holds its level when the groups' spreads differ: Chung & Romano
2013). Intervals use the bootstrap's standard error with Student's t; BCa intervals, too narrow in
small samples (docs/statistics.md), stand beside them from 100 people on.

Sources
-------
Chung, E., & Romano, J. P. (2013). Exact and asymptotically robust permutation tests.
*Ann. Stat., 41*(2), 484-507.
Hedges, L. V. (1981). Distribution theory for Glass's estimator of effect size.
*J. Educ. Stat., 6*(2), 107-128.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from fer_nb.study.config import SIGNALS, TESTED, StudyConfig
from fer_nb.study.curves import Audience
from fer_nb.study.intervals import generator, mean_band
from fer_nb.study.metrics import whole_metrics
from fer_nb.study.moments import cluster_test, holm, holm_over_signals, two_sample_cluster_test

# The family that Holm corrects over: decided before any data are seen.
COMPARED: tuple[tuple[str, str], ...] = (
    *(("average", signal) for signal in TESTED),
    ("first", "p_surprise"),
    ("last", "valence"),
    ("peak_end", "valence"),
)
CURVES = ("valence", "arousal", "p_happy")
BCA_FROM = 100
COLUMNS = (
    "first",
    "second",
    "within",
    "design",
    "signal",
    "metric",
    "n_first",
    "n_second",
    "mean_first",
    "mean_second",
    "difference",
    "low",
    "high",
    "bca_low",
    "bca_high",
    "effect_size",
    "effect",
    "p",
    "p_holm",
)


@dataclass(frozen=True)
class Contrast:
    """Two audiences to compare (first minus second), cut to the same people where paired."""

    first: Audience
    second: Audience
    labels: tuple[str, str]
    within: str
    paired: bool
    note: str = ""


def contrasts(audiences: dict[str, Audience]) -> list[Contrast]:
    """Every pair of stimuli, and every pair of groups within a stimulus."""
    found = [
        contrast(audiences[a], audiences[b], (a, b), "stimuli")
        for a, b in combinations(audiences, 2)
    ]
    for name, audience in audiences.items():
        parts = {k: v for k, v in audience.parts().items() if k != "all"}
        found += [
            contrast(parts[a], parts[b], (a, b), f"groups of {name}")
            for a, b in combinations(parts, 2)
        ]
    return found


def contrast(first: Audience, second: Audience, labels, within: str) -> Contrast:
    """Pair the people where most of the smaller audience saw both; else keep them apart.

    People in both of two otherwise independent audiences are taken from the first only.
    """
    a, b = list(first.respondents), list(second.respondents)
    both = [name for name in a if name in set(b)]
    if both and 2 * len(both) >= min(len(a), len(b)):
        left_out = len(a) + len(b) - 2 * len(both)
        note = f"respondents without a kept recording of both are left out ({left_out})"
        note = note if left_out else ""
        first = first.take([a.index(name) for name in both])
        second = second.take([b.index(name) for name in both])
        return Contrast(first, second, tuple(labels), within, True, note)
    note = f"respondents with recordings of both count for the first only ({len(both)})"
    note = note if both else ""
    second = second.take([i for i, name in enumerate(b) if name not in set(both)])
    return Contrast(first, second, tuple(labels), within, False, note)


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
    if 2**n <= permutations:
        bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        flips = 1.0 - 2.0 * bits
    else:
        flips = rng.choice([-1.0, 1.0], size=(permutations, n))
        flips[0] = 1
    # The number of values is the same for every flip, so sums order as means (and as t) do.
    null = np.abs(flips @ filled)
    observed = np.abs(filled.sum(axis=0))
    return (null >= observed * (1 - 1e-12) - 1e-15).mean(axis=0)


def shuffle_p(first: np.ndarray, second: np.ndarray, rng, permutations: int):
    """Two-sided p of each column's difference of means; a studentised permutation test."""
    both = np.vstack([first, second])
    seen = (~np.isnan(both)).astype(float)
    centre = np.nanmean(both, axis=0)
    filled = np.where(seen > 0, both - centre, 0.0)
    member = np.zeros((permutations, len(both)))
    member[:, : len(first)] = 1
    member[1:] = rng.permuted(member[1:], axis=1)
    t = 0.0
    spread = 0.0
    for side, m in ((1, member), (-1, 1 - member)):
        n = np.maximum(m @ seen, 2)
        mean = m @ filled / n
        variance = np.maximum(m @ filled**2 / n - mean**2, 0) * n / (n - 1)
        t = t + side * mean
        spread = spread + variance / n
    t = np.abs(t) / np.sqrt(np.maximum(spread, 1e-18))
    return (t >= t[0] * (1 - 1e-12)).mean(axis=0)


def _correction(freedom):
    """Hedges' factor against the small-sample bias of a standardised difference."""
    return 1 - 3 / (4 * freedom - 1)


def paired_row(difference: np.ndarray, config: StudyConfig, rng) -> dict:
    """Mean difference with intervals and d_z (with Hedges' factor) of person-level differences."""
    d = difference[~np.isnan(difference)]
    band = _band(d[:, None], config, rng)
    row = {"difference": band.mean[0], "low": band.low[0], "high": band.high[0]}
    row |= dict(zip(("bca_low", "bca_high"), _bca((d,), config, rng), strict=True))
    sd = d.std(ddof=1) if len(d) > 1 else 0.0
    usable = len(d) >= config.min_n_interval and sd > 0
    effect = d.mean() / sd * _correction(len(d) - 1) if usable else np.nan
    return row | {"effect_size": "d_z", "effect": effect}


def independent_row(first: np.ndarray, second: np.ndarray, config: StudyConfig, rng) -> dict:
    """Difference of means with Welch-type bootstrap interval, and Hedges' g."""
    a, b = first[~np.isnan(first)], second[~np.isnan(second)]
    row = {"difference": np.nan, "low": np.nan, "high": np.nan, "bca_low": np.nan}
    row |= {"bca_high": np.nan, "effect_size": "g", "effect": np.nan}
    if not len(a) or not len(b):
        return row
    row["difference"] = a.mean() - b.mean()
    if min(len(a), len(b)) < config.min_n_interval:
        return row
    variance = []
    for x in (a, b):
        weights = rng.multinomial(len(x), np.full(len(x), 1 / len(x)), size=config.n_boot)
        boot = weights @ (x - x.mean()) / len(x)
        variance.append((boot**2).mean() * len(x) / (len(x) - 1))
    total = sum(variance)
    if total > 0:
        freedom = total**2 / (variance[0] ** 2 / (len(a) - 1) + variance[1] ** 2 / (len(b) - 1))
        half = stats.t.ppf(0.5 + config.level / 2, freedom) * np.sqrt(total)
        row["low"], row["high"] = row["difference"] - half, row["difference"] + half
        pooled = ((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (
            len(a) + len(b) - 2
        )
        row["effect"] = row["difference"] / np.sqrt(pooled) * _correction(len(a) + len(b) - 2)
    row["bca_low"], row["bca_high"] = _bca((a, b), config, rng)
    return row


def _bca(samples, config: StudyConfig, rng) -> tuple[float, float]:
    if min(len(x) for x in samples) < BCA_FROM or any(np.ptp(x) == 0 for x in samples):
        return np.nan, np.nan

    def statistic(*x, axis=-1):
        return x[0].mean(axis=axis) - (x[1].mean(axis=axis) if len(x) > 1 else 0)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            samples,
            statistic,
            n_resamples=config.n_boot,
            batch=500,
            confidence_level=config.level,
            method="BCa",
            rng=rng,
        )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def _band(values, config, rng):
    return mean_band(
        values, rng=rng, level=config.level, n_boot=config.n_boot, min_n=config.min_n_interval
    )


def compare_metrics(c: Contrast) -> pd.DataFrame:
    """Compare the metrics of `COMPARED`; p is Holm-corrected over them. Columns `COLUMNS`."""
    config = c.first.config
    name = (c.within, *c.labels)
    values = [whole_metrics(audience) for audience in (c.first, c.second)]
    a, b = (
        np.column_stack([v[metric][:, SIGNALS.index(signal)] for metric, signal in COMPARED])
        for v in values
    )
    enough = min(len(a), len(b)) >= config.min_n_test
    rng = generator(config.seed, "comparison", *name)
    if not enough:
        p = np.full(len(COMPARED), np.nan)
    elif c.paired:
        p = sign_flip_p(a - b, rng, 10 * config.n_permutations)
    else:
        p = shuffle_p(a, b, rng, 10 * config.n_permutations)
    rows = []
    for k, (metric, signal) in enumerate(COMPARED):
        x, y = a[:, k], b[:, k]
        if c.paired:
            both = ~np.isnan(x) & ~np.isnan(y)
            x, y = x[both], y[both]
            row = paired_row(x - y, config, rng)
        else:
            x, y = x[~np.isnan(x)], y[~np.isnan(y)]
            row = independent_row(x, y, config, rng)
        rows.append(
            {
                "first": c.labels[0],
                "second": c.labels[1],
                "within": c.within,
                "design": "paired" if c.paired else "independent",
                "signal": signal,
                "metric": metric,
                "n_first": len(x),
                "n_second": len(y),
                "mean_first": x.mean() if len(x) else np.nan,
                "mean_second": y.mean() if len(y) else np.nan,
                "p": p[k] if min(len(x), len(y)) >= config.min_n_test else np.nan,
            }
            | row
        )
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(table["p"])
    return table[list(COLUMNS)]


def compare_curves(c: Contrast) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Difference curves with bands over the common length, and where they leave zero.

    Returns
    -------
    curves : DataFrame
        `first, second, within, signal, time_s, estimate, low, high, n`.
    clusters : DataFrame
        `first, second, within, signal, start_s, end_s, sign, p, p_holm`: cluster permutation
        test, Holm over the signals of `CURVES`; empty where there are too few people.
    """
    config = c.first.config
    bins = min(len(c.first.times), len(c.second.times))
    head = {"first": c.labels[0], "second": c.labels[1], "within": c.within}
    curves, found = [], {}
    for signal in CURVES:
        a, b = c.first.signal(signal)[:, :bins], c.second.signal(signal)[:, :bins]
        name = (*c.labels, c.within, signal)
        rng = generator(config.seed, "difference", *name)
        if c.paired:
            band = _band(a - b, config, rng)
            estimate, low, high, n = band.mean, band.low, band.high, band.n
        else:
            estimate, low, high, n = _welch_band(a, b, config, rng)
        times = {"signal": signal, "time_s": c.first.times[:bins]}
        bands = {"estimate": estimate, "low": low, "high": high, "n": n}
        curves.append(pd.DataFrame(head | times | bands))
        if min(len(a), len(b)) >= config.min_n_test:
            test = (
                cluster_test(a - b, config, *name)
                if c.paired
                else two_sample_cluster_test(a, b, config, *name)
            )
            found[signal] = test
    adjusted = holm_over_signals(found)
    clusters = [
        head
        | {
            "signal": signal,
            "start_s": k.start / config.rate_hz,
            "end_s": k.stop / config.rate_hz,
            "sign": k.sign,
            "p": k.p,
            "p_holm": p,
        }
        for signal in found
        for k, p in zip(found[signal], adjusted[signal], strict=True)
    ]
    names = [*head, "signal", "start_s", "end_s", "sign", "p", "p_holm"]
    return pd.concat(curves, ignore_index=True), pd.DataFrame(clusters, columns=names)


def _welch_band(a, b, config, rng):
    """Pointwise band of the difference of two independent mean curves."""
    first, second = _band(a, config, rng), _band(b, config, rng)
    parts = []
    with np.errstate(invalid="ignore", divide="ignore"):
        for band in (first, second):
            quantile = stats.t.ppf(0.5 + config.level / 2, np.maximum(band.n - 1, 1))
            parts.append(((band.high - band.low) / 2 / quantile) ** 2)
        total = parts[0] + parts[1]
        freedom = total**2 / (parts[0] ** 2 / (first.n - 1) + parts[1] ** 2 / (second.n - 1))
        half = stats.t.ppf(0.5 + config.level / 2, freedom) * np.sqrt(total)
    estimate = first.mean - second.mean
    return estimate, estimate - half, estimate + half, np.minimum(first.n, second.n)
