"""Recordings on the stimulus clock: time bins, baseline, smoothing; many people on one grid."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from fer_nb.emotions import EMOTIONS
from fer_nb.study.config import SIGNALS, StudyConfig
from fer_nb.study.intervals import exact_share, generator, mean_band
from fer_nb.study.respondent import Respondent
from fer_nb.summary import holds

# Below these a baseline's SD is measurement noise, and dividing by it would invent departures.
_SD_FLOOR = np.array([0.05, 0.05, *[0.01] * 9])


def bin_recording(
    person: Respondent, edges: np.ndarray, *, max_hold_s: float, min_coverage: float
) -> tuple[np.ndarray, np.ndarray]:
    """Average one person's measurements in time bins.

    Every measured frame stands for the time until the next frame, at most `max_hold_s`, so that
    a recording of any, or of a varying, frame rate is weighted by time.

    Parameters
    ----------
    person : Respondent
    edges : array (B + 1,)
        Bin edges on the recording's clock, seconds.
    max_hold_s : float
    min_coverage : float
        Share of a bin that must be measured; else it is missing.

    Returns
    -------
    values : array (11, B)
        NaN where missing.
    coverage : array (B,)
        Measured share of each bin, 0-1.
    """
    n_bins = len(edges) - 1
    if not len(person.time_s):
        return np.full((len(SIGNALS), n_bins), np.nan), np.zeros(n_bins)
    hold = holds(person.time_s, max_hold_s)
    seen = ~np.isnan(person.values[:, 0])
    weighted = np.column_stack([np.where(seen, 1.0, 0.0), np.nan_to_num(person.values)])
    total = np.cumsum(weighted * hold[:, None], axis=0)
    # Integrals up to the start and end of each frame's time: linear between these knots.
    knots = np.column_stack([person.time_s, person.time_s + hold]).ravel()
    before = np.vstack([np.zeros((1, total.shape[1])), total[:-1]])
    integral = np.stack([before, total], axis=1).reshape(len(knots), -1)
    at = np.clip(np.searchsorted(knots, edges, side="right") - 1, 0, len(knots) - 2)
    width = knots[at + 1] - knots[at]
    part = np.divide(edges - knots[at], width, out=np.ones(len(edges)), where=width > 0)
    part = np.clip(part, 0, 1)[:, None]
    sums = np.diff(integral[at] * (1 - part) + integral[at + 1] * part, axis=0)
    coverage = sums[:, 0] / np.diff(edges)
    enough = (coverage >= min_coverage - 1e-9) & (sums[:, 0] > 1e-9)
    values = np.full((n_bins, len(SIGNALS)), np.nan)
    values[enough] = sums[enough, 1:] / sums[enough, :1]
    return values.T, coverage


@dataclass(frozen=True)
class Baseline:
    """A person's resting level: mean and SD of the 11 signals, mean of the same on the angular
    scale, and the measured seconds behind them."""

    mean: np.ndarray
    sd: np.ndarray
    angular: np.ndarray
    seconds: float


def angular(values: np.ndarray) -> np.ndarray:
    """Put probabilities on the scale on which departures are tested: arcsin of the square root.

    A rare emotion's probability is skewed: it can rise far but hardly fall, and a test that flips
    signs takes that for an effect in small audiences. On this scale (which stabilises the variance
    of a share) departures are nearly symmetric, and the false-alarm rate holds.

    Parameters
    ----------
    values : array (..., 11, B)
        Valence and arousal (left as they are), then nine probabilities.
    """
    out = np.array(values, dtype=float)
    out[..., 2:, :] = np.arcsin(np.sqrt(np.clip(out[..., 2:, :], 0, 1)))
    return out


def baseline_of(person: Respondent, begin_s: float, end_s: float, config: StudyConfig) -> Baseline:
    """Measure a baseline between two times of the recording's clock."""
    count = max(1, int(np.ceil((end_s - begin_s) * config.rate_hz - 1e-9)))
    edges = np.linspace(begin_s, end_s, count + 1)
    values, coverage = bin_recording(person, edges, max_hold_s=config.max_hold_s, min_coverage=1e-6)
    weight = np.where(np.isnan(values[0]), 0.0, coverage)
    seconds = float((weight * np.diff(edges)).sum())
    nothing = np.full(len(SIGNALS), np.nan)
    if seconds <= 0:
        return Baseline(nothing, nothing, nothing, 0.0)
    filled = np.nan_to_num(values)
    weight = weight / weight.sum()
    mean = filled @ weight
    sd = np.sqrt((filled - mean[:, None]) ** 2 @ weight)
    return Baseline(mean, sd, angular(filled) @ weight, seconds)


def correct(raw: np.ndarray, baseline: Baseline, method: str) -> np.ndarray:
    """Take a person's baseline off their curves (11, B): "difference", "z" or "none"."""
    if method == "none":
        return raw.copy()
    difference = raw - baseline.mean[:, None]
    if method == "z":
        difference /= np.maximum(baseline.sd, _SD_FLOOR)[:, None]
    return difference


def smooth(values: np.ndarray, width_bins: int) -> np.ndarray:
    """Centred moving average over the last axis; missing bins stay missing and weigh nothing."""
    if width_bins <= 1:
        return values.copy()
    half = min(width_bins // 2, values.shape[-1])
    seen = ~np.isnan(values)

    def windows(x):
        pad = [(0, 0)] * (x.ndim - 1) + [(half + 1, half)]
        total = np.cumsum(np.pad(x, pad), axis=-1)
        return total[..., 2 * half + 1 :] - total[..., : -(2 * half + 1)]

    sums, count = windows(np.where(seen, values, 0.0)), windows(seen.astype(float))
    out = np.full(values.shape, np.nan)
    return np.divide(sums, count, out=out, where=seen & (count > 0.5))


def smoothing_bins(config: StudyConfig) -> int:
    """Odd number of bins nearest to `smooth_s`."""
    return max(1, 2 * round((config.smooth_s * config.rate_hz - 1) / 2) + 1)


@dataclass(frozen=True)
class Audience:
    """Everyone who watched one stimulus, on its clock.

    Attributes
    ----------
    stimulus : str
    respondents, groups : tuple of str
        n names, and each one's group ("" where none).
    times : array (B,)
        Bin centres, seconds of the stimulus.
    raw, corrected, curves : array (n, 11, B)
        As measured; minus the person's baseline; that, smoothed. NaN where missing.
    tested : array (n, 11, B) or None
        Smoothed departures on the `angular` scale; None in a study read from its files.
    coverage : array (n, B)
        Measured share of each bin.
    seconds : array (n, 9, S)
        Mean probability in each whole second.
    resting : array (n, 9) or None
        Each person's probabilities at baseline, where known.
    baseline : str
        Where the baselines come from, in words.
    """

    stimulus: str
    respondents: tuple[str, ...]
    groups: tuple[str, ...]
    times: np.ndarray
    raw: np.ndarray
    corrected: np.ndarray
    coverage: np.ndarray
    seconds: np.ndarray
    baseline: str
    config: StudyConfig
    tested: np.ndarray | None = None
    resting: np.ndarray | None = None
    curves: np.ndarray = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "curves", smooth(self.corrected, smoothing_bins(self.config)))

    def __len__(self) -> int:
        return len(self.respondents)

    @property
    def duration_s(self) -> float:
        """Length of the grid in seconds."""
        return len(self.times) / self.config.rate_hz

    @property
    def expressed(self) -> np.ndarray:
        """(n, 9, S) of bool: seconds in which a person expressed an emotion; see `StudyConfig`."""
        config = self.config
        yes = np.nan_to_num(self.seconds) >= config.expressed_threshold
        if config.baseline != "none" and self.resting is not None:
            rise = np.nan_to_num(self.seconds) - self.resting[..., None]
            yes &= rise >= config.expressed_rise
        return yes

    def signal(self, name: str) -> np.ndarray:
        """Smoothed, baseline-corrected curves (n, B) of one signal."""
        return self.curves[:, SIGNALS.index(name)]

    def take(self, rows) -> Audience:
        """The same, for some of the people (indices)."""
        rows = np.asarray(rows, dtype=int)
        return Audience(
            stimulus=self.stimulus,
            respondents=tuple(self.respondents[i] for i in rows),
            groups=tuple(self.groups[i] for i in rows),
            times=self.times,
            raw=self.raw[rows],
            corrected=self.corrected[rows],
            coverage=self.coverage[rows],
            seconds=self.seconds[rows],
            baseline=self.baseline,
            config=self.config,
            tested=None if self.tested is None else self.tested[rows],
            resting=None if self.resting is None else self.resting[rows],
        )

    def parts(self) -> dict[str, Audience]:
        """Everyone ("all"), and every group where there are two or more."""
        result = {"all": self}
        names = sorted(set(self.groups) - {""})
        if len(names) > 1:
            for name in names:
                result[name] = self.take([i for i, g in enumerate(self.groups) if g == name])
        return result


def audience_table(audience: Audience, group: str = "all") -> pd.DataFrame:
    """Audience curves with bands, long: one row per signal and bin, or second.

    Returns
    -------
    DataFrame
        `stimulus, group, kind` ("mean": baseline-corrected mean; "level": mean as measured;
        "share": share of respondents expressing), `signal, time_s` (middle), `estimate, low,
        high, n`.
    """
    config = audience.config
    n, _, bins = audience.curves.shape
    parts = []
    for kind, values in (("mean", audience.curves), ("level", _level(audience))):
        band = mean_band(
            values.reshape(n, -1),
            rng=generator(config.seed, "curves", audience.stimulus, group),
            level=config.level,
            n_boot=config.n_boot,
            min_n=config.min_n_interval,
        )
        parts.append(
            pd.DataFrame(
                {
                    "kind": kind,
                    "signal": np.repeat(SIGNALS, bins),
                    "time_s": np.tile(audience.times, len(SIGNALS)),
                    "estimate": band.mean,
                    "low": band.low,
                    "high": band.high,
                    "n": band.n,
                }
            )
        )
    parts.append(_shares(audience))
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "stimulus", audience.stimulus)
    table.insert(1, "group", group)
    return table


def _level(audience: Audience) -> np.ndarray:
    """Smoothed curves as measured; only valence and arousal and probabilities as they are."""
    return smooth(audience.raw, smoothing_bins(audience.config))


def _shares(audience: Audience) -> pd.DataFrame:
    config = audience.config
    seen = ~np.isnan(audience.seconds)
    yes = audience.expressed & seen
    count, n = yes.sum(axis=0), seen.sum(axis=0)
    low, high = exact_share(count, n, config.level)
    with np.errstate(invalid="ignore"):
        share = count / n
    seconds = audience.seconds.shape[2]
    return pd.DataFrame(
        {
            "kind": "share",
            "signal": np.repeat([f"p_{e}" for e in EMOTIONS], seconds),
            "time_s": np.tile(np.arange(seconds) + 0.5, len(EMOTIONS)),
            "estimate": share.ravel(),
            "low": low.ravel(),
            "high": high.ravel(),
            "n": n.ravel(),
        }
    )
