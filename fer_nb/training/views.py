"""Augmented views: what one picture of a face could also have looked like.

View 0 is the picture itself. Every other view is fixed by (seed, view, number of the picture), so
it can be made again at any time, and activations computed from it can be kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_nb.errors import FerError
from fer_nb.opencv import cv2


@dataclass(frozen=True)
class Augmentation:
    """How far views may differ from the picture.

    Parameters
    ----------
    mirror : bool
        Swap left and right in half of the views (an expression survives that).
    rotation_deg, zoom, shift : float
        Largest turn in degrees, change of size (0.1 is ±10 %) and displacement (share of the side).
    brightness, contrast : float
        Largest change, as share of the full range and of the contrast.
    """

    mirror: bool = True
    rotation_deg: float = 10.0
    zoom: float = 0.1
    shift: float = 0.06
    brightness: float = 0.12
    contrast: float = 0.25

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return one view of a uint8 face (H, W) or (H, W, 3), same size."""
        height, width = image.shape[:2]
        turn, zoom, *shift = rng.uniform(-1, 1, 4)
        centre = (width - 1) / 2, (height - 1) / 2
        matrix = cv2.getRotationMatrix2D(centre, turn * self.rotation_deg, 1 + zoom * self.zoom)
        matrix[:, 2] += np.array(shift) * self.shift * (width, height)
        flip = self.mirror and rng.random() < 0.5
        image = cv2.warpAffine(
            image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        if flip:
            image = image[:, ::-1]
        gain, offset = rng.uniform(-1, 1, 2) * (self.contrast, self.brightness * 255)
        pixels = (image.astype(np.float32) - 128) * (1 + gain) + 128 + offset
        return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


AUGMENTATIONS: dict[str, Augmentation | None] = {
    "none": None,
    "mirror": Augmentation(True, 0, 0, 0, 0, 0),
    "standard": Augmentation(),
}


def augmentation(name: str) -> Augmentation | None:
    """Return the named augmentation: "none", "mirror" or "standard"."""
    if name not in AUGMENTATIONS:
        raise FerError(f"no augmentation {name!r}; choose one of {', '.join(AUGMENTATIONS)}")
    return AUGMENTATIONS[name]


def view_of(image: np.ndarray, number: int, view: int, how: str, seed: int = 0) -> np.ndarray:
    """Return view `view` of picture `number`; view 0, and every view of "none", is the picture.

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
    return change(image, np.random.default_rng([seed, view, number]))
