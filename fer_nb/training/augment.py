"""Changes a webcam makes to a face and that leave its expression alone.

One grey face in, one grey face out, by OpenCV on uint8: about a tenth of a millisecond each, so
that the network and not its data is what a training step waits for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_nb.opencv import cv2


@dataclass(frozen=True)
class Augmentation:
    """How far a face is changed. Ranges are uniform; `p_…` are chances of a step.

    Attributes
    ----------
    shift : float
        Largest shift along each axis, as a share of the side.
    scale : (float, float)
        Smallest and largest enlargement.
    rotation : float
        Largest turn, in degrees.
    light : float
        Largest change of exposure and of gamma, in powers of two.
    """

    shift: float = 0.10
    scale: tuple[float, float] = (0.82, 1.25)
    rotation: float = 16.0
    light: float = 0.7
    p_light: float = 0.4
    p_small: float = 0.1
    p_blur: float = 0.1
    p_noise: float = 0.1
    p_jpeg: float = 0.15
    p_erase: float = 0.15


def augment(
    image: np.ndarray, rng: np.random.Generator, size: int, how: Augmentation | None = None
) -> np.ndarray:
    """Return a randomly changed copy of a grey face.

    Parameters
    ----------
    image : uint8 (h, w)
        A grey face of any size, which is left as it is.
    rng : numpy.random.Generator
        Source of all chance: the same state gives the same picture.
    size : int
        Side of the result.
    how : Augmentation, optional
        How far to go.

    Returns
    -------
    uint8 (size, size)
    """
    how = how or Augmentation()
    chance = rng.random(6)
    if chance[0] < how.p_small:
        small = int(rng.integers(20, 33))
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    image = _warp(image, rng, size, how)
    if chance[1] < how.p_light:
        image = _relight(image, rng, how.light)
    if chance[2] < how.p_blur:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.2) * size / 48))
    if chance[3] < how.p_noise:
        noise = rng.standard_normal(image.shape, np.float32) * rng.uniform(2, 14)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if chance[4] < how.p_jpeg:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(12, 60))]
        image = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_GRAYSCALE)
    if chance[5] < how.p_erase:
        image = _erase(image, rng)
    return image


def _warp(image: np.ndarray, rng: np.random.Generator, size: int, how: Augmentation) -> np.ndarray:
    """Flip, turn, scale and shift in one interpolation."""
    scale = np.exp(rng.uniform(*np.log(how.scale)))
    angle = np.deg2rad(rng.uniform(-how.rotation, how.rotation))
    stretch = np.exp(rng.uniform(-0.06, 0.06))
    flip = 1 if rng.random() < 0.5 else -1
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.diag([flip * stretch, 1 / stretch]) * scale
    matrix = matrix * [[size / image.shape[1], size / image.shape[0]]]
    centre = np.array([image.shape[1] - 1, image.shape[0] - 1]) / 2
    target = (size - 1) / 2 + rng.uniform(-how.shift, how.shift, 2) * size
    warp = np.column_stack([matrix, target - matrix @ centre])
    border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_REFLECT_101
    return cv2.warpAffine(image, warp, (size, size), flags=cv2.INTER_LINEAR, borderMode=border)


def _relight(image: np.ndarray, rng: np.random.Generator, light: float) -> np.ndarray:
    """Change exposure (with clipping, as a camera does), contrast and gamma by one table."""
    level = np.arange(256) / 255
    level = level**2 ** rng.uniform(-light, light)
    mean = image.mean() / 255
    level = (level - mean) * rng.uniform(0.6, 1.3) + mean
    level = np.clip(level * 2 ** rng.uniform(-1.4 * light, light), 0, 1)
    return cv2.LUT(image, (level * 255).astype(np.uint8))


def _erase(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cover a part with one grey, as a hand, a microphone or hair does."""
    side = image.shape[0]
    height, width = (rng.uniform(0.1, 0.4, 2) * side).astype(int) + 1
    y, x = rng.integers(0, side - height + 1), rng.integers(0, side - width + 1)
    image = image.copy()
    image[y : y + height, x : x + width] = rng.integers(0, 256)
    return image
