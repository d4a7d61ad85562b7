"""Numbers per stimulus and per scene, each with its interval over respondents."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from fer_nb.study.config import SIGNALS, StudyConfig
from fer_nb.study.curves import Audience
from fer_nb.study.intervals import (
    blocks,
    exact_share,
    generator,
    mean_band,
    peak_times,
    simultaneous_band,
)
from fer_nb.study.stimuli import Scene

COLUMNS = (
    "stimulus",
    "group",
    "scope",
    "signal",
    "metric",
    "estimate",
    "low",
    "high",
    "n",
    "interval",
)
# What each metric is, for the report's method section.
MEANING = {
    "ever_expressed": "share of respondents who expressed the emotion in at least one second",
    "level": "mean as measured",
    "average": "mean departure from the person's baseline",
    "maximum": "mean of each person's highest departure",
    "minimum": "mean of each person's lowest departure",
    "first": "mean departure in the opening seconds",
    "last": "mean departure in the closing seconds",
    "peak_end": "mean of each person's highest departure and closing seconds",
    "score": "a score under its field name; see `fer_nb.study.scores`",
    "peak": "highest point of the audience curve",
    "peak_time": "when the audience curve is highest (s)",
}
# Person-level values that are bounded on one side are skewed, and need the studentised bootstrap.
SKEWED = ("level", "maximum", "minimum", "peak_end")
# A person counts for a window if they were measured in at least half of it.
MIN_SEEN = 0.5


def person_metrics(
    audience: Audience, start_s: float, end_s: float, *, extremes: bool = True
) -> dict[str, np.ndarray]:
    """Person-level values of one window: metric name to array (n, 11), NaN where not measured.

    Maxima and minima are of the smoothed curve; means are of the curve as measured, each bin by its
    measured time. Without `extremes` there are means only, and no curve need be smoothed.
    """
    rate = audience.config.rate_hz
    first = min(round(start_s * rate), len(audience.times) - 1)
    window = slice(first, max(first + 1, round(end_s * rate)))
    names = ("level", "average", *(("maximum", "minimum") if extremes else ()))
    result = {name: np.empty(audience.raw.shape[:2]) for name in names}
    for people in blocks(len(audience), len(SIGNALS) * len(audience.times)):
        part = people, slice(None), window
        raw, corrected = audience.raw[part], audience.corrected[part]
        seen = ~np.isnan(corrected)
        enough = seen.mean(axis=-1) >= MIN_SEEN
        weight = np.where(seen, audience.coverage[people, None, window], 0.0)
        total = np.where(enough, weight.sum(axis=-1), np.nan)
        for name, values in (("level", raw), ("average", corrected)):
            result[name][people] = (np.where(seen, values, 0) * weight).sum(axis=-1) / total
        if not extremes:
            continue
        curves = audience.curves[part]
        for name, sign in (("maximum", 1), ("minimum", -1)):
            highest = np.where(seen, sign * curves, -np.inf).max(axis=-1)
            result[name][people] = np.where(enough, sign * highest, np.nan)
    return result


def whole_metrics(audience: Audience) -> dict[str, np.ndarray]:
    """Person-level values over the whole stimulus; as `person_metrics`, and more."""
    config, duration = audience.config, audience.duration_s
    result = person_metrics(audience, 0, duration)
    windows = {"first": (0, config.first_s), "last": (max(0, duration - config.last_s), duration)}
    for name, (begin, end) in windows.items():
        found = person_metrics(audience, begin, min(end, duration), extremes=False)
        result[name] = found["average"]
    result["peak_end"] = (result["maximum"] + result["last"]) / 2
    return result


def stimulus_metrics(
    audience: Audience, group: str = "all", scenes: tuple[Scene, ...] = ()
) -> pd.DataFrame:
    """All numbers of one stimulus: whole, and per scene. Long; columns `COLUMNS`.

    Valence and arousal are in points of the 1-7 scale, probabilities and shares in 0-1, times in
    seconds of the stimulus.
    """
    names = (audience.stimulus, group)
    parts = [
        _ever(audience, "whole", 0, audience.duration_s),
        _means(audience.config, whole_metrics(audience), "whole", names),
        _peaks(audience, names),
    ]
    for scene in scenes:
        end = min(scene.end_s, audience.duration_s)
        if scene.start_s >= end:
            continue
        begin, end = lagged(scene, audience)
        values = person_metrics(audience, begin, end)
        parts.append(_ever(audience, scene.name, begin, end, begun=True))
        parts.append(_means(audience.config, values, scene.name, names))
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "stimulus", audience.stimulus)
    table.insert(1, "group", group)
    return table[list(COLUMNS)]


def mean_metrics(audience: Audience, group: str = "all") -> pd.DataFrame:
    """The means over respondents of `whole_metrics`, without shares and peaks."""
    means = _means(audience.config, whole_metrics(audience), "whole", (audience.stimulus, group))
    return means.assign(stimulus=audience.stimulus, group=group)[list(COLUMNS)]


def _means(config: StudyConfig, values: dict, scope: str, names) -> pd.DataFrame:
    parts = []
    for metric, people in values.items():
        method = "wider-t" if metric in SKEWED else "bootstrap-se"
        band = mean_band(
            people,
            rng=generator(config.seed, "metrics", *names, scope, metric),
            level=config.level,
            n_boot=config.n_boot,
            min_n=config.min_n_skewed if metric in SKEWED else config.min_n_interval,
            method=method,
        )
        low, high = (np.clip(end, *_limits(config, metric)) for end in (band.low, band.high))
        parts.append(
            pd.DataFrame(
                {
                    "scope": scope,
                    "signal": SIGNALS,
                    "metric": metric,
                    "estimate": band.mean,
                    "low": low,
                    "high": high,
                    "n": band.n,
                    "interval": method,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _limits(config: StudyConfig, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends (11,) and (11,) of a metric's scale, which no interval may leave."""
    least, most = np.array([1.0, 1, *[0] * 9]), np.array([7.0, 7, *[1] * 9])
    if metric == "level":
        return least, most
    if config.baseline == "z":
        return np.full(len(least), -np.inf), np.full(len(most), np.inf)
    return least - most, most - least


def lagged(scene: Scene, audience: Audience) -> tuple[float, float]:
    """When reactions to a scene begin and end: `scene_lag_s` later than the scene itself."""
    lag, last = audience.config.scene_lag_s, audience.duration_s
    begin = min(scene.start_s + lag, max(last - 1 / audience.config.rate_hz, 0.0))
    return (0.0 if scene.start_s <= 0 else begin), min(scene.end_s + lag, last)


def _ever(
    audience: Audience, scope: str, start_s: float, end_s: float, begun: bool = False
) -> pd.DataFrame:
    """Share who expressed each emotion in a window; with `begun`, who began to do so there.

    Who still laughs at the joke when the storm comes has not laughed at the storm.
    """
    window = slice(int(start_s), max(int(start_s) + 1, int(np.ceil(end_s))))
    seconds = audience.seconds[:, :, window]
    known = (~np.isnan(seconds)).mean(axis=-1) >= MIN_SEEN
    expressed = audience.expressed
    if begun:
        before = np.zeros_like(expressed)
        before[..., 1:] = expressed[..., :-1]
        expressed = expressed & ~before
    yes = expressed[..., window].any(axis=-1)
    count, n = (yes & known).sum(axis=0), known.sum(axis=0)
    low, high = exact_share(count, n, audience.config.level)
    with np.errstate(invalid="ignore"):
        share = count / n
    return pd.DataFrame(
        {
            "scope": scope,
            "signal": SIGNALS[2:],
            "metric": "ever_expressed",
            "estimate": share,
            "low": low,
            "high": high,
            "n": n,
            "interval": "clopper-pearson",
        }
    )


def _peaks(audience: Audience, names) -> pd.DataFrame:
    """Height and time of each audience curve's peak."""
    config = audience.config
    least, most = _limits(config, "peak")
    rows = []
    for k, signal in enumerate(SIGNALS):
        rng = generator(config.seed, "peak", *names, signal)
        height, low, high, at, begin, end = curve_peak(
            audience.curves[:, k], audience.times, config, rng
        )
        low, high = (np.clip(end, least[k], most[k]) for end in (low, high))
        common = {
            "scope": "whole",
            "signal": signal,
            "n": len(audience),
        }
        peak = {"metric": "peak", "estimate": height, "low": low, "high": high}
        time = {"metric": "peak_time", "estimate": at, "low": begin, "high": end}
        rows.append(common | peak | {"interval": "located-band"})
        rows.append(common | time | {"interval": "best-times"})
    return pd.DataFrame(rows)


def curve_peak(curves: np.ndarray, times: np.ndarray, config: StudyConfig, rng):
    """Height of the mean curve's peak, its interval, its time, and from when to when it may lie.

    The highest point of a noisy mean curve is too high. First the times are found at which the
    true peak may lie (`peak_times`); over these, a band that holds the whole true curve bounds
    its height: at least the band's highest lower edge, at most its highest upper edge.

    Parameters
    ----------
    curves : array (n, B)
    times : array (B,)

    Returns
    -------
    height, low, high, time, begin, end : float
        NaN where refused for too few people.
    """
    options: dict[str, Any] = {"level": config.level, "n_boot": config.n_boot}
    options["min_n"] = config.min_n_skewed
    seen = ~np.isnan(curves)
    n = seen.sum(axis=0)
    usable = n >= max(1, config.min_n_t_share * len(curves))
    if not usable.any():
        return (np.nan,) * 6
    mean = np.where(usable, np.where(seen, curves, 0).sum(axis=0) / np.maximum(n, 1), -np.inf)
    at = int(np.argmax(mean))
    kept = curves if usable.all() else np.where(usable, curves, np.nan)
    # Nearly all of the error goes to the height; the first step only narrows down where to look.
    wide = options | {"level": 1 - (1 - config.level) / 5}
    near = peak_times(kept, at, rng=rng, **wide)
    if not len(near):
        return float(mean[at]), np.nan, np.nan, float(times[at]), np.nan, np.nan
    narrow = options | {"level": 1 - (1 - config.level) * 4 / 5}
    band = simultaneous_band(kept[:, near], rng=rng, **narrow)
    low, high = np.nanmax(band.low), np.nanmax(band.high)
    may = peak_times(kept, at, rng=rng, **options)
    begin, end = float(times[may[0]]), float(times[may[-1]])
    return float(mean[at]), float(low), float(high), float(times[at]), begin, end
