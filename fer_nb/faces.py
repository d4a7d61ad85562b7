"""A face in a picture, and the crop that a model sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_nb.errors import FerError
from fer_nb.opencv import cv2


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a picture: its box in pixels, and what the detector says of it.

    `score` is the detector's own confidence and comparable only within one detector.
    `landmarks` are (5, 2): right eye, left eye, nose tip, right and left corner of the mouth, where
    right is the person's own right.
    """

    x: float
    y: float
    width: float
    height: float
    score: float
    landmarks: np.ndarray | None = None

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return self.width * self.height

    @property
    def yaw_ratio(self) -> float:
        """How far the nose is from the middle of the eyes, in distances between the eyes.

        0 is frontal, beyond about 0.35 the face is turned away; NaN without landmarks.
        """
        if self.landmarks is None:
            return float("nan")
        right, left, nose = self.landmarks[:3]
        between = left - right
        length = float(np.hypot(*between))
        if length == 0:
            return float("nan")
        return float(np.dot(nose - (right + left) / 2, between) / length**2)


def check_picture(picture: np.ndarray, what: str = "a picture") -> np.ndarray:
    """Return the picture if it is one that this package can work on.

    Raises
    ------
    FerError
        If it is no uint8 array (H, W, 3) or (H, W), or has no pixel.
    """
    picture = np.asarray(picture)
    right_shape = picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)
    if not right_shape or picture.dtype != np.uint8 or picture.size == 0:
        raise FerError(
            f"{what} must be a uint8 array (H, W, 3) in RGB or (H, W) in grey, "
            f"not {picture.dtype} {picture.shape}"
        )
    return picture


def crop_face(image: np.ndarray, face: Face, margin: float = 0.0) -> np.ndarray:
    """Cut a square around a face; beyond the picture its border is repeated.

    Parameters
    ----------
    image : uint8 array (H, W, 3) or (H, W)
    face : Face
    margin : float
        How much larger than the longer side of the box the square is: 0.1 adds 10 %.

    Returns
    -------
    uint8 array (side, side, 3) or (side, side)

    Raises
    ------
    FerError
        If the box is not of finite numbers, lies outside the picture, or is far larger than it.
    """
    box = (face.x, face.y, face.width, face.height)
    if not np.isfinite(box).all():
        raise FerError(f"a box needs x, y, width and height as finite numbers, not {box}")
    side = max(2, round(max(face.width, face.height) * (1 + margin)))
    x0 = round(face.x + face.width / 2 - side / 2)
    y0 = round(face.y + face.height / 2 - side / 2)
    height, width = image.shape[:2]
    if side > 3 * max(height, width):
        raise FerError(f"a box of {box} is far larger than the picture, {width} × {height} pixels")
    # The part of the square that lies in the picture, never empty.
    left, right = np.clip([x0, x0 + side], 0, width)
    top, bottom = np.clip([y0, y0 + side], 0, height)
    if right <= left or bottom <= top:
        raise FerError("the face lies outside the picture")
    inside = image[top:bottom, left:right]
    pad = (top - y0, y0 + side - bottom, left - x0, x0 + side - right)
    if any(pad):
        inside = cv2.copyMakeBorder(inside, *map(int, pad), cv2.BORDER_REPLICATE)
    return inside


def shrunk(image: np.ndarray, max_side: int) -> tuple[np.ndarray, float]:
    """Return the picture with its longer side at most `max_side`, and by how much it was shrunk."""
    height, width = image.shape[:2]
    scale = max_side / max(height, width)
    if scale >= 1:
        return image, 1.0
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), scale
