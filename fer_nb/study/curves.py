"""Recordings on the stimulus clock: many people on one grid of time bins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_nb.emotions import EMOTIONS
from fer_nb.person import Person, Rest, angular, moving_average
from fer_nb.study.config import SIGNALS, StudyConfig
from fer_nb.study.expressed import expressed_seconds
from fer_nb.study.intervals import exact_share, generator, mean_band
from fer_nb.study.signals import Columns, Derived, Signals, of_some


def bin_recording(
    person: Person, edges: np.ndarray, *, min_coverage: float
) -> tuple[np.ndarray, np.ndarray]:
    """Average one person's measurements in time bins, each frame by the time it stands for.

    Parameters
    ----------
    person : Person
    edges : array (B + 1,)
        Bin edges on the recording's clock, seconds.
    min_coverage : float
        Share of a bin that must be measured; else it is missing.

    Returns
    -------
    values : array (11, B)
        NaN where missing.
    coverage : array (B,)
        Measured share of each bin, 0-1.
    """
    means, measured = person.average(edges[:-1], edges[1:])
    coverage = measured / np.diff(edges)
    means[coverage < min_coverage - 1e-9] = np.nan
    return means.T, coverage


def smoothing_bins(config: StudyConfig) -> int:
    """Odd number of bins nearest to `smooth_s`."""
    return max(1, 2 * round((config.smooth_s * config.rate_hz - 1) / 2) + 1)


def smoothed(values: Signals, config: StudyConfig) -> Derived:
    """Return signals as centred moving averages of `smooth_s`."""
    width = smoothing_bins(config)
    return Derived(
        values.shape, lambda people, signals: moving_average(values[people, signals], width)
    )


def departed(raw: Signals, rests: Sequence[Rest], method: str) -> Derived:
    """Return the curves (n, 11, B) less each person's rest.

    "difference"; "z", divided by the rest's spread, too; or "none", as they are.
    """
    mean, spread = (np.stack([getattr(r, name) for r in rests]) for name in ("mean", "spread"))

    def work(people, signals):
        if method == "none":
            return raw[people, signals]
        difference = raw[people, signals] - mean[people, signals][..., None]
        return difference / spread[people, signals][..., None] if method == "z" else difference

    return Derived(raw.shape, work)


def as_tested(raw: Signals, rests: Sequence[Rest], config: StudyConfig) -> Derived:
    """Return smoothed departures on the `angular` scale, as float32."""
    mean, width = np.stack([rest.angular for rest in rests]), smoothing_bins(config)

    def work(people, signals):
        difference = angular(raw[people, signals], signals) - mean[people, signals][..., None]
        return moving_average(difference, width).astype(np.float32)

    return Derived(raw.shape, work)


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
    raw, corrected, curves : array (n, 11, B), or `Derived`
        As measured; minus the person's baseline; that, smoothed. NaN where missing.
    tested : float32 array (n, 11, B), `Derived`, or None
        Smoothed departures on the `angular` scale; None in a study read from its files.
    coverage : array (n, B)
        Measured share of each bin.
    facing : array (n,) or None
        Share of the seen time in which each person faces the camera; NaN where not known.
    seconds : array (n, 9, S), or `Derived`
        Mean probability in each whole second.
    resting : array (n, 9) or None
        Each person's probabilities at baseline, where known.
    expressed : array (n, 9, S) of bool
        Seconds in which a person expressed an emotion; see `fer_nb.study.expressed`. Worked out
        over everyone, so that a part of the audience keeps it.
    baseline : str
        Where the baselines come from: "manifest", "before", "opening", "auto", or "none".
    """

    stimulus: str
    respondents: tuple[str, ...]
    groups: tuple[str, ...]
    times: np.ndarray
    raw: Signals
    corrected: Signals
    coverage: np.ndarray
    seconds: Signals
    baseline: str
    config: StudyConfig
    tested: Signals | None = None
    resting: np.ndarray | None = None
    expressed: np.ndarray | None = None
    facing: np.ndarray | None = None

    def __post_init__(self):
        if self.expressed is None:
            yes = expressed_seconds(self.seconds, self.resting, self.config)
            object.__setattr__(self, "expressed", yes)

    def __len__(self) -> int:
        return len(self.respondents)

    @property
    def curves(self) -> Derived:
        return smoothed(self.corrected, self.config)

    @property
    def duration_s(self) -> float:
        """Length of the grid in seconds."""
        return len(self.times) / self.config.rate_hz

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
            raw=of_some(self.raw, rows),
            corrected=of_some(self.corrected, rows),
            coverage=self.coverage[rows],
            seconds=of_some(self.seconds, rows),
            baseline=self.baseline,
            config=self.config,
            tested=None if self.tested is None else of_some(self.tested, rows),
            resting=None if self.resting is None else self.resting[rows],
            expressed=self.expressed[rows],
            facing=None if self.facing is None else self.facing[rows],
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
    bins = len(audience.times)
    parts = []
    for kind, values in (("mean", audience.curves), ("level", smoothed(audience.raw, config))):
        band = mean_band(
            Columns(values, range(len(SIGNALS))),
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
