"""From stored pixels to the picture that is displayed: square pixels, upright, one size."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from fractions import Fraction

import av
import numpy as np

from fer_nb.opencv import cv2

Matrix = tuple[int, int, int, int]
# Beyond, the file is wrong about its pixels rather than strange.
_MOST_OBLONG = 8


def display_matrix(frame: av.VideoFrame) -> Matrix:
    """How a pixel (x, y) is shown: at (a x + c y, b x + d y), in units of 1/65536."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return 1, 0, 0, 1
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(matrix))
    return a, b, c, d


@dataclass(frozen=True)
class View:
    """How the frames of a video are displayed.

    Attributes
    ----------
    width, height : int
        Of the displayed picture, the same for all frames of a video.
    matrix : tuple of int
        See `display_matrix`.
    aspect : Fraction
        Width of a stored pixel by its height.
    """

    width: int
    height: int
    matrix: Matrix
    aspect: Fraction

    @classmethod
    def of(cls, width: int, height: int, matrix: Matrix, aspect: Fraction | None) -> View:
        """Return the view of frames that are stored with this size."""
        aspect = Fraction(aspect or 1)
        if not Fraction(1, _MOST_OBLONG) <= aspect <= _MOST_OBLONG:
            aspect = Fraction(1)
        width, height = _squared(width, height, aspect)
        if _turned(matrix):
            width, height = height, width
        return cls(width, height, matrix, aspect)

    def with_aspect(self, aspect: Fraction | None) -> View:
        """Return this view for frames whose pixels have another shape."""
        other = View.of(1, 1, self.matrix, aspect)
        return replace(self, aspect=other.aspect)

    def is_filled_by(self, width: int, height: int) -> bool:
        """Whether a frame of this stored size is displayed without bars beside it."""
        size = _squared(width, height, self.aspect)
        return (size[::-1] if _turned(self.matrix) else size) == (self.width, self.height)

    def turned(self, pixels: np.ndarray) -> np.ndarray:
        """Return stored pixels upright, as a view on them."""
        return _upright(pixels, self.matrix)

    def show(self, pixels: np.ndarray) -> np.ndarray:
        """Return stored pixels, (h, w) or (h, w, 3) uint8, as displayed, (height, width[, 3]).

        A frame of another size than the view's is fitted in, with black bars beside or above it.
        """
        height, width = pixels.shape[:2]
        size = _squared(width, height, self.aspect)
        fitted = _fitted(size[::-1] if _turned(self.matrix) else size, (self.width, self.height))
        pixels = _resized(pixels, fitted[::-1] if _turned(self.matrix) else fitted)
        pixels = np.ascontiguousarray(_upright(pixels, self.matrix))
        if fitted == (self.width, self.height):
            return pixels
        canvas = np.zeros((self.height, self.width, *pixels.shape[2:]), dtype=np.uint8)
        left, top = (self.width - fitted[0]) // 2, (self.height - fitted[1]) // 2
        canvas[top : top + fitted[1], left : left + fitted[0]] = pixels
        return canvas


def _turned(matrix: Matrix) -> bool:
    """Whether it is a quarter turn."""
    a, b, *_ = matrix
    return abs(b) > abs(a)


def _squared(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """Return the size in square pixels; like browsers, enlarge, so that no detail is lost."""
    if aspect >= 1:
        return max(1, round(width * aspect)), height
    return width, max(1, round(height / aspect))


def _fitted(size: tuple[int, int], room: tuple[int, int]) -> tuple[int, int]:
    """Return the largest size of the same shape that the room holds."""
    scale = min(room[0] / size[0], room[1] / size[1])
    width, height = (max(1, min(r, round(s * scale))) for s, r in zip(size, room, strict=True))
    return width, height


def _resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    height, width = pixels.shape[:2]
    if (width, height) == size:
        return pixels
    smaller = size[0] * size[1] < width * height
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


def _upright(pixels: np.ndarray, matrix: Matrix) -> np.ndarray:
    a, _, c, d = matrix
    if _turned(matrix):
        pixels, a, d = pixels.swapaxes(0, 1), c, matrix[1]
    return pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
