"""What the player shows, as one dictionary that becomes JSON."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
import pandas as pd

from fer_nb.emotions import COLORS
from fer_nb.study.config import TESTED
from fer_nb.study.curves import Audience
from fer_nb.study.result import StudyResult, full_title, scenes_of

MAX_EMBEDDED_S = 600.0

# Sixteen bits hold -32767..32767; -32768 says "not measured". Steps are far below what is printed.
_MISSING = -32768
_POINTS_STEP, _SCORE_STEP = 0.001, 0.01
_RESPONDENTS_RATE_HZ = 1.0  # one value a second and person keeps 500 people below five megabytes

_LABELS = {
    "valence": "Valence",
    "arousal": "Arousal",
    "p_anger": "Anger",
    "p_contempt": "Contempt",
    "p_disgust": "Disgust",
    "p_fear": "Fear",
    "p_happy": "Happiness",
    "p_neutral": "Neutral",
    "p_sad": "Sadness",
    "p_surprise": "Surprise",
    "p_uncertain": "Uncertain",
}
_RATING_COLORS = {"valence": "#1B7F5C", "arousal": "#B0397A"}


def pack_curves(values: np.ndarray, step: float) -> dict:
    """Pack numbers as base64 of little-endian int16, NaN as -32768.

    Parameters
    ----------
    values : array (..., B)
    step : float
        Resolution; what lies beyond 32767 steps is cut there.

    Returns
    -------
    dict
        `base64`, `scale` (the step) and `shape`.
    """
    values = np.asarray(values, dtype=float)
    steps = np.clip(np.round(np.nan_to_num(values) / step), -32767, 32767)
    packed = np.where(np.isnan(values), _MISSING, steps).astype("<i2")
    return {
        "base64": base64.b64encode(packed.tobytes()).decode(),
        "scale": step,
        "shape": list(packed.shape),
    }


def signal(name: str, change: bool = True) -> dict:
    """Return how a signal is called, coloured and written, as a change from a baseline or not."""
    rating = name in _RATING_COLORS
    return {
        "key": name,
        "label": _LABELS[name],
        "panel": "ratings" if rating else "emotions",
        "unit": " points" if rating and change else "",
        "digits": 2 if rating else 0,
        "change": change,
        "color": _RATING_COLORS[name] if rating else COLORS[name.removeprefix("p_")],
    }


def signals(names: Sequence[str] = TESTED) -> list[dict]:
    """Return how each signal is called, coloured and written."""
    return [signal(name) for name in names]


def panels(change: str = "change from each person's baseline") -> list[dict]:
    """Return the two panels: ratings in points, emotions as scores of 0 to 100."""
    return [
        {"key": "ratings", "label": f"Valence and arousal, points of the 1–7 scale: {change}"},
        {"key": "emotions", "label": f"Emotion scores, 0–100: {change}"},
    ]


def study_data(result: StudyResult, title: str, films: dict[str, str | None]) -> dict:
    """Return what the player shows of a study.

    Parameters
    ----------
    result : StudyResult
    title : str
    films : dict of str to str or None
        For each of `result.audiences`, the address of its film (see `film_source`).
    """
    audiences = result.audiences
    bins = max(len(audience.times) for audience in audiences.values())
    groups = list(dict.fromkeys(g for a in audiences.values() for g in a.parts()))
    return {
        "title": title,
        "rate_hz": result.config.rate_hz,
        "bins": bins,
        "duration_s": bins / result.config.rate_hz,
        "signals": signals(),
        "panels": panels(),
        "shown": ["valence", *_largest(result, 2)],
        "groups": groups,
        "segments": _segments(result),
        "cuts": [_cut(result, name, films.get(name)) for name in audiences],
        "curves": [
            _curve(result.curves, audience, name, group, part, signal, bins)
            for name, audience in audiences.items()
            for group, part in audience.parts().items()
            for signal in TESTED
        ]
        + _segment_curves(result, bins),
    }


def _segments(result: StudyResult) -> list[dict]:
    """Columns of the manifest that divide the respondents, with those levels that have curves."""
    found = result.segment_curves.drop_duplicates(["column", "level"])
    return [
        {
            "column": column,
            "levels": [{"key": _level_key(column, level), "label": level} for level in levels],
        }
        for column, levels in found.groupby("column", sort=False)["level"]
    ]


def _level_key(column: str, level: str) -> str:
    return f"{column}: {level}"


def _segment_curves(result: StudyResult, bins: int) -> list[dict]:
    return [
        {
            "cut": name,
            "group": _level_key(column, level),
            "signal": signal,
            "band": _band(rows, signal, bins),
        }
        for (name, column, level, signal), rows in result.segment_curves.groupby(
            ["stimulus", "column", "level", "signal"], sort=False
        )
    ]


def _largest(result: StudyResult, count: int) -> list[str]:
    rows = result.curves.query("kind == 'mean' and group == 'all'")
    rows = rows[rows["signal"].isin(TESTED) & ~rows["signal"].isin(_RATING_COLORS)]
    reach = rows["estimate"].abs().groupby(rows["signal"]).max()
    return list(reach.sort_values(ascending=False).index[:count])


def _cut(result: StudyResult, name: str, film: str | None) -> dict:
    moments = result.moments[result.moments["stimulus"] == name]
    moments = moments[moments["status"].isin(["significant", "untested"])]
    return {
        "id": name,
        "title": full_title(result.stimuli, name),
        "film": film,
        "scenes": [
            {"name": s.name, "start_s": s.start_s, "end_s": s.end_s}
            for s in scenes_of(result.stimuli, name)
        ],
        "moments": [
            {
                "signal": m.signal,
                "start_s": float(m.start_s),
                "end_s": float(m.end_s),
                "tested": m.status == "significant",
            }
            for m in moments.itertuples()
        ],
    }


def _curve(
    table: pd.DataFrame,
    audience: Audience,
    name: str,
    group: str,
    part: Audience,
    signal: str,
    bins: int,
) -> dict:
    scale = 1.0 if signal in _RATING_COLORS else 100.0
    rows = table[
        (table["stimulus"] == name)
        & (table["group"] == group)
        & (table["kind"] == "mean")
        & (table["signal"] == signal)
    ]
    curve = {"cut": name, "group": group, "signal": signal, "band": _band(rows, signal, bins)}
    if group == "all":
        people = _per_second(part.signal(signal) * scale, audience.config.rate_hz, bins)
        curve["people"] = pack_curves(people, _step(signal))
    return curve


def _step(signal: str) -> float:
    return _POINTS_STEP if signal in _RATING_COLORS else _SCORE_STEP


def _band(rows: pd.DataFrame, signal: str, bins: int) -> dict:
    """Pack the mean, its band and n of one curve, in order of time."""
    step, rows = _step(signal), rows.sort_values("time_s")
    band = np.full((4, bins), np.nan)
    band[:, : len(rows)] = rows[["estimate", "low", "high", "n"]].to_numpy(float).T
    band[:3] *= 1.0 if signal in _RATING_COLORS else 100.0
    band[3] *= step  # counts travel in steps, so that one scale serves all four rows
    return pack_curves(band, step)


def _per_second(curves: np.ndarray, rate_hz: float, bins: int) -> np.ndarray:
    """Average (n, B) curves over whole seconds where the rate is higher; NaN where unmeasured."""
    per = max(1, round(rate_hz / _RESPONDENTS_RATE_HZ))
    full = np.full((len(curves), -(-bins // per) * per), np.nan)
    full[:, : curves.shape[1]] = curves
    blocks = full.reshape(len(curves), -1, per)
    seen = ~np.isnan(blocks)
    count = seen.sum(axis=2)
    total = np.where(seen, blocks, 0.0).sum(axis=2)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
