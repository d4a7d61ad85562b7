"""Changes that a camera makes to a face and that leave its expression alone.

Grey or colour in, the same kind out, by OpenCV on uint8: about a tenth of a millisecond for a small
grey face, so that the network and not its data is what a training step waits for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_nb.errors import FerError
from fer_nb.opencv import cv2


@dataclass(frozen=True)
class Augmentation:
    """How far a face is changed: by default as in training what ships.

    Ranges are uniform; `p_…` are the chances of a step.

    Attributes
    ----------
    shift : float
        Largest shift along each axis, as a share of the side.
    scale : (float, float)
        Smallest and largest enlargement.
    rotation : float
        Largest turn, in degrees.
    stretch : float
        Largest change of the ratio of width and height, as the logarithm of half of it.
    light : float
        Largest change of exposure and of gamma, in powers of two.
    contrast : (float, float)
        Smallest and largest factor, where the light changes.
    """

    shift: float = 0.10
    scale: tuple[float, float] = (0.78, 1.3)
    rotation: float = 20.0
    stretch: float = 0.06
    light: float = 0.7
    contrast: tuple[float, float] = (0.6, 1.3)
    p_light: float = 0.4
    p_small: float = 0.08
    p_blur: float = 0.1
    p_noise: float = 0.1
    p_jpeg: float = 0.25
    p_erase: float = 0.05


_STILL = {"p_small": 0, "p_blur": 0, "p_noise": 0, "p_jpeg": 0, "p_erase": 0}
AUGMENTATIONS: dict[str, Augmentation | None] = {
    "none": None,
    "mirror": Augmentation(0, (1, 1), 0, 0, p_light=0, **_STILL),
    "standard": Augmentation(0.06, (0.9, 1.1), 10, 0, 0.25, (0.75, 1.25), p_light=1, **_STILL),
    "webcam": Augmentation(),
}


def augmentation(name: str) -> Augmentation | None:
    """Return the named augmentation: "none", "mirror", "standard" or "webcam"."""
    if name not in AUGMENTATIONS:
        raise FerError(f"no augmentation {name!r}; choose one of {', '.join(AUGMENTATIONS)}")
    return AUGMENTATIONS[name]


def augment(
    image: np.ndarray,
    rng: np.random.Generator,
    size: int | None = None,
    how: Augmentation | None = None,
) -> np.ndarray:
    """Return a randomly changed copy of a face; it is also mirrored in half of the cases.

    Parameters
    ----------
    image : uint8 (h, w) or (h, w, 3)
        A face of any size, which is left as it is.
    rng : numpy.random.Generator
        Source of all chance: the same state gives the same picture.
    size : int, optional
        Side of the result; by default height and width stay as they are.
    how : Augmentation, optional
        How far to go.

    Returns
    -------
    uint8 (size, size) or (size, size, 3)
    """
    how = how or Augmentation()
    shape = (size, size) if size else image.shape[:2]
    chance = rng.random(6)
    if chance[0] < how.p_small:
        small = int(rng.integers(20, 33))
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    image = _warp(image, rng, shape, how)
    if chance[1] < how.p_light:
        image = _relight(image, rng, how)
    if chance[2] < how.p_blur:
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.2) * shape[0] / 48))
    if chance[3] < how.p_noise:
        noise = rng.standard_normal(image.shape, np.float32) * rng.uniform(2, 14)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if chance[4] < how.p_jpeg:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(12, 60))]
        image = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_UNCHANGED)
    if chance[5] < how.p_erase:
        image = _erase(image, rng)
    return image


def view_of(image: np.ndarray, number: int, view: int, how: str, seed: int = 0) -> np.ndarray:
    """Return view `view` of picture `number`; view 0, and every view of "none", is the picture.

    Every other view is fixed by (seed, view, number), so it can be made again at any time, and
    activations computed from it can be kept.

    Examples
    --------
    >>> face = np.arange(64, dtype=np.uint8).reshape(8, 8)
    >>> np.array_equal(view_of(face, 5, 0, "standard"), face)
    True
    >>> np.array_equal(view_of(face, 5, 1, "standard"), view_of(face, 5, 1, "standard"))
    True
    """
    change = augmentation(how)
    if view == 0 or change is None:
        return image
    return augment(image, np.random.default_rng([seed, view, number]), how=change)


def _warp(
    image: np.ndarray, rng: np.random.Generator, shape: tuple[int, int], how: Augmentation
) -> np.ndarray:
    """Flip, turn, scale and shift in one interpolation."""
    scale = np.exp(rng.uniform(*np.log(how.scale)))
    angle = np.deg2rad(rng.uniform(-how.rotation, how.rotation))
    stretch = np.exp(rng.uniform(-how.stretch, how.stretch))
    flip = 1 if rng.random() < 0.5 else -1
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.diag([flip * stretch, 1 / stretch]) * scale
    before, after = np.array(image.shape[1::-1]), np.array(shape[::-1])  # width, height
    matrix = matrix * (after / before)
    target = (after - 1) / 2 + rng.uniform(-how.shift, how.shift, 2) * after
    warp = np.column_stack([matrix, target - matrix @ ((before - 1) / 2)])
    border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_REFLECT_101
    return cv2.warpAffine(
        image, warp, (shape[1], shape[0]), flags=cv2.INTER_LINEAR, borderMode=border
    )


def _relight(image: np.ndarray, rng: np.random.Generator, how: Augmentation) -> np.ndarray:
    """Change exposure (with clipping, as a camera does), contrast and gamma by one table."""
    level = np.arange(256) / 255
    level = level**2 ** rng.uniform(-how.light, how.light)
    mean = image.mean() / 255
    level = (level - mean) * rng.uniform(*how.contrast) + mean
    level = np.clip(level * 2 ** rng.uniform(-1.4 * how.light, how.light), 0, 1)
    return cv2.LUT(image, (level * 255).astype(np.uint8))


def _erase(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cover a part with one grey, as a hand, a microphone or hair does."""
    side = np.array(image.shape[:2])
    height, width = (rng.uniform(0.1, 0.4, 2) * side).astype(int) + 1
    y = rng.integers(0, side[0] - height + 1)
    x = rng.integers(0, side[1] - width + 1)
    image = image.copy()
    image[y : y + height, x : x + width] = rng.integers(0, 256)
    return image
