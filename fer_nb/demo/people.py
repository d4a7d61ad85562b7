"""Two portraits that packages carry, prepared as puppets: landmarks, cut-out, resting face.

Eileen Collins, NASA, public domain, comes with scikit-image; Grace Hopper, US Navy, public
domain, comes with matplotlib. Their landmarks are in `landmarks.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from matplotlib import cbook
from PIL import Image
from skimage import data as skimage_data

from fer_nb.demo.landmarks import (
    COLLINS,
    COLLINS_AT_REST,
    COLLINS_CUT,
    COLLINS_SKIN,
    COLLINS_STILL,
    HOPPER,
    HOPPER_CUT,
    HOPPER_SKIN,
    HOPPER_STILL,
    LIP_LINE,
    LOWER_LIP,
    UPPER_LIP,
)
from fer_nb.demo.warp import Grid, pixel_grid
from fer_nb.opencv import cv2


@dataclass(frozen=True)
class Person:
    """A portrait on a canvas, with what is needed to move its face.

    Attributes
    ----------
    texture : uint8 array (h, w, 4)
        RGB and opacity, the face at rest, about 180 px wide.
    points : dict
        Landmarks of the face at rest, pixel (x, y) on the canvas; ``name.L``, ``name.R``.
    still : array (k, 2)
        Points that no expression moves.
    smile_texture, smile_points
        The same person smiling, where there is such a photograph.
    skin, upper : float32 array (h, w)
        Where there is skin, and where hair or hat; 0 to 1.
    """

    texture: np.ndarray
    points: Mapping[str, np.ndarray]
    still: np.ndarray
    skin: np.ndarray
    upper: np.ndarray
    smile_texture: np.ndarray | None = None
    smile_points: Mapping[str, np.ndarray] | None = None

    @property
    def unit(self) -> float:
        """Distance between the eyes in pixels, the ruler of every displacement."""
        return float(np.linalg.norm(self.eye("R") - self.eye("L")))

    def eye(self, side: str) -> np.ndarray:
        """Middle of the eye on the image's left (``"L"``) or right."""
        return (self.points[f"eye_out.{side}"] + self.points[f"eye_in.{side}"]) / 2

    def mirrored(self) -> Person:
        """The person as seen in a mirror."""
        width = self.texture.shape[1]

        def flip(points):
            swap = {"L": "R", "R": "L"}
            names = (n[:-1] + swap[n[-1]] if n[-2:-1] == "." else n for n in points)
            moved = ((width - 1 - x, y) for x, y in points.values())
            return dict(zip(names, map(np.array, moved), strict=True))

        def picture(image):
            return None if image is None else np.ascontiguousarray(image[:, ::-1])

        return replace(
            self,
            texture=picture(self.texture),
            points=flip(self.points),
            still=self.still * (-1, 1) + (width - 1, 0),
            skin=picture(self.skin),
            upper=picture(self.upper),
            smile_texture=picture(self.smile_texture),
            smile_points=self.smile_points and flip(self.smile_points),
        )


@cache
def collins() -> Person:
    """Eileen Collins: the photograph smiles, so the face at rest is made from it."""
    frame = _Canvas(skimage_data.astronaut(), left=20, right=440, bottom=300, zoom=2.0)
    smiling, resting = frame.points(COLLINS), frame.points(COLLINS_AT_REST)
    smile = frame.picture()
    still = frame.place(COLLINS_STILL)
    rest = _close_mouth(smile, smiling, resting, still)
    rest = _soften_folds(rest, resting)
    alpha = frame.mask(COLLINS_CUT)
    skin = frame.area(COLLINS_SKIN)
    upper = (1 - skin) * (np.arange(len(skin))[:, None] < resting["jaw1.L"][1])
    return Person(
        texture=np.dstack([rest, alpha]),
        points=resting,
        still=still,
        skin=skin,
        upper=upper.astype(np.float32),
        smile_texture=smile,
        smile_points=smiling,
    )


@cache
def hopper() -> Person:
    """Grace Hopper: the photograph is her face at rest."""
    path = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    with Image.open(path) as image:
        frame = _Canvas(np.array(image.convert("RGB")), left=0, right=512, bottom=470, zoom=1.0)
    skin = frame.area(HOPPER_SKIN)
    points = frame.points(HOPPER)
    upper = (1 - skin) * (np.arange(len(skin))[:, None] < points["eye_out.L"][1] + 10)
    return Person(
        texture=np.dstack([frame.picture(), frame.mask(HOPPER_CUT)]),
        points=points,
        still=frame.place(HOPPER_STILL),
        skin=skin,
        upper=upper.astype(np.float32),
    )


class _Canvas:
    """The part of a photograph that is used, enlarged, with room above the head."""

    def __init__(self, image: np.ndarray, left: int, right: int, bottom: int, zoom: float):
        self._image, self._left, self._zoom = image[:bottom, left:right], left, zoom
        self._room = int(60 * zoom)

    def _enlarge(self, image: np.ndarray, border: int) -> np.ndarray:
        big = cv2.resize(image, None, fx=self._zoom, fy=self._zoom, interpolation=cv2.INTER_CUBIC)
        return cv2.copyMakeBorder(big, self._room, 0, 0, 0, border, value=0)

    def picture(self) -> np.ndarray:
        return self._enlarge(self._image, cv2.BORDER_REPLICATE)

    def place(self, points: Iterable) -> np.ndarray:
        """Photograph to canvas; a pixel's middle stays its middle."""
        moved = (np.asarray(points, float) - (self._left, 0) + 0.5) * self._zoom - 0.5
        return moved + np.array([0.0, self._room])

    def points(self, landmarks: Mapping) -> dict[str, np.ndarray]:
        placed = {}
        for name, where in landmarks.items():
            if np.ndim(where) == 1:
                placed[name] = self.place(where)
            else:
                placed[f"{name}.L"], placed[f"{name}.R"] = self.place(where)
        return placed

    def area(self, outline: Iterable) -> np.ndarray:
        """Soft mask of an outline, float32 0 to 1."""
        height, width = self.picture().shape[:2]
        mask = np.zeros((height, width), np.float32)
        cv2.fillPoly(mask, [np.rint(self.place(outline)).astype(np.int32)], 1.0)
        return cv2.GaussianBlur(mask, (0, 0), 2.0 * self._zoom)

    def mask(self, outlines) -> np.ndarray:
        """Opacity, uint8: GrabCut started from the hand-drawn outlines."""
        state = np.full(self._image.shape[:2], cv2.GC_PR_BGD, np.uint8)
        surely, perhaps, never = outlines
        for areas, value in (
            (perhaps, cv2.GC_PR_FGD),
            (surely, cv2.GC_FGD),
            (never, cv2.GC_BGD),
        ):
            for area in areas:
                shape = np.rint(np.array(area) - (self._left, 0)).astype(np.int32)
                cv2.fillPoly(state, [shape], value)
        cv2.setRNGSeed(0)  # GrabCut seeds its colour clusters at random
        model = np.zeros((2, 1, 65))
        image = np.ascontiguousarray(self._image)
        cv2.grabCut(image, state, None, model[0], model[1], 5, cv2.GC_INIT_WITH_MASK)
        inside = ((state == cv2.GC_FGD) | (state == cv2.GC_PR_FGD)).astype(np.uint8)
        inside = cv2.medianBlur(inside * 255, 5)
        edge = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.9)
        # Slightly inside the outline, so that no rim of the old background comes along.
        soft = np.clip((edge - 110) * 1.9, 0, 255).astype(np.uint8)
        return self._enlarge(soft, cv2.BORDER_CONSTANT)


def _close_mouth(image, smiling, resting, still) -> np.ndarray:
    """Warp the smile to rest; each lip is moved on its own, so that no tooth is left between."""
    above = _moved(image, smiling, resting, still, leave_out=LOWER_LIP)
    below = _moved(image, smiling, resting, still, leave_out=UPPER_LIP)
    unit = np.linalg.norm(resting["eye_in.R"] - resting["eye_in.L"]) / 22
    depth, outside = _below_lip_line(resting, image.shape[1], image.shape[0])
    # The seam is sharp between the lips and widens beyond the corners, where both agree.
    width = (0.35 + 5 * np.clip(outside / (10 * unit), 0, 1)) * unit
    share = (0.5 + 0.5 * np.tanh(depth / width))[..., None]
    closed = np.clip(above * (1 - share) + below * share, 0, 255)
    # The last gleam of teeth goes; the line between the lips is drawn anew.
    line = [resting[n] for n in LIP_LINE]
    closed = _fill(closed, line, width=1.6 * unit, strength=0.85, reach=1.2 * unit)
    closed = closed.astype(np.float32)
    shadow = np.exp(-((depth / (0.6 * unit)) ** 2)) * (1 - np.clip(outside / unit + 0.15, 0, 1))
    closed *= 1 - 0.42 * shadow[..., None] * np.array([0.85, 1.0, 1.0])
    return np.clip(closed, 0, 255).astype(np.uint8)


def _moved(image, source, target, still, leave_out=()) -> np.ndarray:
    names = [n for n in target if not n.startswith(leave_out)]
    to = np.vstack([*(target[n] for n in names), still])
    fro = np.vstack([*(source[n] for n in names), still])
    box = (*(still.min(0) - 30), *(still.max(0) + 30))
    grid = Grid(box, step=3)
    coords = pixel_grid(image.shape[1], image.shape[0])
    coords += grid.sample(grid.field(to, fro), coords)
    return cv2.remap(image, coords, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _below_lip_line(points, width, height) -> tuple[np.ndarray, np.ndarray]:
    """How far each pixel lies below the line between the lips, and beyond the mouth's corners."""
    line = np.array([points[n] for n in LIP_LINE])
    x = np.arange(width)
    depth = np.arange(height)[:, None] - np.interp(x, line[:, 0], line[:, 1])[None]
    outside = np.maximum(line[0, 0] - x, x - line[-1, 0]).clip(0)[None]
    return depth, outside


def _soften_folds(image, points) -> np.ndarray:
    """Fill the furrows of the smile from the skin around them."""
    unit = np.linalg.norm(points["eye_in.R"] - points["eye_in.L"]) / 22
    for side, sign in (("L", -1), ("R", 1)):
        fold = [points[f"fold{i}.{side}"] for i in (1, 2, 3)]
        fold = [fold[0] + (0, unit), *fold[1:], fold[-1] + (0.5 * sign * unit, 5 * unit)]
        # First the shade of the bulging cheek, then the furrow itself.
        cheek = [point + np.array([2.5 * sign, -0.5]) * unit for point in fold[1:]]
        image = _fill(image, cheek, width=7 * unit, strength=0.7, reach=7 * unit)
        image = _fill(image, fold, width=4 * unit, strength=0.95, reach=5 * unit)
        corner = points[f"corner.{side}"]
        dent = [corner + np.array(d) * (sign * unit, unit) for d in ((0.3, 0.0), (3.2, -3.0))]
        image = _fill(image, dent, width=3 * unit, strength=0.9, reach=3 * unit)
        shine = points[f"cheek.{side}"] + np.array([[-2, -4], [5, -1]]) * (-sign * unit, unit)
        image = _fill(image, shine, width=6 * unit, strength=0.6, reach=8 * unit)
        beside = corner + np.array([[4.5, -2], [4.5, 3], [3.5, 8]]) * (sign * unit, unit)
        image = _fill(image, beside, width=6 * unit, strength=0.85, reach=8 * unit)
    gleam = [points[n] + (0, 2.4 * unit) for n in LIP_LINE[2:5]]  # of the lower lip
    image = _fill(image, gleam, width=2.2 * unit, strength=0.7, reach=3 * unit)
    return image


def _fill(image, path, width, strength, reach) -> np.ndarray:
    mask = np.zeros(image.shape[:2], np.float32)
    shape = np.rint(np.array(path) * 16).astype(np.int32)
    cv2.polylines(mask, [shape], False, 1.0, round(width), cv2.LINE_AA, 4)
    keep = 1 - np.clip(mask, 0, 1)
    image = image.astype(np.float32)
    around = cv2.GaussianBlur(image * keep[..., None], (0, 0), reach)
    around /= np.maximum(cv2.GaussianBlur(keep, (0, 0), reach), 1e-3)[..., None]
    grain = image - cv2.GaussianBlur(image, (0, 0), 2.4)
    weight = strength * cv2.GaussianBlur(mask, (0, 0), width * 0.4)[..., None]
    return np.clip(image + weight * (around + 0.5 * grain - image), 0, 255).astype(np.uint8)
