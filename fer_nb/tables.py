"""The reaction table: its columns, how it is built, checked, written and read."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fer_nb.emotions import EMOTIONS, PROBABILITY_COLUMNS
from fer_nb.errors import TableError
from fer_nb.files import new_file
from fer_nb.spreadsheets import harmless, restored

if TYPE_CHECKING:
    from fer_nb.reader import FrameReadings

BOX_COLUMNS = ("x", "y", "width", "height", "score")
POSE_COLUMNS = ("yaw", "pitch", "roll")
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
    *POSE_COLUMNS,
)
# What departs from a person's own rest; only where it was asked for (`fer_nb.person.rest`).
DEPARTURES = tuple(f"d_{name}" for name in ("valence", "arousal", *PROBABILITY_COLUMNS))
# What a table from elsewhere may lack.
_OPTIONAL = ("brightness", "contrast", "yaw_ratio", *POSE_COLUMNS)
_HEAD = ("yaw_ratio", *POSE_COLUMNS)
_MEASURED = (*BOX_COLUMNS, *_HEAD, *PROBABILITY_COLUMNS, "valence", "arousal")
_DTYPES = {name: "float32" for name in COLUMNS} | {
    "frame": "int64",
    "time_s": "float64",
    "face_id": "Int64",
    "emotion": pd.CategoricalDtype(list(EMOTIONS)),
}


class TableBuilder:
    """Collects readings frame by frame, in compact form, and makes the table of them."""

    def __init__(self):
        self._frames = array("d")  # frame, time_s, brightness, contrast
        self._faces = array("d")  # frame, number of the person, then _MEASURED
        self._seen: dict[int, None] = {}  # numbers in order of appearance

    def __len__(self) -> int:
        return len(self._frames) // 4

    def add(self, frame: FrameReadings) -> None:
        """Add the readings of one frame."""
        self._frames.extend((frame.frame, frame.time_s, frame.brightness, frame.contrast))
        for reading in frame.readings:
            self._seen[reading.id] = None
            face = reading.face
            box = (face.x, face.y, face.width, face.height, face.score)
            self._faces.extend((frame.frame, reading.id, *box, face.yaw_ratio, *face.pose))
            self._faces.extend(reading.probs.tolist())
            self._faces.extend((reading.valence, reading.arousal))

    def ids(self, keep: Callable[[int], bool] = lambda number: True) -> dict[int, int]:
        """Return the `face_id` of each person's number, for those that `keep` is true of.

        Identities count from 0 in order of appearance, with no number missing.
        """
        return {number: i for i, number in enumerate(filter(keep, self._seen))}

    def table(self, keep: Callable[[int], bool] = lambda number: True, **attrs) -> pd.DataFrame:
        """Return the reaction table of what was added so far.

        Parameters
        ----------
        keep : callable
            Tells of a person's number whether it is one: `Tracker.confirmed` leaves out what was
            a false alarm.
        **attrs
            Its provenance.
        """
        frames = np.frombuffer(self._frames).reshape(-1, 4) if self._frames else np.empty((0, 4))
        width = 2 + len(_MEASURED)
        faces = np.frombuffer(self._faces) if self._faces else np.empty(0)
        faces = faces.reshape(-1, width)
        ids = self.ids(keep)
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


def check_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a reaction table with its proper column types, having checked its content.

    Brightness, contrast, yaw_ratio, yaw, pitch and roll may be absent; they are NaN then.

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
    unknown: list[str] = []
    if table["emotion"].dtype != _DTYPES["emotion"]:
        unknown = sorted(set(table["emotion"].dropna().astype(str)) - set(EMOTIONS))
    if unknown:
        table["emotion"] = np.nan
    wanted = _DTYPES | {n: "float32" for n in DEPARTURES if n in table}
    if "source" in table:
        wanted["source"] = "category"
    # A study may read ten thousand tables: what follows is plain NumPy, six times as fast.
    types = table.dtypes
    try:
        other = {name: wish for name, wish in wanted.items() if types[name] != wish}
        table = table.astype(other) if other else table
    except (TypeError, ValueError) as error:
        raise TableError(f"a column of the reaction table has a wrong type: {error}") from error
    ids, time_s = table["face_id"].to_numpy(float, na_value=np.nan), table["time_s"].to_numpy()
    seen = ~np.isnan(ids)
    values = table[[*PROBABILITY_COLUMNS, "valence", "arousal"]].to_numpy(dtype=float)[seen]
    probs = values[:, :-2]
    # Tables of several recordings, one after the other, are a table too.
    code = table["source"].cat.codes.to_numpy() if "source" in table else np.zeros(len(table))
    order = np.argsort(code, kind="stable")
    problems = []
    if ((np.diff(time_s[order]) < 0) & (np.diff(code[order]) == 0)).any():
        problems.append("time_s runs backwards")
    if not np.isfinite(time_s).all():
        problems.append("times that are no numbers")
    if unknown:
        problems.append(f"emotions that are none of ours ({', '.join(unknown)})")
    if not ((probs > -1e-3) & (probs < 1 + 1e-3)).all():
        problems.append("probabilities outside 0-1")
    if len(probs) and not np.allclose(probs.sum(axis=1), 1, atol=1e-3):
        problems.append("probabilities that do not sum to 1")
    for name, rated in zip(("valence", "arousal"), values[:, -2:].T, strict=True):
        if not ((rated >= 1) & (rated <= 7)).all():
            problems.append(f"{name} outside 1-7")
    faces = np.stack([ids, table["frame"].to_numpy(), code])[:, seen]
    faces = faces[:, np.lexsort(faces)]  # much faster than np.unique over rows
    if (np.diff(faces) == 0).all(axis=0).any():
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
        harmless(table).to_csv(part, index=False)
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
            types = {"face_id": "Int64", "source": str}
            table = restored(pd.read_csv(path, engine="pyarrow", dtype=types))
            beside = path.with_name(path.name + ".json")
            if beside.is_file():
                table.attrs = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, RecursionError, LookupError, TypeError, ValueError) as error:
        raise TableError(f"{path} cannot be read as a table: {error}") from error
    return check_table(table)
