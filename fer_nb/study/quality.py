"""Is this recording usable? Measured before any result, with the reason in words."""

from __future__ import annotations

import numpy as np

from fer_nb.study.config import StudyConfig
from fer_nb.study.respondent import Respondent

COLUMNS = (
    "recording",
    "respondent",
    "stimulus",
    "group",
    "status",
    "reasons",
    "notes",
    "face_share",
    "longest_gap_s",
    "left_at_s",
    "effective_fps",
    "nominal_fps",
    "jitter_ms",
    "brightness",
    "contrast",
    "face_px",
    "off_frontal_share",
    "other_face_share",
    "recorded_s",
    "stimulus_s",
    "baseline_s",
    "face_rule",
    "source",
    "sha256",
)
# A recording that ends this much before the stimulus, or whose viewer does, is remarked upon.
_EARLY_S = 1.0


def measure(person: Respondent, start_s: float, duration_s: float, nominal_fps: float) -> dict:
    """Measure one recording over the time of the stimulus.

    Parameters
    ----------
    person : Respondent
    start_s : float
        When the stimulus begins on the recording's clock.
    duration_s : float
        Length of the stimulus.
    nominal_fps : float
        What the container promises; NaN where unknown.

    Returns
    -------
    dict
        The measured columns of the quality table. Shares are 0-1; NaN where nothing could be
        measured.
    """
    t = person.time_s - start_s
    inside = (t >= 0) & (t < duration_s)
    t = t[inside]
    seen = ~np.isnan(person.values[inside, 0])
    step = np.diff(t)
    usual = float(np.median(step)) if len(step) else np.nan
    # A frame lasts until the next one; half a second at most, as in the curves.
    hold = np.minimum(np.append(step, usual), 0.5) if len(step) else np.zeros(len(t))
    recorded = float(t[-1] + (0.0 if np.isnan(usual) else usual)) if len(t) else 0.0
    yaw = person.yaw_ratio[inside][seen]
    yaw = yaw[~np.isnan(yaw)]
    faces = person.n_faces[inside]
    return {
        "face_share": float(hold[seen].sum() / duration_s),
        "longest_gap_s": _longest_gap(t[seen], t[0] if len(t) else 0.0),
        "left_at_s": _left_at(t, seen, duration_s),
        "effective_fps": float((len(t) - 1) / (t[-1] - t[0])) if len(t) > 1 else 0.0,
        "nominal_fps": float(nominal_fps),
        "jitter_ms": float(np.std(step) * 1000) if len(step) else np.nan,
        "brightness": _median(person.brightness[inside]),
        "contrast": _median(person.contrast[inside]),
        "face_px": _median(person.width[inside]),
        "yaw": yaw,
        "other_face_share": float((faces > 1).mean()) if len(faces) else np.nan,
        "recorded_s": recorded,
        "stimulus_s": float(duration_s),
        "face_rule": person.rule,
    }


def _median(values: np.ndarray) -> float:
    values = values[~np.isnan(values)]
    return float(np.median(values)) if len(values) else np.nan


def _longest_gap(seen_at: np.ndarray, begin: float) -> float:
    """Longest time without a measurement before the last one."""
    if not len(seen_at):
        return np.nan
    return float(np.diff(np.concatenate([[min(begin, seen_at[0])], seen_at])).max())


def _left_at(t: np.ndarray, seen: np.ndarray, duration_s: float) -> float:
    """When the face was seen last, where that is well before the end; else NaN."""
    if not seen.any():
        return np.nan
    last = float(t[seen][-1])
    return last if duration_s - last > max(_EARLY_S, 0.02 * duration_s) else np.nan


def judge(measured: dict, config: StudyConfig) -> tuple[list[str], list[str]]:
    """Return the reasons to exclude a recording (none: keep it), and remarks about it."""
    m = measured
    yaw = m.pop("yaw")
    m["off_frontal_share"] = (
        float((np.abs(yaw) > config.off_frontal_yaw).mean()) if len(yaw) else np.nan
    )
    reasons, notes = [], []
    if m["recorded_s"] <= 0:
        return ["nothing was recorded while the stimulus ran (check start_s)"], notes
    if m["brightness"] < config.min_brightness:
        reasons.append(
            f"too dark (brightness {m['brightness']:.0f}, least {config.min_brightness:g})"
        )
    if m["contrast"] < config.min_contrast:
        reasons.append(f"too flat (contrast {m['contrast']:.1f}, least {config.min_contrast:g})")
    if m["face_share"] < config.min_face_share:
        reasons.append(
            f"face seen in {m['face_share']:.0%} of the stimulus, least {config.min_face_share:.0%}"
        )
    if m["longest_gap_s"] > config.max_gap_s:
        reasons.append(
            f"a gap of {m['longest_gap_s']:.0f} s without a face, at most {config.max_gap_s:g} s"
        )
    if m["effective_fps"] < config.min_fps:
        reasons.append(f"{m['effective_fps']:.1f} frames per second, least {config.min_fps:g}")
    if m["face_px"] < config.min_face_px:
        reasons.append(f"face {m['face_px']:.0f} px wide, least {config.min_face_px:g}")
    if m["off_frontal_share"] > config.max_off_frontal_share:
        reasons.append(f"head turned away in {m['off_frontal_share']:.0%} of the frames")
    if m["other_face_share"] > config.max_other_face_share:
        reasons.append(f"a second face in {m['other_face_share']:.0%} of the frames")
    if m["stimulus_s"] - m["recorded_s"] > max(_EARLY_S, 0.02 * m["stimulus_s"]):
        notes.append(f"recording ends at {m['recorded_s']:.1f} s of {m['stimulus_s']:.1f} s")
    elif m["left_at_s"] == m["left_at_s"]:
        notes.append(f"face last seen at {m['left_at_s']:.1f} s; counts only while seen")
    if m["other_face_share"] > 0.02:
        notes.append(f"a second face in {m['other_face_share']:.0%} of the frames")
    if m["nominal_fps"] > 1.5 * m["effective_fps"]:
        notes.append(
            f"{m['effective_fps']:.0f} frames per second where the file promises "
            f"{m['nominal_fps']:.0f}"
        )
    return reasons, notes
