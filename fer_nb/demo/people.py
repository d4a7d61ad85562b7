"""Two portraits that packages carry, prepared as puppets: landmarks, cut-out, resting face.

Eileen Collins, NASA, public domain, comes with scikit-image; Grace Hopper, US Navy, public
domain, comes with matplotlib. The landmarks were placed by hand on enlarged pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from matplotlib import cbook
from PIL import Image
from skimage import data as skimage_data

from fer_nb.demo.warp import Grid, pixel_grid

# Pairs are (image left, image right). `in_up` and `in_low` are the inner edges of the lips.
_COLLINS = {
    "brow1": ((190, 90.5), (262.5, 95.5)),
    "brow2": ((198, 88.7), (255, 92.3)),
    "brow3": ((206, 90), (246, 92.4)),
    "brow4": ((213, 92.5), (238.5, 93.3)),
    "eye_out": ((192.5, 101), (259, 103.5)),
    "eye_in": ((213.5, 102.5), (236, 104.8)),
    "lid1": ((197, 98), (254.5, 100.5)),
    "lid2": ((203, 97), (247.5, 99)),
    "lid3": ((209, 99.5), (240.5, 101.2)),
    "low1": ((197, 103), (254, 105.5)),
    "low2": ((203, 104.4), (247.5, 106.8)),
    "low3": ((209, 104.2), (241, 106)),
    "bridge": (225, 105),
    "nose": (223, 126),
    "ala": ((212, 127), (236, 128)),
    "nosebase": (224.5, 134),
    "corner": ((203, 139.5), (244.5, 140.5)),
    "up1": ((210, 140.2), (238, 140.2)),
    "up2": ((217, 139.5), (230, 139.5)),
    "up3": (223.5, 140.3),
    "in_up1": ((210, 141.9), (238, 142.2)),
    "in_up2": ((217, 143.1), (231, 143.4)),
    "in_up3": (224, 144),
    "in_low1": ((209.5, 147), (237.5, 146.2)),
    "in_low2": ((216, 149.6), (231, 149.3)),
    "in_low3": (224, 150.3),
    "lip1": ((209, 150), (239, 148.3)),
    "lip2": ((215, 153.3), (232, 153.6)),
    "lip3": (224, 155),
    "fold1": ((208, 124), (239, 124)),
    "fold2": ((201, 133), (247, 134)),
    "fold3": ((196.5, 138), (250.5, 141)),
    "cheek": ((193, 122), (257, 124)),
    "chin": (224, 168),
    "jaw1": ((182, 140), (268, 135)),
    "jaw2": ((188, 158), (263, 152)),
    "jaw3": ((200, 170), (254, 166)),
    "jaw4": ((212, 176.5), (240, 176)),
    "jaw5": (225, 178.5),
}

# The same face at rest: where the points of the smiling photograph go.
_COLLINS_AT_REST = _COLLINS | {
    "low1": ((197, 103.8), (254, 106.3)),
    "low2": ((203, 105.9), (247.5, 108.2)),
    "low3": ((209, 105), (241, 106.8)),
    "ala": ((213, 127.3), (235, 128.3)),
    "corner": ((208.5, 148.3), (240, 148.9)),
    "up1": ((212, 145), (236.3, 145.5)),
    "up2": ((218.2, 142.9), (230.3, 143.2)),
    "up3": (224, 143.9),
    "in_up1": ((212.8, 147.8), (236.2, 148.3)),
    "in_up2": ((218.5, 146.5), (230.5, 146.8)),
    "in_up3": (224.3, 147.3),
    "in_low1": ((212.8, 147.8), (236.2, 148.3)),
    "in_low2": ((218.5, 146.5), (230.5, 146.8)),
    "in_low3": (224.3, 147.3),
    "lip1": ((212.6, 150), (236.6, 150.4)),
    "lip2": ((218, 151.6), (231, 151.9)),
    "lip3": (224.4, 152.4),
    "fold1": ((209, 128.2), (238.5, 128.2)),
    "fold2": ((206, 140.5), (242.2, 141.5)),
    "fold3": ((204, 149.5), (243.5, 151)),
    "cheek": ((193, 132), (257, 134)),
}

_HOPPER = {
    "brow1": ((200, 166), (326, 163)),
    "brow2": ((212, 162), (314, 158)),
    "brow3": ((226, 162), (300, 160)),
    "brow4": ((241, 169), (286, 168)),
    "eye_out": ((203, 193), (322, 189)),
    "eye_in": ((240, 195), (287, 194)),
    "lid1": ((211, 186), (314, 182.5)),
    "lid2": ((221, 183.5), (305, 180)),
    "lid3": ((231, 186.5), (296, 184)),
    "low1": ((211, 195), (314, 192)),
    "low2": ((221, 196), (305, 192)),
    "low3": ((231, 196.5), (296, 193)),
    "bridge": (264, 200),
    "nose": (266, 235),
    "ala": ((241, 240), (296, 240)),
    "nosebase": (268, 252),
    "corner": ((229, 281.5), (305, 279)),
    "up1": ((238, 276.5), (294, 273.5)),
    "up2": ((251, 272.8), (278, 273)),
    "up3": (264, 274.5),
    "in_up1": ((240, 279.6), (295, 277.1)),
    "in_up2": ((253, 278), (280, 277.6)),
    "in_up3": (265, 279.6),
    "in_low1": ((240, 279.6), (295, 277.1)),
    "in_low2": ((253, 278), (280, 277.6)),
    "in_low3": (265, 279.6),
    "lip1": ((240, 286), (296, 285)),
    "lip2": ((252, 291), (281, 291)),
    "lip3": (266, 292.5),
    "fold1": ((239, 243), (297, 243)),
    "fold2": ((229, 257), (306, 257)),
    "fold3": ((221, 270), (313, 272)),
    "cheek": ((205, 245), (330, 245)),
    "chin": (266, 315),
    "jaw1": ((196, 285), (333, 282)),
    "jaw2": ((205, 305), (325, 303)),
    "jaw3": ((220, 321), (312, 318)),
    "jaw4": ((242, 330), (290, 329)),
    "jaw5": (266, 333),
}

# Points that no expression moves: hair, ears, neck and, on Hopper, the rims of the glasses. They
# are few on purpose: above about 100 points LAPACK starts threads that cost more than they bring.
_COLLINS_STILL = [(200, 76), (225, 78), (250, 79), (182, 84), (267, 90), (178, 106), (273, 110),
                  (176, 125), (275, 128), (172, 180), (276, 185), (195, 222),
                  (255, 222)]  # fmt: skip
_HOPPER_STILL = [(187, 181), (208, 176), (228, 176), (247, 183), (246, 212), (224, 229),
                 (198, 219), (283, 179), (298, 172.5), (318, 170), (345, 175), (284, 210),
                 (305, 226), (332, 213), (265, 186), (200, 142), (265, 137), (330, 144),
                 (170, 235), (360, 235), (205, 375), (325, 375), (265, 408)]  # fmt: skip

# Outlines for the cut-out: surely the person, perhaps the person, surely not.
_COLLINS_CUT = (
    [[(175, 60), (200, 30), (250, 30), (285, 70), (280, 110), (262, 140), (254, 178), (300, 250),
      (340, 270), (340, 309), (60, 309), (60, 270), (110, 225), (150, 240), (186, 180),
      (172, 110)]],
    [[(152, 60), (170, 35), (200, 18), (250, 14), (290, 40), (302, 80), (290, 120), (270, 150),
      (310, 240), (345, 260), (370, 309), (22, 309), (40, 260), (100, 220), (112, 190),
      (180, 150), (155, 100)]],
    [[(0, 0), (512, 0), (512, 309), (380, 309), (360, 240), (330, 200), (318, 180), (310, 100),
      (305, 60), (270, 10), (200, 8), (160, 30), (145, 70), (150, 110), (150, 145), (105, 175),
      (95, 215), (40, 250), (20, 309), (0, 309)],
     [(150, 125), (168, 131), (179, 133), (182.5, 139), (184, 147), (160, 147), (135, 157),
      (120, 150)],
     [(280, 130), (270, 138), (266.5, 141), (264, 151), (258, 160), (257, 169), (272, 182),
      (288, 196), (302, 212), (330, 200), (318, 120)]],
)  # fmt: skip
_HOPPER_CUT = (
    [[(165, 105), (230, 35), (290, 33), (355, 100), (363, 190), (340, 255), (327, 330), (400, 370),
      (480, 400), (500, 469), (38, 469), (50, 400), (195, 342), (200, 300), (168, 230),
      (160, 190)],
     [(352, 190), (367, 188), (371, 199), (364, 240), (352, 262), (345, 262)]],
    [[(152, 100), (175, 50), (240, 24), (300, 24), (350, 60), (372, 110), (376, 200), (355, 300),
      (335, 330), (490, 390), (511, 440), (511, 469), (30, 469), (40, 400), (60, 375), (190, 325),
      (165, 280), (152, 190)]],
    [[(0, 0), (512, 0), (512, 385), (470, 368), (400, 340), (345, 322), (334, 310), (340, 304),
      (352, 290), (362, 265), (380, 215), (376, 100), (357, 82), (347, 64), (322, 48), (306, 43),
      (301, 34), (285, 23), (240, 22), (224, 27), (216, 38), (196, 46), (176, 62), (172, 80),
      (154, 100), (151, 120), (150, 185), (150, 230), (158, 260), (165, 283), (186, 300),
      (199, 308), (197, 320), (184, 331), (150, 343), (100, 362), (66, 374), (44, 388),
      (33, 408), (27, 440), (25, 469), (0, 469)],
     [(184, 292), (196, 300), (198.5, 312), (192, 325), (184, 330)]],
)  # fmt: skip
_COLLINS_SKIN = [(184, 84), (197, 79), (222, 80), (240, 80), (252, 82), (265, 88), (271, 105),
                 (281, 126), (276, 136), (267, 138), (263, 152), (256, 160), (254, 182),
                 (235, 188), (200, 184), (188, 178), (184, 160), (181, 140), (178, 133),
                 (170, 126), (170, 117), (180, 112)]  # fmt: skip
_HOPPER_SKIN = [(176, 152), (200, 138), (240, 132), (290, 132), (330, 140), (348, 158),
                (360, 186), (376, 190), (374, 220), (360, 262), (343, 270), (335, 300),
                (327, 325), (330, 345), (268, 408), (240, 395), (215, 350), (204, 320),
                (192, 290), (185, 268), (170, 264), (157, 230), (154, 195), (170, 186)]  # fmt: skip

_LOWER_LIP = ("in_low", "lip")
_UPPER_LIP = ("in_up", "up")
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
    smiling, resting = frame.points(_COLLINS), frame.points(_COLLINS_AT_REST)
    smile = frame.picture()
    still = frame.place(_COLLINS_STILL)
    rest = _close_mouth(smile, smiling, resting, still)
    rest = _soften_folds(rest, resting)
    alpha = frame.mask(_COLLINS_CUT)
    skin = frame.area(_COLLINS_SKIN)
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
    skin = frame.area(_HOPPER_SKIN)
    points = frame.points(_HOPPER)
    upper = (1 - skin) * (np.arange(len(skin))[:, None] < points["eye_out.L"][1] + 10)
    return Person(
        texture=np.dstack([frame.picture(), frame.mask(_HOPPER_CUT)]),
        points=points,
        still=frame.place(_HOPPER_STILL),
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
    above = _moved(image, smiling, resting, still, leave_out=_LOWER_LIP)
    below = _moved(image, smiling, resting, still, leave_out=_UPPER_LIP)
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
