"""Finding faces: four detectors behind one call."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fer_nb.errors import FerError, ModelError
from fer_nb.faces.face import Face
from fer_nb.faces.face5 import Face5Detector
from fer_nb.faces.haar import HaarDetector
from fer_nb.faces.yolo import YoloDetector
from fer_nb.faces.yunet import YuNetDetector


class Detector(Protocol):
    """Anything that finds faces in an RGB picture, uint8 (H, W, 3).

    `margin` says how much larger than its boxes the crop must be, so that the crops of all
    detectors show the same part of the head. A detector may also have a method `near`, which finds
    faces in a cut of the picture about twice as wide as a face that was there just now; one that
    needs no colour says so by `grey`, and is given the luma (H, W) of a video's frames.
    """

    name: str
    margin: float

    def __call__(self, image: Any) -> list[Face]: ...


DEFAULT = "face5"
DETECTORS: dict[str, Callable[..., Detector]] = {
    "face5": Face5Detector,
    "haar": HaarDetector,
    "yunet": YuNetDetector,
    "yolo": YoloDetector,
}


def load_detector(name: str = DEFAULT, **options) -> Detector:
    """Return a face detector: a callable from an RGB picture to a list of `Face`.

    Parameters
    ----------
    name : str
        ``"face5"`` (ours, the default), ``"haar"``, ``"yunet"`` or ``"yolo"``. A file may follow a
        stroke: ``"haar/NAME-OR-FILE"`` is that cascade, ``"yolo/FILE.onnx"`` that network.
    **options
        Passed on to `Face5Detector`, `HaarDetector`, `YuNetDetector` or `YoloDetector`.

    Raises
    ------
    ModelError
        If there is no such detector, or its file cannot be had or used.

    Examples
    --------
    >>> import skimage
    >>> detector = load_detector("haar/frontalface_default", min_neighbors=5)
    >>> len(detector(skimage.data.astronaut()))
    1
    """
    name, _, file = name.partition("/")
    if file:
        options = {"cascade" if name == "haar" else "model": file} | options
    try:
        detector = DETECTORS[name]
    except KeyError:
        raise ModelError(f"no detector {name!r}; choose one of {', '.join(DETECTORS)}") from None
    try:
        made = detector(**options)
        made(np.zeros((320, 320, 3), np.uint8))  # what cannot work is told now, not in a video
    except FerError:
        raise
    except Exception as error:  # OpenCV and ONNX Runtime have errors of their own
        raise ModelError(f"the {name} detector does not take that: {error}") from error
    return made


def as_detector(detector: Detector | str | None) -> Detector:
    """Return a detector from a name or a detector; the default one from None."""
    chosen = DEFAULT if detector is None else detector
    return load_detector(chosen) if isinstance(chosen, str) else chosen


def describe_detector(detector: Detector) -> dict:
    """Return a detector's name and settings as plain values, for provenance."""
    settings = {
        key: plain(value)
        for key, value in getattr(detector, "__dict__", {}).items()
        if not key.startswith("_")
    }
    return {"name": str(getattr(detector, "name", type(detector).__name__))} | settings


def plain(value: object) -> object:
    """Return what JSON can carry of a setting, without addresses in memory, which never recur."""
    if isinstance(value, Path) or (isinstance(value, str) and os.path.isabs(value)):
        return Path(value).name
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, tuple | list) and len(value) <= 16:
        return [plain(item) for item in value]
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))[:200]


def nearby(detector: Detector) -> Callable[[np.ndarray], list[Face]]:
    """Return what finds a face in a cut around it: the detector's `near`, or the detector."""
    return getattr(detector, "near", detector)


def margin_of(detector: Detector) -> float:
    """Return how much larger than a detector's boxes the crops for a model must be."""
    return getattr(detector, "margin", 0.0)  # a plain function is a detector, too
