"""A run's record: one small text file that says what was trained, on what, and what came out."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import platform
from pathlib import Path


def file_sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_run(path: str | Path, *, data: dict, **fields) -> dict:
    """Write a run's record as JSON and return it.

    Parameters
    ----------
    path : path
        The file to write.
    data : dict
        Files that went in, by role; kept by name and SHA-256, never by folder. None is left out.
    **fields
        Anything that JSON can hold: configuration, curve, results.
    """
    import keras

    record = {
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "keras": f"{keras.__version__} on {keras.backend.backend()}",
        "data": {
            role: {"file": Path(file).name, "sha256": file_sha256(file)}
            for role, file in data.items()
            if file is not None
        },
        **fields,
    }
    Path(path).write_text(json.dumps(record, indent=1) + "\n")
    return record
