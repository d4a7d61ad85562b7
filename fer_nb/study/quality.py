"""Is this recording usable? Measured before any result, with the reason in words."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fer_nb.study.config import StudyConfig
from fer_nb.study.respondent import Respondent
from fer_nb.summary import measure_frames, shortcomings

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


def measure(
    person: Respondent, start_s: float, duration_s: float, nominal_fps: float, config: StudyConfig
) -> dict:
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
    config : StudyConfig

    Returns
    -------
    dict
        The measured columns of the quality table. Shares are 0-1; NaN where nothing could be
        measured.
    """
    frames = pd.DataFrame(
        {
            "time_s": person.time_s,
            "seen": ~np.isnan(person.values[:, 0]),
            "n_faces": person.n_faces,
            "width": person.width,
            "yaw_ratio": person.yaw_ratio,
            "brightness": person.brightness,
            "contrast": person.contrast,
        }
    )
    measured = measure_frames(frames, start_s, duration_s, config.as_dict())
    last = measured["last_seen_s"]
    return measured | {
        "left_at_s": last if duration_s - last > _early(duration_s) else np.nan,
        "nominal_fps": float(nominal_fps),
        "stimulus_s": float(duration_s),
        "face_rule": person.rule,
    }


def _early(duration_s: float) -> float:
    """How long before the stimulus a recording, or a viewer's stay, ends to be remarked upon."""
    return max(1.0, 0.02 * duration_s)


def judge(measured: dict, config: StudyConfig) -> tuple[list[str], list[str]]:
    """Return the reasons to exclude a recording (none: keep it), and remarks about it."""
    m, notes = measured, []
    if m["recorded_s"] <= 0:
        return ["nothing was recorded while the stimulus ran (check start_s)"], notes
    if m["stimulus_s"] - m["recorded_s"] > _early(m["stimulus_s"]):
        notes.append(f"recording ends at {m['recorded_s']:.1f} s of {m['stimulus_s']:.1f} s")
    elif not np.isnan(m["left_at_s"]):
        notes.append(f"face last seen at {m['left_at_s']:.1f} s; counts only while seen")
    if m["other_face_share"] > 0.02:
        notes.append(f"a second face in {m['other_face_share']:.0%} of the frames")
    if m["nominal_fps"] > 1.5 * m["effective_fps"]:
        notes.append(
            f"{m['effective_fps']:.0f} frames per second where the file promises "
            f"{m['nominal_fps']:.0f}"
        )
    return shortcomings(m, config.as_dict()), notes
