"""Points on a face, by which it is followed from one picture to the next.

Sources
-------
Kalal, Z., Mikolajczyk, K., & Matas, J. (2010). Forward-backward error: Automatic detection of
tracking failures. ICPR.
Bouguet, J.-Y. (2001). Pyramidal implementation of the Lucas-Kanade feature tracker.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fer_nb.faces.face import Face, Picture, luma
from fer_nb.media.frame import Frame, halved, halvings
from fer_nb.opencv import cv2

MAX_POINTS = 20
WINDOW = 11  # pixels, side of what is compared around each; 15 followed no better and took longer
REACH = 40  # pixels of that picture around the points; they move by less from frame to frame


def flow_picture(image: Picture) -> tuple[np.ndarray, float]:
    """The picture in grey, uint8 (h, w), small enough to follow points in, and its scale."""
    scale = 0.5 ** halvings(image.shape)
    if isinstance(image, Frame):
        return image.small_luma, scale
    return halved(luma(image), halvings(image.shape)), scale


def follow(
    before: np.ndarray, after: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return where points of one picture are in the next, and which were found again there.

    Parameters
    ----------
    before, after : uint8 array (h, w)
        Pictures from `flow_picture`.
    points : float32 array (n, 2)

    Returns
    -------
    (float32 array (n, 2), bool array (n,))
    """
    old = points.reshape(-1, 1, 2)
    # Only around the points: pyramids of whole pictures are what takes the time.
    region, corner = _around(old, after.shape)
    old = old - corner
    before, after = before[region], after[region]
    enough = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 0.03)
    window = {"winSize": (WINDOW, WINDOW), "maxLevel": 2, "criteria": enough}
    new, there, _ = cv2.calcOpticalFlowPyrLK(before, after, old, None, **window)
    back, again, _ = cv2.calcOpticalFlowPyrLK(after, before, new, None, **window)
    error = np.hypot(*(back - old)[:, 0].T)
    good = (there.ravel() == 1) & (again.ravel() == 1) & (error < 1.0)
    return (new + corner)[:, 0], good


def _around(points: np.ndarray, shape: tuple) -> tuple[tuple[slice, slice], np.ndarray]:
    """The part of a picture around points (n, 1, 2) in which they are followed, and its corner.

    It begins at a multiple of the pyramid's step, so that levels are those of the whole picture.
    """
    low = np.clip(points.min(axis=(0, 1)) - REACH, 0, None).astype(int) // 4 * 4
    high = np.ceil(points.max(axis=(0, 1))).astype(int) + REACH
    part = slice(low[1], min(high[1], shape[0])), slice(low[0], min(high[0], shape[1]))
    return part, low.astype(np.float32)


def points_on(grey: np.ndarray, face: Face, scale: float) -> np.ndarray:
    """Corners inside the ellipse of a face, where the background cannot hold them back."""
    centre = np.array([face.x + face.width / 2, face.y + face.height / 2]) * scale
    axes = np.array([0.4 * face.width, 0.45 * face.height]) * scale
    # Only the face is searched; a few pixels around it are what a corner at its border depends on.
    corner = np.clip(centre - axes - 4, 0, None).astype(int)
    end = np.ceil(centre + axes).astype(int) + 5
    grey = np.ascontiguousarray(grey[corner[1] : max(end[1], 0), corner[0] : max(end[0], 0)])
    if not grey.size:
        return np.empty((0, 2), np.float32)
    mask = np.zeros_like(grey)
    cv2.ellipse(mask, [(centre - corner).tolist(), (2 * axes).tolist(), 0], 255, -1)
    points = cv2.goodFeaturesToTrack(grey, MAX_POINTS, 0.01, max(2, axes[0] / 8), mask=mask)
    if points is None:
        return np.empty((0, 2), np.float32)
    return (points[:, 0] + corner).astype(np.float32)


def moved(face: Face, before: np.ndarray, after: np.ndarray) -> Face:
    """The face shifted and scaled as its points were."""
    if len(before) < 2:
        return face
    middles = _median(np.hstack([after - before, before, after]))
    shift, middle, after_middle = middles.reshape(3, 2)
    old, new = (np.hypot(*(p - m).T) for p, m in ((before, middle), (after, after_middle)))
    usable = old > 2
    zoom = float(_median(new[usable] / old[usable])) if usable.any() else 1.0
    zoom = min(max(zoom, 0.9), 1.1)

    def carried(point: np.ndarray) -> np.ndarray:
        return (point - middle) * zoom + (middle + shift)

    corner = carried(np.array([face.x, face.y]))
    return replace(
        face,
        x=float(corner[0]),
        y=float(corner[1]),
        width=face.width * zoom,
        height=face.height * zoom,
        landmarks=None if face.landmarks is None else carried(face.landmarks),
    )


def _median(values: np.ndarray) -> np.ndarray:
    """The median of each column; several times faster than NumPy's for few values."""
    ordered = np.sort(values, axis=0)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
