"""Where a recording's reaction table comes from: ready ones, or the video, analysed once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer_nb.errors import FerError, StudyError, TableError
from fer_nb.files import short_stem
from fer_nb.remote import fetched
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

    def find(self, row: dict) -> Path | None:
        stem = Path(os.path.splitext(row["video"])[0])
        for name in (stem.as_posix(), stem.name, f"{row.get('stimulus')}/{row['respondent']}"):
            for suffix in (".parquet", ".csv"):
                file = self.folder / f"{name}{suffix}"
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


class VideoLoader:
    """Turns a manifest row into the reaction table of its video, which it may find in a folder.

    A table in the folder is used only if it still holds (`fer_nb.cache.still_holds`). No table is
    kept of a model that does not tell its `sha256`. A loader can be sent to other processes.

    Parameters
    ----------
    cache : Path, optional
        The folder.
    model, detector, every
        As `fer_nb.analyze_video`.

    Raises
    ------
    StudyError
        If `every` is no whole number from 1.
    """

    def __init__(self, cache: Path | None = None, *, model=None, detector=None, every: int = 1):
        from fer_nb.faces.detectors import as_detector, describe_detector
        from fer_nb.models import as_model

        if not isinstance(every, Integral) or every < 1:
            raise StudyError(f"every is {every!r}; it must be a whole number from 1")
        self.model: Any = as_model(model)
        self.detector: Any = as_detector(detector)
        self.every: int = int(every)
        digest = getattr(self.model, "sha256", None)
        self.cache: Path | None = cache.absolute() if cache and digest else None
        want = {"model_sha256": digest, "prior": getattr(self.model, "prior", None)}
        self._made_by: str = f"{want}|{describe_detector(self.detector)}|{self.every}"

    def __call__(self, row: dict) -> pd.DataFrame:
        from fer_nb.cache import stored_table

        file = self._file(row)
        with fetched(row["path"]) as path:
            table = None if file is None else stored_table(file, path, **self._options())
            return self._store(row, self._analyze(path)) if table is None else table

    def keep(self, row: dict) -> None:
        """See to it that the table of a row's video is in the folder."""
        self(row)

    def kept(self, row: dict) -> pd.DataFrame:
        """Return the table of a row that `keep` or `take` has seen to in this run."""
        from fer_nb.tables import read_table

        try:
            return read_table(self._file(row))
        except FerError:
            return self(row)

    def order(self, row: dict) -> tuple[dict, dict | None]:
        """Return what `work` is handed: a row, and where the table in the folder comes from."""
        from fer_nb.tables import read_table

        try:
            return row, read_table(self._file(row)).attrs
        except FerError:
            return row, None

    def work(self, order: tuple[dict, dict | None]) -> pd.DataFrame | None:
        """Return the table of a row's video, on a machine that need not see the folder; None if the
        one that lies there still holds."""
        from fer_nb.cache import wanted

        row, known = order
        with fetched(row["path"]) as path:
            want = wanted(path, **self._options())
            if known is not None and all(known.get(k) == value for k, value in want.items()):
                return None
            return self._analyze(path)

    def take(self, row: dict, table: pd.DataFrame | None) -> None:
        """Put into the folder what `work` has answered."""
        if table is not None:
            self._store(row, table)

    def _options(self) -> dict:
        return {"model": self.model, "detector": self.detector, "every": self.every}

    def _analyze(self, path: Path) -> pd.DataFrame:
        from fer_nb.reactions import analyze_video

        return analyze_video(path, **self._options())

    def _store(self, row: dict, table: pd.DataFrame) -> pd.DataFrame:
        from fer_nb.tables import write_table

        file = self._file(row)
        if file is not None:
            write_table(table, file, force=True)
        return table

    def _file(self, row: dict) -> Path | None:
        if self.cache is None:
            return None
        digest = hashlib.sha256(f"{row['video']}|{self._made_by}".encode()).hexdigest()[:12]
        return self.cache / f"{short_stem(row['path'], 100)}-{digest}.parquet"
