"""A face in a picture, and the crop that a model sees."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fer_nb.errors import FerError
from fer_nb.faces.pose import Pose, head_pose
from fer_nb.media.frame import Frame, GreyFrame, HalfFrame, halved
from fer_nb.opencv import cv2

Picture = np.ndarray | Frame
InParts = Picture | GreyFrame | HalfFrame  # of which parts can be taken


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a picture: its box in pixels, and what the detector says of it.

    `score` is the detector's own confidence and comparable only within one detector.
    `landmarks` are (5, 2): right eye, left eye, nose tip, right and left corner of the mouth, where
    right is the person's own right. `angles` is the head's pose where the detector sees it itself.
    """

    x: float
    y: float
    width: float
    height: float
    score: float
    landmarks: np.ndarray | None = None
    angles: Pose | None = None

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return self.width * self.height

    def placed(self, zoom: float, x0: float = 0.0, y0: float = 0.0) -> Face:
        """Return the face in a picture that is `zoom` times larger and of which it was a part."""
        return Face(
            self.x * zoom + x0,
            self.y * zoom + y0,
            self.width * zoom,
            self.height * zoom,
            self.score,
            None if self.landmarks is None else self.landmarks * zoom + (x0, y0),
            self.angles,
        )

    def overlap(self, other: Face) -> float:
        """Intersection over union of the boxes of two faces, 0 to 1."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        if width <= 0 or height <= 0:
            return 0.0
        common = width * height
        return common / (self.area + other.area - common)

    @property
    def tilt(self) -> float:
        """Angle of the line through the eyes in radians, clockwise on screen; 0 without landmarks.

        A face that lies on its head or side is taken for what it is.
        """
        if self.landmarks is None:
            return 0.0
        across, down = self.landmarks[1] - self.landmarks[0]
        return math.atan2(down, across)

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

    @property
    def pose(self) -> Pose:
        """Yaw, pitch and roll of the head in degrees, as the detector sees them.

        Of a detector that sees none, what its landmarks say (`head_pose`); NaN without landmarks.
        """
        return self.angles or head_pose(self.landmarks)


def largest_first(faces: list[Face], min_size: float = 0.0) -> list[Face]:
    """Return the faces whose longer side has at least so many pixels, largest first."""
    kept = [face for face in faces if max(face.width, face.height) >= min_size]
    return sorted(kept, key=lambda face: -face.area)


def check_picture(picture: np.ndarray, what: str = "a picture") -> np.ndarray:
    """Return the picture if it is one that this package can work on.

    Raises
    ------
    FerError
        If it is no uint8 array (H, W, 3) or (H, W), or has no pixel.
    """
    picture = np.asarray(picture)
    right_shape = picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)
    floating = picture.dtype.kind == "f" and right_shape
    if not right_shape or picture.dtype != np.uint8 or picture.size == 0:
        remedy = "; of values from 0 to 1: (255 * picture).astype('uint8')" if floating else ""
        if picture.ndim == 3 and picture.shape[2] == 4:
            remedy = "; without its transparency: picture[..., :3]"
        raise FerError(
            f"{what} must be a uint8 array (H, W, 3) in RGB or (H, W) in grey, "
            f"not {picture.dtype} {picture.shape}{remedy}"
        )
    return picture


def luma(picture: Picture) -> np.ndarray:
    """Return a picture in grey, uint8 (H, W)."""
    if isinstance(picture, Frame):
        return picture.luma
    return picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def crop_face(
    image: InParts,
    face: Face,
    margin: float = 0.0,
    *,
    upright: bool = False,
    max_side: int | None = None,
) -> np.ndarray:
    """Cut a square around a face; beyond the picture its border is repeated.

    The one rule for crops, in training as in use: a square around the middle of the box, its side
    the longer side of the box and a margin; turned, if asked for, about that middle until the line
    through the eyes lies level. It is not scaled by the eyes, as a turned head would look larger.

    Parameters
    ----------
    image : uint8 array (H, W, 3) or (H, W), or Frame
        Of a `Frame` only the part that is needed is converted.
    face : Face
    margin : float
        How much larger than the longer side of the box the square is: 0.1 adds 10 %.
    upright : bool
        Turn the crop upright; a face without landmarks stays as it is.
    max_side : int, optional
        Shrink the crop to this side, if it is larger.

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
    if max_side and side >= 2 * max_side and isinstance(image, Frame | GreyFrame):
        image, face, side = image.half, face.placed(0.5), round(side / 2)
    tilt = face.tilt if upright else 0.0
    if not tilt:
        cut = _square(image, face, side)
        return shrunk(cut, max_side)[0] if max_side else cut
    # Turning needs what lies beyond the square's corners; it is shrunk first, as that is faster.
    around = math.ceil(side * (abs(math.cos(tilt)) + abs(math.sin(tilt))))
    cut = _square(image, face, around)
    out = min(side, max_side or side)
    cut, scale = shrunk(cut, round(around * out / side))
    turn = cv2.getRotationMatrix2D((0, 0), math.degrees(tilt), out / side / scale)
    middle = (np.array(cut.shape[1::-1]) - 1) / 2
    turn[:, 2] = (out - 1) / 2 - turn[:, :2] @ middle
    return cv2.warpAffine(cut, turn, (out, out), borderMode=cv2.BORDER_REPLICATE)


def _square(image: InParts, face: Face, side: int) -> np.ndarray:
    """Cut a level square around the middle of a face's box."""
    x0 = round(face.x + face.width / 2 - side / 2)
    y0 = round(face.y + face.height / 2 - side / 2)
    height, width = image.shape[:2]
    if side > 5 * max(height, width):
        size = f"{face.width:.0f} × {face.height:.0f}"
        raise FerError(f"a box of {size} is far larger than the picture, {width} × {height} pixels")
    # The part of the square that lies in the picture, never empty.
    left, right = (min(max(x, 0), width) for x in (x0, x0 + side))
    top, bottom = (min(max(y, 0), height) for y in (y0, y0 + side))
    if right <= left or bottom <= top:
        raise FerError("the face lies outside the picture")
    inside = image[top:bottom, left:right]
    pad = (top - y0, y0 + side - bottom, left - x0, x0 + side - right)
    if any(pad):
        inside = cv2.copyMakeBorder(inside, *pad, cv2.BORDER_REPLICATE)
    return inside


def shrunk(image: np.ndarray, max_side: int) -> tuple[np.ndarray, float]:
    """Return the picture with its longer side at most `max_side`, and by how much it was shrunk."""
    height, width = image.shape[:2]
    scale = max_side / max(height, width)
    if scale >= 1:
        return image, 1.0
    size = max(1, round(width * scale)), max(1, round(height * scale))
    while image.shape[0] >= 2 * size[1] and image.shape[1] >= 2 * size[0]:
        image = halved(image)  # the rest by a factor that is no whole number is slow
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), scale
