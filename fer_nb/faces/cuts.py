"""A picture so coarse that two of them tell where a film cuts, and where anything has changed."""

from __future__ import annotations

import numpy as np

from fer_nb.opencv import cv2

_SIDE = 24  # so coarse that movement within the picture changes little
LIKENESS = 0.5  # correlation with the frame before; below, it is another scene

SAME = 6.0  # grey levels; a cell that changes by less shows what it did


def thumbnail(grey: np.ndarray) -> np.ndarray:
    """Return a coarse picture (24, 24) of a grey one, float32, whatever its light."""
    some = cv2.resize(grey, (4 * _SIDE, 4 * _SIDE), interpolation=cv2.INTER_NEAREST)
    small = cv2.resize(some, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    return small - small.mean()


def is_cut(before: np.ndarray, after: np.ndarray) -> bool:
    """Tell by the thumbnails of two successive frames whether a cut lies between them.

    A picture of one shade, such as a black one, is no scene.
    """
    sizes = float(np.linalg.norm(before)), float(np.linalg.norm(after))
    least = _SIDE * 2.0  # a deviation of 2 grey levels
    if min(sizes) < least:
        return max(sizes) >= least * 4
    return float((before * after).sum()) / (sizes[0] * sizes[1]) < LIKENESS


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
