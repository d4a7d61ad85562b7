"""Does a stored table still hold? One rule, by which reports and studies decide."""

from __future__ import annotations

from inspect import signature
from pathlib import Path

import pandas as pd

from fer_nb.errors import FerError
from fer_nb.faces.detectors import as_detector
from fer_nb.files import sha256
from fer_nb.models import as_model
from fer_nb.reactions import analyze_video, origin
from fer_nb.tables import read_table


def wanted(video: str | Path, **options) -> dict:
    """Return the provenance that `fer_nb.analyze_video` would give this video's table now.

    That is the SHA-256 of the video and of the model, its class prior and rating table, the
    detector, every parameter, and the version of this package, which may measure otherwise.

    Parameters
    ----------
    video : str or Path
    **options
        As `fer_nb.analyze_video` takes them.

    Raises
    ------
    FerError, OSError
        If the model, the detector or the video cannot be read.
    """
    asked = signature(analyze_video).bind(video, **options)
    asked.apply_defaults()
    how = {k: v for k, v in asked.arguments.items() if k not in ("path", "progress")}
    model, detector = as_model(how.pop("model")), as_detector(how.pop("detector"))
    return origin(Path(video).name, sha256(video), model, detector, **how)


def still_holds(table: pd.DataFrame, want: dict) -> bool:
    """Whether a table is the one that would be made now; see `wanted`.

    Never of a model that does not tell its SHA-256, as nothing tells it from another.
    """
    if want.get("model_sha256") is None:
        return False
    return all(table.attrs.get(name) == value for name, value in want.items())


def stored_table(file: str | Path, video: str | Path, **options) -> pd.DataFrame | None:
    """Return the table in `file` if it still holds for the video; None if not, or unreadable."""
    try:
        table = read_table(file)
        return table if still_holds(table, wanted(video, **options)) else None
    except (OSError, FerError):
        return None
