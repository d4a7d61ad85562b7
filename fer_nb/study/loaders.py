"""Where a recording's ready reaction table lies; see `fer_nb.loader` for videos."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.errors import FerError, StudyError, TableError
from fer_nb.files import Names
from fer_nb.study.config import SIGNALS

Loader = Callable[[dict], pd.DataFrame]

_NEEDED = ("frame", "time_s", "face_id", *SIGNALS)


def table_loader(tables, rows: Iterable[dict] = ()) -> Loader:
    """Return a function from a manifest row to its ready reaction table.

    Parameters
    ----------
    tables : mapping or path
        A mapping from the manifest's `video`, or from (respondent, stimulus), to a table; or a
        folder with `VIDEO-STEM.parquet` (or .csv) per recording. A table that tells its video's
        SHA-256 is refused where the video is there and has another.
    rows : iterable of dict
        The rows that will be asked for, to know now whether two recordings would share a table.

    Raises
    ------
    StudyError
        If `tables` is neither, the folder is absent, or two recordings would share a table.
    """
    if isinstance(tables, Mapping):
        source: _GivenTables | _FolderOfTables = _GivenTables(tables)
    elif isinstance(tables, str | os.PathLike):
        source = _FolderOfTables(Path(tables))
    else:
        raise StudyError(
            f"tables must be a mapping or a folder, not {type(tables).__name__}; "
            "give each table under its recording's `video`"
        )
    for row in rows:
        source.find(row)
    return source.load


class _Tables:
    """Ready tables, each of which belongs to one recording."""

    def __init__(self):
        self._video_of: dict[str, str] = {}

    def _claim(self, table: str, row: dict, remedy: str) -> None:
        """Refuse a table that is already another recording's."""
        other = self._video_of.setdefault(table, row["video"])
        if os.path.normpath(other) != os.path.normpath(row["video"]):
            raise StudyError(
                f"{table} would be the table of both {other!r} and {row['video']!r}; give "
                f"each its own: {remedy}"
            )


class _GivenTables(_Tables):
    def __init__(self, tables: Mapping):
        super().__init__()
        self.tables = tables

    def find(self, row: dict) -> str | tuple | None:
        for key in (row["video"], (row["respondent"], row.get("stimulus"))):
            if key in self.tables:
                self._claim(f"tables[{key!r}]", row, f"under {row['video']!r}")
                return key
        return None

    def load(self, row: dict) -> pd.DataFrame:
        key = self.find(row)
        if key is None:
            raise FerError(f"no ready table for {row['video']!r}")
        return _checked(self.tables[key])


class _FolderOfTables(_Tables):
    def __init__(self, folder: Path):
        super().__init__()
        if not folder.is_dir():
            raise StudyError(f"there is no folder of tables {folder}")
        self.folder = folder
        self.names = Names()

    def find(self, row: dict) -> Path | None:
        stem = Path(os.path.splitext(row["video"])[0])
        for name in (stem.as_posix(), stem.name, f"{row.get('stimulus')}/{row['respondent']}"):
            for suffix in (".parquet", ".csv"):
                file = self.names.found(self.folder / f"{name}{suffix}")
                if file.is_file():
                    remedy = f"{self.folder / stem}.parquet, or STIMULUS/RESPONDENT.parquet"
                    self._claim(str(file), row, remedy)
                    return file
        return None

    def load(self, row: dict) -> pd.DataFrame:
        from fer_nb.tables import read_table

        file = self.find(row)
        if file is None:
            raise FerError(f"no ready table for {row['video']!r} in {self.folder.name}/")
        table = read_table(file)
        known = table.attrs.get("sha256")
        if known and "path" in row and _digest(row["path"]) not in (None, known):
            raise TableError(
                f"the table {file} is not of {row['video']!r} (their SHA-256 differ); put that "
                "recording's table there, or analyse it again"
            )
        return table


def _digest(video: Path) -> str | None:
    """SHA-256 of a video; None where it is absent or cannot be read, as ready tables allow."""
    from fer_nb.files import sha256

    try:
        return sha256(video)
    except OSError:
        return None


def _checked(table) -> pd.DataFrame:
    """Return a ready table, having checked that a study can read it."""
    if not isinstance(table, pd.DataFrame):
        raise TableError(
            f"a {type(table).__name__} is not a reaction table; use read_table or analyze_video"
        )
    missing = [name for name in _NEEDED if name not in table]
    if missing:
        raise TableError(f"the reaction table lacks {', '.join(missing)}")
    if not np.isfinite(table["time_s"].to_numpy(dtype=float, na_value=np.nan)).all():
        raise TableError("the reaction table has times that are no numbers")
    return table
