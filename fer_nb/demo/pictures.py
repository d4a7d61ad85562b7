"""Things that appear in the made trailer, drawn with anti-aliased shapes."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fer_nb.opencv import cv2

_SHIFT = 4
_SUB = 1 << _SHIFT
_FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def polygon(image: np.ndarray, points, color) -> None:
    """Fill a polygon given in pixels, with sub-pixel accuracy."""
    points = np.rint(np.asarray(points, float) * _SUB).astype(np.int32)
    cv2.fillPoly(image, [points], color, cv2.LINE_AA, _SHIFT)


def stroke(image: np.ndarray, points, color, thick: float) -> None:
    """Draw a line through points given in pixels."""
    points = np.rint(np.asarray(points, float) * _SUB).astype(np.int32)
    cv2.polylines(image, [points], False, color, max(1, round(thick)), cv2.LINE_AA, _SHIFT)


def ellipse(image: np.ndarray, center, axes, color, angle=0.0, start=0.0, end=360.0) -> None:
    """Fill an ellipse, or a sector of it."""
    turns = np.radians(np.linspace(start, end, max(8, int(48 * (end - start) / 360))))
    around = np.column_stack([np.cos(turns) * axes[0], np.sin(turns) * axes[1]])
    tilt = np.radians(angle)
    spin = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    polygon(image, around @ spin + np.asarray(center), color)


def gradient(width: int, height: int, stops) -> np.ndarray:
    """A vertical wash of colour, uint8, through (share of height, RGB) stops."""
    at, colors = zip(*stops, strict=True)
    rows = np.linspace(0, 1, height)
    wash = np.column_stack([np.interp(rows, at, np.array(colors)[:, c]) for c in range(3)])
    return np.repeat(np.rint(wash).astype(np.uint8)[:, None], width, axis=1)


def glow(image: np.ndarray, center, radius: float, color, strength: float = 1.0) -> None:
    """Add light around a point."""
    height, width = image.shape[:2]
    ys, xs = np.ogrid[:height, :width]
    distance = ((xs - center[0]) ** 2 + (ys - center[1]) ** 2) / radius**2
    light = (np.exp(-distance) * strength).astype(np.float32)[..., None] * np.float32(color)
    cv2.add(image, light, dst=image, dtype=cv2.CV_8U)


def hills(image: np.ndarray, base: float, rise: float, color, shift: float, seed: int) -> None:
    """A ridge of hills across the picture, moved sideways by `shift` pixels."""
    height, width = image.shape[:2]
    rng = np.random.default_rng(seed)
    x = np.linspace(0, width, 90)
    at = (x + shift) / width
    ridge = sum(
        rise / (i + 1) * np.sin(2 * np.pi * (rng.uniform(0.4, 0.8) * (i + 1) * at + rng.random()))
        for i in range(5)
    )
    outline = np.column_stack([x, base - ridge])
    polygon(image, np.vstack([outline, [(width, height), (0, height)]]), color)


def cloud(image: np.ndarray, center, size: float, color, seed: int) -> None:
    """A heap of round puffs on a flat base."""
    rng = np.random.default_rng(seed)
    x, y = center
    for _ in range(9):
        off, big = rng.uniform(-1, 1), rng.uniform(0.25, 0.5)
        lift = (1 - off**2) * rng.uniform(0.1, 0.45)
        ellipse(image, (x + off * size, y - lift * size), (big * size, 0.75 * big * size), color)
    ellipse(image, (x, y), (1.25 * size, 0.22 * size), color)


def balloon(image, center, size, colors, tilt=0.0, shade=1.0) -> None:
    """The striped envelope of a hot-air balloon; `center` is its middle, `size` its radius."""
    down = np.linspace(-1.0, 1.22, 40)
    # Round above, drawn together to the mouth below.
    lower = np.clip((down - 0.1) / 1.12, 0, 1)
    above, below = np.sqrt(np.clip(1 - down**2, 0, 1)), 0.99 - 0.796 * lower**1.6 - 0.04 * lower
    half = np.where(down < 0.1, above, below)
    edges = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 9))  # stripes narrow towards the rim
    for i, (a, b) in enumerate(pairwise(edges)):
        light = shade * (1.04 - 0.10 * abs(i - 2.6))
        color = tuple(min(255, light * c) for c in colors[i % len(colors)])
        left, right = np.column_stack([half * a, down]), np.column_stack([half * b, down])
        polygon(image, _turned(np.vstack([left, right[::-1]]), center, size, tilt), color)


def basket(image, center, size, tilt=0.0, shade=1.0) -> None:
    """The basket that hangs under a balloon drawn with the same numbers."""
    dark = tuple(shade * c for c in (72, 50, 38))
    rope = np.array([(0.15, 1.2), (0.16, 1.52)])
    box = [(-0.2, 1.5), (0.2, 1.5), (0.17, 1.82), (-0.17, 1.82)]
    rim = [(-0.22, 1.48), (0.22, 1.48), (0.22, 1.54), (-0.22, 1.54)]
    for side in (-1, 1):
        stroke(image, _turned(rope * (side, 1), center, size, tilt), dark, 0.025 * size)
    polygon(image, _turned(box, center, size, tilt), tuple(shade * c for c in (150, 100, 58)))
    polygon(image, _turned(rim, center, size, tilt), dark)


def _turned(points, center, size, tilt) -> np.ndarray:
    spin = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    return np.asarray(points) @ spin * size + np.asarray(center)


def cat(image: np.ndarray, center, size: float, cool: float, wave: float) -> None:
    """A ginger cat looking over something, down to its paws.

    Parameters
    ----------
    size : float
        Half the width of the head, pixels.
    cool : float
        How far its sunglasses have come down, 0 to 1.
    wave : float
        Angle of the waving paw, radians.
    """
    fur, dark, cream = (232, 146, 60), (186, 98, 34), (252, 228, 190)
    x, y = center

    def at(points):
        return np.asarray(points, float) * size + (x, y)

    def oval(where, axes, color, **kw):
        ellipse(image, at(where), np.asarray(axes) * size, color, **kw)

    oval((0, 1.35), (0.85, 1.0), fur)  # body
    oval((0, 1.5), (0.5, 0.8), cream)
    for side in (-1, 1):
        ear = np.array([(0.28, -0.62), (0.86, -1.22), (0.94, -0.28)]) * (side, 1)
        polygon(image, at(ear), fur)
        polygon(image, at((ear - ear.mean(0)) * 0.55 + ear.mean(0) + (0, 0.04)), (240, 160, 150))
    oval((0, 0), (1.0, 0.84), fur)
    for off in (-0.28, 0, 0.28):  # stripes on the brow
        top = -0.8 + 0.3 * abs(off)
        stripe = [(off - 0.05, top), (off + 0.05, top), (0.8 * off, -0.42)]
        polygon(image, at(stripe), dark)
    for side in (-1, 1):
        for row in (-0.02, 0.18):
            stripe = np.array([(0.98, row), (0.95, row + 0.11), (0.66, row + 0.06)]) * (side, 1)
            polygon(image, at(stripe), dark)
        oval((0.4 * side, -0.12), (0.2, 0.24), (250, 246, 236))
        oval((0.4 * side, -0.1), (0.11, 0.2), (52, 78, 46))
        oval((0.36 * side + 0.08, -0.18), (0.05, 0.06), (255, 255, 255))
        oval((0.2 * side, 0.36), (0.27, 0.22), cream)
        for drop in (-0.05, 0.06, 0.17):
            line = np.array([(0.42, 0.36 + drop * 0.4), (1.25, 0.28 + drop * 1.6)]) * (side, 1)
            stroke(image, at(line), (255, 244, 226), 0.03 * size)
    oval((0, 0.5), (0.13, 0.1), (150, 60, 60))  # smile
    oval((0, 0.44), (0.15, 0.09), cream)
    polygon(image, at([(-0.1, 0.17), (0.1, 0.17), (0, 0.29)]), (226, 110, 110))
    if cool > 0:
        drop = np.array([0.0, -2.6 * (1 - cool) - 0.12])
        for side in (-1, 1):
            lens = np.array([(0.06, 0.02), (0.74, -0.06), (0.7, 0.22), (0.42, 0.33), (0.14, 0.22)])
            polygon(image, at(lens * (side, 1) + drop), (24, 22, 30))
            glint = np.array([(0.2, 0.05), (0.3, 0.04), (0.2, 0.2)])
            glint[:, 0] += 0.35 * (side < 0)
            polygon(image, at(glint * (side, 1) + drop), (116, 122, 150))
        bar = np.array([(-0.8, -0.06), (0.8, -0.06), (0.78, 0.03), (-0.78, 0.03)])
        polygon(image, at(bar + drop), (24, 22, 30))
    lift = np.array([np.sin(wave), -np.cos(wave)])
    elbow = np.array([0.8, 1.0])
    stroke(image, at([elbow, elbow + 0.7 * lift]), fur, 0.34 * size)
    oval(elbow + 0.75 * lift, (0.24, 0.24), fur)
    oval(elbow + 0.8 * lift, (0.11, 0.1), (240, 160, 150))


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_FONTS / f"{name}.ttf"), size)


@cache
def _lettering(text: str, size: int, font: str, spacing: float) -> np.ndarray:
    face = _font(font, size)
    widths = [face.getlength(c) + spacing * size for c in text]
    layer = Image.new("L", (int(sum(widths)) + 4, int(1.5 * size)), 0)
    draw, x = ImageDraw.Draw(layer), 2.0
    for letter, step in zip(text, widths, strict=True):
        draw.text((x, 0.1 * size), letter, 255, font=face)
        x += step
    return np.asarray(layer, np.float32) / 255


def write(
    image: np.ndarray,
    text: str,
    center: tuple[float, float],
    size: int,
    color: tuple[int, int, int],
    opacity: float = 1.0,
    font: str = "DejaVuSans-Bold",
    spacing: float = 0.0,
    shadow: float = 0.45,
) -> None:
    """Set a line of text, centred, with a soft shadow."""
    if opacity <= 0:
        return
    letters = _lettering(text, size, font, spacing)
    height, width = letters.shape
    left = round(center[0] - width / 2)
    top = round(center[1] - height / 2)
    pad = 8
    mask = cv2.copyMakeBorder(letters, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    dark = np.clip(1.6 * cv2.GaussianBlur(mask, (0, 0), 2.5), 0, 1)
    top, left = top - pad, left - pad
    rows = slice(max(top, 0), min(top + mask.shape[0], image.shape[0]))
    columns = slice(max(left, 0), min(left + mask.shape[1], image.shape[1]))
    cut = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
    area = image[rows, columns].astype(np.float32)
    area *= 1 - shadow * opacity * dark[cut][..., None]
    area += opacity * mask[cut][..., None] * (np.float32(color) - area)
    image[rows, columns] = np.clip(area, 0, 255)
