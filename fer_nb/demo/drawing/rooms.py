"""Rooms to sit in: soft, out-of-focus backdrops behind the viewers."""

from __future__ import annotations

import numpy as np

from fer_nb.opencv import cv2

# A wall's colour above and below, how far it is out of focus, and boxes (left, top, right,
# bottom in shares of the frame, colour) or discs (x, y, radius, colour) in front of it.
_ROOMS = {
    "living room": ((196, 186, 170), (160, 146, 128), 5, [
        (0.66, 0.12, 0.9, 0.46, (96, 84, 74)), (0.68, 0.15, 0.88, 0.43, (188, 200, 196)),
        (0.76, 0.33, 0.07, (214, 160, 98)), (0, 0.72, 1, 1, (120, 104, 92)),
        (0.07, 0.5, 0.05, (60, 104, 58)), (0.13, 0.46, 0.06, (66, 118, 58)),
        (0.1, 0.58, 0.06, (58, 92, 56)), (0.06, 0.68, 0.14, 0.82, (176, 110, 80)),
    ]),
    "brick wall": ((158, 108, 88), (140, 92, 74), 2.6, [
        (0.04, 0.08, 0.24, 0.5, (40, 36, 34)), (0.055, 0.1, 0.225, 0.48, (222, 214, 196)),
        (0.14, 0.25, 0.08, (70, 110, 150)), (0.17, 0.33, 0.05, (220, 120, 90)),
    ]),
    "bookshelf": ((112, 88, 70), (92, 72, 58), 4.5, []),
    "evening window": ((34, 44, 78), (92, 72, 88), 2.2, [
        *((x, 0, x + 0.022, 1, (196, 190, 184)) for x in (0, 0.5, 0.985)),
        (0, 0.3, 1, 0.325, (196, 190, 184)),
    ]),
    "curtain": ((136, 159, 159), (106, 124, 124), 2, []),
    "kitchen": ((186, 196, 190), (160, 168, 162), 3.5, [
        (0, 0.66, 1, 1, (128, 96, 70)), (0.08, 0.5, 0.14, 0.67, (176, 70, 60)),
        (0.17, 0.5, 0.23, 0.67, (230, 196, 96)), (0.86, 0.5, 0.92, 0.67, (70, 110, 120)),
    ]),
}  # fmt: skip
_SPINES = ((156, 60, 52), (46, 82, 110), (200, 176, 130), (70, 100, 78), (176, 132, 66),
           (90, 66, 92), (220, 214, 200), (48, 48, 56))  # fmt: skip


def draw_room(name: str, width: int, height: int, seed: int = 0) -> np.ndarray:
    """Draw a backdrop, float32 RGB (height, width, 3), 0 to 255.

    Parameters
    ----------
    name : {"living room", "brick wall", "bookshelf", "evening window", "curtain", "kitchen"}
        Which one.
    """
    rng = np.random.default_rng([seed, len(name)])
    top, bottom, blur, things = _ROOMS[name]
    share = np.linspace(0, 1, height)[:, None, None]
    wall = np.array(top) * (1 - share) + np.array(bottom) * share
    room = np.repeat(wall, width, axis=1).astype(np.float32)
    for *where, color in [*_pattern(name, rng), *things]:
        size = (width, height, height) if len(where) == 3 else (width, height, width, height)
        at = np.rint(np.multiply(where, size) * 16).astype(int).tolist()
        if len(at) == 3:
            cv2.circle(room, at[:2], at[2], color, -1, cv2.LINE_AA, 4)
        else:
            cv2.rectangle(room, at[:2], at[2:], color, -1, cv2.LINE_AA, 4)
    if name == "curtain":
        x = np.linspace(0, 1, width)[:, None]
        room *= 1 + sum(0.04 * np.sin(2 * np.pi * (f * x + rng.random())) for f in (7, 11, 17))
    return np.clip(cv2.GaussianBlur(room, (0, 0), blur), 0, 255)


def _pattern(name: str, rng: np.random.Generator) -> list[tuple]:
    """What repeats: books, the lights of a town, bricks and tiles."""
    if name == "bookshelf":
        lefts = np.arange(0, 1, 0.03) + rng.uniform(0, 0.01, (4, 34))
        books = [
            (x, floor - rng.uniform(0.15, 0.215), x + 0.026, floor, _SPINES[rng.integers(8)])
            for floor, row in zip((0.24, 0.51, 0.78, 1.05), lefts, strict=True)
            for x in row
        ]
        return books + [(0, y, 1, y + 0.025, (118, 88, 62)) for y in (0.24, 0.51, 0.78)]
    if name == "evening window":
        warm, cold = (225, 150, 95), (110, 140, 185)
        spots = zip(rng.random(46), rng.uniform(0.35, 0.95, 46), strict=True)
        return [
            (x, y, rng.uniform(0.012, 0.03), warm if rng.random() < 0.75 else cold)
            for x, y in spots
        ]
    if name in ("brick wall", "kitchen"):
        color, wide, tall = (
            ((176, 116, 92), 0.16, 0.07) if name == "brick wall" else ((198, 208, 202), 0.083, 0.12)
        )
        return [
            (x, y, x + 0.94 * wide, y + 0.9 * tall, tuple(rng.uniform(0.9, 1.05) * np.array(color)))
            for row, y in enumerate(np.arange(0, 1, tall))
            for x in np.arange(-0.5 * wide * (row % 2), 1, wide)
        ]
    return []
