"""`face5`, the detector that ships: boxes and five landmarks from grey."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

import numpy as np

from fer_nb.errors import ModelError
from fer_nb.faces.face import Face, check_picture, largest_first, shrunk
from fer_nb.faces.pose import Pose
from fer_nb.faces.settings import SMALLEST, Settings, checked_side, checked_size
from fer_nb.opencv import cv2

FILE = Path(__file__).with_name("face5.onnx")
POINTS_FILE = Path(__file__).with_name("face5_points.onnx")
STRIDES = (8, 16, 32)  # pixels between the cells of the network's three grids
OVERLAP = 0.4  # of two boxes that share more than this part of their union, the better one is kept
INSIDE = 0.7  # ... and of two of which the other lies inside the better one to this part
FIRST_SCORE = 0.4  # what the first look must give for a second one
SHORT = 0.1  # by how much less than the least score after two earns a third
MOST = 100  # faces; more are not told of
CUT = 96  # pixels, side of the picture of a second look
SEEN = 64  # pixels, side of the picture in which landmarks are placed
FEW_PIXELS = 36  # longer side of a face below which the second network places no landmarks
DEGREES = 30.0  # unit of the angles that the second network gives
AROUND = 2.0  # how many times wider than the face both are
MIRRORED = [1, 0, 2, 4, 3]  # the order of the landmarks in a mirrored picture
FARTHER = 4  # a picture is also looked at so many times smaller, for faces that fill it
NEAR_SIDE = 96  # pixels to which a cut around a known face is shrunk
NEAR_SCORE = 0.5  # least score there, as less is needed to know a face again than to find one
NEAR_SURE = 0.7  # what gives this there in the first look needs no second one
LEVEL = 0.05  # ... unless it is tilted by more than this, in radians: about 3 degrees


class Face5Detector(Settings):
    """Two small networks of our own: turned, tilted, small and dark faces, with landmarks.

    They work on grey: a picture in colour and its luma (the Y plane of a video frame) give the same
    faces. A picture is looked at whole, at `long_side` and at a quarter of it, so that a face of
    some ten pixels and one that fills the picture are both found. Then each face is looked at
    alone, turned upright, and at its mirror: the mean of both scores counts. Who just falls short
    is looked at once more, turned by what that look saw. In what is a face, the second network
    places the landmarks, and sees the pose of the head. A face that is known, large, level and
    plain to see again needs no second look.

    Parameters
    ----------
    min_score : float
        Least confidence, 0 to 1.
    min_size : float
        Least longer side of a face's box, in pixels of the picture given.
    long_side : int
        The picture is shrunk to this longer side first: the larger, the smaller the faces that are
        found, and the longer it takes.

    Source
    ------
    Trained here (``research/detector``) on the plan of Tian, Z., Shen, C., Chen, H., & He, T.
    (2019). FCOS: Fully convolutional one-stage object detection. *ICCV*. Its labels come from
    YuNet (Wu, Peng & Yu 2023). Some of its pictures (RAF-DB, LFW) are given for research, so the
    weights are offered for research and teaching.
    """

    name = "face5"
    margin = 0.0
    grey = True

    def __init__(self, min_score: float = 0.65, min_size: float = 0.0, long_side: int = 640):
        from fer_nb.weights import onnx_session

        if not 0 < min_score < 1:
            raise ModelError(f"min_score must lie between 0 and 1, not {min_score}")
        self.min_score = min_score
        self.min_size = checked_size(min_size)
        self.long_side = checked_side(long_side, "long_side")
        self._session = onnx_session(FILE, threads=1)
        self._points = onnx_session(POINTS_FILE, threads=1)

    def __call__(self, image: np.ndarray) -> list[Face]:
        """Return the faces in an RGB (or grey) uint8 picture, largest first; refuse any other."""
        return largest_first(self._find(image, self.long_side, self.min_score), self.min_size)

    def near(self, region: np.ndarray) -> list[Face]:
        """Return the faces in a cut around a known face, whatever their size, largest first."""
        return self._find(region, NEAR_SIDE, min(NEAR_SCORE, self.min_score), NEAR_SURE)

    def _find(
        self, image: np.ndarray, long_side: int, least: float, sure: float = np.inf
    ) -> list[Face]:
        image = check_picture(image)
        grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        small, scale = shrunk(grey, long_side)
        if min(small.shape) < SMALLEST:
            return []
        rows = self._look(small) / _scales(scale)
        if max(small.shape) >= FARTHER * 2 * STRIDES[-1]:
            far, shrink = shrunk(small, max(small.shape) // FARTHER)
            rows = np.concatenate([rows, self._look(far) / _scales(scale * shrink)])
        seen = self._look_again(grey, best(rows), least, sure)
        seen = [face for face in seen if face[0] >= least]
        boxes = [face[:5].tolist() for face in seen]
        faces = [
            Face(x0, y0, x1 - x0, y1 - y0, score, *inner)
            for (score, x0, y0, x1, y1), inner in zip(
                boxes, self._look_closely(grey, seen), strict=True
            )
        ]
        return largest_first(faces)

    def _look(self, grey: np.ndarray) -> np.ndarray:
        """Return rows (n, 15) of score, x0, y0, x1, y1 and landmarks, several to a face."""
        height, width = (-(-side // STRIDES[-1]) * STRIDES[-1] for side in grey.shape)
        board = np.zeros((1, 1, height, width), np.uint8)
        board[0, 0, : grey.shape[0], : grey.shape[1]] = grey
        cells = self._session.run(None, {"grey": board})[0][0]
        return located(cells, height, width, FIRST_SCORE)

    def _look_again(
        self, grey: np.ndarray, faces: list[np.ndarray], least: float, sure: float
    ) -> list[np.ndarray]:
        """Return the faces, all but those sure, large and level with what a second look shows.

        The mean of both scores counts, and the landmarks of the second look. What looks like a face
        at one size and tilt only is none. Who just falls short may be tilted by more than the first
        look saw, and is looked at once more; the better of the two looks counts.
        """
        faces = faces[:MOST]
        unsure = [
            face
            for face in faces
            if face[0] < sure or longer_side(face) < FEW_PIXELS or abs(tilt(face)) > LEVEL
        ]
        first = np.array([face[0] for face in unsure])
        score = (first + self._look_alone(grey, unsure)) / 2
        short = np.flatnonzero((score >= least - SHORT) & (score < least))
        third = self._look_alone(grey, [unsure[i] for i in short])
        score[short] = np.maximum(score[short], (first[short] + third) / 2)
        for face, value in zip(unsure, score, strict=True):
            face[0] = value
        return faces

    def _look_alone(self, grey: np.ndarray, faces: list[np.ndarray]) -> np.ndarray:
        """Return the score (n,) of each face, cut out at one size and turned upright, and change
        its landmarks to what is seen there: the means of it and its mirror.
        """
        cuts = [upright(grey, face, CUT) for face in faces]
        if not cuts:
            return np.empty(0)
        stack = np.stack([part for cut, _ in cuts for part in (cut, cut[:, ::-1])])[:, None]
        score, points = fitted(self._session.run(None, {"grey": stack})[0])
        points[1::2] = points[1::2, MIRRORED] * (-1, 1) + (CUT, 0)
        score, points = (v.reshape(-1, 2, *v.shape[1:]).mean(axis=1) for v in (score, points))
        for face, inner, (_, matrix) in zip(faces, points, cuts, strict=True):
            back = cv2.invertAffineTransform(matrix)
            face[5:] = (inner @ back[:, :2].T + back[:, 2]).ravel()
        return score

    def _look_closely(
        self, grey: np.ndarray, faces: list[np.ndarray]
    ) -> list[tuple[np.ndarray, Pose | None]]:
        """Return landmarks (5, 2) and pose of each face: the means of it and its mirror.

        In a face of few pixels the first network places landmarks better, and the pose is theirs.
        """
        inner: list[tuple[np.ndarray, Pose | None]] = [
            (face[5:].reshape(5, 2), None) for face in faces
        ]
        large = [i for i, face in enumerate(faces) if longer_side(face) >= FEW_PIXELS]
        cuts = [upright(grey, faces[i], SEEN) for i in large]
        if not cuts:
            return inner
        stack = np.stack([part for cut, _ in cuts for part in (cut, cut[:, ::-1])])[:, None]
        points, poses = (
            values.astype(float) for values in self._points.run(["points", "pose"], {"grey": stack})
        )
        points = points.reshape(-1, 5, 2)
        points[1::2] = points[1::2, MIRRORED] * (-1, 1)
        points = points.reshape(-1, 2, 5, 2).mean(axis=1) * (SEEN / AROUND) + SEEN / 2
        poses[1::2] *= (-1, 1, -1)
        poses = poses.reshape(-1, 2, 3).mean(axis=1) * DEGREES
        for i, one, pose, (_, matrix) in zip(large, points, poses, cuts, strict=True):
            back = cv2.invertAffineTransform(matrix)
            turned = np.degrees(np.arctan2(back[1, 0], back[0, 0]))
            angles = Pose(*map(float, pose)).rolled(float(turned))
            inner[i] = one @ back[:, :2].T + back[:, 2], angles
        return inner


def longer_side(face: np.ndarray) -> float:
    """Return the longer side of a face's box."""
    return float((face[3:5] - face[1:3]).max())


def tilt(face: np.ndarray) -> float:
    """Return by how much the line through the eyes is tilted, in radians, one at most."""
    right_x, right_y, left_x, left_y = face[5:9].tolist()
    return min(max(math.atan2(left_y - right_y, left_x - right_x), -1.0), 1.0)


def _scales(scale: float) -> np.ndarray:
    return np.array([1.0] + [scale] * 14)


@lru_cache(maxsize=16)
def _cells(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the strides (n,) and the centres (n, 2) of a picture's cells, in pixels."""
    strides, centres = [], []
    for stride in STRIDES:
        y, x = np.mgrid[: height // stride, : width // stride]
        centres.append((np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) * stride)
        strides.append(np.full(x.size, stride))
    return np.concatenate(strides), np.concatenate(centres)


def located(cells: np.ndarray, height: int, width: int, least: float) -> np.ndarray:
    """Return the rows of the cells that score at least that, in pixels instead of strides."""
    at = np.flatnonzero(cells[:, 0] >= least)
    strides, centres = (each[at] for each in _cells(height, width))
    rows = cells[at].astype(float)
    rows[:, 1:] *= strides[:, None]
    rows[:, 1:3] = centres - rows[:, 1:3]
    rows[:, 3:5] += centres
    rows[:, 5:] += np.tile(centres, 5)
    return rows


def upright(grey: np.ndarray, face: np.ndarray, wide: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a cut (wide, wide) of a face turned upright, and the map (2, 3) from picture to it."""
    (x, y), side = ((face[1:3] + face[3:5]) / 2).tolist(), longer_side(face)
    scale, angle = wide / (AROUND * side), tilt(face)
    across, down = scale * math.cos(angle), scale * math.sin(angle)
    matrix = np.array(
        [
            [across, down, wide / 2 - across * x - down * y],
            [-down, across, wide / 2 + down * x - across * y],
        ]
    )
    # Only the surroundings are shrunk, by area: a turn that shrinks leaves out pixels.
    reach = 0.75 * AROUND * side
    left, top = max(0, math.floor(x - reach)), max(0, math.floor(y - reach))
    part = grey[top : max(0, math.ceil(y + reach)), left : max(0, math.ceil(x + reach))]
    if part.size == 0:
        return np.zeros((wide, wide), np.uint8), matrix
    part, shrink = shrunk(part, 2 * wide)
    inner = matrix / (shrink, shrink, 1)
    inner[:, 2] += matrix[:, :2] @ (left, top)
    return cv2.warpAffine(part, inner, (wide, wide)), matrix


def fitted(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what each cut shows of a face of its size in its middle: score (n,), landmarks.

    The landmarks (n, 5, 2) are the mean of those of the cells there, weighted by score.
    """
    middle = cells[:, MIDDLE].astype(float)
    height = (middle[..., 2] + middle[..., 4]) * MIDDLE_STRIDES
    right_size = np.abs(np.log(height * AROUND / CUT)) < np.log(1.6)
    score = middle[..., 0] * right_size
    points = MIDDLE_CENTRES + (middle[..., 5:] * MIDDLE_STRIDES[:, None]).reshape(
        *score.shape, 5, 2
    )
    weight = score[..., None, None] ** 2 + 1e-9
    return score.max(axis=1), (points * weight).sum(axis=1) / weight.sum(axis=1)


# The cells of a cut in its middle quarter.
_STRIDES, _CENTRES = _cells(CUT, CUT)
_NEAR = np.maximum(CUT / 8, _STRIDES / 2)[:, None]
MIDDLE = np.flatnonzero((np.abs(_CENTRES - CUT / 2) <= _NEAR).all(axis=1))
MIDDLE_STRIDES, MIDDLE_CENTRES = _STRIDES[MIDDLE], _CENTRES[MIDDLE, None]


def best(rows: np.ndarray) -> list[np.ndarray]:
    """Return one row for each face: the mean, weighted by score, of those that see it alike.

    A box that lies for the most part inside a better one goes, too: an eye is no second face; and
    so does a box of up to twice the side round a better one: head and hair are no second face.
    """
    kept = []
    rows = rows[np.argsort(-rows[:, 0], kind="stable")]
    while len(rows):
        union, inside, around = overlaps(rows[0, 1:5], rows[:, 1:5])
        alike = rows[union > 0.7]
        face = np.average(alike, axis=0, weights=alike[:, 0])
        face[0] = rows[0, 0]
        kept.append(face)
        rows = rows[(union <= OVERLAP) & (inside <= INSIDE) & ~around]
    return kept


def overlaps(box: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, ...]:
    """Compare one box with many, x0, y0, x1, y1.

    Returns
    -------
    union, inside : array (n,)
        The share of their union, and of each of the many, that both have.
    around : bool array (n,)
        Which of the many lie round the one, with sides of at most twice its own.
    """
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.prod(np.clip(sides, 0, None), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    own = np.prod(box[2:] - box[:2])
    around = (shared / own > INSIDE) & (areas < 4 * own)
    return shared / (own + areas - shared), shared / areas, around
