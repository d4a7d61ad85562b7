"""The reaction table of a video: analysed once, then found in a folder.

What is sent to other processes lies here, so that they need not load what a study calculates with.
"""

from __future__ import annotations

import hashlib
from numbers import Integral
from pathlib import Path
from typing import Any

import pandas as pd

from fer_nb.errors import FerError, StudyError
from fer_nb.files import short_stem
from fer_nb.remote import fetched


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
