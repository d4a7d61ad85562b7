"""Viola-Jones cascades, as OpenCV carries them."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from fer_nb.errors import ModelError
from fer_nb.faces.face import Face, check_picture, largest_first, shrunk
from fer_nb.faces.settings import SMALLEST, Settings, checked_side, checked_size
from fer_nb.opencv import cv2


class HaarDetector(Settings):
    """Viola-Jones cascades, as OpenCV carries them: no download, frontal faces.

    Parameters
    ----------
    cascade : str
        One of OpenCV's files, by its name with or without ``haarcascade_`` and ``.xml`` (such as
        ``"frontalface_alt2"``), or the path of any cascade file.
    scale_factor, min_neighbors
        As in `cv2.CascadeClassifier.detectMultiScale`.
    min_share : float
        Smallest face looked for, as a share of the picture's shorter side.
    max_side : int
        The picture is shrunk to this longer side first.
    near_side, near_share
        The same of a cut around a known face, where the search can begin at large faces.
    min_size : float
        Least longer side of a face's box, in pixels of the picture given.

    Source
    ------
    Viola, P., & Jones, M. (2001). Rapid object detection using a boosted cascade of simple
    features. CVPR.
    """

    name = "haar"
    grey = True
    margin = 0.25  # its boxes end at the chin; the crop shows the head as other detectors frame it

    def __init__(
        self,
        cascade: str = "frontalface_alt2",
        scale_factor: float = 1.1,
        min_neighbors: int = 4,
        min_share: float = 0.08,
        max_side: int = 640,
        near_side: int = 200,
        near_share: float = 0.3,
        min_size: float = 0.0,
    ):
        self.cascade = _cascade_path(cascade)
        self._classifier = cv2.CascadeClassifier()
        try:
            loaded = self._classifier.load(str(self.cascade))
        except (cv2.error, SystemError):  # OpenCV raises or not, depending on what is broken
            loaded = False
        if not loaded:
            raise ModelError(f"{self.cascade} is not a cascade file that OpenCV can load")
        self._lock = threading.Lock()  # the classifier keeps state while it works
        self.scale_factor = scale_factor
        self.min_neighbors = min_neighbors
        self.min_share = min_share
        self.max_side = checked_side(max_side)
        self.near_side = checked_side(near_side)
        self.near_share = near_share
        self.min_size = checked_size(min_size)

    def __call__(self, image: np.ndarray) -> list[Face]:
        """Return the faces in an RGB (or grey) uint8 picture, largest first; refuse any other."""
        faces = self._find(image, self.max_side, self.min_share)
        return largest_first(faces, self.min_size)

    def near(self, region: np.ndarray) -> list[Face]:
        """Return the faces in a cut around a known face, largest first."""
        return self._find(region, self.near_side, self.near_share)

    def _find(self, image: np.ndarray, max_side: int, min_share: float) -> list[Face]:
        image = check_picture(image)
        grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        grey, scale = shrunk(grey, max_side)
        smallest = max(SMALLEST, round(min_share * min(grey.shape)))
        if min(grey.shape) < smallest:
            return []
        with self._lock:
            boxes, _, weights = self._classifier.detectMultiScale3(
                cv2.equalizeHist(grey),
                scaleFactor=self.scale_factor,
                minNeighbors=self.min_neighbors,
                minSize=(smallest, smallest),
                outputRejectLevels=True,
            )
        faces = [
            Face(x / scale, y / scale, width / scale, height / scale, score=float(weight))
            for (x, y, width, height), weight in zip(
                np.reshape(boxes, (-1, 4)).tolist(), np.ravel(weights), strict=True
            )
        ]
        return largest_first(faces)


def _cascade_path(cascade: str) -> Path:
    if Path(cascade).is_file():
        return Path(cascade)
    folder = Path(cv2.data.haarcascades)
    for name in (cascade, f"{cascade}.xml", f"haarcascade_{cascade}.xml"):
        if (folder / name).is_file():
            return folder / name
    raise ModelError(f"no cascade {cascade!r}; give a path or one of: {', '.join(cascade_names())}")


def cascade_names() -> list[str]:
    """Return the names of the cascades that OpenCV carries."""
    files = sorted(Path(cv2.data.haarcascades).glob("haarcascade_*.xml"))
    return [file.stem.removeprefix("haarcascade_") for file in files]
