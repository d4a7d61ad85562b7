"""Recordings of viewers: head movement, blinks, light, camera, and the frames one by one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fer_nb.demo.drawing.looks import LOOKS, cast
from fer_nb.demo.drawing.people import collins
from fer_nb.demo.drawing.puppet import Puppet, mouth_texture
from fer_nb.demo.drawing.rooms import draw_room
from fer_nb.demo.drawing.warp import pixel_grid, smoothstep
from fer_nb.demo.script import Viewer, absence, expression, frame_times
from fer_nb.opencv import cv2

WIDTH, HEIGHT, FPS = 480, 360, 15.0
CAPTION = "synthetic demo"


class Recording:
    """The frames of one viewer's synthetic recording.

    Parameters
    ----------
    viewer : Viewer
        From `fer_nb.demo.script`.
    seed : int
        Same seed, same frames to the byte.
    """

    def __init__(self, viewer: Viewer, seed: int = 0):
        self.viewer = viewer
        self.look = LOOKS[viewer.respondent]
        self.times = frame_times(viewer, FPS, seed)
        stimulus_s = self.times - viewer.start_s
        self._number = int(viewer.respondent[1:])
        rng = np.random.default_rng([seed, self._number, 3])
        self._faces = expression(viewer, stimulus_s, seed) | {"blink": _blinks(rng, self.times)}
        self._gone = absence(viewer, stimulus_s)
        self._sway = _sway(rng, self.times)
        person = cast(self.look)
        self._puppet = Puppet(person, mouth_texture(collins(), person))
        self._room = draw_room(self.look.room, WIDTH, HEIGHT, seed).astype(np.uint8)
        corner = pixel_grid(WIDTH, HEIGHT) / (WIDTH, HEIGHT) - 0.5
        vignette = 1 - 0.35 * (corner**2).sum(-1, keepdims=True)
        gain, grain, floor = (0.03, 5.0, 3.0) if viewer.dark else (1.0, 3.5, 0.0)
        self._gain = np.float32(gain * vignette * self.look.light)
        self._noise = floor + grain * _grain(rng)

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        """Yield time in seconds from the first frame, and the picture (uint8 RGB)."""
        for index, time in enumerate(self.times):
            yield float(time), self.frame(index)

    def frame(self, index: int) -> np.ndarray:
        """Draw one frame, uint8 RGB (360, 480, 3)."""
        face = {name: float(curve[index]) for name, curve in self._faces.items()}
        figure = self._puppet.draw(self._coords(index), face)
        alpha = figure[..., 3] * np.float32(1 / 255)
        picture = np.ascontiguousarray(figure[..., :3])
        picture = cv2.blendLinear(picture, self._room, alpha, 1 - alpha)
        light = 1 + self._sway["light"][index]
        lit = cv2.multiply(picture, self._gain, scale=light, dtype=cv2.CV_32F)
        # Each frame has a generator of its own, so that any frame can be drawn alone.
        rng = np.random.default_rng([int(self.times[index] * 1e4), self._number])
        x, y = rng.integers(0, 64, 2)
        image = cv2.add(lit, self._noise[y : y + HEIGHT, x : x + WIDTH], dtype=cv2.CV_8U)
        return caption(image, faint=self.viewer.dark)

    def _coords(self, index: int) -> np.ndarray:
        """Where on the person's canvas each pixel looks: the head moves, the body follows."""
        person, look = self._puppet.person, self.look
        sway = {name: float(curve[index]) for name, curve in self._sway.items()}
        anchor, unit, step = person.points["nose"], person.unit, 12.0
        xs, ys = np.arange(0, WIDTH + 2 * step, step), np.arange(0, HEIGHT + 2 * step, step)
        at = np.stack(np.meshgrid(xs, ys), axis=-1)
        middle = np.multiply(look.place, (WIDTH, HEIGHT)) + (1.15 * WIDTH * self._gone[index], 0)
        shift = np.array([sway["x"], sway["y"]])
        scale = look.zoom * (1 + sway["near"])

        body = (at - middle - 0.45 * shift) / scale + anchor
        cos, sin = np.cos(sway["roll"]), np.sin(sway["roll"])
        neck = np.array([0.0, 1.3 * unit])  # the head turns about the neck
        head = ((at - middle - shift) / scale - neck) @ [[cos, -sin], [sin, cos]] + neck + anchor
        down = (body[..., 1] - anchor[1]) / unit
        coords = body + (1 - smoothstep((down - 0.9) / 1.6)[..., None]) * (head - body)

        # A turn of the head moves what lies in front more than what lies behind.
        front = (coords - anchor) / unit
        bulge = np.exp(-((front / (0.95, 1.25)) ** 2).sum(-1, keepdims=True))
        coords -= bulge * (sway["yaw"] * unit, sway["pitch"] * unit)
        return cv2.warpAffine(
            coords.astype(np.float32),
            np.float32([[1 / step, 0, 0], [0, 1 / step, 0]]),
            (WIDTH, HEIGHT),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )


def _sway(rng: np.random.Generator, times: np.ndarray) -> dict[str, np.ndarray]:
    """Slow random movement of a seated person, and of the light: sums of a few sines."""
    sizes = {"x": 11.0, "y": 6.0, "roll": 0.055, "near": 0.035, "yaw": 0.11, "pitch": 0.06}
    curves = {}
    for name, size in (sizes | {"light": 0.06}).items():
        slow, fast = (0.1, 0.8) if name == "light" else (0.05, 0.4)
        rates, phases = rng.uniform(slow, fast, 4), rng.uniform(0, 2 * np.pi, 4)
        waves = np.sin(2 * np.pi * rates * times[:, None] + phases)
        curves[name] = size * (waves / (0.5 + rates / fast)).mean(1)
    return curves


def _blinks(rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """Closedness of the eyes: a blink of a fifth of a second every few seconds."""
    moments = np.cumsum(rng.uniform(2.2, 5.0, int(times[-1] / 2.2) + 1)) - 1.5
    return np.clip(1.35 - np.abs(times[:, None] - moments) / 0.09, 0, 1).max(axis=1)


def _grain(rng: np.random.Generator) -> np.ndarray:
    """Sensor noise, mostly grey, larger than the picture so that each frame takes another part."""
    shape = (HEIGHT + 64, WIDTH + 64)
    noise = rng.normal(0, 0.9, (*shape, 1)) + rng.normal(0, 0.4, (*shape, 3))
    return cv2.GaussianBlur(noise.astype(np.float32), (0, 0), 0.6)


def caption(image: np.ndarray, faint: bool = False) -> np.ndarray:
    """Burn in that the picture is synthetic."""
    place, font = (8, image.shape[0] - 9), cv2.FONT_HERSHEY_SIMPLEX
    for shade, thick in ((0, 2), (96 if faint else 235, 1)):
        cv2.putText(image, CAPTION, place, font, 0.4, (shade,) * 3, thick, cv2.LINE_AA)
    return image
