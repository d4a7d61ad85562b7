"""Six people out of two: other skin, hair, clothes and face shape, a mirror, glasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from fer_nb.demo.drawing.people import Person, collins, hopper
from fer_nb.demo.drawing.warp import Grid, pixel_grid, smoothstep
from fer_nb.opencv import cv2

RGB = tuple[float, float, float]


@dataclass(frozen=True)
class Look:
    """How a viewer differs from the photograph, and where she sits.

    Attributes
    ----------
    portrait : {"collins", "hopper"}
    room : str
        A name of `fer_nb.demo.drawing.rooms`.
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
    skin: RGB = (1.0, 1.0, 1.0)
    hair: RGB | None = None
    clothes: RGB | None = None
    wide: float = 0.0
    long: float = 0.0
    jaw: float = 0.0
    eyes: float = 0.0
    glasses: bool = False
    place: tuple[float, float] = (0.5, 0.5)
    zoom: float = 0.72
    light: RGB = (1.0, 1.0, 1.0)


# fmt: off
LOOKS: Mapping[str, Look] = {
    "R01": Look("collins", "living room", place=(0.49, 0.5), zoom=0.74, light=(1.02, 1, 0.96)),
    "R02": Look("hopper", "brick wall", place=(0.52, 0.52), zoom=0.84),
    "R03": Look("collins", "bookshelf", mirror=True, glasses=True, skin=(0.80, 0.70, 0.62),
                hair=(58, 42, 36), clothes=(52, 92, 150), wide=0.05, long=-0.02, jaw=0.05,
                place=(0.53, 0.52), zoom=0.78, light=(1.04, 1, 0.93)),
    "R04": Look("hopper", "evening window", mirror=True, skin=(0.84, 0.82, 0.84),
                hair=(120, 30, 46), clothes=(108, 34, 48), wide=-0.05, long=0.03, jaw=-0.05,
                place=(0.47, 0.52), zoom=0.80, light=(1.02, 0.98, 0.98)),
    "R05": Look("collins", "curtain", skin=(1.03, 0.97, 0.95), hair=(112, 62, 38),
                clothes=(64, 128, 98), wide=-0.04, long=0.05, jaw=-0.06, eyes=0.08,
                zoom=0.70, light=(0.95, 0.99, 1.05)),
    "R06": Look("hopper", "kitchen", wide=0.03, long=-0.02, place=(0.5, 0.52), zoom=0.8),
}
# fmt: on


@cache
def cast(look: Look) -> Person:
    """Prepare the person that a look describes."""
    person = collins() if look.portrait == "collins" else hopper()
    person = _reshape(_paint(person, look), look)
    if look.glasses:
        person = _with_glasses(person)
    return replace(person, mirror=look.mirror)


def _paint(person: Person, look: Look) -> Person:
    skin = person.skin[..., None]
    upper = person.upper[..., None] * (1 - skin)
    clothes = (1 - person.upper[..., None]) * (1 - skin)
    hat = look.portrait == "hopper"
    lift = 45 if hat else 0  # her hat and jacket are nearly black

    def paint(texture):
        picture = texture[..., :3].astype(np.float32)
        grey = picture @ np.float32((0.3, 0.59, 0.11))
        colorful = np.ptp(picture, axis=2) / (picture.max(2) + 8)
        dark = smoothstep(((105 if hat else 999) - grey) / 40)  # white and gold keep their colour
        cloth = smoothstep((95 - grey) / 40) if hat else smoothstep((colorful - 0.3) / 0.15)
        out = picture * (1 + skin * (np.float32(look.skin) - 1))
        if look.hair is not None:
            out += upper * dark[..., None] * (_tint(grey + lift, look.hair) - out)
        if look.clothes is not None:
            out += clothes * cloth[..., None] * (_tint(grey + lift, look.clothes) - out)
        return np.dstack([np.clip(out, 0, 255).astype(np.uint8), texture[..., 3:]])

    smile = person.smile_texture
    return replace(
        person,
        texture=paint(person.texture),
        smile_texture=None if smile is None else paint(smile),
    )


def _tint(grey: np.ndarray, color: RGB) -> np.ndarray:
    """The picture in shades of one colour, as light and dark as fits that colour."""
    tone = np.float32(color)
    luma = tone @ np.float32((0.3, 0.59, 0.11))
    shade = tone * ((grey / 110.0) ** 1.1)[..., None] * (0.55 + 0.45 * 110 / (luma + 60))
    return shade + 0.25 * np.maximum(grey - 150, 0)[..., None]  # highlights stay pale


def _reshape(person: Person, look: Look) -> Person:
    if not (look.wide or look.long or look.jaw or look.eyes):
        return person
    middle, unit = person.points["nose"], person.unit
    pinned = np.vstack([*person.points.values(), person.still])

    def pull(points: np.ndarray) -> np.ndarray:
        """Where each point goes: the face as a whole, its lower part, each eye."""
        away = points - middle
        low = smoothstep(away[:, 1] / unit)
        moved = away * np.column_stack([look.wide + look.jaw * low, np.full(len(away), look.long)])
        for side in "LR":
            from_eye = points - person.eye(side)
            near = np.exp(-((from_eye / (0.4 * unit)) ** 2).sum(1, keepdims=True))
            moved += look.eyes * near * from_eye
        return points + moved

    height, width = person.texture.shape[:2]
    low, high = pinned.min(0) - (0.9 * unit, 1.6 * unit), pinned.max(0) + (0.9 * unit, 0.4 * unit)
    grid = Grid((*low.clip(0), *np.minimum(high, (width - 1, np.inf))), step=unit / 10)
    coords = pixel_grid(width, height)
    coords += grid.sample(grid.field(pull(pinned), pinned), coords)
    edge = {"interpolation": cv2.INTER_CUBIC, "borderMode": cv2.BORDER_REPLICATE}
    return person.changed(lambda image: cv2.remap(image, coords, None, **edge), pull)


def _with_glasses(person: Person) -> Person:
    """The person with glasses painted on; their lower rims are points that no expression moves."""
    height, width = person.texture.shape[:2]
    unit, bridge = person.unit, person.points["bridge"]
    # Drawn at double size and shrunk, as thin lines need more than OpenCV's own smoothing.
    rims, lens = np.zeros((2, 2 * height, 2 * width), np.float32)
    size = np.array([0.36, 0.29]) * unit
    turn = person.eye("R") - person.eye("L")
    spin = np.array([[turn[0], turn[1]], [-turn[1], turn[0]]]) / unit
    circle = np.column_stack([np.cos(a := np.linspace(0, 2 * np.pi, 90)), np.sin(a)])
    # A superellipse: rounder than a box, squarer than a circle.
    frame = np.sign(circle) * np.abs(circle) ** 0.72 * size @ spin
    still = [person.still]
    for side, sign in (("L", -1), ("R", 1)):
        eye = person.eye(side) + np.array([0.015 * sign, 0.05]) * unit
        hinge = eye + (sign * size[0], -0.1 * unit)
        inner = eye - (sign * size[0], 0.04 * unit)
        still.append((eye + frame)[:46:15])  # below the eye; brows move behind the upper rim
        for path in (
            eye + frame,
            [inner, bridge - (0, 0.06 * unit)],
            [hinge, hinge + np.array([0.17 * sign, -0.02]) * unit],
        ):
            line = np.rint((2 * np.array(path) + 0.5) * 16).astype(np.int32)
            cv2.polylines(rims, [line], False, 1.0, max(2, round(0.06 * unit)), cv2.LINE_AA, 4)
            if len(path) > 2:
                cv2.fillPoly(lens, [line], 1.0, cv2.LINE_AA, 4)
    rims, lens = (
        cv2.resize(p, (width, height), interpolation=cv2.INTER_AREA)[..., None]
        for p in (rims, lens)
    )
    shade = cv2.GaussianBlur(rims, (0, 0), 0.02 * unit)[..., None]
    shade = np.roll(shade, round(0.03 * unit), axis=0) * 0.35  # their shadow on the skin
    glare = lens * np.linspace(0.12, -0.02, height).clip(0)[:, None, None]

    def paint(texture):
        picture = texture[..., :3] * (1 - shade * (1 - lens * 0.3))
        picture += glare * (240 - picture)
        picture += 0.95 * rims * (np.float32((66, 46, 38)) - picture)
        return np.dstack([picture.astype(np.uint8), texture[..., 3:]])

    return replace(
        person,
        texture=paint(person.texture),
        smile_texture=paint(person.smile_texture),
        still=np.vstack(still),
    )
