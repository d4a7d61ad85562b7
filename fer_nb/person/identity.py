"""Who the person is: one face of a recording, joined over absences, a row or entry per frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_nb.emotions import PROBABILITY_COLUMNS
from fer_nb.person.time import MAX_HOLD_S, average_between, holds

SIGNALS = ("valence", "arousal", *PROBABILITY_COLUMNS)

# A face that only appears while the main one is gone, of like size and place, is the same person:
# at most so many times the area, so many widths away, beside it in so few of its frames.
_SAME_AREA, _SAME_PLACE, _OVERLAP = 2.5, 1.0, 0.02
# What a table says of the frame, and not of a face.
_OF_FRAME = ("frame", "time_s", "brightness", "contrast")


@dataclass(frozen=True)
class Person:
    """One person in a recording, an entry per analysed frame (F).

    Attributes
    ----------
    time_s : array (F,)
        On the recording's clock.
    held_s : array (F,)
        Seconds that each frame stands for; see `fer_nb.person.holds`.
    values : array (F, 11)
        Valence, arousal, nine probabilities; NaN where this face was not measured.
    width : array (F,)
        Face width, px; NaN where absent.
    yaw, pitch, roll : array (F,)
        Pose of the head in degrees; NaN where absent or not known.
    n_faces : array (F,)
    brightness, contrast : array (F,)
    faces, joined : int
        How many faces the recording shows, and how many of them were joined to this one.
    damaged_share : float
        Share of the recording's frames that are damaged, or lost between others; NaN if unknown.
    """

    time_s: np.ndarray
    held_s: np.ndarray
    values: np.ndarray
    width: np.ndarray
    yaw: np.ndarray
    pitch: np.ndarray
    roll: np.ndarray
    n_faces: np.ndarray
    brightness: np.ndarray
    contrast: np.ndarray
    faces: int = 1
    joined: int = 0
    damaged_share: float = np.nan

    @property
    def seen(self) -> np.ndarray:
        """(F,) of bool: frames in which the face was measured."""
        return ~np.isnan(self.values[:, 0])

    @property
    def measured_s(self) -> float:
        """Seconds for which the face was measured."""
        return float(self.held_s[self.seen].sum())

    def means(self) -> np.ndarray:
        """Means (11,) of the signals over the measured time; NaN where there is none."""
        seen, measured = self.seen, self.measured_s
        if measured <= 0:
            return np.full(len(SIGNALS), np.nan)
        return self.held_s[seen] @ self.values[seen] / measured

    def average(self, begin_s, end_s) -> tuple[np.ndarray, np.ndarray]:
        """Means (k, 11) of the signals over k stretches, and the measured seconds (k,) in each."""
        return average_between(self.time_s, self.held_s, self.values, begin_s, end_s)


def main_person(table: pd.DataFrame, start_s: float = -np.inf, end_s: float = np.inf) -> int | None:
    """Return the `face_id` of who fills most of the picture for most of the time.

    Judged between two times if someone is seen there, else over the whole recording; None if no
    face was found at all.
    """
    ids = _floats(table, "face_id")
    seen = ~np.isnan(ids)
    if not seen.any():
        return None
    known, code = np.unique(ids[seen], return_inverse=True)
    time_s = table["time_s"].to_numpy(dtype=float)[seen]
    area = np.nan_to_num((_floats(table, "width") * _floats(table, "height"))[seen])
    inside = (time_s >= start_s) & (time_s <= end_s)
    presence = np.bincount(code, weights=area * (inside if inside.any() else 1))
    return int(known[np.argmax(presence)])


def same_person(table: pd.DataFrame, person: int) -> list[int]:
    """Return every `face_id` that is taken for one person, `person` first.

    Whoever leaves the picture for long comes back under another number. A face that is only there
    while `person` is away, at a like size and place, is taken for the same.
    """
    seen = table.loc[table["face_id"].notna(), ["frame", "face_id", "x", "y", "width", "height"]]
    faces = dict(list(seen.groupby("face_id")))
    main = faces.pop(person, None)
    if main is None or not faces:
        return [person]

    def usual(rows: pd.DataFrame) -> tuple[float, np.ndarray, float]:
        corner, size = rows[["x", "y"]].to_numpy(float), rows[["width", "height"]].to_numpy(float)
        return np.median(size.prod(1)), np.median(corner + size / 2, axis=0), np.median(size[:, 0])

    area, centre, width = usual(main)
    joined, taken = [person], set(main["frame"])
    for identity, rows in sorted(faces.items(), key=lambda item: -len(item[1])):
        other_area, other_centre, _ = usual(rows)
        if (
            rows["frame"].isin(taken).mean() <= _OVERLAP
            and 1 / _SAME_AREA < other_area / area < _SAME_AREA
            and np.hypot(*(other_centre - centre)) <= _SAME_PLACE * width
        ):
            joined.append(int(identity))
            taken |= set(rows["frame"])
    return joined


def person_rows(table: pd.DataFrame, person: int | None) -> pd.DataFrame:
    """Return one row per analysed frame: the person's, or one without measurement.

    Faces that `same_person` takes for this one count as this one, under the number `person`.
    """
    attrs, bare = table.attrs, _bare(table)
    joined = [] if person is None else same_person(bare, person)
    first, pick, _ = _picked(bare, joined)
    rows = bare.iloc[np.where(pick >= 0, pick, first)].reset_index(drop=True)
    absent = pick < 0
    rows["face_id"] = pd.array(np.where(absent, pd.NA, person), dtype="Int64")
    for name in rows.columns.difference([*_OF_FRAME, "face_id"]):
        rows[name] = rows[name].mask(absent)
    rows.attrs = attrs
    return rows


def find_person(
    table: pd.DataFrame,
    start_s: float = -np.inf,
    end_s: float = np.inf,
    *,
    face_id: int | None = None,
    join: bool = True,
    max_hold_s: float = MAX_HOLD_S,
) -> Person:
    """Measure one person of a recording: `main_person` between two times, or the given face.

    With `join`, faces that `same_person` takes for this one count as this one.
    """
    damaged = damaged_share(table.attrs)
    table = _bare(table)
    ids = _floats(table, "face_id")
    faces = len(np.unique(ids[~np.isnan(ids)]))
    if face_id is None:
        face_id = main_person(table, start_s, end_s)
    identities = [] if face_id is None else [face_id]
    if identities and join and faces > 1:
        identities = same_person(table, face_id)
    first, pick, n_faces = _picked(table, identities)
    chosen = pick >= 0

    def of_face(name: str) -> np.ndarray:
        column = np.full(len(first), np.nan)
        column[chosen] = _floats(table, name)[pick[chosen]]
        return column

    time_s = table["time_s"].to_numpy(dtype=float)[first]
    return Person(
        time_s=time_s,
        held_s=holds(time_s, max_hold_s),
        values=np.column_stack([of_face(name) for name in SIGNALS]),
        width=of_face("width"),
        yaw=of_face("yaw"),
        pitch=of_face("pitch"),
        roll=of_face("roll"),
        n_faces=n_faces,
        brightness=_floats(table, "brightness")[first],
        contrast=_floats(table, "contrast")[first],
        faces=faces,
        joined=max(0, len(identities) - 1),
        damaged_share=damaged,
    )


def damaged_share(attrs: Mapping) -> float:
    """Return the share of a video's frames that are damaged, or lost between others, by its table's
    ``attrs``; NaN where they do not tell."""
    video = attrs.get("video", {})
    if "damaged_frames" not in video:
        return np.nan
    lost = video.get("lost_frames", 0)
    return (video["damaged_frames"] + lost) / max(1, video["frames"] + lost)


def _bare(table: pd.DataFrame) -> pd.DataFrame:
    """The table without its provenance, which pandas copies, deeply, with every column taken."""
    table = table.copy(deep=False)
    table.attrs = {}
    return table


def _picked(table: pd.DataFrame, identities) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first row of each frame, the person's row in it (-1: none), and its number of faces."""
    ids = _floats(table, "face_id")
    frames, first, row_frame = np.unique(
        table["frame"].to_numpy(), return_index=True, return_inverse=True
    )
    n_faces = np.bincount(row_frame, weights=~np.isnan(ids), minlength=len(frames)).astype(int)
    pick = np.full(len(frames), -1)
    for identity in identities:
        rows = np.flatnonzero(ids == identity)
        rows = rows[pick[row_frame[rows]] < 0]
        pick[row_frame[rows]] = rows
    return first, pick, n_faces


def _floats(table: pd.DataFrame, name: str) -> np.ndarray:
    if name not in table.columns:
        return np.full(len(table), np.nan)
    return table[name].to_numpy(dtype=float, na_value=np.nan)
