"""One frame of a video."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import av
import numpy as np

from fer_nb.media.color import HDR, color_space, to_luma, to_rgb
from fer_nb.media.geometry import View
from fer_nb.media.planes import Planes
from fer_nb.opencv import cv2


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
        plane = None if self._transfer in HDR else to_luma(self._decoded)
        if plane is None:
            return cv2.cvtColor(self.image, cv2.COLOR_RGB2GRAY)
        return self._view.show(plane)

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

    def grey(self, weights: tuple[float, float, float]) -> GreyFrame:
        """Return this picture in grey, of which parts are converted as they are asked for."""
        return GreyFrame(self, weights)

    @cached_property
    def _planes(self) -> Planes | None:
        if self._transfer in HDR:
            return None
        return Planes.of(self._decoded, self._view, color_space(self._decoded))


@dataclass(frozen=True)
class GreyFrame:
    """A frame in grey; ``grey[top:bottom, left:right]`` converts that part of it.

    To a grey level or two it is that of the same part of `Frame.image`, mixed by `weights` of red,
    green and blue, without making colours first.
    """

    frame: Frame
    weights: tuple[float, float, float]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return self.frame.shape[:2]

    def __getitem__(self, part: tuple[slice, slice]) -> np.ndarray:
        """uint8 array (h, w): a part of the picture, rows and columns."""
        frame = self.frame
        if frame._planes is None or "image" in frame.__dict__:
            return cv2.transform(frame[part], np.array([self.weights]))
        return frame._planes.grey(*part, self.weights)


class HalfFrame:
    """A frame at half its size, in RGB; ``half[top:bottom, left:right]`` converts that part."""

    def __init__(self, frame: Frame):
        planes = None if "image" in frame.__dict__ else frame._planes
        self._planes = None if planes is None else planes.halved()
        size = frame.shape[1] // 2, frame.shape[0] // 2
        self.shape = (*size[::-1], 3)
        if self._planes is None:
            self._image = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)

    def __getitem__(self, part: tuple[slice, slice]) -> np.ndarray:
        """uint8 array (h, w, 3), RGB: a part of the picture, rows and columns."""
        return self._image[part] if self._planes is None else self._planes.rgb(*part)
