"""Head pose: how far a head is turned, raised and tilted; and that pose from five landmarks."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from fer_nb.opencv import cv2

# Right eye, left eye, nose tip, right and left mouth corner of a mean face in cm: x to the person's
# left, y down, z away from the camera. Middle of the lids, vertices 4, 61 and 291 of the canonical
# face model of MediaPipe (Apache-2.0); but the nose, which is at 0.463 there, is lowered to where
# detectors see its tip: until the median pitch of GENKI-4K's first 1,700 pictures is that of the
# labels, with YuNet's landmarks.
MEAN_FACE = np.array(
    [
        [-3.177, -2.629, -3.826],
        [3.177, -2.629, -3.826],
        [0.0, 1.3, -7.587],
        [-2.456, 4.343, -4.284],
        [2.456, 4.343, -4.284],
    ]
)
_CENTRED = MEAN_FACE - MEAN_FACE.mean(axis=0)
# Seen from so far that perspective plays no part: the angles are those to the line of sight.
_FAR = 1000.0
_CAMERA = np.diag([_FAR, _FAR, 1.0])


class Pose(NamedTuple):
    """Angles of a head in degrees, to the line from the camera to the face.

    Parameters
    ----------
    yaw : float
        Turned to the person's own left (to the right in the picture) is positive.
    pitch : float
        Raised is positive, lowered negative.
    roll : float
        Tilted to the person's own left shoulder (clockwise in the picture) is positive.
    """

    yaw: float
    pitch: float
    roll: float

    def rolled(self, degrees: float) -> Pose:
        """Return the pose of the head in a picture turned clockwise."""
        return self._replace(roll=(self.roll + degrees + 180) % 360 - 180)


UNKNOWN = Pose(math.nan, math.nan, math.nan)


def head_pose(landmarks: np.ndarray | None) -> Pose:
    """Estimate the pose of a head.

    Parameters
    ----------
    landmarks : float array (5, 2) or None
        As of `Face`: right eye, left eye, nose tip, right and left corner of the mouth, in pixels.

    Returns
    -------
    Pose
        NaN without landmarks, or where they lie in one place.

    Source
    ------
    The pose of a rigid mean face whose landmarks lie nearest to these: Terzakis, G., &
    Lourakis, M. (2020). A consistently fast and globally optimal solution to the
    perspective-n-point problem. *ECCV* (``cv2.solvePnP``).
    docs/table.md says how far it is from labelled poses.

    Examples
    --------
    >>> frontal = MEAN_FACE[:, :2] * 10 + 200
    >>> [abs(round(angle)) for angle in head_pose(frontal)]
    [0, 0, 0]
    """
    if landmarks is None:
        return UNKNOWN
    points = np.asarray(landmarks, dtype=float)
    points = points - points.mean(axis=0)
    size = float(np.linalg.norm(points))
    if not size > 0:
        return UNKNOWN
    points *= np.linalg.norm(_CENTRED[:, :2]) / size
    found, turn, _ = cv2.solvePnP(_CENTRED, points, _CAMERA, None, flags=cv2.SOLVEPNP_SQPNP)
    if not found:
        return UNKNOWN
    axes = cv2.Rodrigues(turn)[0]
    return Pose(
        math.degrees(math.asin(min(1.0, max(-1.0, axes[2, 0])))),
        math.degrees(math.atan2(-axes[2, 1], axes[2, 2])),
        math.degrees(math.atan2(axes[1, 0], axes[0, 0])),
    )
