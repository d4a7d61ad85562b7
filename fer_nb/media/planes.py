"""The planes of a decoded frame, of which a part becomes RGB without the rest.

A face takes a tenth of a picture: converting only that is ten times faster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import av
import numpy as np

from fer_nb.media.geometry import View
from fer_nb.opencv import cv2

# Weights of red and blue in luma, by the number of the colour space in ITU-T H.273.
_BT601, _BT709 = (0.299, 0.114), (0.2126, 0.0722)
_WEIGHTS = {1: _BT709, 2: _BT601, 5: _BT601, 6: _BT601}
_FULL = 2

Part = tuple[slice, slice]


@dataclass(frozen=True)
class Planes:
    """Luma (h, w) and both chroma planes (h/fold, w/fold), uint8, upright, as stored.

    `matrix` (3, 4) makes RGB of them. `shape` (H, W) is the displayed picture's, which is larger
    where pixels are oblong.
    """

    y: np.ndarray
    u: np.ndarray
    v: np.ndarray
    matrix: np.ndarray
    shape: tuple[int, int]
    fold: int = 2

    @classmethod
    def of(cls, frame: av.VideoFrame, view: View, space: int) -> Planes | None:
        """Return the planes of a frame whose colour space is `space`.

        None where it does not fill the view or has not the usual 8 bits.
        """
        usual = frame.format.name in ("yuv420p", "yuvj420p") and space in _WEIGHTS
        even = frame.width % 2 == frame.height % 2 == 0
        if not usual or not even or not view.is_filled_by(frame.width, frame.height):
            return None
        full = frame.format.name == "yuvj420p" or frame.color_range == _FULL
        stored = (np.frombuffer(p, np.uint8).reshape(-1, p.line_size) for p in frame.planes)
        height, width = frame.height, frame.width
        sizes = (height, width), (height // 2, width // 2), (height // 2, width // 2)
        planes = [view.turned(p[:h, :w]) for p, (h, w) in zip(stored, sizes, strict=True)]
        luma, blue, red = planes
        shape = view.height, view.width
        return cls(luma, blue, red, _matrix(*_WEIGHTS[space], full), shape)

    def halved(self) -> Planes:
        """Return the picture at half its size, for which no colour needs be doubled."""
        y = cv2.resize(self.y, self.u.shape[::-1], interpolation=cv2.INTER_AREA)
        shape = self.shape[0] // 2, self.shape[1] // 2
        return replace(self, y=y, shape=shape, fold=1)

    def rgb(self, rows: slice, columns: slice) -> np.ndarray:
        """Return a part of the displayed picture as uint8 RGB (h, w, 3)."""
        return self._displayed(rows, columns, self._rgb)

    def grey(self, rows: slice, columns: slice, weights: tuple[float, ...]) -> np.ndarray:
        """Return a part of the displayed picture as grey, uint8 (h, w), by weights of R, G, B."""
        light, blue, red, rest = np.asarray(weights) @ self.matrix

        def convert(y: np.ndarray, u: np.ndarray, v: np.ndarray, at: Part) -> np.ndarray:
            # Colour changes a grey little, so that its half resolution is mixed as it is stored.
            middle = 128 - 128 * (blue + red)
            colour = cv2.transform(cv2.merge([u, v]), np.array([[blue, red, middle]]))
            return cv2.addWeighted(y, light, self._as_luma(colour)[at], 1.0, rest - middle)

        return self._displayed(rows, columns, convert)

    def _rgb(self, y: np.ndarray, u: np.ndarray, v: np.ndarray, at: Part) -> np.ndarray:
        return cv2.transform(
            cv2.merge([y, self._as_luma(u)[at], self._as_luma(v)[at]]), self.matrix
        )

    def _displayed(self, rows: slice, columns: slice, convert: Callable) -> np.ndarray:
        top, bottom, _ = rows.indices(self.shape[0])
        left, right, _ = columns.indices(self.shape[1])
        if self.shape == self.y.shape:
            return self._stored(top, bottom, left, right, convert)
        (height, width), (shown_height, shown_width) = self.y.shape, self.shape
        down, across = height / shown_height, width / shown_width
        # With two stored pixels more on each side, between which displayed ones lie.
        y0, y1 = max(0, int(top * down) - 2), min(height, int(bottom * down) + 3)
        x0, x1 = max(0, int(left * across) - 2), min(width, int(right * across) + 3)
        part = self._stored(y0, y1, x0, x1, convert)
        # Centres of pixels lie on each other, as in cv2.resize.
        back = np.array(
            [
                [across, 0, (left + 0.5) * across - 0.5 - x0],
                [0, down, (top + 0.5) * down - 0.5 - y0],
            ]
        )
        size = max(0, right - left), max(0, bottom - top)
        if 0 in size:
            return np.empty((*size[::-1], *part.shape[2:]), np.uint8)
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(part, back, size, flags=how, borderMode=cv2.BORDER_REPLICATE)

    def _stored(self, top: int, bottom: int, left: int, right: int, convert: Callable):
        """Return a part of the stored picture, converted from its planes.

        `convert` gets colour at its own resolution, and where the part lies in it at that of luma.
        """
        fold = self.fold
        y = np.ascontiguousarray(self.y[top:bottom, left:right])
        around = slice(top // fold, -(-bottom // fold)), slice(left // fold, -(-right // fold))
        at = slice(top % fold, top % fold + len(y)), slice(left % fold, left % fold + y.shape[1])
        u, v = (np.ascontiguousarray(plane[around]) for plane in (self.u, self.v))
        return convert(y, u, v, at)

    def _as_luma(self, plane: np.ndarray) -> np.ndarray:
        """Return a plane of colour at the resolution of luma."""
        if self.fold == 1:
            return plane
        return cv2.resize(plane, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)


@cache
def _matrix(red: float, blue: float, full: bool) -> np.ndarray:
    green = 1 - red - blue
    black, white, swing = (0, 255, 255) if full else (16, 219, 224)
    light, colour = 255 / white, 255 / swing
    to_red, to_blue = 2 * (1 - red) * colour, 2 * (1 - blue) * colour
    rows = np.array(
        [
            [light, 0, to_red],
            [light, -to_blue * blue / green, -to_red * red / green],
            [light, to_blue, 0],
        ]
    )
    return np.column_stack([rows, -rows @ [black, 128, 128]])
