"""Two portraits that packages carry, prepared as puppets: landmarks, cut-out, resting face.

Eileen Collins, NASA, public domain, comes with scikit-image; Grace Hopper, US Navy, public
domain, comes with matplotlib. ``portraits.json`` holds their landmarks and outlines, placed by
hand in pixels of the photograph. Pairs are (image left, image right); ``in_up`` and ``in_low``
are the inner edges of the lips; ``still`` are points that no expression moves, few on purpose:
above about 100 points LAPACK starts threads that cost more than they bring.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import numpy as np
from matplotlib import cbook
from PIL import Image
from skimage import data as skimage_data

from fer_nb.demo.drawing.warp import Grid, pixel_grid
from fer_nb.opencv import cv2

PORTRAITS = json.loads(files("fer_nb.demo.drawing").joinpath("portraits.json").read_text())
LIP_LINE = ("corner.L", "in_up1.L", "in_up2.L", "in_up3", "in_up2.R", "in_up1.R", "corner.R")


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
    skin, upper : float32 array (h, w)
        Where there is skin, and where hair or hat; 0 to 1.
    smile_texture, smile_points
        The same person smiling, where there is such a photograph.
    mirror : bool
        Drawn as seen in a mirror.
    """

    texture: np.ndarray
    points: Mapping[str, np.ndarray]
    still: np.ndarray
    skin: np.ndarray
    upper: np.ndarray
    smile_texture: np.ndarray | None = None
    smile_points: Mapping[str, np.ndarray] | None = None
    mirror: bool = False

    @property
    def unit(self) -> float:
        """Distance between the eyes in pixels, the ruler of every displacement."""
        return float(np.linalg.norm(self.eye("R") - self.eye("L")))

    def eye(self, side: str) -> np.ndarray:
        """Middle of the eye on the image's left (``"L"``) or right."""
        return (self.points[f"eye_out.{side}"] + self.points[f"eye_in.{side}"]) / 2

    def changed(self, picture: Callable, place: Callable) -> Person:
        """The person with each picture, and each array of points (n, 2), changed alike."""

        def named(points):
            return points and dict(zip(points, place(np.array(list(points.values()))), strict=True))

        return replace(
            self,
            texture=picture(self.texture),
            points=named(self.points),
            still=place(self.still),
            skin=picture(self.skin),
            upper=picture(self.upper),
            smile_texture=None if self.smile_texture is None else picture(self.smile_texture),
            smile_points=named(self.smile_points),
        )


@cache
def collins() -> Person:
    """Eileen Collins: the photograph smiles, so the face at rest is made from it."""
    known = PORTRAITS["collins"]
    canvas = _Canvas(skimage_data.astronaut(), left=20, right=440, bottom=300, zoom=2.0)
    smiling, resting = (
        canvas.points(known["points"]),
        canvas.points(known["points"] | known["rest"]),
    )
    still = canvas.place(known["still"])
    rest = _soften_folds(_close_mouth(canvas.picture, smiling, resting, still), resting)
    person = _person(canvas, known, rest, resting, resting["jaw1.L"][1])
    return replace(person, smile_texture=canvas.picture, smile_points=smiling)


@cache
def hopper() -> Person:
    """Grace Hopper: the photograph is her face at rest."""
    known = PORTRAITS["hopper"]
    with Image.open(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)) as image:
        photo = np.array(image.convert("RGB"))
    canvas = _Canvas(photo, left=0, right=512, bottom=470, zoom=1.0)
    points = canvas.points(known["points"])
    return _person(canvas, known, canvas.picture, points, points["eye_out.L"][1] + 10)


def _person(canvas: _Canvas, known: Mapping, rest: np.ndarray, points, hair_to: float) -> Person:
    texture = np.dstack([rest, canvas.mask(known["cut"])])
    skin = canvas.area(known["skin"])
    upper = (1 - skin) * (np.arange(len(skin))[:, None] < hair_to)
    return Person(texture, points, canvas.place(known["still"]), skin, upper.astype(np.float32))


class _Canvas:
    """The part of a photograph that is used, enlarged, with room above the head."""

    def __init__(self, image: np.ndarray, left: int, right: int, bottom: int, zoom: float):
        self._image, self._left, self._zoom = image[:bottom, left:right], left, zoom
        self._room = int(60 * zoom)
        self.picture = self._enlarge(self._image, cv2.BORDER_REPLICATE)

    def _enlarge(self, image: np.ndarray, border: int) -> np.ndarray:
        big = cv2.resize(image, None, fx=self._zoom, fy=self._zoom, interpolation=cv2.INTER_CUBIC)
        return cv2.copyMakeBorder(big, self._room, 0, 0, 0, border, value=0)

    def place(self, points: Iterable) -> np.ndarray:
        """Photograph to canvas; a pixel's middle stays its middle."""
        moved = (np.asarray(points, float) - (self._left, 0) + 0.5) * self._zoom - 0.5
        return moved + (0.0, self._room)

    def points(self, landmarks: Mapping) -> dict[str, np.ndarray]:
        placed = {}
        for name, where in landmarks.items():
            ends = [name] if np.ndim(where) == 1 else [f"{name}.L", f"{name}.R"]
            placed |= zip(ends, self.place(np.reshape(where, (-1, 2))), strict=True)
        return placed

    def area(self, outline: Iterable) -> np.ndarray:
        """Soft mask of an outline, float32 0 to 1."""
        mask = np.zeros(self.picture.shape[:2], np.float32)
        cv2.fillPoly(mask, [np.rint(self.place(outline)).astype(np.int32)], 1.0)
        return cv2.GaussianBlur(mask, (0, 0), 2.0 * self._zoom)

    def mask(self, cut: Mapping) -> np.ndarray:
        """Opacity, uint8: GrabCut started from the hand-drawn outlines."""
        state = np.full(self._image.shape[:2], cv2.GC_PR_BGD, np.uint8)
        kinds = {"perhaps": cv2.GC_PR_FGD, "surely": cv2.GC_FGD, "never": cv2.GC_BGD}
        for kind, value in kinds.items():
            for area in cut[kind]:
                cv2.fillPoly(
                    state, [np.rint(np.subtract(area, (self._left, 0))).astype(int)], value
                )
        cv2.setRNGSeed(0)  # GrabCut seeds its colour clusters at random
        model, image = np.zeros((2, 1, 65)), np.ascontiguousarray(self._image)
        cv2.grabCut(image, state, None, model[0], model[1], 5, cv2.GC_INIT_WITH_MASK)
        inside = ((state == cv2.GC_FGD) | (state == cv2.GC_PR_FGD)).astype(np.uint8)
        edge = cv2.GaussianBlur(cv2.medianBlur(inside * 255, 5).astype(np.float32), (0, 0), 0.9)
        # Slightly inside the outline, so that no rim of the old background comes along.
        soft = np.clip((edge - 110) * 1.9, 0, 255).astype(np.uint8)
        return self._enlarge(soft, cv2.BORDER_CONSTANT)


def _close_mouth(image, smiling, resting, still) -> np.ndarray:
    """Warp the smile to rest; each lip is moved on its own, so that no tooth is left between."""
    grid = Grid((*(still.min(0) - 30), *(still.max(0) + 30)), step=3)
    unit = np.linalg.norm(resting["eye_in.R"] - resting["eye_in.L"]) / 22
    height, width = image.shape[:2]

    def moved(leave_out):
        names = [n for n in resting if not n.startswith(leave_out)]
        to, fro = (np.vstack([*(p[n] for n in names), still]) for p in (resting, smiling))
        coords = pixel_grid(width, height)
        coords += grid.sample(grid.field(to, fro), coords)
        return cv2.remap(image, coords, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)

    # How far each pixel lies below the line between the lips, and beyond the mouth's corners.
    line, x = np.array([resting[n] for n in LIP_LINE]), np.arange(width)
    depth = np.arange(height)[:, None] - np.interp(x, line[:, 0], line[:, 1])
    outside = np.maximum(line[0, 0] - x, x - line[-1, 0]).clip(0)[None]
    # The seam is sharp between the lips and widens beyond the corners, where both agree.
    seam = (0.35 + 5 * np.clip(outside / (10 * unit), 0, 1)) * unit
    share = (0.5 + 0.5 * np.tanh(depth / seam))[..., None]
    closed = moved(leave_out=("in_low", "lip")) * (1 - share)
    closed = np.clip(closed + moved(leave_out=("in_up", "up")) * share, 0, 255)
    # The last gleam of teeth goes; the line between the lips is drawn anew.
    closed = _fill(closed, line, width=1.6 * unit, strength=0.85, reach=1.2 * unit)
    shadow = np.exp(-((depth / (0.6 * unit)) ** 2)) * (1 - np.clip(outside / unit + 0.15, 0, 1))
    return (closed * (1 - 0.42 * shadow[..., None] * (0.85, 1.0, 1.0))).astype(np.uint8)


def _soften_folds(image, points) -> np.ndarray:
    """Fill the furrows of the smile from the skin around them."""
    unit = np.linalg.norm(points["eye_in.R"] - points["eye_in.L"]) / 22
    for side, sign in (("L", -1), ("R", 1)):
        s = np.array([sign * unit, unit])
        fold = np.array([points[f"fold{i}.{side}"] for i in (1, 2, 3)])
        fold = np.vstack([fold[0] + (0, unit), fold[1:], fold[-1] + (0.5, 5) * s])
        corner, cheek = points[f"corner.{side}"], points[f"cheek.{side}"]
        for path, width, strength, reach in (
            (fold[1:] + (2.5, -0.5) * s, 7, 0.7, 7),  # the shade of the bulging cheek
            (fold, 4, 0.95, 5),  # the furrow itself
            (corner + s * [(0.3, 0.0), (3.2, -3.0)], 3, 0.9, 3),  # the dent at the corner
            (cheek + s * [(2, -4), (-5, -1)], 6, 0.6, 8),  # the shine on the cheek
            (corner + s * [(4.5, -2), (4.5, 3), (3.5, 8)], 6, 0.85, 8),
        ):
            image = _fill(image, path, width * unit, strength, reach * unit)
    gleam = [points[n] + (0, 2.4 * unit) for n in LIP_LINE[2:5]]  # of the lower lip
    return _fill(image, gleam, width=2.2 * unit, strength=0.7, reach=3 * unit)


def _fill(image, path, width, strength, reach) -> np.ndarray:
    mask = np.zeros(image.shape[:2], np.float32)
    shape = np.rint(np.array(path) * 16).astype(np.int32)
    cv2.polylines(mask, [shape], False, 1.0, round(width), cv2.LINE_AA, 4)
    keep = 1 - np.clip(mask, 0, 1)
    image = image.astype(np.float32)
    around = blur_within(image, keep, reach)
    grain = image - cv2.GaussianBlur(image, (0, 0), 2.4)
    weight = strength * cv2.GaussianBlur(mask, (0, 0), width * 0.4)[..., None]
    return np.clip(image + weight * (around + 0.5 * grain - image), 0, 255).astype(np.uint8)


def blur_within(image: np.ndarray, keep: np.ndarray, reach: float) -> np.ndarray:
    """Blur a float picture, reading only pixels where `keep` is 1."""
    around = cv2.GaussianBlur(image * keep[..., None], (0, 0), reach)
    return around / np.maximum(cv2.GaussianBlur(keep, (0, 0), reach), 1e-3)[..., None]
