"""A closer look at a face that is known: in a small cut around it, turned upright.

Detectors see tilted faces, but take them for less tilted than they are. Turned upright by what is
known of the tilt, a face shows the rest of it, so that a few looks find it all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from fer_nb.faces.face import Face, Picture, crop_face, shrunk

REGION_SIDE = 200  # the longer side of the cut in which a known face is looked for
LEVEL = math.radians(3)  # a face tilted by less is looked at as it is
ROUNDS = 4

Find = Callable[[np.ndarray], list[Face]]


def look_at(image: Picture, face: Face, find: Find) -> Face | None:
    """Find a face again in the part of the picture around it that is twice as wide.

    Returns
    -------
    Face or None
        In coordinates of the picture. The box of a tilted head is as wide and high as if the head
        was upright.
    """
    if abs(face.tilt) < LEVEL:
        return _level(image, face, find)
    side = max(2, round(2 * max(face.width, face.height)))
    cut = crop_face(image, face, side / max(face.width, face.height) - 1, **_TURNED)
    zoom = side / len(cut)
    cosine, sine = math.cos(face.tilt) * zoom, math.sin(face.tilt) * zoom
    turn = np.array([[cosine, sine], [-sine, cosine]])  # of rows (x, y)
    middle = np.array([face.x + face.width / 2, face.y + face.height / 2])

    def placed(points: np.ndarray) -> np.ndarray:
        return (points - len(cut) / 2) @ turn + middle

    best = _nearest(find(cut), Face(*(len(cut) / 4,) * 2, *(len(cut) / 2,) * 2, 1.0))
    if best is None:
        return None
    x, y = placed(np.array([best.x + best.width / 2, best.y + best.height / 2]))
    width, height = best.width * zoom, best.height * zoom
    points = None if best.landmarks is None else placed(best.landmarks)
    angles = best.angles and best.angles.rolled(math.degrees(face.tilt))
    return Face(x - width / 2, y - height / 2, width, height, best.score, points, angles)


_TURNED: dict[str, Any] = {"upright": True, "max_side": REGION_SIDE}


def upright(image: Picture, face: Face, find: Find) -> Face:
    """Return a tilted face as a few closer looks see it; any other as it is."""
    for _ in range(ROUNDS):
        if abs(face.tilt) < LEVEL:
            return face
        seen = look_at(image, face, find)
        if seen is None:
            return face
        settled = abs(seen.tilt - face.tilt) < LEVEL / 3
        face = seen
        if settled:
            break
    return face


def _level(image: Picture, face: Face, find: Find) -> Face | None:
    height, width = image.shape[:2]
    reach = 0.5 * max(face.width, face.height)
    x0, y0 = max(0, int(face.x - reach)), max(0, int(face.y - reach))
    x1 = min(width, int(face.x + face.width + reach))
    y1 = min(height, int(face.y + face.height + reach))
    region = image[y0:y1, x0:x1]
    if min(region.shape[:2]) < 2:
        return None
    region, shrink = shrunk(region, REGION_SIDE)
    return _nearest([f.placed(1 / shrink, x0, y0) for f in find(region)], face)


def _nearest(faces: list[Face], known: Face) -> Face | None:
    return max(faces, key=lambda face: face.overlap(known)) if faces else None
