"""From a reaction table to one person's measurements: who the respondent is, on which clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_nb.study.config import SIGNALS
from fer_nb.summary import same_person


@dataclass(frozen=True)
class Respondent:
    """One recording's frames, one row each, for the person who counts as the respondent.

    Attributes
    ----------
    time_s : array (F,)
        On the recording's clock.
    values : array (F, 11)
        Valence, arousal, nine probabilities; NaN where the respondent's face was not measured.
    width : array (F,)
        Face width, px; NaN where absent.
    yaw_ratio : array (F,)
    n_faces : array (F,)
    brightness, contrast : array (F,)
    rule : str
        How the respondent was told from other faces.
    """

    time_s: np.ndarray
    values: np.ndarray
    width: np.ndarray
    yaw_ratio: np.ndarray
    n_faces: np.ndarray
    brightness: np.ndarray
    contrast: np.ndarray
    rule: str


def _floats(table: pd.DataFrame, name: str) -> np.ndarray:
    if name not in table.columns:
        return np.full(len(table), np.nan)
    return table[name].to_numpy(dtype=float, na_value=np.nan)


def respondent(table: pd.DataFrame, start_s: float = 0.0, end_s: float = np.inf) -> Respondent:
    """Choose the respondent among the faces of a recording.

    The respondent is the face that fills most of the picture for most of the time between
    `start_s` and `end_s` (recording clock). A face with another number that only appears while
    that one is absent, at a like size and place, is taken for the same person.
    """
    # pandas copies provenance, deeply, with every column taken out: leave it behind.
    table = table.copy(deep=False)
    table.attrs = {}
    frame = table["frame"].to_numpy()
    ids = _floats(table, "face_id")
    frames, first, row_frame = np.unique(frame, return_index=True, return_inverse=True)
    time_s = table["time_s"].to_numpy(dtype=float)
    seen = ~np.isnan(ids)
    n_faces = np.bincount(row_frame, weights=seen, minlength=len(frames)).astype(int)
    pick = np.full(len(frames), -1)
    rule = "no face was found"
    if seen.any():
        pick, rule = _pick(table, ids, seen, row_frame, time_s, (start_s, end_s), pick)
    chosen = pick >= 0

    def of_face(name):
        column = np.full(len(frames), np.nan)
        column[chosen] = _floats(table, name)[pick[chosen]]
        return column

    return Respondent(
        time_s=time_s[first],
        values=np.column_stack([of_face(name) for name in SIGNALS]),
        width=of_face("width"),
        yaw_ratio=of_face("yaw_ratio"),
        n_faces=n_faces,
        brightness=_floats(table, "brightness")[first],
        contrast=_floats(table, "contrast")[first],
        rule=rule,
    )


def _pick(table, ids, seen, row_frame, time_s, window, pick):
    known, code = np.unique(ids[seen], return_inverse=True)
    if len(known) == 1:
        pick[row_frame[seen]] = np.flatnonzero(seen)
        return pick, "the only face"
    area = (_floats(table, "width") * _floats(table, "height"))[seen]
    inside = (time_s[seen] >= window[0]) & (time_s[seen] <= window[1])
    presence = np.bincount(code, weights=np.nan_to_num(area) * (inside if inside.any() else 1))
    joined = same_person(table, int(known[np.argmax(presence)]))
    for identity in joined:
        rows = np.flatnonzero(ids == identity)
        rows = rows[pick[row_frame[rows]] < 0]
        pick[row_frame[rows]] = rows
    rule = f"largest and longest present of {len(known)} faces"
    if len(joined) > 1:
        rule += f"; {len(joined) - 1} joined to it (same place and size, never beside it)"
    return pick, rule
