"""The stimulus: twenty seconds of a film that was never made, "Cloud Nine"."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fer_nb.demo.drawing.warp import smoothstep
from fer_nb.demo.script import DURATION_S, SCENES
from fer_nb.opencv import cv2

WIDTH, HEIGHT, FPS = 640, 360, 15.0
MIDDLE = WIDTH / 2
_RED = ((214, 62, 52), (250, 226, 190))
_FRIENDS = (
    ((62, 128, 190), (244, 214, 120)),
    ((96, 164, 104), (250, 236, 206)),
    ((150, 92, 168), (246, 190, 160)),
    ((240, 160, 60), (250, 240, 220)),
)
_FADE_S = 0.3
_FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def times() -> np.ndarray:
    """Times of the frames in seconds."""
    return np.arange(int(DURATION_S * FPS)) / FPS


def frames(seed: int = 0) -> Iterator[tuple[float, np.ndarray]]:
    """Yield time in seconds and picture (uint8 RGB, 360 by 640) of the whole trailer."""
    for time_s in times():
        yield float(time_s), frame(float(time_s), seed)


def frame(time_s: float, seed: int = 0) -> np.ndarray:
    """Draw the picture at a time of the trailer, uint8 RGB (360, 640, 3)."""
    index = max(i for i, scene in enumerate(SCENES) if time_s >= scene.start_s - 1e-9)
    since = time_s - SCENES[index].start_s
    image = _PAINTERS[index](since, seed)
    if index and since < _FADE_S:
        earlier = SCENES[index - 1]
        last = _PAINTERS[index - 1](earlier.end_s - earlier.start_s + since, seed)
        share = float(smoothstep(since / _FADE_S))
        image = cv2.addWeighted(image, share, last, 1 - share, 0)
    return _write(image, "synthetic demo", (WIDTH - 62, 14), 11, (255, 255, 255))


# Brushes ----------------------------------------------------------------------------------------


def _polygon(image, points, color) -> None:
    points = np.rint(np.asarray(points, float) * 16).astype(np.int32)
    cv2.fillPoly(image, [points], color, cv2.LINE_AA, 4)


def _stroke(image, points, color, thick: float) -> None:
    points = np.rint(np.asarray(points, float) * 16).astype(np.int32)
    cv2.polylines(image, [points], False, color, max(1, round(thick)), cv2.LINE_AA, 4)


def _ellipse(image, center, axes, color) -> None:
    turns = np.linspace(0, 2 * np.pi, 48)
    _polygon(image, np.column_stack([np.cos(turns), np.sin(turns)]) * axes + center, color)


def _sky(*stops) -> np.ndarray:
    """A vertical wash of colour through (share of height, RGB) stops."""
    at, colors = zip(*stops, strict=True)
    rows = np.linspace(0, 1, HEIGHT)
    wash = np.column_stack([np.interp(rows, at, np.array(colors)[:, c]) for c in range(3)])
    return np.repeat(wash.astype(np.uint8)[:, None], WIDTH, axis=1)


def _glow(image, center, radius: float, color) -> None:
    ys, xs = np.ogrid[:HEIGHT, :WIDTH]
    light = np.exp(-((xs - center[0]) ** 2 + (ys - center[1]) ** 2) / radius**2)[..., None]
    cv2.add(image, np.float32(light * color), dst=image, dtype=cv2.CV_8U)


def _waves(image, base: float, rise: float, length: float, color, phase: float) -> None:
    """Fill the picture below a wavy line: hills, or the sea."""
    x = np.linspace(-20, WIDTH + 20, 90)
    y = base - rise * (np.sin(x / length + phase) + 0.5 * np.sin(2.3 * x / length + 1.7 * phase))
    edge = np.column_stack([x, y])
    _polygon(image, [*edge, (WIDTH + 20, HEIGHT + 40), (-20, HEIGHT + 40)], color)


def _cloud(image, center, size: float, color, seed: int) -> None:
    rng, (x, y) = np.random.default_rng(seed), center
    for off, big, lift in rng.uniform((-1, 0.25, 0.1), (1, 0.5, 0.45), (9, 3)) * size:
        spot = (x + off, y - lift * (1 - (off / size) ** 2))
        _ellipse(image, spot, (big, 0.75 * big), color)
    _ellipse(image, (x, y), (1.25 * size, 0.22 * size), color)


def _balloon(image, center, size, colors=_RED, tilt=0.0, shade=1.0, basket=True) -> None:
    """A striped hot-air balloon with its basket; `size` is the radius of the envelope."""
    cos, sin = np.cos(tilt), np.sin(tilt)

    def at(points):
        return np.asarray(points) @ [[cos, sin], [-sin, cos]] * size + center

    down = np.linspace(-1.0, 1.22, 40)
    lower = np.clip((down - 0.1) / 1.12, 0, 1)  # round above, drawn together to the mouth below
    above, below = np.sqrt(np.clip(1 - down**2, 0, 1)), 0.99 - 0.796 * lower**1.6 - 0.04 * lower
    half = np.where(down < 0.1, above, below)
    edges = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 9))  # stripes narrow towards the rim
    for i, (a, b) in enumerate(pairwise(edges)):
        light = shade * (1.04 - 0.10 * abs(i - 2.6))
        left, right = np.column_stack([half * a, down]), np.column_stack([half * b, down])
        color = np.clip(np.multiply(colors[i % 2], light), 0, 255).tolist()
        _polygon(image, at([*left, *right[::-1]]), color)
    if not basket:
        return
    dark, wicker = (tuple(shade * c for c in tone) for tone in ((72, 50, 38), (150, 100, 58)))
    for side in (-1, 1):
        _stroke(image, at([(0.15 * side, 1.2), (0.16 * side, 1.52)]), dark, 0.025 * size)
    _polygon(image, at([(-0.2, 1.5), (0.2, 1.5), (0.17, 1.82), (-0.17, 1.82)]), wicker)
    _polygon(image, at([(-0.22, 1.48), (0.22, 1.48), (0.22, 1.54), (-0.22, 1.54)]), dark)


def _cat(image, center, size: float, cool: float, wave: float) -> None:
    """A ginger cat; `cool` is how far its sunglasses are down, `wave` turns its paw (radians)."""
    fur, dark, cream, pink = (232, 146, 60), (186, 98, 34), (252, 228, 190), (240, 160, 150)

    def at(points):
        return np.asarray(points, float) * size + center

    def oval(x, y, wide, high, color):
        _ellipse(image, at((x, y)), (wide * size, high * size), color)

    oval(0, 1.35, 0.85, 1.0, fur)
    oval(0, 1.5, 0.5, 0.8, cream)
    for side in (-1, 1):
        ear = np.array([(0.28, -0.62), (0.86, -1.22), (0.94, -0.28)]) * (side, 1)
        _polygon(image, at(ear), fur)
        _polygon(image, at(0.55 * ear + 0.45 * ear.mean(0)), pink)
    oval(0, 0, 1.0, 0.84, fur)
    for off in (-0.28, 0, 0.28):
        _polygon(image, at([(off - 0.05, -0.76), (off + 0.05, -0.76), (0.8 * off, -0.42)]), dark)
    for side in (-1, 1):
        oval(0.4 * side, -0.12, 0.2, 0.24, (250, 246, 236))
        oval(0.4 * side, -0.1, 0.11, 0.2, (52, 78, 46))
        oval(0.2 * side, 0.36, 0.27, 0.22, cream)
        for drop in (-0.05, 0.06, 0.17):
            line = [(0.42 * side, 0.36 + 0.4 * drop), (1.25 * side, 0.28 + 1.6 * drop)]
            _stroke(image, at(line), (255, 244, 226), 0.03 * size)
    oval(0, 0.5, 0.13, 0.1, (150, 60, 60))
    _polygon(image, at([(-0.1, 0.17), (0.1, 0.17), (0, 0.29)]), (226, 110, 110))
    if cool > 0:
        drop = (0.0, -2.6 * (1 - cool) - 0.12)
        lens = np.array([(0, -0.06), (0.8, -0.06), (0.7, 0.22), (0.42, 0.33), (0.14, 0.22)])
        for side in (-1, 1):
            _polygon(image, at(lens * (side, 1) + drop), (24, 22, 30))
    elbow, lift = np.array([0.8, 1.0]), np.array([np.sin(wave), -np.cos(wave)])
    _stroke(image, at([elbow, elbow + 0.7 * lift]), fur, 0.34 * size)
    oval(*(elbow + 0.75 * lift), 0.24, 0.24, fur)
    oval(*(elbow + 0.8 * lift), 0.11, 0.1, pink)


@cache
def _letters(text: str, size: int, font: str) -> Image.Image:
    face = ImageFont.truetype(str(_FONTS / f"{font}.ttf"), size)
    layer = Image.new("L", (WIDTH, 2 * size), 0)
    ImageDraw.Draw(layer).text((MIDDLE, size), text, 255, face, anchor="mm")
    return np.asarray(layer, np.float32)[..., None] / 255


def _write(image, text, center, size, color, opacity=1.0, font="DejaVuSans-Bold") -> np.ndarray:
    """Set a line of text, centred, on a soft shadow."""
    letters = _letters(text, size, font) * opacity
    mask = np.zeros((HEIGHT, WIDTH, 1), np.float32)
    mask[round(center[1]) - size : round(center[1]) + size] = letters
    mask = np.roll(mask, round(center[0] - MIDDLE), axis=1)
    shadow = np.clip(1.8 * cv2.GaussianBlur(mask, (0, 0), 2.5), 0, 0.8)[..., None]
    return np.uint8(image * (1 - shadow) * (1 - mask) + mask * np.float32(color))


# Scenes -----------------------------------------------------------------------------------------


def _calm(t: float, seed: int) -> np.ndarray:
    image = _sky((0, (44, 58, 104)), (0.35, (130, 112, 150)), (0.6, (246, 178, 140)),
                 (1, (255, 214, 160)))  # fmt: skip
    for x, y, size in np.random.default_rng([seed, 1]).random((40, 3)):  # the last stars
        _ellipse(image, (x * WIDTH, y * 120), (0.6 + size,) * 2, (214, 208, 226))
    sun = (440, 204 - 4.0 * t)
    _glow(image, sun, 130, (120, 80, 30))
    _ellipse(image, sun, (27, 27), (255, 238, 196))
    _waves(image, 206, 22, 90, (150, 118, 146), 0.02 * t)
    _waves(image, 222, 15, 70, (112, 92, 128), 2 + 0.05 * t)
    lake = 240
    ys, xs = np.mgrid[: HEIGHT - lake, :WIDTH].astype(np.float32)
    wave = (1 + ys / 22) * np.sin(ys / (1.6 + ys / 26) + 3.0 * t)
    at = (xs + wave).clip(0, WIDTH - 1), (lake - 1 - ys)
    mirror = cv2.remap(image, *at, None, cv2.INTER_LINEAR)
    image[lake:] = mirror * np.float32((0.72, 0.76, 0.86))
    up = 66 * smoothstep(t / 6.0)
    _balloon(image, (176 + 14 * t, 168 - up), 40, tilt=0.03 * np.sin(1.3 * t))
    shown = float(smoothstep((t - 0.8) / 0.8) * smoothstep((4.6 - t) / 0.8))
    return _write(image, "ONE QUIET MORNING", (MIDDLE, 304), 24, (255, 246, 232), shown,
                  "DejaVuSerif")  # fmt: skip


def _joke(t: float, seed: int) -> np.ndarray:
    image = _sky((0, (54, 144, 206)), (0.6, (142, 206, 232)), (1, (222, 240, 240)))
    for i, (x, y, size) in enumerate(((80, 96, 40), (330, 60, 30), (560, 130, 48), (240, 250, 60))):
        x = (x - 0.45 * size * t) % (WIDTH + 200) - 60
        _cloud(image, (x, y), size, (250, 252, 252), 10 + i)
    # Close to the basket; the envelope fills the sky above.
    middle, rim = MIDDLE + 4 * np.sin(1.6 * t), 252 + 3 * np.sin(1.6 * t)
    _balloon(image, (middle, -118), 150, basket=False)
    if t > 0.9:  # up it comes, with a small bounce
        since = (t - 0.9) / 0.45
        up = 1 - np.exp(-4.2 * since) * np.cos(5.2 * since)
        cool = float(smoothstep((t - 1.75) / 0.35))
        wave = 0.35 + 0.3 * np.sin(9 * t) * (t > 1.3)
        _cat(image, (middle, rim + 118 - 168 * up), 62, cool, wave)
    for side in (-1, 1):
        _stroke(image, [(middle + 106 * side, rim), (middle + 48 * side, 52)], (90, 64, 46), 3)
    wall = np.array([(-118, 0), (118, 0), (102, 120), (-102, 120)])
    _polygon(image, wall + (middle, rim), (158, 106, 60))
    for row in range(6):
        for column in range(12):
            spot = (middle - 95 + 16 * column + 8 * (row % 2), rim + 22 + 18 * row)
            _ellipse(image, spot, (7, 4.5), (182, 128, 76))
    _polygon(image, np.array([(-124, -8), (124, -8), (124, 9), (-124, 9)]) + (middle, rim),
             (110, 70, 40))  # fmt: skip
    shown = float(smoothstep((t - 2.1) / 0.25))
    return _write(image, "CAPTAIN MARMALADE", (MIDDLE, 318), 26, (255, 246, 220), shown)


def _storm(t: float, seed: int) -> np.ndarray:
    flash = max(a * np.exp(-(t - s) / 0.16) * (t >= s) for s, a in ((0.6, 1), (2.5, 0.7)))
    image = _sky((0, (14, 16, 26)), (0.5, (34, 40, 54)), (1, (22, 34, 44)))
    image = cv2.convertScaleAbs(image, alpha=1 + 2.2 * flash)
    for i in range(7):
        x, shade = (i * 118 + 24 * t) % (WIDTH + 160) - 80, 26 + 7 * (i % 3) + 60 * flash
        _cloud(image, (x, 44 + 22 * (i % 2)), 92, (shade, shade + 2, shade + 12), 40 + i)
    if flash > 0.25:
        steps = np.random.default_rng([seed, 7, t > 2]).normal(0, 16, 9)
        bolt = np.column_stack(
            [np.cumsum(steps) + (470 if t < 2 else 150), np.linspace(50, 250, 9)]
        )
        _stroke(image, bolt, (226, 232, 255), 4)
    _monster(image, smoothstep((t - 0.9) / 1.4), t)
    for row in range(4):  # the sea
        color = tuple(v * (1 + 0.6 * flash) for v in (10 + 4 * row, 22 + 6 * row, 30 + 8 * row))
        phase = t * (2.6 + 0.5 * row) + row
        _waves(image, 262 + 26 * row, 7 + 1.5 * row, 34 + 9 * row, color, phase)
    toss = (150 + 14 * np.sin(3.1 * t), 128 + 9 * np.sin(4.3 * t + 1))
    _balloon(image, toss, 36, tilt=0.35 * np.sin(2.7 * t), shade=0.42 + 0.5 * flash)
    rain = image.copy()
    for x, y, long in np.random.default_rng([seed, 8, int(t * FPS)]).random((110, 3)):
        start = np.array([x * (WIDTH + 120) - 60, y * HEIGHT])
        _stroke(rain, [start, start + (-9 - 7 * long, 22 + 16 * long)], (150, 166, 190), 1)
    image = cv2.addWeighted(rain, 0.5, image, 0.5, 0)
    shown = float(smoothstep((t - 2.9) / 0.4))
    return _write(image, "NOBODY WARNED THE CAT", (MIDDLE, 326), 25, (230, 60, 54), shown,
                  "DejaVuSerif-Bold")  # fmt: skip


def _monster(image, up: float, t: float) -> None:
    """Something rises from the sea."""
    if up <= 0:
        return
    x, y = 420 + 4 * np.sin(1.9 * t), 350 - 190 * up
    body, rim, steps = (6, 9, 14), (46, 62, 74), np.linspace(0, 1, 14)
    for side in (-1, 1):  # arms
        reach = x + side * (70 + 105 * steps + 16 * np.sin(5 * steps + 2.4 * t))
        rise = y + 150 - 190 * up * steps**0.8 + 22 * np.sin(7 * steps + 1.7 * t + side)
        for line, s in zip(pairwise(zip(reach, rise, strict=True)), steps, strict=False):
            _stroke(image, line, body, 26 * (1 - s) + 5)
    _ellipse(image, (x, y + 8), (96, 112), rim)
    _ellipse(image, (x + 4, y + 14), (95, 112), body)
    _polygon(image, [(x - 95, y + 10), (x + 96, y + 10), (x + 120, 380), (x - 120, 380)], body)
    blink = 0.15 + 0.85 * min(1.0, abs(np.sin(1.4 * t + 0.4)) * 4)
    for side in (-1, 1):
        eye = (x + 36 * side, y - 8)
        _glow(image, eye, 34, (170 * up, 20 * up, 9 * up))
        _ellipse(image, eye, (16, 11 * blink), (255, 96, 40))
        _ellipse(image, eye, (4, 10 * blink), (40, 0, 0))
    jaw = max(0.0, up - 0.6) * 2.5
    _ellipse(image, (x, y + 52), (44, 22 * jaw), (66, 6, 8))
    for left in x - 41 + 12 * np.arange(7):
        tooth = [(left, y + 36), (left + 10, y + 36), (left + 5, y + 36 + 15 * jaw)]
        _polygon(image, tooth, (214, 208, 190) if jaw else body)


def _ending(t: float, seed: int) -> np.ndarray:
    image = _sky((0, (74, 132, 196)), (0.4, (190, 196, 206)), (0.66, (255, 214, 142)),
                 (1, (255, 236, 190)))  # fmt: skip
    sun = np.array([MIDDLE, 238])
    _glow(image, sun, 210, (110, 76, 20))
    over = image.copy()
    for turn in 2 * np.pi * np.arange(14) / 14 + 0.06 * t:  # rays
        sides = turn + np.array([-0.09, 0.09])
        far = 700 * np.column_stack([np.cos(sides), np.sin(sides)])
        _polygon(over, [sun, *(sun + far)], (255, 246, 206))
    turns = np.linspace(np.pi, 2 * np.pi, 60)
    for i, color in enumerate(((232, 86, 80), (244, 164, 84), (250, 226, 120), (130, 196, 130),
                               (100, 160, 214), (140, 110, 190))):  # fmt: skip
        ring = np.column_stack([np.cos(turns), np.sin(turns)]) * (262 - 8 * i) + (MIDDLE, 300)
        _stroke(over, ring, color, 9)
    image = cv2.addWeighted(over, 0.4, image, 0.6, 0)
    _ellipse(image, sun, (34, 34), (255, 248, 214))
    _waves(image, 268, 10, 110, (124, 158, 112), 1 + 0.04 * t)
    _waves(image, 290, 8, 80, (92, 138, 92), 0.08 * t)
    rise = smoothstep((t + 0.3) / 1.6)
    for i, (x, y, size) in enumerate(((92, 150, 30), (196, 96, 22), (470, 92, 25), (560, 156, 34))):
        spot = (x + 3 * t, y + 5 * np.sin(1.4 * t + i) + 160 * (1 - rise))
        _balloon(image, spot, size, _FRIENDS[i])
    center = np.array([MIDDLE, 124 + 4 * np.sin(1.5 * t) + 120 * (1 - rise)])
    _cat(image, center + (0, 80), 11, 1.0, 0.3 + 0.5 * np.sin(8 * t))
    _balloon(image, center, 62)
    rng, since = np.random.default_rng([seed, 9]), max(0.0, t - 0.5)
    palette = ((230, 70, 70), (250, 200, 70), (80, 160, 220), (120, 190, 110), (190, 110, 190))
    for i, (x, y, fall, spin) in enumerate(rng.random((90, 4))):  # confetti
        drop = (y * 1.5 - 1.1) * HEIGHT + 120 * (1 + fall) * since
        turn = 4 * t * (0.5 + spin) + i
        a, b = np.array([np.cos(turn), np.sin(turn)]) * 4.5, np.array([2, 2]) * np.cos(3 * t + i)
        corners = np.array([a + b, a - b, -a - b, -a + b])
        _polygon(image, corners + (x * WIDTH + 12 * np.sin(2 * t + 6 * spin), drop), palette[i % 5])
    share = float(smoothstep((t - 2.6) / 0.7))
    if share == 0:
        return image
    card = _sky((0, (34, 70, 120)), (1, (84, 140, 178)))
    for i, (x, y, size) in enumerate(
        ((70, 330, 70), (230, 352, 80), (420, 350, 84), (590, 330, 74))
    ):
        _cloud(card, (x, y), size, (240, 244, 246), 70 + i)
    _balloon(card, (MIDDLE, 78), 42)
    card = _write(card, "CLOUD NINE", (MIDDLE, 202), 62, (255, 250, 236))
    card = _write(card, "a film that was never made", (MIDDLE, 254), 19, (255, 236, 190), 1.0,
                  "DejaVuSerif-Italic")  # fmt: skip
    return cv2.addWeighted(card, share, image, 1 - share, 0)


_PAINTERS = (_calm, _joke, _storm, _ending)
