"""Six people out of two: other skin, hair, clothes and face shape, a mirror, glasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from fer_nb.demo.people import Person, collins, hopper
from fer_nb.demo.warp import Grid, pixel_grid, smoothstep
from fer_nb.opencv import cv2


@dataclass(frozen=True)
class Look:
    """How a viewer differs from the photograph, and where she sits.

    Attributes
    ----------
    portrait : {"collins", "hopper"}
    room : str
        A name of `fer_nb.demo.rooms`.
    skin : tuple of float
        Factors on the skin's red, green and blue.
    hair, clothes : tuple, optional
        RGB that hair (or hat) and clothes take on; None keeps the photograph's.
    wide, long, jaw, eyes : float
        Face shape, as changes in share of the original.
    place, zoom : float
        Where the nose is in the frame (share of width and height), and pixels per canvas pixel.
    light : tuple of float
        The camera's factors on red, green and blue.
    """

    portrait: str
    room: str
    mirror: bool = False
    skin: tuple[float, float, float] = (1.0, 1.0, 1.0)
    hair: tuple[float, float, float] | None = None
    clothes: tuple[float, float, float] | None = None
    wide: float = 0.0
    long: float = 0.0
    jaw: float = 0.0
    eyes: float = 0.0
    glasses: bool = False
    place: tuple[float, float] = (0.5, 0.5)
    zoom: float = 0.72
    light: tuple[float, float, float] = (1.0, 1.0, 1.0)


LOOKS: Mapping[str, Look] = {
    "R01": Look("collins", "living room", place=(0.49, 0.5), zoom=0.74, light=(1.02, 1.0, 0.96)),
    "R02": Look("hopper", "brick wall", place=(0.52, 0.52), zoom=0.84, light=(1.0, 1.0, 1.0)),
    "R03": Look(
        "collins",
        "bookshelf",
        mirror=True,
        skin=(0.80, 0.70, 0.62),
        hair=(58, 42, 36),
        clothes=(52, 92, 150),
        wide=0.05,
        long=-0.02,
        jaw=0.05,
        glasses=True,
        place=(0.53, 0.52),
        zoom=0.78,
        light=(1.04, 1.0, 0.93),
    ),
    "R04": Look(
        "hopper",
        "evening window",
        mirror=True,
        skin=(0.84, 0.82, 0.84),
        hair=(120, 30, 46),
        clothes=(108, 34, 48),
        wide=-0.05,
        long=0.03,
        jaw=-0.05,
        place=(0.47, 0.52),
        zoom=0.80,
        light=(1.02, 0.98, 0.98),
    ),
    "R05": Look(
        "collins",
        "curtain",
        skin=(1.03, 0.97, 0.95),
        hair=(112, 62, 38),
        clothes=(64, 128, 98),
        wide=-0.04,
        long=0.05,
        jaw=-0.06,
        eyes=0.08,
        place=(0.5, 0.5),
        zoom=0.70,
        light=(0.95, 0.99, 1.05),
    ),
    "R06": Look("hopper", "kitchen", wide=0.03, long=-0.02, place=(0.5, 0.52), zoom=0.8),
}


@cache
def cast(look: Look) -> Person:
    """Prepare the person that a look describes."""
    person = collins() if look.portrait == "collins" else hopper()
    person = _paint(person, look)
    person = _reshape(person, look)
    return person.mirrored() if look.mirror else person


def _paint(person: Person, look: Look) -> Person:
    skin = person.skin[..., None]
    upper = person.upper[..., None] * (1 - skin)
    clothes = (1 - person.upper[..., None]) * (1 - skin)

    def paint(texture):
        if texture is None:
            return None
        picture = texture[..., :3].astype(np.float32)
        grey = (picture * np.float32((0.3, 0.59, 0.11))).sum(axis=2)
        colorful = np.ptp(picture, axis=2) / (picture.max(2) + 8)
        out = picture * (1 + skin * (np.float32(look.skin) - 1))
        if look.hair is not None:
            # White and gold on a hat keep their colour.
            dyed = 1 if look.portrait == "collins" else smoothstep((105 - grey) / 40)[..., None]
            lift = 0 if look.portrait == "collins" else 45  # her hat is nearly black
            out += upper * dyed * (_tint(grey + lift, look.hair) - out)
        if look.clothes is not None:
            if look.portrait == "collins":
                cloth, lift = smoothstep((colorful - 0.3) / 0.15), 0
            else:
                cloth, lift = smoothstep((95 - grey) / 40), 45
            out += clothes * cloth[..., None] * (_tint(grey + lift, look.clothes) - out)
        out = np.clip(out, 0, 255).astype(np.uint8)
        return np.dstack([out, texture[..., 3]]) if texture.shape[2] == 4 else out

    return replace(person, texture=paint(person.texture), smile_texture=paint(person.smile_texture))


def _tint(grey: np.ndarray, color) -> np.ndarray:
    """The picture in shades of one colour, as light and dark as fits that colour."""
    color = np.float32(color)
    luma = color @ np.float32((0.3, 0.59, 0.11))
    share = grey / 110.0
    shade = color * (share**1.1)[..., None] * (0.55 + 0.45 * 110 / (luma + 60))
    return shade + 0.25 * (np.maximum(grey - 150, 0))[..., None]  # highlights stay pale


def _reshape(person: Person, look: Look) -> Person:
    if not (look.wide or look.long or look.jaw or look.eyes):
        return person
    middle = person.points["nose"]
    unit = person.unit
    everything = np.vstack([*person.points.values(), person.still])
    box = (
        max(0.0, everything[:, 0].min() - 0.9 * unit),
        max(0.0, everything[:, 1].min() - 1.6 * unit),
        min(person.texture.shape[1] - 1.0, everything[:, 0].max() + 0.9 * unit),
        everything[:, 1].max() + 0.4 * unit,
    )
    grid = Grid(box, step=unit / 10)

    def pull(points: np.ndarray) -> np.ndarray:
        """Where each point goes: the face as a whole, its lower part, each eye."""
        away = points - middle
        low = smoothstep(away[:, 1] / unit)
        factor = np.column_stack([look.wide + look.jaw * low, np.full(len(away), look.long)])
        moved = points + away * factor
        for side in "LR":
            from_eye = points - person.eye(side)
            near = np.exp(-((from_eye / (0.4 * unit)) ** 2).sum(1, keepdims=True))
            moved += look.eyes * near * from_eye
        return points + (moved - points) * _inside(points)

    def _inside(points):
        at = ((points - grid.origin) / grid.step).astype(np.float32)
        window = grid.window.astype(np.float32)
        return cv2.remap(window, at[:, None], None, cv2.INTER_LINEAR)

    # Backwards, pixel for pixel: solve source + shift(source) = pixel by a few steps.
    height, width = person.texture.shape[:2]
    target = grid.points
    source = target.copy()
    for _ in range(12):
        source += target - pull(source)
    shift = (source - target).reshape(*grid.shape, 2).astype(np.float32)
    coords = pixel_grid(width, height)
    coords += grid.sample(shift, coords)

    def picture(image):
        if image is None:
            return None
        return cv2.remap(image, coords, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)

    def points(named):
        if named is None:
            return None
        return dict(zip(named, pull(np.array(list(named.values()))), strict=True))

    return replace(
        person,
        texture=picture(person.texture),
        points=points(person.points),
        still=pull(person.still),
        skin=picture(person.skin),
        upper=picture(person.upper),
        smile_texture=picture(person.smile_texture),
        smile_points=points(person.smile_points),
    )


def glasses(person: Person) -> np.ndarray:
    """A pair of glasses that fits the person, uint8 (h, w, 4): RGB and opacity."""
    height, width = person.texture.shape[:2]
    unit = person.unit
    # Drawn at double size and shrunk, as thin lines need more than OpenCV's own smoothing.
    rims = np.zeros((2 * height, 2 * width), np.float32)
    lens = np.zeros((2 * height, 2 * width), np.float32)
    thick = max(2, round(0.06 * unit))
    size = np.array([0.36, 0.29]) * unit
    middle = person.points["bridge"]
    turn = person.eye("R") - person.eye("L")
    angle = np.arctan2(turn[1], turn[0])
    spin = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    around = np.linspace(0, 2 * np.pi, 90)
    circle = np.column_stack([np.cos(around), np.sin(around)])
    # A superellipse: rounder than a box, squarer than a circle.
    frame = np.sign(circle) * np.abs(circle) ** 0.72 * size

    def fixed(points):
        return np.rint((2 * np.asarray(points) + 0.5) * 16).astype(np.int32)

    def line(*points):
        cv2.polylines(rims, [fixed(points)], False, 1.0, thick, cv2.LINE_AA, 4)

    for side, sign in (("L", -1), ("R", 1)):
        eye = person.eye(side) + np.array([0.015 * sign, 0.05]) * unit
        outline = frame @ spin + eye
        line(*outline)
        cv2.fillPoly(lens, [fixed(outline)], 1.0, cv2.LINE_AA, 4)
        line(eye - np.array([sign * size[0], 0.04 * unit]), middle - np.array([0, 0.06 * unit]))
        hinge = eye + np.array([sign * size[0], -0.1 * unit])
        line(hinge, hinge + np.array([sign * 0.17, -0.02]) * unit)
    half = {"dsize": (width, height), "interpolation": cv2.INTER_AREA}
    rims, lens = cv2.resize(rims, **half), cv2.resize(lens, **half)
    shade = cv2.GaussianBlur(rims, (0, 0), 0.02 * unit)
    shade = np.roll(shade, round(0.03 * unit), axis=0) * 0.35  # their shadow on the skin
    glare = lens * np.clip(np.linspace(0.12, -0.02, height)[:, None], 0, 1) * (1 - rims)
    opacity = np.maximum(np.maximum(rims * 0.95, shade * (1 - lens * 0.3)), glare)
    is_glare = (glare > 0) & (rims < 0.05)
    color = np.where(is_glare[..., None], np.float32(240), np.float32((66, 46, 38)))
    return np.dstack([color, opacity * 255]).astype(np.uint8)
