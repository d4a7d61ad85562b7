"""The reaction table: its columns, how it is built, checked, written and read."""

from __future__ import annotations

import json
from array import array
from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.emotions import EMOTIONS, PROBABILITY_COLUMNS
from fer_nb.errors import TableError
from fer_nb.faces import Face
from fer_nb.files import new_file
from fer_nb.models import Predictions
from fer_nb.opencv import cv2
from fer_nb.tracking import Track

BOX_COLUMNS = ("x", "y", "width", "height", "score")
COLUMNS = (
    "frame",
    "time_s",
    "face_id",
    *BOX_COLUMNS,
    "emotion",
    *PROBABILITY_COLUMNS,
    "valence",
    "arousal",
    "brightness",
    "contrast",
    "yaw_ratio",
)
# What a table from elsewhere may lack.
_OPTIONAL = ("brightness", "contrast", "yaw_ratio")
_MEASURED = (*BOX_COLUMNS, "yaw_ratio", *PROBABILITY_COLUMNS, "valence", "arousal")
_DTYPES = {name: "float32" for name in COLUMNS} | {
    "frame": "int64",
    "time_s": "float64",
    "face_id": "Int64",
    "emotion": pd.CategoricalDtype(list(EMOTIONS)),
}


class TableBuilder:
    """Collects readings frame by frame, in compact form, and makes the table of them.

    Parameters
    ----------
    min_detections : int
        A track that the detector found fewer times than this within half a second, although it
        looked at least as often, is taken for a false alarm and left out.
    """

    def __init__(self, min_detections: int = 3):
        self.min_detections = min_detections
        self._frames = array("d")  # frame, time_s, brightness, contrast
        self._faces = array("d")  # frame, track id, then _MEASURED
        self._tracks: dict[int, Track] = {}

    def __len__(self) -> int:
        return len(self._frames) // 4

    def add(
        self,
        frame: int,
        time_s: float,
        image: np.ndarray,
        tracks: list[Track],
        predictions: Predictions,
    ) -> None:
        """Add one frame: its picture (for brightness and contrast), its tracks, their readings."""
        seen = [(track, track.face) for track in tracks]
        self._add(frame, time_s, picture_quality(image), seen, predictions)

    def _add(self, frame, time_s, quality, seen: list[tuple[Track, Face]], read: Predictions):
        self._frames.extend((frame, time_s, *quality))
        for i, (track, face) in enumerate(seen):
            self._tracks[track.id] = track
            box = (face.x, face.y, face.width, face.height, face.score, face.yaw_ratio)
            self._faces.extend((frame, track.id, *box))
            self._faces.extend(read.probs[i].tolist())
            self._faces.extend((read.valence[i], read.arousal[i]))

    def ids(self) -> dict[int, int]:
        """Return each track's `face_id` in the table; tracks that are left out have none.

        Identities count from 0 in order of appearance, with no number missing.
        """
        kept = (
            id_
            for id_, track in self._tracks.items()
            if not track.hits < self.min_detections <= track.rounds
            or track.detected_s - track.born_s >= 0.5
        )
        return {id_: i for i, id_ in enumerate(kept)}

    def table(self, **attrs) -> pd.DataFrame:
        """Return the reaction table of what was added so far, with `attrs` as its provenance."""
        frames = np.frombuffer(self._frames).reshape(-1, 4) if self._frames else np.empty((0, 4))
        width = 2 + len(_MEASURED)
        faces = np.frombuffer(self._faces) if self._faces else np.empty(0)
        faces = faces.reshape(-1, width)
        ids = self.ids()
        faces = faces[np.isin(faces[:, 1], list(ids))]
        right = pd.DataFrame(faces, columns=["frame", "face_id", *_MEASURED])
        right["face_id"] = right["face_id"].map(ids).astype("Int64")
        left = pd.DataFrame(frames, columns=["frame", "time_s", "brightness", "contrast"])
        table = left.merge(right, on="frame", how="left")
        table = table.sort_values(["frame", "face_id"], kind="stable", ignore_index=True)
        table["emotion"] = _most_probable(table)
        table = table[list(COLUMNS)].astype(_DTYPES)
        table.attrs = attrs
        return table


def _most_probable(table: pd.DataFrame) -> pd.Categorical:
    probs = table[list(PROBABILITY_COLUMNS)].to_numpy(dtype=float)
    absent = np.isnan(probs).any(axis=1)
    codes = np.where(absent, -1, np.nan_to_num(probs).argmax(axis=1)) if len(probs) else []
    return pd.Categorical.from_codes(np.asarray(codes, dtype=int), dtype=_DTYPES["emotion"])


def picture_quality(image: np.ndarray) -> tuple[float, float]:
    """Return the mean and the standard deviation of a picture's luma, 0-255."""
    sample = np.ascontiguousarray(image[::4, ::4])
    if sample.ndim == 3:
        sample = cv2.cvtColor(sample, cv2.COLOR_RGB2GRAY)
    mean, deviation = cv2.meanStdDev(sample)
    return float(mean[0, 0]), float(deviation[0, 0])


def check_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a reaction table with its proper column types, having checked its content.

    Brightness, contrast and yaw_ratio may be absent; they are NaN then.

    Raises
    ------
    TableError
        Naming everything that is wrong: missing columns, values that cannot be, disorder in time.
    """
    missing = [name for name in COLUMNS if name not in table and name not in _OPTIONAL]
    if missing:
        raise TableError(f"not a reaction table: it lacks {', '.join(missing)}")
    # pandas copies provenance, deeply, with every column taken out: put it aside meanwhile.
    attrs, table = table.attrs, table.copy(deep=False)
    table.attrs = {}
    for name in _OPTIONAL:
        if name not in table:
            table[name] = np.nan
    unknown = sorted(set(table["emotion"].dropna().astype(str)) - set(EMOTIONS))
    if unknown:
        table["emotion"] = np.nan
    try:
        table = table.astype(_DTYPES)
    except (TypeError, ValueError) as error:
        raise TableError(f"a column of the reaction table has a wrong type: {error}") from error
    seen = table[table["face_id"].notna()]
    probs = seen[list(PROBABILITY_COLUMNS)].to_numpy(dtype=float)
    problems = []
    if not table["time_s"].is_monotonic_increasing:
        problems.append("time_s runs backwards")
    if unknown:
        problems.append(f"emotions that are none of ours ({', '.join(unknown)})")
    if not ((probs > -1e-3) & (probs < 1 + 1e-3)).all():
        problems.append("probabilities outside 0-1")
    if len(probs) and not np.allclose(probs.sum(axis=1), 1, atol=1e-3):
        problems.append("probabilities that do not sum to 1")
    for name in ("valence", "arousal"):
        if not seen[name].between(1, 7).all():
            problems.append(f"{name} outside 1-7")
    if seen.duplicated(["frame", "face_id"]).any():
        problems.append("the same face twice in one frame")
    if problems:
        raise TableError("the reaction table has " + "; ".join(problems))
    table.attrs = attrs
    return table


def write_table(table: pd.DataFrame, path: str | Path, force: bool = False) -> Path:
    """Write a reaction table as Parquet or CSV, by the suffix, with no loss.

    Provenance (``table.attrs``) goes into the Parquet metadata, or beside the CSV into a file with
    ``.json`` added to its name.

    Raises
    ------
    FerError
        If the suffix is neither, or the file exists and `force` is false.
    """
    path = Path(path)
    if path.suffix not in (".parquet", ".csv"):
        raise TableError(f"cannot write a table as {path.suffix or path}; use .parquet or .csv")
    with new_file(path, force) as part:
        if path.suffix == ".parquet":
            table.to_parquet(part, index=False)
            return path
        table.to_csv(part, index=False)
        with new_file(path.with_name(path.name + ".json"), force) as beside:
            beside.write_text(json.dumps(table.attrs, indent=1), encoding="utf-8")
    return path


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a reaction table that `write_table` wrote, and check it.

    Raises
    ------
    TableError
        If the file is missing or holds no reaction table.
    """
    path = Path(path)
    if not path.is_file():
        raise TableError(f"there is no table {path}")
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
        else:
            table = pd.read_csv(path, engine="pyarrow", dtype={"face_id": "Int64"})
            beside = path.with_name(path.name + ".json")
            if beside.is_file():
                table.attrs = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, TypeError, ValueError) as error:
        raise TableError(f"{path} cannot be read as a table: {error}") from error
    return check_table(table)
