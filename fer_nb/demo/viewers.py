"""Recordings of viewers: head movement, blinks, light, camera, and the frames one by one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fer_nb.demo.looks import LOOKS, Look, cast, glasses
from fer_nb.demo.people import collins
from fer_nb.demo.puppet import Puppet, mouth_texture
from fer_nb.demo.rooms import draw_room
from fer_nb.demo.script import Viewer, absence, expression, frame_times
from fer_nb.demo.warp import pixel_grid, smoothstep
from fer_nb.opencv import cv2

WIDTH, HEIGHT, FPS = 480, 360, 15.0
CAPTION = "synthetic demo"


class Recording:
    """The frames of one viewer's made recording.

    Parameters
    ----------
    viewer : Viewer
        From `fer_nb.demo.script`.
    seed : int
        Same seed, same frames to the byte.
    """

    def __init__(self, viewer: Viewer, seed: int = 0):
        self.viewer = viewer
        self.look: Look = LOOKS[viewer.respondent]
        self.times = frame_times(viewer, FPS, seed)
        self._stimulus_s = self.times - viewer.start_s
        self._faces = expression(viewer, self._stimulus_s, seed)
        self._gone = absence(viewer, self._stimulus_s)
        self._rng = np.random.default_rng([seed, int(viewer.respondent[1:]), 3])
        self._person = cast(self.look)
        self._puppet = Puppet(self._person, mouth_texture(collins(), self._person))
        self._glasses = glasses(self._person) if self.look.glasses else None
        self._room = draw_room(self.look.room, WIDTH, HEIGHT, seed).astype(np.uint8)
        self._sway = _Sway(self._rng, self.times)
        self._blinks = _blinks(self._rng, self.times)
        self._gain = np.float32(self.look.light) * _vignette()
        grain, floor = 3.5, 0.0
        if viewer.dark:
            self._gain *= 0.03
            grain, floor = 5.0, 3.0
        self._noise = floor + grain * _grain(self._rng)

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        """Yield time in seconds from the first frame, and the picture (uint8 RGB)."""
        for index, time in enumerate(self.times):
            yield float(time), self.frame(index)

    def frame(self, index: int) -> np.ndarray:
        """Draw one frame, uint8 RGB (360, 480, 3)."""
        # Each frame has a generator of its own, so that any frame can be drawn alone.
        rng = np.random.default_rng([int(self.times[index] * 1e4), int(self.viewer.respondent[1:])])
        face = {name: float(curve[index]) for name, curve in self._faces.items()}
        face["blink"] = float(self._blinks[index])
        coords = self._coords(index)
        figure = self._puppet.draw(coords, face)
        picture = np.ascontiguousarray(figure[..., :3])
        if self._glasses is not None:
            picture = _lay_over(cv2.remap(self._glasses, coords, None, cv2.INTER_LINEAR), picture)
        alpha = figure[..., 3] * np.float32(1 / 255)
        picture = cv2.blendLinear(picture, self._room, alpha, 1 - alpha)
        return self._camera(picture, index, rng)

    def _coords(self, index: int) -> np.ndarray:
        """Where on the person's canvas each pixel looks: the head moves, the body follows."""
        person, look, sway = self._person, self.look, self._sway.at(index)
        anchor = person.points["nose"]
        unit = person.unit
        step = 12.0
        xs, ys = np.arange(0, WIDTH + 2 * step, step), np.arange(0, HEIGHT + 2 * step, step)
        at = np.stack(np.meshgrid(xs, ys), axis=-1)
        away = np.array([1.15 * WIDTH * self._gone[index], 0.0])
        middle = np.array(look.place) * (WIDTH, HEIGHT) + away
        scale = look.zoom * (1 + sway["near"])

        body = (at - middle - 0.45 * sway["shift"]) / scale + anchor
        angle = sway["roll"]
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        neck = np.array([0.0, 1.3 * unit])  # the head turns about the neck
        head = ((at - middle - sway["shift"]) / scale - neck) @ turn + neck + anchor
        down = (body[..., 1] - anchor[1]) / unit
        share = 1 - smoothstep((down - 0.9) / 1.6)[..., None]
        coords = body + share * (head - body)

        # A turn of the head moves what lies in front more than what lies behind.
        front = (coords - anchor) / unit
        bulge = np.exp(-((front / (0.95, 1.25)) ** 2).sum(-1, keepdims=True))
        coords = coords - bulge * np.array([sway["yaw"], sway["pitch"]]) * unit
        to_pixels = np.float32([[1 / step, 0, 0], [0, 1 / step, 0]])
        return cv2.warpAffine(
            coords.astype(np.float32),
            to_pixels,
            (WIDTH, HEIGHT),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def _camera(self, picture: np.ndarray, index: int, rng: np.random.Generator) -> np.ndarray:
        lit = cv2.multiply(picture, self._gain, scale=1 + self._sway.light[index], dtype=cv2.CV_32F)
        x, y = rng.integers(0, 64, 2)
        image = cv2.add(lit, self._noise[y : y + HEIGHT, x : x + WIDTH], dtype=cv2.CV_8U)
        return caption(image, faint=self.viewer.dark)


def _lay_over(layer: np.ndarray, picture: np.ndarray) -> np.ndarray:
    alpha = layer[..., 3] * np.float32(1 / 255)
    return cv2.blendLinear(np.ascontiguousarray(layer[..., :3]), picture, alpha, 1 - alpha)


class _Sway:
    """Slow random movement of a seated person: sums of a few sines."""

    def __init__(self, rng: np.random.Generator, times: np.ndarray):
        def wander(size, slow=0.05, fast=0.4):
            rates, phases = rng.uniform(slow, fast, 4), rng.uniform(0, 2 * np.pi, 4)
            waves = np.sin(2 * np.pi * rates * times[:, None] + phases)
            return size * (waves / (0.5 + rates / fast)).mean(1)

        self._shift = np.column_stack([wander(11.0), wander(6.0)])
        self._roll = wander(0.055)
        self._near = wander(0.035)
        self._yaw, self._pitch = wander(0.11), wander(0.06)
        self.light = wander(0.06, 0.1, 0.8)

    def at(self, index: int) -> dict:
        return {
            "shift": self._shift[index],
            "roll": self._roll[index],
            "near": self._near[index],
            "yaw": self._yaw[index],
            "pitch": self._pitch[index],
        }


def _blinks(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """Closedness of the eyes: a blink of a fifth of a second every few seconds."""
    closed = np.zeros_like(times)
    moment = rng.uniform(0.5, 2.5)
    while moment < times[-1]:
        closed = np.maximum(closed, np.clip(1.35 - np.abs(times - moment) / 0.09, 0, 1))
        moment += rng.uniform(2.2, 5.0)
    return closed


def _vignette() -> np.ndarray:
    grid = pixel_grid(WIDTH, HEIGHT) / (WIDTH, HEIGHT) - 0.5
    return (1 - 0.35 * (grid**2).sum(-1, keepdims=True)).astype(np.float32)


def _grain(rng: np.random.Generator) -> np.ndarray:
    """Sensor noise, mostly grey, larger than the picture so that each frame takes another part."""
    shape = (HEIGHT + 64, WIDTH + 64)
    grey = rng.normal(0, 0.9, (*shape, 1))
    noise = (grey + rng.normal(0, 0.4, (*shape, 3))).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 0.6)


def caption(image: np.ndarray, faint: bool = False) -> np.ndarray:
    """Burn in that the picture is made."""
    place, font, size = (8, image.shape[0] - 9), cv2.FONT_HERSHEY_SIMPLEX, 0.4
    light = (96,) * 3 if faint else (235,) * 3
    cv2.putText(image, CAPTION, place, font, size, (0, 0, 0), 2, cv2.LINE_AA)
    cv2.putText(image, CAPTION, place, font, size, light, 1, cv2.LINE_AA)
    return image
