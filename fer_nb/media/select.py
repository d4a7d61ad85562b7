"""Which frames of a video are wanted."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fer_nb.errors import FerError
from fer_nb.media.frame import Frame


@dataclass(frozen=True)
class Selection:
    """Each n-th frame, or so many per second of the video's time, of a stretch of it.

    Parameters
    ----------
    every : int
        Each n-th frame, the first one always.
    fps : float, optional
        So many frames per second at most, whatever the video's own rate is and does; the first
        frame of each 1 / `fps` seconds is taken.
    start_s, end_s : float, optional
        Only frames from here to there, in seconds.

    Raises
    ------
    FerError
        If a value cannot be.
    """

    every: int = 1
    fps: float | None = None
    start_s: float = 0.0
    end_s: float | None = None

    def __post_init__(self):
        try:
            every = operator.index(self.every)
        except TypeError:
            raise FerError(f"every must be a whole number, not {self.every!r}") from None
        if every < 1:
            raise FerError(f"every must be 1 or more, not {every}")
        if self.fps is not None and not (0 < self.fps < math.inf):
            raise FerError(f"fps must be above 0, not {self.fps}")
        if self.fps is not None and every > 1:
            raise FerError("give every or fps, not both: both say how many frames are analysed")
        end_s = math.inf if self.end_s is None else self.end_s
        if not 0 <= self.start_s < end_s:
            raise FerError(
                f"the stretch from {self.start_s:g} to {end_s:g} s is empty; start_s must be 0 or "
                "more and before end_s"
            )

    def of(self, frames: Iterable[Frame], shift_s: float = 0.0) -> Iterator[Frame]:
        """Yield those of a video's frames that are wanted.

        `shift_s` is added to their times before these are compared.
        """
        due_s = -math.inf
        for frame in frames:
            time_s = frame.time_s + shift_s
            if self.end_s is not None and time_s > self.end_s + 1e-6:
                return
            if time_s < self.start_s - 1e-6 or frame.index % self.every:
                continue
            if self.fps is not None:
                if time_s < due_s - 1e-6:
                    continue
                due_s = (math.floor(time_s * self.fps + 1e-6) + 1) / self.fps
            yield frame
