"""Who counts: each recording judged before any result, by codes that the report puts in words."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fer_nb.person import TILTED_DEG, Person, measure, shortcomings
from fer_nb.study.config import StudyConfig

COLUMNS = (
    "recording",
    "respondent",
    "stimulus",
    "group",
    "status",
    "reasons",
    "notes",
    "messages",
    "face_share",
    "longest_gap_s",
    "left_at_s",
    "effective_fps",
    "nominal_fps",
    "jitter_ms",
    "brightness",
    "contrast",
    "face_px",
    "facing_share",
    "tilt_deg",
    "other_face_share",
    "damaged_share",
    "recorded_s",
    "stimulus_s",
    "baseline_s",
    "stated_baseline_s",
    "faces",
    "joined",
    "source",
    "sha256",
)


# What is kept, but remarked upon: a face seen less often, a baseline that is shorter.
SELDOM, SHORT_BASELINE_S = 0.6, 2.0


def early_s(duration_s: float) -> float:
    """Seconds before the end of a stimulus from which an end counts as early."""
    return max(1.0, 0.02 * duration_s)


def judge(
    person: Person,
    start_s: float,
    duration_s: float,
    nominal_fps: float,
    stated_baseline_s: float,
    config: StudyConfig,
) -> tuple[dict, list[str], list[str]]:
    """Measure one recording over the time of the stimulus, and judge it.

    Parameters
    ----------
    person : Person
    start_s, duration_s : float
        When the stimulus begins on the recording's clock, and how long it is.
    nominal_fps : float
        What the container promises; NaN where unknown.
    stated_baseline_s : float
        Measured seconds of the baseline that the manifest states; NaN where it states none.
    config : StudyConfig

    Returns
    -------
    measured : dict
        The measured columns of `COLUMNS`. Shares are 0-1; NaN where nothing could be measured.
    reasons : list of str
        Why it is excluded (none: it is kept): "not_recorded", "baseline", or what
        `fer_nb.person.shortcomings` names.
    notes : list of str
        Remarks: "recording_ends", "left_early", "second_face", "tilted", "seldom_seen",
        "slow_camera"; `remark_baselines` adds "short_baseline", and `measure_recordings`
        "same_file".
    """
    limits = config.as_dict()
    m = measure(person, start_s, duration_s, limits)
    m.pop("measured_s")
    early = early_s(duration_s)
    last = m.pop("last_seen_s")
    m |= {
        "left_at_s": last if duration_s - last > early else np.nan,
        "nominal_fps": float(nominal_fps),
        "stimulus_s": float(duration_s),
        "stated_baseline_s": float(stated_baseline_s),
        "faces": person.faces,
        "joined": person.joined,
    }
    if m["recorded_s"] <= 0:
        return m, ["not_recorded"], []
    notes = []
    if duration_s - m["recorded_s"] > early:
        notes.append("recording_ends")
    elif not np.isnan(m["left_at_s"]):
        notes.append("left_early")
    if m["other_face_share"] > 0.02:
        notes.append("second_face")
    if m["tilt_deg"] > TILTED_DEG:
        notes.append("tilted")
    if m["face_share"] < SELDOM:
        notes.append("seldom_seen")
    if nominal_fps > 1.5 * m["effective_fps"]:
        notes.append("slow_camera")
    reasons = shortcomings(m, limits)
    if stated_baseline_s < config.baseline_min_s:
        reasons.append("baseline")
    return m, reasons, notes


def remark_baselines(quality: pd.DataFrame) -> pd.DataFrame:
    """Remark on kept recordings whose baseline (``baseline_s``) is shorter than 2 s."""
    # Differences of times: 2 s may be a hair less.
    short = (quality["status"] == "kept") & (quality["baseline_s"] < SHORT_BASELINE_S - 1e-6)
    notes = quality["notes"].fillna("").astype(object)
    told = [f"{note}; short_baseline" if note else "short_baseline" for note in notes[short]]
    notes[short] = told
    return quality.assign(notes=notes)
