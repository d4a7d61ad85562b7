"""The stimulus: twenty seconds of a film that was never made, "Cloud Nine"."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from fer_nb.demo import pictures as draw
from fer_nb.demo.script import DURATION_S, SCENES
from fer_nb.demo.warp import smoothstep
from fer_nb.opencv import cv2

WIDTH, HEIGHT, FPS = 640, 360, 15.0
_RED = ((214, 62, 52), (250, 226, 190))
_FRIENDS = (
    ((62, 128, 190), (244, 214, 120)),
    ((96, 164, 104), (250, 236, 206)),
    ((150, 92, 168), (246, 190, 160)),
    ((240, 160, 60), (250, 240, 220)),
)
_FADE_S = 0.3


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
    image = _PAINTERS[index](time_s - SCENES[index].start_s, seed)
    since = time_s - SCENES[index].start_s
    if index and since < _FADE_S:
        earlier = SCENES[index - 1]
        last = _PAINTERS[index - 1](earlier.end_s - earlier.start_s + since, seed)
        share = float(smoothstep(since / _FADE_S))
        image = cv2.addWeighted(image, share, last, 1 - share, 0)
    draw.write(image, "synthetic demo", (WIDTH - 62, 14), 11, (255, 255, 255), 0.9,
               shadow=0.85)  # fmt: skip
    return image


def _fly(image, center, size, colors, tilt=0.0, shade=1.0) -> None:
    draw.balloon(image, center, size, colors, tilt, shade)
    draw.basket(image, center, size, tilt, shade)


@cache
def _sky(name: str) -> np.ndarray:
    stops = {
        "dawn": [(0, (44, 58, 104)), (0.35, (130, 112, 150)), (0.6, (246, 178, 140)),
                 (1, (255, 214, 160))],
        "noon": [(0, (54, 144, 206)), (0.6, (142, 206, 232)), (1, (222, 240, 240))],
        "storm": [(0, (14, 16, 26)), (0.5, (34, 40, 54)), (1, (22, 34, 44))],
        "gold": [(0, (74, 132, 196)), (0.4, (190, 196, 206)), (0.66, (255, 214, 142)),
                 (1, (255, 236, 190))],
    }[name]  # fmt: skip
    return draw.gradient(WIDTH, HEIGHT, stops)


def _calm(t: float, seed: int) -> np.ndarray:
    image = _sky("dawn").copy()
    rng = np.random.default_rng([seed, 1])
    for x, y, size in rng.random((40, 3)):  # the last stars
        draw.ellipse(image, (x * WIDTH, y * 120), (0.6 + size,) * 2, (214, 208, 226))
    sun = (440, 204 - 4.0 * t)
    draw.glow(image, sun, 130, (120, 80, 30))
    draw.ellipse(image, sun, (27, 27), (255, 238, 196))
    for base, rise, color, speed, number in (
        (206, 22, (150, 118, 146), 2, 4),
        (222, 17, (112, 92, 128), 5, 5),
        (236, 11, (74, 72, 108), 9, 6),
    ):
        draw.hills(image, base, rise, color, speed * t, number)
    lake = 240
    height = HEIGHT - lake
    mirror = image[lake - height : lake][::-1].astype(np.float32)
    ys, xs = np.mgrid[:height, :WIDTH].astype(np.float32)
    wave = (1 + ys / 22) * np.sin(ys / (1.6 + ys / 26) + 3.0 * t)
    mirror = cv2.remap(mirror, xs + wave, ys, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    image[lake:] = np.clip(mirror * np.float32((0.72, 0.76, 0.86)), 0, 255)
    rise = smoothstep(t / 6.0)
    _fly(image, (176 + 14 * t, 168 - 66 * rise), 40, _RED, 0.03 * np.sin(1.3 * t))
    shown = float(smoothstep((t - 0.8) / 0.8) * smoothstep((4.6 - t) / 0.8))
    draw.write(image, "ONE QUIET MORNING", (WIDTH / 2, 304), 22, (255, 246, 232), shown,
               "DejaVuSerif", 0.22)  # fmt: skip
    return image


def _joke(t: float, seed: int) -> np.ndarray:
    image = _sky("noon").copy()
    for i, (x, y, size, speed) in enumerate(
        ((80, 96, 40, 16), (330, 60, 30, 10), (560, 130, 48, 20), (240, 250, 60, 30))
    ):
        draw.cloud(image, ((x - speed * t) % (WIDTH + 200) - 60, y), size, (250, 252, 252), 10 + i)
    # Close to the basket; the envelope fills the sky above.
    sway = 4 * np.sin(1.6 * t)
    draw.balloon(image, (WIDTH / 2 + sway, -118), 150, _RED, 0.015 * np.sin(1.6 * t))
    up = _overshoot((t - 0.9) / 0.45)
    basket = 252 + 3 * np.sin(1.6 * t)
    if up > 0:
        cool = float(smoothstep((t - 1.75) / 0.35))
        wave = 0.35 + 0.3 * np.sin(9 * t) * (t > 1.3)
        draw.cat(image, (WIDTH / 2 + sway, basket + 118 - 168 * up), 62, cool, wave)
    left, right = WIDTH / 2 - 118 + sway, WIDTH / 2 + 118 + sway
    for x in (left + 12, right - 12):
        draw.stroke(image, [(x, basket), (x + (WIDTH / 2 - x) * 0.55, 52)], (90, 64, 46), 3)
    draw.polygon(image, [(left, basket), (right, basket), (right - 16, 372), (left + 16, 372)],
                 (158, 106, 60))  # fmt: skip
    for row in range(6):
        for column in range(13):
            x = left + 12 + column * 17.4 + 8 * (row % 2)
            draw.ellipse(image, (x, basket + 22 + 18 * row), (7, 4.5), (182, 128, 76))
    draw.polygon(image, [(left - 6, basket - 8), (right + 6, basket - 8), (right + 6, basket + 9),
                         (left - 6, basket + 9)], (110, 70, 40))  # fmt: skip
    if t > 2.1:
        grow = float(smoothstep((t - 2.1) / 0.25))
        draw.write(image, "CAPTAIN MARMALADE", (WIDTH / 2, 318), 26, (255, 246, 220), grow)
    return image


def _overshoot(x: float) -> float:
    """From 0 to 1 with a small bounce."""
    if x <= 0:
        return 0.0
    return float(1 - np.exp(-4.2 * x) * np.cos(5.2 * x))


def _storm(t: float, seed: int) -> np.ndarray:
    flash = max(_flash(t - 0.6), 0.7 * _flash(t - 2.5))
    image = cv2.convertScaleAbs(_sky("storm"), alpha=1 + 2.2 * flash)
    for i in range(7):
        x = (i * 118 + 24 * t) % (WIDTH + 160) - 80
        shade = 26 + 7 * (i % 3) + 60 * flash
        draw.cloud(image, (x, 44 + 22 * (i % 2)), 92, (shade, shade + 2, shade + 12), 40 + i)
    if flash > 0.25:
        rng = np.random.default_rng([seed, 7, t > 2])
        bolt = np.column_stack([np.cumsum(rng.normal(0, 16, 9)) + (470 if t < 2 else 150),
                                np.linspace(50, 250, 9)])  # fmt: skip
        draw.stroke(image, bolt, (226, 232, 255), 4)
        draw.stroke(image, bolt[3:6] + (np.arange(3)[:, None] * 14), (200, 210, 250), 2)
    _monster(image, smoothstep((t - 0.9) / 1.4), t)
    for row in range(4):  # the sea
        x = np.linspace(-20, WIDTH + 20, 60)
        y = (
            262
            + 26 * row
            + (9 + 2 * row) * np.sin(x / (34 + 9 * row) + t * (2.6 + 0.5 * row) + row)
        )
        color = tuple(v * (1 + 0.6 * flash) for v in (10 + 4 * row, 22 + 6 * row, 30 + 8 * row))
        edge = np.vstack([np.column_stack([x, y]), [(WIDTH + 20, 400), (-20, 400)]])
        draw.polygon(image, edge, color)
    toss = np.array([150 + 14 * np.sin(3.1 * t), 128 + 9 * np.sin(4.3 * t + 1)])
    _fly(image, toss, 36, _RED, 0.35 * np.sin(2.7 * t), 0.42 + 0.5 * flash)
    rng = np.random.default_rng([seed, 8, int(t * FPS)])
    rain = image.copy()
    for x, y, length in rng.random((110, 3)):
        start = np.array([x * (WIDTH + 120) - 60, y * HEIGHT])
        fall = np.array([-9 - 7 * length, 22 + 16 * length])
        draw.stroke(rain, [start, start + fall], (150, 166, 190), 1)
    image = cv2.addWeighted(rain, 0.5, image, 0.5, 0)
    shown = float(smoothstep((t - 2.9) / 0.4))
    draw.write(image, "NOBODY WARNED THE CAT", (WIDTH / 2, 326), 23, (230, 60, 54), shown,
               "DejaVuSerif-Bold", 0.12)  # fmt: skip
    return image


def _flash(since: float) -> float:
    return float(np.exp(-since / 0.16)) if since >= 0 else 0.0


def _monster(image: np.ndarray, up: float, t: float) -> None:
    """Something rises from the sea."""
    if up <= 0:
        return
    x, y = 420 + 4 * np.sin(1.9 * t), 350 - 190 * up
    body, rim = (6, 9, 14), (46, 62, 74)
    for side in (-1, 1):  # arms
        steps = np.linspace(0, 1, 14)
        arm = np.column_stack([
            x + side * (70 + 105 * steps + 16 * np.sin(5 * steps + 2.4 * t)),
            y + 150 - 190 * up * steps**0.8 + 22 * np.sin(7 * steps + 1.7 * t + side),
        ])  # fmt: skip
        for a, b, s in zip(arm, arm[1:], steps, strict=False):
            draw.stroke(image, [a, b], body, 26 * (1 - s) + 5)
    draw.ellipse(image, (x, y + 8), (96, 112), rim)
    draw.ellipse(image, (x + 4, y + 14), (95, 112), body)
    draw.polygon(image, [(x - 95, y + 10), (x + 96, y + 10), (x + 120, 380), (x - 120, 380)], body)
    blink = 0.15 + 0.85 * min(1.0, abs(np.sin(1.4 * t + 0.4)) * 4)
    for side in (-1, 1):
        eye = (x + 36 * side, y - 8)
        draw.glow(image, eye, 34, (190, 22, 10), 0.9 * up)
        draw.ellipse(image, eye, (16, 11 * blink), (255, 96, 40), angle=-14 * side)
        draw.ellipse(image, eye, (4, 10 * blink), (40, 0, 0))
    if up > 0.6:
        jaw = (up - 0.6) * 2.5
        draw.ellipse(image, (x, y + 52), (44, 22 * jaw), (66, 6, 8))
        for i in range(7):
            left, top, tip = x - 41 + 12 * i, y + 36, y + 36 + 15 * jaw
            tooth = [(left, top), (left + 10, top), (left + 5, tip)]
            draw.polygon(image, tooth, (214, 208, 190))


def _ending(t: float, seed: int) -> np.ndarray:
    image = _sky("gold").copy()
    sun = (WIDTH / 2, 238)
    draw.glow(image, sun, 210, (110, 76, 20))
    rays = image.copy()
    for i in range(14):
        turn = 2 * np.pi * i / 14 + 0.06 * t
        far = [
            (sun[0] + 700 * np.cos(turn + w), sun[1] + 700 * np.sin(turn + w))
            for w in (-0.09, 0.09)
        ]
        draw.polygon(rays, [sun, *far], (255, 246, 206))
    image = cv2.addWeighted(rays, 0.28, image, 0.72, 0)
    arch = image.copy()
    for i, color in enumerate(((232, 86, 80), (244, 164, 84), (250, 226, 120), (130, 196, 130),
                               (100, 160, 214), (140, 110, 190))):  # fmt: skip
        angles = np.linspace(np.pi, 2 * np.pi, 60)
        ring = np.column_stack([np.cos(angles), np.sin(angles)]) * (262 - 8 * i) + (WIDTH / 2, 300)
        draw.stroke(arch, ring, color, 9)
    image = cv2.addWeighted(arch, 0.45, image, 0.55, 0)
    draw.ellipse(image, sun, (34, 34), (255, 248, 214))
    draw.hills(image, 268, 14, (124, 158, 112), 4 * t, 5)
    draw.hills(image, 290, 12, (92, 138, 92), 8 * t, 6)
    rise = smoothstep((t + 0.3) / 1.6)
    for i, (x, y, size) in enumerate(((92, 150, 30), (196, 96, 22), (470, 92, 25), (560, 156, 34))):
        bob = 5 * np.sin(1.4 * t + i)
        _fly(image, (x + 3 * t, y + bob + 160 * (1 - rise)), size, _FRIENDS[i])
    center = np.array([WIDTH / 2, 124 + 4 * np.sin(1.5 * t) + 120 * (1 - rise)])
    draw.balloon(image, center, 62, _RED)
    draw.cat(image, center + np.array([0, 80]), 11, 1.0, 0.3 + 0.5 * np.sin(8 * t))
    draw.basket(image, center, 62)
    _confetti(image, t, seed)
    card = float(smoothstep((t - 2.6) / 0.7))
    if card > 0:
        image = _logo(image, card)
    return image


def _confetti(image: np.ndarray, t: float, seed: int) -> None:
    rng = np.random.default_rng([seed, 9])
    palette = ((230, 70, 70), (250, 200, 70), (80, 160, 220), (120, 190, 110), (190, 110, 190))
    for i, (x, y, fall, spin) in enumerate(rng.random((90, 4))):
        if t < 0.5:
            return
        drop = (y * 1.5 - 1.1) * HEIGHT + (60 + 60 * fall) * (t - 0.5) * 2
        center = np.array([x * WIDTH + 12 * np.sin(2 * t + 6 * spin), drop])
        turn = 4 * t * (0.5 + spin) + i
        side = np.array([np.cos(turn), np.sin(turn)]) * 4.5
        flat = np.array([-np.sin(turn), np.cos(turn)]) * 2.5 * np.cos(3 * t + i)
        corners = [
            center + side + flat,
            center + side - flat,
            center - side - flat,
            center - side + flat,
        ]
        draw.polygon(image, corners, palette[i % len(palette)])


def _logo(image: np.ndarray, card: float) -> np.ndarray:
    ground = draw.gradient(WIDTH, HEIGHT, [(0, (34, 70, 120)), (1, (84, 140, 178))])
    for i, (x, y, size) in enumerate(
        ((70, 330, 70), (230, 352, 80), (420, 350, 84), (590, 330, 74))
    ):
        draw.cloud(ground, (x, y), size, (240, 244, 246), 70 + i)
    _fly(ground, (WIDTH / 2, 78), 42, _RED)
    draw.write(ground, "CLOUD NINE", (WIDTH / 2, 202), 60, (255, 250, 236), 1.0,
               "DejaVuSans-Bold", 0.06)  # fmt: skip
    draw.write(ground, "a film that was never made", (WIDTH / 2, 254), 18, (255, 236, 190), 1.0,
               "DejaVuSerif-Italic", 0.05)  # fmt: skip
    return cv2.addWeighted(ground, card, image, 1 - card, 0)


_PAINTERS = (_calm, _joke, _storm, _ending)
