"""Do people respond together? Inter-subject correlation, leave one out, with a shifted null.

Sources
-------
Hasson, U., et al. (2004). Intersubject synchronization of cortical activity during natural vision.
*Science, 303*(5664), 1634-1640.
Nastase, S. A., et al. (2019). Measuring shared responses across subjects using intersubject
correlation. *Soc. Cogn. Affect. Neurosci., 14*(6), 667-685.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_nb.person import moving_average
from fer_nb.study.config import StudyConfig
from fer_nb.study.curves import Audience
from fer_nb.study.intervals import blocks, generator

ISC_SIGNALS = ("valence", "arousal")
_MIN_SEEN = 0.5  # people measured in less than half of the stimulus cannot be correlated


@dataclass(frozen=True)
class Synchrony:
    """Inter-subject correlation of one signal.

    Attributes
    ----------
    isc : float
        Mean over people of the correlation with the mean of the others; -1 to 1.
    p : float
        Share of circularly shifted audiences whose `isc` is as large (one-sided); NaN if refused.
    null_high : float
        The null's 95 % point.
    n : int
    over_time : array (B,)
        Mean product of standardised curves (own, others) in a moving window: where they agree.
    time_limit : float
        95 % point of the largest `over_time` of shifted audiences: above it, together beyond
        chance anywhere in the stimulus.
    """

    isc: float
    p: float
    null_high: float
    n: int
    over_time: np.ndarray
    time_limit: float


def _agreement(z: np.ndarray, seen: np.ndarray):
    """LOO correlation per person (mean), and the mean product over people in each bin.

    `z` (n, B) float32, standardised, 0 where missing; `seen` (n, B) float32 of 0 and 1.
    """
    count = seen.sum(axis=0)
    both = seen * (count > 1)
    # What the others show, 0 where this person is missing.
    others = z.sum(axis=0) - z
    others *= 1 / np.maximum(count - 1, 1)
    others *= both
    k = both.sum(axis=1)
    own_mean = np.einsum("ij,ij->i", z, both) / k
    others_mean = others.sum(axis=1) / k
    # Sums of products of deviations, without making the deviations.
    product = np.einsum("ij,ij->i", z, others) - k * own_mean * others_mean
    own = np.einsum("ij,ij,ij->i", z, z, both) - k * own_mean**2
    rest = np.einsum("ij,ij->i", others, others) - k * others_mean**2
    scale = np.sqrt(np.maximum(own * rest, 0))
    r = np.divide(product, scale, out=np.zeros(len(z), z.dtype), where=scale > 1e-9)
    number = both.sum(axis=0)
    # einsum, not @: many small products wait for each other's threads on a busy machine.
    cross = (
        np.einsum("ij,ij->j", z, others)
        - np.einsum("i,ij->j", own_mean, others)
        - np.einsum("i,ij,ij->j", others_mean, z, both)
        + np.einsum("i,ij->j", own_mean * others_mean, both)
    )
    per_bin = np.divide(cross, number, out=np.full(z.shape[1], np.nan), where=number > 1)
    return float(r.mean()), per_bin


def inter_subject_correlation(
    curves: np.ndarray, config: StudyConfig, *names: str
) -> Synchrony | None:
    """Correlate each person's curve with the mean of the others.

    Parameters
    ----------
    curves : array (n, B)
        NaN where missing.
    config : StudyConfig
    names : str
        Seed the shifts.

    Returns
    -------
    Synchrony, or None where fewer than `min_n_interval` people can be used.
    """
    seen = ~np.isnan(curves)
    spread = np.array([np.std(c[s]) if s.sum() > 2 else 0.0 for c, s in zip(curves, seen)])  # noqa: B905
    usable = (seen.mean(axis=1) >= _MIN_SEEN) & (spread > 1e-9)
    if usable.sum() < config.min_n_interval:
        return None
    curves, seen = curves[usable], seen[usable]
    n, bins = curves.shape
    # Twice side by side, so that a shifted row is a slice.
    z2 = np.zeros((n, 2 * bins), dtype=np.float32)
    z = z2[:, :bins]
    for rows in blocks(n, bins):
        mean = np.nanmean(curves[rows], axis=1, keepdims=True)
        sd = np.nanstd(curves[rows], axis=1, keepdims=True)
        np.copyto(z[rows], (curves[rows] - mean) / sd, where=seen[rows], casting="same_kind")
    z2[:, bins:] = z
    seen2 = np.hstack([seen, seen])
    del curves
    seen = seen.astype(np.float32)
    window = max(1, round(config.isc_window_s * config.rate_hz))
    isc, per_bin = _agreement(z, seen)
    over_time = moving_average(per_bin, window)
    rng = generator(config.seed, "isc", *names)
    null, largest = np.empty(config.isc_shifts), np.empty(config.isc_shifts)
    moved, moved_seen = np.empty_like(seen), np.empty_like(seen)
    for k in range(config.isc_shifts):
        for i, shift in enumerate(np.asarray(rng.integers(bins, size=n))):
            moved[i] = z2[i, shift : shift + bins]
            moved_seen[i] = seen2[i, shift : shift + bins]
        null[k], moving = _agreement(moved, moved_seen)
        largest[k] = np.nanmax(moving_average(moving, window))
    refused = n < config.min_n_test
    return Synchrony(
        isc=float(isc),
        p=np.nan if refused else float((1 + (null >= isc).sum()) / (1 + len(null))),
        null_high=float(np.quantile(null, 0.95)),
        n=n,
        over_time=over_time,
        time_limit=np.nan if refused else float(np.quantile(largest, 0.95)),
    )


def synchrony_tables(audience: Audience) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Inter-subject correlation of valence and arousal: one row per signal; and over time."""
    rows, curves = [], []
    for signal in ISC_SIGNALS:
        found = inter_subject_correlation(
            audience.signal(signal), audience.config, audience.stimulus, signal
        )
        row = {"stimulus": audience.stimulus, "signal": signal}
        if found is None:
            rows.append(row | {"isc": np.nan, "p": np.nan, "null_high": np.nan, "n": 0})
            continue
        rows.append(
            row | {"isc": found.isc, "p": found.p, "null_high": found.null_high, "n": found.n}
        )
        curves.append(
            pd.DataFrame(
                row
                | {
                    "time_s": audience.times,
                    "agreement": found.over_time,
                    "limit": found.time_limit,
                }
            )
        )
    over_time = (
        pd.concat(curves, ignore_index=True)
        if curves
        else pd.DataFrame(columns=["stimulus", "signal", "time_s", "agreement", "limit"])
    )
    return pd.DataFrame(rows), over_time
