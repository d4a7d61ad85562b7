"""What detectors are made with: kept, checked, and copied to another process."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from fer_nb.errors import ModelError

SMALLEST = 20  # pixels; below that no detector sees a face


class Settings:
    """A detector whose public attributes are what it was made with."""

    def __reduce__(self):
        """Be copied to another process as these settings: the files are loaded there."""
        settings = {
            key: value.absolute() if isinstance(value, Path) else value
            for key, value in self._settings().items()
        }
        return partial(type(self), **settings), ()

    def __repr__(self) -> str:
        settings = ", ".join(f"{key}={value!r}" for key, value in self._settings().items())
        return f"{type(self).__name__}({settings})"

    def _settings(self) -> dict:
        return {key: value for key, value in vars(self).items() if not key.startswith("_")}


def checked_side(side: int, name: str = "max_side") -> int:
    """Return a longer side to which a detector shrinks a picture, if a face can be found in it."""
    if not side >= SMALLEST:
        raise ModelError(f"{name} must be {SMALLEST} pixels or more, not {side}")
    return side


def checked_size(min_size: float) -> float:
    """Return a detector's least size of a face, if it is a number of pixels."""
    if not min_size >= 0:
        raise ModelError(f"min_size must be a number of pixels, not {min_size}")
    return min_size
