"""Is this recording usable? Measured before any result; what is amiss is a code and a number."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from fer_nb.person.identity import Person, find_person
from fer_nb.person.time import MAX_HOLD_S

# When a recording is usable: defaults of `fer_nb.study.StudyConfig`, which says what each means.
LIMITS = {
    "max_hold_s": MAX_HOLD_S,
    "min_face_share": 0.4,
    "max_gap_s": 30.0,
    "min_fps": 5.0,
    "min_brightness": 40.0,
    "min_contrast": 8.0,
    "min_face_px": 40.0,
    "min_facing_share": 0.5,
    "facing_yaw": 30.0,
    "facing_pitch": 30.0,
    "max_other_face_share": 0.5,
    "max_damaged_share": 0.2,
}
TILTED_DEG = 20.0  # a head tilted by more, most of the time, is remarked upon
# What is measured, and the limit that it must keep; the name of the first is the code.
LIMIT_OF = {
    "brightness": "min_brightness",
    "contrast": "min_contrast",
    "face_share": "min_face_share",
    "longest_gap_s": "max_gap_s",
    "effective_fps": "min_fps",
    "face_px": "min_face_px",
    "facing_share": "min_facing_share",
    "other_face_share": "max_other_face_share",
    "damaged_share": "max_damaged_share",
}


def measure(
    person: Person, begin_s: float, duration_s: float, limits: Mapping = LIMITS
) -> dict[str, float]:
    """Measure how well a stretch of a recording shows a person.

    Parameters
    ----------
    person : Person
    begin_s, duration_s : float
        The stretch, on the recording's clock.
    limits : mapping
        ``facing_yaw`` and ``facing_pitch`` of `LIMITS`.

    Returns
    -------
    dict
        ``measured_s`` (seconds with the face), ``face_share`` (the same, of the time),
        ``longest_gap_s`` (longest time without it before it is seen last), ``last_seen_s`` and
        ``recorded_s`` (from `begin_s`), ``effective_fps``, ``jitter_ms`` (SD of the time between
        frames), ``brightness``, ``contrast`` and ``face_px`` (medians), ``facing_share`` (of the
        seconds with the face whose pose is known: turned to the camera), ``tilt_deg`` (median,
        either way), ``other_face_share`` (of the frames, with a second face) and ``damaged_share``
        (of all frames of the file).
        NaN where nothing was measured.
    """
    t, seen = person.time_s - begin_s, person.seen
    held = np.minimum(t + person.held_s, duration_s) - np.maximum(t, 0)
    measured = float(held[seen & (held > 0)].sum())
    inside = (t >= 0) & (t < duration_s)
    t, seen = t[inside], seen[inside]
    step = np.diff(t)
    yaw, pitch = np.abs(person.yaw[inside][seen]), np.abs(person.pitch[inside][seen])
    facing = (yaw <= limits["facing_yaw"]) & (pitch <= limits["facing_pitch"])
    known = np.where(np.isnan(yaw), 0.0, held[inside][seen])
    return {
        "measured_s": measured,
        "face_share": measured / duration_s if duration_s > 0 else 0.0,
        "longest_gap_s": _longest_gap(t[0], t[seen], held[inside][seen]) if seen.any() else np.nan,
        "last_seen_s": float(t[seen][-1]) if seen.any() else np.nan,
        "recorded_s": float(t[-1] + person.held_s[inside][-1]) if len(t) else 0.0,
        "effective_fps": float(len(step) / (t[-1] - t[0])) if len(step) else 0.0,
        "jitter_ms": float(np.std(step) * 1000) if len(step) else np.nan,
        "brightness": _median(person.brightness[inside]),
        "contrast": _median(person.contrast[inside]),
        "face_px": _median(person.width[inside]),
        "facing_share": float(known @ facing / known.sum()) if known.sum() > 0 else np.nan,
        "tilt_deg": _median(np.abs(person.roll[inside])),
        "other_face_share": _share(person.n_faces[inside] > 1),
        "damaged_share": person.damaged_share,
    }


def _longest_gap(start: float, seen: np.ndarray, held: np.ndarray) -> float:
    """The longest time before or between the frames, seconds, less what these stand for."""
    ends = np.concatenate([[start], seen + held])[:-1]
    return float(np.clip(seen - ends, 0, None).max())


def _median(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else np.nan


def _share(yes: np.ndarray) -> float:
    return float(yes.mean()) if len(yes) else np.nan


def shortcomings(measured: Mapping, limits: Mapping = LIMITS) -> list[str]:
    """Return which limits of `LIMIT_OF` a recording does not keep, by code; none: it is usable."""
    return [
        name
        for name, limit in LIMIT_OF.items()
        if (
            measured[name] < limits[limit]
            if limit.startswith("min")
            else measured[name] > limits[limit]
        )
    ]


def recording_quality(table: pd.DataFrame, person: int | None = None) -> dict:
    """Return how usable a recording is, judged over all of it as a study judges it by default.

    Parameters
    ----------
    table : DataFrame
        A reaction table.
    person : int, optional
        The respondent; found by `main_person` if not given.

    Returns
    -------
    dict
        What `measure` returns, but ``longest_gap_s`` also counts the time after the respondent was
        seen last; ``frames``, ``duration_s``, ``usable`` and ``reasons`` (codes; see
        `shortcomings`).
    """
    found = find_person(table, face_id=person)
    times = found.time_s
    usual = np.median(np.diff(times)) if len(times) > 1 else MAX_HOLD_S
    begin, span = (times[0], float(times[-1] - times[0] + usual)) if len(times) else (0.0, 0.0)
    measured = measure(found, begin, span)
    reasons = shortcomings(measured)
    never = np.isnan(measured["last_seen_s"])
    after = max(0.0, span - measured["last_seen_s"] - usual)  # less what the last frame stands for
    longest = span if never else max(measured["longest_gap_s"], after)
    return measured | {
        "frames": len(times),
        "duration_s": span,
        "longest_gap_s": longest,
        "usable": not reasons,
        "reasons": reasons,
    }
