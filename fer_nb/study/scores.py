"""Scores of a stimulus under the names that the field uses, each with its formula and interval.

Every score is first worked out for each person, then averaged over persons; `SCORES` holds the
formulas. docs/scores.md shows by simulation how reliable they are.

Sources
-------
Kahneman, D., et al. (1993). When more pain is preferred to less. *Psychological Science, 4*(6),
401-405 (peak-end). Teixeira, T., Wedel, M., & Pieters, R. (2012). Emotion-induced engagement in
internet video advertisements. *J. Marketing Research, 49*(2), 144-159 (attention and retention).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from fer_nb.person import moving_average
from fer_nb.study.config import SIGNALS, StudyConfig
from fer_nb.study.curves import Audience, smoothing_bins
from fer_nb.study.intervals import blocks, exact_share, generator, mean_band
from fer_nb.study.metrics import COLUMNS, MIN_SEEN, stimulus_metrics

RETAIN_S = 5.0
# Scores that are metrics of valence under another name: one number, one interval.
_METRICS = {"valence": "average", "peak_end": "peak_end"}


class Score(NamedTuple):
    """How a score is called, in which unit it is, and how it is worked out."""

    label: str
    unit: str
    formula: str


SCORES = MappingProxyType(
    {
        "expressiveness": Score(
            "Expressiveness",
            "0-100",
            "half the sum of absolute differences between the nine smoothed probabilities and "
            "those at the person's baseline, times 100, averaged over the measured time",
        ),
        "attention": Score(
            "Attention",
            "% of the time",
            "share of the film in which the face was seen and turned to the camera: from head pose "
            "where known, else from presence",
        ),
        "valence": Score(
            "Valence change", "points", "mean valence minus the person's baseline, 1-7 scale"
        ),
        "positive": Score(
            "Positive share",
            "% of the time",
            "share of the measured time in which smoothed valence lies at least "
            "`smallest_valence` above the person's baseline",
        ),
        "negative": Score(
            "Negative share",
            "% of the time",
            "share of the measured time in which smoothed valence lies at least "
            "`smallest_valence` below the person's baseline",
        ),
        "capture": Score(
            "Capture",
            "seconds",
            "time to the first expression: smoothed valence `smallest_valence` away from the "
            "baseline; who shows none counts with the film's length",
        ),
        "retain": Score(
            "Retain",
            "% of people",
            f"share of respondents still attentive after {RETAIN_S:g} s: face seen in at least "
            "half of the second that follows",
        ),
        "peak_end": Score(
            "Peak-end",
            "points",
            "mean of the highest smoothed valence change and the mean change of the closing "
            "seconds (`last_s`)",
        ),
    }
)


def person_scores(audience: Audience) -> dict[str, np.ndarray]:
    """Work out the scores of each respondent.

    Parameters
    ----------
    audience : Audience

    Returns
    -------
    dict of str to array (n,)
        NaN where a person was measured in less than half of the film, or has no baseline. Shares
        are 0-1, expressiveness 0-100.
    """
    config = audience.config
    seen = ~np.isnan(audience.raw[:, 0])
    enough = seen.mean(axis=1) >= MIN_SEEN
    valence = audience.signal("valence")
    step = config.smallest_valence

    def share(what: np.ndarray) -> np.ndarray:
        count = np.maximum((~np.isnan(valence)).sum(axis=1), 1)
        return (np.nan_to_num(what) > 0).sum(axis=1) / count

    last = audience.times >= audience.duration_s - config.last_s
    values = {
        "expressiveness": _expressiveness(audience),
        "valence": _mean(audience.corrected[:, 0]),
        "positive": share(valence >= step),
        "negative": share(valence <= -step),
        "capture": _first_time(np.abs(valence) >= step, audience),
        "peak_end": (_highest(valence) + _mean(audience.corrected[:, 0][:, last])) / 2,
    }
    values = {name: np.where(enough, value, np.nan) for name, value in values.items()}
    # Who looks away is not missing here: that is what these two are about.
    facing = 1.0 if audience.facing is None else np.nan_to_num(audience.facing, nan=1.0)
    values["attention"] = audience.coverage.mean(axis=1) * facing
    values["retain"] = _present_after(audience, RETAIN_S)
    return {name: values[name] for name in SCORES}


def stimulus_scores(
    audience: Audience, group: str = "all", metrics: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Average the scores over respondents, each with its interval.

    Parameters
    ----------
    audience : Audience
    group : str
    metrics : DataFrame, optional
        `fer_nb.study.metrics.stimulus_metrics` of the same people, worked out if not given.

    Returns
    -------
    DataFrame
        One row per score in the columns of `fer_nb.study.metrics`: `signal` is the score's name,
        `metric` is ``"score"``, `scope` is ``"whole"``.
    """
    config = audience.config
    metrics = stimulus_metrics(audience, group) if metrics is None else metrics
    whole = metrics[(metrics["scope"] == "whole") & (metrics["signal"] == "valence")]
    whole = whole.set_index("metric")
    rows = []
    for name, values in person_scores(audience).items():
        known = values[~np.isnan(values)]
        n = len(known)
        if name in _METRICS:
            estimate, low, high, n, method = whole.loc[
                _METRICS[name], ["estimate", "low", "high", "n", "interval"]
            ]
        elif name == "retain":
            low, high = exact_share(known.sum(), len(known), config.level)
            estimate = known.mean() if len(known) else np.nan
            method = "clopper-pearson"
        else:
            method = "wider-t"
            most = {"expressiveness": 100.0, "capture": audience.duration_s}.get(name, 1.0)
            names = (audience.stimulus, group, name)
            estimate, low, high = _interval(values, config, method, most, *names)
        rows.append(
            {
                "stimulus": audience.stimulus,
                "group": group,
                "scope": "whole",
                "signal": name,
                "metric": "score",
                "estimate": float(estimate),
                "low": float(low),
                "high": float(high),
                "n": int(n),
                "interval": method,
            }
        )
    return pd.DataFrame(rows)[list(COLUMNS)]


def _interval(values: np.ndarray, config: StudyConfig, method: str, most: float, *names: str):
    """Mean and interval of what lies between 0 and `most`."""
    band = mean_band(
        values[:, None],
        rng=generator(config.seed, "scores", *names),
        level=config.level,
        n_boot=config.n_boot,
        min_n=config.min_n_skewed,
        method=method,
    )
    low, high = np.clip([band.low[0], band.high[0]], 0.0, most)
    return band.mean[0], float(low), float(high)


def _expressiveness(audience: Audience) -> np.ndarray:
    if audience.resting is None:
        return np.full(len(audience), np.nan)
    width, result = smoothing_bins(audience.config), np.empty(len(audience))
    for people in blocks(len(audience), len(SIGNALS) * len(audience.times)):
        probs = moving_average(audience.raw[people, 2:], width)
        away = np.abs(probs - audience.resting[people, :, None]).sum(axis=1) / 2
        result[people] = 100 * _mean(away)
    return result


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean of each row (n, B) over what was measured, NaN where nothing was."""
    seen = ~np.isnan(values)
    count = seen.sum(axis=1)
    total = np.where(seen, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _highest(values: np.ndarray) -> np.ndarray:
    highest = np.where(np.isnan(values), -np.inf, values).max(axis=1)
    return np.where(np.isfinite(highest), highest, np.nan)


def _first_time(reached: np.ndarray, audience: Audience) -> np.ndarray:
    """Seconds to the first True of each row (n, B); the film's length where there is none."""
    first = reached.argmax(axis=1) / audience.config.rate_hz
    return np.where(reached.any(axis=1), first, audience.duration_s)


def _present_after(audience: Audience, seconds: float) -> np.ndarray:
    """1 or 0: was the face seen in the second after `seconds`? NaN where the film is shorter."""
    rate = audience.config.rate_hz
    first = round(seconds * rate)
    window = audience.coverage[:, first : first + max(1, round(rate))]
    if not window.shape[1]:
        return np.full(len(audience), np.nan)
    return (window.mean(axis=1) >= MIN_SEEN).astype(float)
