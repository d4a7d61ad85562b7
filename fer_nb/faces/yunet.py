"""YuNet, through OpenCV."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from fer_nb.errors import ModelError
from fer_nb.faces.face import Face, check_picture, largest_first, shrunk
from fer_nb.faces.settings import SMALLEST, Settings, checked_side, checked_size
from fer_nb.opencv import cv2


class YuNetDetector(Settings):
    """YuNet through OpenCV: accurate, with landmarks; also turned and partly covered faces.

    Parameters
    ----------
    model : str or Path, optional
        ``face_detection_yunet_2023mar.onnx``; without it the file is taken from the cache or
        downloaded there once.
    score : float
        Least confidence, 0 to 1.
    max_side : int
        The picture is shrunk to this longer side first.
    min_size : float
        Least longer side of a face's box, in pixels of the picture given.

    Source
    ------
    Wu, W., Peng, H., & Yu, S. (2023). YuNet: A tiny millisecond-level face detector. *Machine
    Intelligence Research, 20*, 656-665.
    """

    name = "yunet"
    margin = 0.0

    def __init__(
        self,
        model: str | Path | None = None,
        score: float = 0.7,
        max_side: int = 640,
        min_size: float = 0.0,
    ):
        from fer_nb.weights import fetch

        self.model = Path(model) if model else fetch("yunet")
        if not self.model.is_file():
            raise ModelError(f"there is no YuNet file {self.model}")
        try:
            self._net = cv2.FaceDetectorYN.create(str(self.model), "", (320, 320), score)
            self._net.detect(np.zeros((320, 320, 3), np.uint8))  # other networks load, too
        except cv2.error as error:
            raise ModelError(f"{self.model} is not a YuNet model: {error.err}") from error
        self._lock = threading.Lock()
        self.score = score
        self.max_side = checked_side(max_side)
        self.min_size = checked_size(min_size)

    def __call__(self, image: np.ndarray) -> list[Face]:
        """Return the faces in an RGB (or grey) uint8 picture, largest first; refuse any other."""
        return largest_first(self.near(image), self.min_size)

    def near(self, region: np.ndarray) -> list[Face]:
        """Return the faces in a cut around a known face, whatever their size, largest first."""
        image = check_picture(region)
        code = cv2.COLOR_GRAY2BGR if image.ndim == 2 else cv2.COLOR_RGB2BGR
        picture, scale = shrunk(cv2.cvtColor(image, code), self.max_side)
        if min(picture.shape[:2]) < SMALLEST:
            return []
        with self._lock:
            self._net.setInputSize((picture.shape[1], picture.shape[0]))
            found = self._net.detect(picture)[1]
        faces = []
        for row in [] if found is None else np.asarray(found, dtype=float):
            if not np.isfinite(row).all():
                continue
            row[:14] /= scale
            x, y, width, height = row[:4]
            landmarks = row[4:14].reshape(5, 2)
            faces.append(Face(x, y, width, height, score=float(row[14]), landmarks=landmarks))
        return largest_first(faces)
