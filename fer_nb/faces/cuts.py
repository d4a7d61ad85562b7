"""A picture so coarse that two of them tell where a film cuts, and where anything has changed."""

from __future__ import annotations

import numpy as np

from fer_nb.opencv import cv2

_SIDE = 24  # so coarse that movement within the picture changes little
LIKENESS = 0.5  # correlation with the frame before; below, it is another scene
SUDDEN = 6.0  # a change of more than this many times the usual one is sudden ...
LEAST = 12.0  # ... if it is more than this, in grey levels, ...
MOVED = 0.85  # ... and leaves a correlation below this
BLACK = 8.0  # grey levels; what is darker in both of two frames says nothing of them: bars
SAME = 6.0  # grey levels; a cell that changes by less shows what it did
_MEMORY = 0.8  # share that the usual change keeps from frame to frame


class Cuts:
    """Tells where a film cuts; give it the frames in order.

    Two scenes are unlike each other, but two people before one wall are not. So a change is a cut,
    too, that comes suddenly, after frames that changed little.

    Attributes
    ----------
    thumbnail : float32 array (24, 24)
        Of the newest frame.
    """

    def __init__(self):
        self.thumbnail: np.ndarray | None = None
        self._usual = np.inf

    def __call__(self, grey: np.ndarray) -> bool:
        """Take in a frame, uint8 (H, W); return whether a cut lies before it."""
        last, self.thumbnail = self.thumbnail, thumbnail(grey)
        if last is None:
            return False
        before, after = _shown(last, self.thumbnail)
        alike, change = likeness(before, after), float(np.abs(after - before).mean())
        sudden = change > max(LEAST, SUDDEN * self._usual) and alike < MOVED
        if alike < LIKENESS or sudden:
            return True
        known = np.isfinite(self._usual)
        self._usual = _MEMORY * self._usual + (1 - _MEMORY) * change if known else change
        return False


def thumbnail(grey: np.ndarray) -> np.ndarray:
    """Return a coarse picture, float32 (24, 24), of a grey one."""
    some = cv2.resize(grey, (4 * _SIDE, 4 * _SIDE), interpolation=cv2.INTER_NEAREST)
    return cv2.resize(some, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)


def changes(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return by how many grey levels each cell (24, 24) has changed, but for the light of all."""
    return np.abs(after - after.mean() - before + before.mean())


def likeness(before: np.ndarray, after: np.ndarray) -> float:
    """Return how alike two pictures are whose mean is 0, -1 to 1: their correlation.

    A picture of one shade, such as a black one, is no scene: it is like another one, and unlike
    any picture of some contrast.
    """
    sizes = float(np.linalg.norm(before)), float(np.linalg.norm(after))
    least = 2.0 * before.size**0.5  # a deviation of 2 grey levels
    if min(sizes) < least:
        return 0.0 if max(sizes) >= least * 4 else 1.0
    return float((before * after).sum()) / (sizes[0] * sizes[1])


def _shown(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells of two thumbnails that are not black in both, each set with mean 0."""
    lit = (before > BLACK) | (after > BLACK)
    if lit.mean() < 0.1:
        lit[:] = True
    before, after = before[lit], after[lit]
    return before - before.mean(), after - after.mean()


def covered(box: tuple[float, float, float, float], shape: tuple) -> tuple[slice, slice]:
    """Return the cells of a thumbnail that a box (x, y, width, height) and its surroundings cover.

    `shape` is that of the picture; the surroundings are half the box wide on each side.
    """
    x, y, width, height = box
    spans = (y - height / 2, y + 1.5 * height, shape[0]), (x - width / 2, x + 1.5 * width, shape[1])
    rows, columns = (
        slice(max(0, int(low / side * _SIDE)), max(0, int(high / side * _SIDE) + 1))
        for low, high, side in spans
    )
    return rows, columns
