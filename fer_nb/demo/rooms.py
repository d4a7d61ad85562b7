"""Rooms to sit in: soft, out-of-focus backdrops behind the viewers."""

from __future__ import annotations

import numpy as np
from skimage import data as skimage_data

from fer_nb.opencv import cv2


def draw_room(name: str, width: int, height: int, seed: int = 0) -> np.ndarray:
    """Draw a backdrop, float32 RGB (height, width, 3), 0 to 255.

    Parameters
    ----------
    name : {"living room", "brick wall", "bookshelf", "evening window", "curtain", "kitchen"}
        Which one.
    """
    rng = np.random.default_rng([seed, len(name)])
    room = _ROOMS[name](width, height, rng).astype(np.float32)
    return np.clip(room, 0, 255)


def _wash(width, height, top, bottom) -> np.ndarray:
    share = np.linspace(0, 1, height)[:, None, None]
    wall = np.array(top) * (1 - share) + np.array(bottom) * share
    return np.repeat(wall, width, axis=1).astype(np.float32)


def _box(room, left, top, right, bottom, color):
    height, width = room.shape[:2]
    at = [
        round(v * s) for v, s in zip((left, top, right, bottom), (width, height) * 2, strict=True)
    ]
    cv2.rectangle(room, at[:2], at[2:], color, -1, cv2.LINE_AA)


def _disc(room, x, y, radius, color):
    height, width = room.shape[:2]
    at = (round(x * width * 16), round(y * height * 16))
    cv2.circle(room, at, round(radius * height * 16), color, -1, cv2.LINE_AA, 4)


def _glow(room, x, y, radius, color):
    height, width = room.shape[:2]
    ys, xs = np.mgrid[:height, :width]
    distance = np.hypot(xs - x * width, ys - y * height) / (radius * height)
    room += np.exp(-(distance**2))[..., None] * np.array(color, np.float32)


def _soft(room, blur):
    return cv2.GaussianBlur(room, (0, 0), blur)


def _living_room(width, height, rng):
    room = _wash(width, height, (196, 186, 170), (160, 146, 128))
    _box(room, 0.66, 0.12, 0.9, 0.46, (96, 84, 74))
    _box(room, 0.68, 0.15, 0.88, 0.43, (188, 200, 196))
    _disc(room, 0.76, 0.33, 0.07, (214, 160, 98))
    _box(room, 0.0, 0.72, 1.0, 1.0, (120, 104, 92))
    for _ in range(26):  # a plant
        x, y = rng.normal(0.1, 0.045), rng.normal(0.52, 0.1)
        _disc(room, x, y, rng.uniform(0.02, 0.05), (60, rng.uniform(85, 125), 58))
    _box(room, 0.06, 0.68, 0.14, 0.82, (176, 110, 80))
    room = _soft(room, 5)
    _glow(room, 0.33, 0.1, 0.5, (40, 28, 8))
    return room


def _brick_wall(width, height, rng):
    brick = np.rot90(skimage_data.brick()).astype(np.float32)
    brick = cv2.resize(brick, (width, width), interpolation=cv2.INTER_AREA)[-height:]
    wall = (brick / brick.mean())[..., None] * np.array([158, 108, 88])
    wall = wall.astype(np.float32)
    _box(wall, 0.04, 0.08, 0.24, 0.5, (40, 36, 34))
    _box(wall, 0.055, 0.1, 0.225, 0.48, (222, 214, 196))
    _disc(wall, 0.14, 0.25, 0.08, (70, 110, 150))
    _disc(wall, 0.17, 0.33, 0.05, (220, 120, 90))
    wall = _soft(wall, 2.6)
    _glow(wall, 0.9, 0.15, 0.6, (44, 34, 16))
    return wall


def _bookshelf(width, height, rng):
    room = _wash(width, height, (92, 70, 54), (72, 54, 42))
    spines = [(156, 60, 52), (46, 82, 110), (200, 176, 130), (70, 100, 78), (176, 132, 66),
              (90, 66, 92), (220, 214, 200), (48, 48, 56)]  # fmt: skip
    for shelf in range(4):
        floor = 0.24 + 0.27 * shelf
        x = -0.01
        while x < 1:
            wide, tall = rng.uniform(0.016, 0.042), rng.uniform(0.15, 0.215)
            if rng.random() < 0.9:
                shade = rng.uniform(0.75, 1.05)
                color = tuple(shade * c for c in spines[rng.integers(len(spines))])
                _box(room, x, floor - tall, x + wide - 0.003, floor, color)
            x += wide
        _box(room, 0, floor, 1, floor + 0.025, (118, 88, 62))
    room = _soft(room, 4.5)
    room += 0.25 * (room.mean(axis=(0, 1)) - room)
    _glow(room, 0.15, 0.2, 0.7, (34, 26, 14))
    return room


def _evening_window(width, height, rng):
    room = _wash(width, height, (34, 44, 78), (92, 72, 88))
    for _ in range(46):  # the lights of a town, out of focus
        x, y = rng.random(), rng.uniform(0.35, 0.95)
        warm = rng.random()
        color = (255, 190 - 60 * warm, 120 - 60 * warm) if rng.random() < 0.75 else (130, 180, 235)
        spot = np.zeros_like(room)
        _disc(spot, x, y, rng.uniform(0.012, 0.035), color)
        room += spot * rng.uniform(0.25, 0.7)
    room = _soft(room, 1.6)
    for x in (0.0, 0.5, 0.985):
        _box(room, x, 0, x + 0.022, 1, (196, 190, 184))
    _box(room, 0, 0.3, 1, 0.325, (196, 190, 184))
    return _soft(room, 2.2)


def _curtain(width, height, rng):
    x = np.linspace(0, 1, width)
    folds = sum(
        rng.uniform(0.3, 1.0) * np.sin(2 * np.pi * (f * x + rng.random())) for f in (7, 11, 17, 23)
    )
    shade = 1 + 0.10 * folds / 2
    fade = np.linspace(1.06, 0.82, height)
    cloth = fade[:, None, None] * shade[None, :, None] * np.array([128, 150, 150])
    cloth = cloth.astype(np.float32)
    _glow(cloth, 0.85, 0.3, 0.7, (30, 32, 34))
    return _soft(cloth, 2)


def _kitchen(width, height, rng):
    room = _wash(width, height, (176, 184, 178), (150, 158, 152))
    for row in range(6):
        for column in range(13):
            left = (column + 0.5 * (row % 2)) / 12 - 0.04
            shade = rng.uniform(0.94, 1.04)
            color = tuple(shade * c for c in (198, 208, 202))
            _box(room, left, 0.12 * row + 0.01, left + 0.078, 0.12 * row + 0.112, color)
    _box(room, 0.0, 0.66, 1.0, 1.0, (128, 96, 70))
    for x, color in ((0.08, (176, 70, 60)), (0.17, (230, 196, 96)), (0.86, (70, 110, 120))):
        _box(room, x, 0.5, x + 0.06, 0.67, color)
    return _soft(room, 3.5)


_ROOMS = {
    "living room": _living_room,
    "brick wall": _brick_wall,
    "bookshelf": _bookshelf,
    "evening window": _evening_window,
    "curtain": _curtain,
    "kitchen": _kitchen,
}
