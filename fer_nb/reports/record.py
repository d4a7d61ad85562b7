"""What a page keeps of its making, so that `fer-nb reproduce` can make it again and compare."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd

from fer_nb.errors import FerError
from fer_nb.files import sha256, told_path
from fer_nb.remote import told
from fer_nb.study.manifest import Manifest
from fer_nb.study.storage import PEOPLE, TABLES

_PACKAGES = ("fer_nb", "numpy", "pandas", "scipy", "av", "opencv-python", "onnxruntime")
_ATTRS = ("source", "sha256", "model", "model_version", "model_sha256", "prior", "parameters")
_IN_PAGE = re.compile(r'<script type="application/json" id="fer-nb-record">(.*?)</script>', re.S)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that numbers depend on."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # OpenCV has packages of several names
            continue
    return found


def recording_record(table: pd.DataFrame, video: str | Path, folder: str | Path) -> dict:
    """Return what the page of one recording, in `folder`, keeps."""
    return {
        "kind": "recording",
        "path": told_path(video, folder),
        **{name: table.attrs.get(name) for name in _ATTRS},
        "rows": len(table),
        "table_sha256": table_digest(table),
        "versions": versions(),
    }


def is_record_of(page: Path, want: dict) -> bool:
    """Whether a page says that it was made of the table that would be made now; see
    `fer_nb.cache.wanted`. Never of a model that does not tell its SHA-256."""
    try:
        record = read_record(page)
    except FerError:
        return False
    kept, asked = (
        json.dumps([said.get(n) for n in _ATTRS], sort_keys=True) for said in (record, want)
    )
    return want.get("model_sha256") is not None and kept == asked


def study_record(manifest: Manifest, folder: str | Path, every: int = 1) -> dict:
    """Return what the page of a study, in `folder`, keeps; ready tables cannot be made again."""
    stimuli = manifest.stimuli_path
    return {
        "kind": "study",
        "path": told(manifest.path, folder),
        "stimuli": told(stimuli, folder) if stimuli is not None else None,
        "every": every,
        "files": study_digests(folder),
        "versions": versions(),
    }


def table_digest(table: pd.DataFrame) -> str:
    """Return a SHA-256 of a table's content, whatever file it is kept in."""
    return hashlib.sha256(table.to_csv(index=False).encode()).hexdigest()


def study_digests(folder: str | Path) -> dict[str, str]:
    """Return the SHA-256 of each table that a study wrote."""
    names = sorted([*TABLES.values(), PEOPLE])
    return {name: sha256(Path(folder) / name) for name in names}


def read_record(page: str | Path) -> dict:
    """Return what a page keeps of its making.

    Raises
    ------
    FerError
        If there is no such page, or it keeps nothing, or what it keeps is damaged.
    """
    try:
        found = _IN_PAGE.search(Path(page).read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise FerError(f"{page} cannot be read: {error.strerror}") from error
    if found is None:
        raise FerError(
            f"{page} does not say how it was made; only pages that `fer-nb report` and `fer-nb "
            "study` make from recordings do"
        )
    try:
        return json.loads(found[1])
    except (RecursionError, ValueError) as error:
        raise FerError(f"what {page} says of its making is damaged: {error}") from error
