"""One frame of a video."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import av
import numpy as np

from fer_nb.media.color import HDR, color_space, luma_plane, to_full_range, to_rgb
from fer_nb.media.geometry import View
from fer_nb.media.planes import Planes
from fer_nb.opencv import cv2

SMALL_SIDE = 480  # of `small_luma`, at most
Weights = tuple[float, float, float]


def halvings(shape: tuple[int, ...]) -> int:
    """How often a picture (h, w) is halved until its longer side is at most `SMALL_SIDE`."""
    times = 0
    while max(shape[:2]) >> times > SMALL_SIDE and min(shape[:2]) >> times > 1:
        times += 1
    return times


def halved(picture: np.ndarray, times: int = 1) -> np.ndarray:
    """Return a picture at half its size, so many times: far faster than to any other size.

    An odd last row or column is left out.
    """
    for _ in range(times):
        height, width = picture.shape[0] // 2, picture.shape[1] // 2
        even = picture[: 2 * height, : 2 * width]
        picture = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
    return picture


@dataclass(frozen=True)
class Frame:
    """One frame: its index, its time in seconds from the first frame, and its picture.

    The picture is converted when `image` or `luma` is first asked for. ``frame[top:bottom,
    left:right]`` converts only that part of it: to a grey level or two the same as that of `image`.
    """

    index: int
    time_s: float
    _decoded: av.VideoFrame = field(repr=False)
    _view: View = field(repr=False)
    _transfer: int = field(default=2, repr=False)

    @cached_property
    def image(self) -> np.ndarray:
        """uint8 array (H, W, 3), RGB, upright, with square pixels."""
        return self._view.show(to_rgb(self._decoded, self._transfer))

    @cached_property
    def luma(self) -> np.ndarray:
        """uint8 array (H, W), grey as 0 black to 255 white; far cheaper than `image`."""
        plane = self._stored_luma
        if plane is None:
            return cv2.cvtColor(self.image, cv2.COLOR_RGB2GRAY)
        return self._view.show(to_full_range(plane, self._decoded))

    @cached_property
    def small_luma(self) -> np.ndarray:
        """`luma` halved until no side is above `SMALL_SIDE`; cheaper than `luma` itself."""
        times = halvings(self.shape)
        plane, decoded = self._stored_luma, self._decoded
        if plane is None or not self._view.is_filled_by(decoded.width, decoded.height):
            return halved(self.luma, times)
        small = self._view.turned(to_full_range(halved(plane, times), decoded))
        size = self.shape[1] >> times, self.shape[0] >> times
        if size != small.shape[::-1]:  # oblong pixels
            return cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(small)

    @cached_property
    def _stored_luma(self) -> np.ndarray | None:
        return None if self._transfer in HDR else luma_plane(self._decoded)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height and width of the picture, and 3."""
        return self._view.height, self._view.width, 3

    def __getitem__(self, part: tuple[slice, slice]) -> np.ndarray:
        """uint8 array (h, w, 3), RGB: a part of the picture, rows and columns."""
        if self._planes is None or "image" in self.__dict__:
            return self.image[part]
        return self._planes.rgb(*part)

    @property
    def half(self) -> HalfFrame:
        """This picture at half its size, of which parts are converted as they are asked for."""
        return HalfFrame(self)

    def grey(self, weights: Weights) -> GreyFrame:
        """Return this picture in grey, of which parts are converted as they are asked for."""
        return GreyFrame(self, weights)

    @cached_property
    def _planes(self) -> Planes | None:
        if self._transfer in HDR:
            return None
        return Planes.of(self._decoded, self._view, color_space(self._decoded))

    @cached_property
    def _half_planes(self) -> Planes | None:
        return None if self._planes is None else self._planes.halved()


@dataclass(frozen=True)
class GreyFrame:
    """A frame in grey; ``grey[top:bottom, left:right]`` converts that part of it.

    To a grey level or two it is that of the same part of `Frame.image`, mixed by `weights` of red,
    green and blue, without making colours first.
    """

    frame: Frame
    weights: Weights

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return self.frame.shape[:2]

    @property
    def half(self) -> HalfFrame:
        """This picture at half its size."""
        return HalfFrame(self.frame, self.weights)

    def __getitem__(self, part: tuple[slice, slice]) -> np.ndarray:
        """uint8 array (h, w): a part of the picture, rows and columns."""
        frame = self.frame
        if frame._planes is None or "image" in frame.__dict__:
            return cv2.transform(frame[part], np.array([self.weights]))
        return frame._planes.grey(*part, self.weights)


class HalfFrame:
    """A frame at half its size; ``half[top:bottom, left:right]`` converts that part of it.

    In RGB, or in grey that is mixed by `weights` of red, green and blue.
    """

    def __init__(self, frame: Frame, weights: Weights | None = None):
        self._planes = None if "image" in frame.__dict__ else frame._half_planes
        self._weights = weights
        height, width, _ = frame.shape
        self.shape = (height // 2, width // 2, 3)[: 3 if weights is None else 2]
        if self._planes is None:
            size = width // 2, height // 2
            self._image = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)

    def __getitem__(self, part: tuple[slice, slice]) -> np.ndarray:
        """uint8 array (h, w, 3) in RGB, or (h, w) in grey: a part of the picture."""
        if self._planes is None:
            cut = self._image[part]
            return cut if self._weights is None else cv2.transform(cut, np.array([self._weights]))
        if self._weights is None:
            return self._planes.rgb(*part)
        return self._planes.grey(*part, self._weights)
