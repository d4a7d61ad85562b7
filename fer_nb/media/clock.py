"""One clock for a whole video, whatever its time stamps do."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np

T = TypeVar("T")

# A stamp that runs back, or leaps further ahead than this, is not believed before the frames that
# follow have been looked at.
_LEAP_S = 10.0
_AHEAD = 12
_FEWEST = 3  # frames after the first that make a recording
_LONGEST_STEP_S = 0.5


class Clock:
    """Gives frames times that never run backwards.

    Frames without a stamp follow at the frame rate. A few stamps that are wrong (a damaged file)
    are held at the time before. Stamps that begin again (recordings that were joined into one
    file) go on where the first recording ends.

    Parameters
    ----------
    step_s : float
        Seconds from frame to frame where no stamps tell.
    start_s : float
        Time of the first frame; NaN where it is not known, after a seek.
    """

    def __init__(self, step_s: float, start_s: float = 0.0):
        self.joints: list[float] = []
        self.misdated = 0
        self._step_s = step_s
        self._last_s = start_s - step_s  # NaN stays NaN
        self._shift_s = 0.0

    def times(
        self, frames: Iterable[tuple[float | None, object]]
    ) -> Iterator[tuple[float, object]]:
        """Yield (time in seconds, frame) of (stamp in seconds or None, frame)."""
        frames, waiting = iter(frames), deque()
        while _filled(waiting, frames, 1):
            stamp, frame = waiting.popleft()
            yield self._time(stamp, waiting, frames), frame

    def _time(self, stamp: float | None, waiting: deque, frames: Iterator) -> float:
        last_s = self._last_s
        if stamp is None:
            time_s = last_s + self._step_s
        else:
            time_s = stamp + self._shift_s
            if not np.isnan(last_s):
                time_s = self._judged(time_s, waiting, frames)
            if 0 < time_s - last_s <= _LONGEST_STEP_S:
                self._step_s = time_s - last_s
        self._last_s = time_s
        return time_s

    def _judged(self, time_s: float, waiting: deque, frames: Iterator) -> float:
        """Return the time of a frame by its stamp, if it fits those around it."""
        last_s, follows = self._last_s, self._last_s <= time_s <= self._last_s + _LEAP_S
        if follows and not any(s < time_s for s in self._ahead(waiting, frames, 1)):
            return time_s
        ahead = self._ahead(waiting, frames, _AHEAD)
        runs_back = time_s < last_s
        # Those that follow go on from the frame before: the odd one is this.
        before_s = last_s + _LEAP_S if runs_back else min(time_s, last_s + _LEAP_S)
        if any(last_s <= s < before_s for s in ahead) or (runs_back and len(ahead) < _FEWEST):
            self.misdated += 1
            return last_s
        if not runs_back:  # a pause, or the last frame before a joint
            return time_s
        joint_s = last_s + self._step_s
        self._shift_s += joint_s - time_s
        self.joints.append(joint_s)
        return joint_s

    def _ahead(self, waiting: deque, frames: Iterator, count: int) -> list[float]:
        _filled(waiting, frames, count)
        some = list(waiting)[:count]
        return [stamp + self._shift_s for stamp, _ in some if stamp is not None]


def _filled(waiting: deque, frames: Iterator, count: int) -> bool:
    """Take frames until so many wait; false if none does."""
    while len(waiting) < count and (item := next(frames, None)) is not None:
        waiting.append(item)
    return bool(waiting)


def lost_between(times: np.ndarray, least_s: float = 0.0) -> int:
    """Return how many frames are lost, by the gaps between those of a constant frame rate.

    Gaps shorter than `least_s` do not count.
    0 where the rate varies, as nothing is lost by that.
    """
    steps = np.diff(times)
    if not len(steps) or not (step := np.median(steps)) > 0:
        return 0
    if np.mean(np.abs(steps - step) < 0.1 * step) < 0.8:
        return 0
    return int(np.maximum(np.rint(steps[steps >= least_s] / step) - 1, 0).sum())
