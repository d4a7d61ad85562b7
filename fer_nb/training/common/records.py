"""A run's record: one small text file that says what was trained, on what, and what came out."""

from __future__ import annotations

import datetime
import json
import os
import platform
from pathlib import Path

from fer_nb.files import sha256


def machine() -> str:
    """Return what a record says of the computer: its processor's kind and number of cores."""
    return f"{platform.machine()}, {os.cpu_count()} cores"


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
        "machine": machine(),
        "keras": f"{keras.__version__} on {keras.backend.backend()}",
        "data": {
            role: {"file": Path(file).name, "sha256": sha256(file)}
            for role, file in data.items()
            if file is not None
        },
        **fields,
    }
    Path(path).write_text(json.dumps(record, indent=1) + "\n")
    return record
