"""From a face crop to the numbers that a network takes: one way, in training as in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fer_nb.errors import FerError
from fer_nb.faces.face import check_picture
from fer_nb.opencv import cv2

# Red and blue weigh the same, so a picture with swapped channels gives the same grey; green keeps
# the weight it has in luma (ITU-R BT.601).
GREY_WEIGHTS = (0.2065, 0.587, 0.2065)

COLOURS, LAYOUTS, DTYPES = ("rgb", "bgr", "grey", "grey3"), ("NHWC", "NCHW"), ("float32", "uint8")


def check_face(face: np.ndarray) -> np.ndarray:
    """Return the crop if it is a picture that a model can take, as `check_picture` does."""
    return check_picture(face, "a face crop")


def check_faces(faces: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    """Return `faces` if they are several, not one picture.

    Raises
    ------
    FerError
        If they are one array (H, W, 3), whose rows would pass for grey faces.
    """
    if isinstance(faces, np.ndarray) and faces.ndim == 3 and len(faces) and faces.shape[2] == 3:
        raise FerError(f"faces must be a sequence of crops; give [face], not one {faces.shape}")
    return faces


def preprocess(faces: Sequence[np.ndarray], size: int) -> np.ndarray:
    """Turn face crops into grey squares.

    Parameters
    ----------
    faces : sequence of uint8 arrays (H, W, 3) RGB or (H, W) grey
        Of any size; a crop that is not square is stretched.
    size : int
        Side of the squares in pixels.

    Returns
    -------
    uint8 array (n, size, size, 1)
    """
    faces = check_faces(faces)
    squares = np.empty((len(faces), size, size, 1), dtype=np.uint8)
    for square, face in zip(squares, faces, strict=True):
        face = check_face(face)
        if face.ndim == 3:
            face = cv2.transform(face, np.array([GREY_WEIGHTS]))
        square[..., 0] = _resized(face, size)
    return squares


def _resized(face: np.ndarray, size: int) -> np.ndarray:
    shrinks = min(face.shape[:2]) > size
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(face, (size, size), interpolation=how)


@dataclass(frozen=True)
class Preprocessing:
    """What happens to a face crop before a network sees it: ``(pixel - mean) * scale``.

    Parameters
    ----------
    size : int
        Side of the square input in pixels. Shrinking averages over areas and enlarging is linear.
    colour : {"rgb", "bgr", "grey", "grey3"}
        Order of the channels the network was trained with; "grey3" is grey in three equal ones.
    mean : tuple of float
        Subtracted from each channel (0-255), in that order.
    scale : float or tuple of float
        Factor after that, for all channels or for each.
    layout : {"NHWC", "NCHW"}
        Whether channels come last, as in Keras, or before height and width, as in PyTorch.
    dtype : {"float32", "uint8"}
        What the network takes; "uint8" leaves mean and scale to the network.
    """

    size: int
    colour: str = "rgb"
    mean: tuple[float, ...] = (0.0,)
    scale: float | tuple[float, ...] = 1.0
    layout: str = "NHWC"
    dtype: str = "float32"

    def __post_init__(self):
        for name, known in (("colour", COLOURS), ("layout", LAYOUTS), ("dtype", DTYPES)):
            if getattr(self, name) not in known:
                raise FerError(
                    f"{name} must be one of {', '.join(known)}, not {getattr(self, name)!r}"
                )
        if not isinstance(self.size, int) or self.size < 1:
            raise FerError(f"the input size is a number of pixels, not {self.size!r}")
        for name in ("mean", "scale"):
            if np.size(getattr(self, name)) not in (1, self.channels):
                raise FerError(f"{name} needs one number, or one for each channel")
        if self.dtype == "uint8" and (np.any(self.mean) or np.any(np.asarray(self.scale) != 1)):
            raise FerError("a network that takes uint8 is given neither mean nor scale")

    @property
    def channels(self) -> int:
        """Number of colour channels."""
        return 1 if self.colour == "grey" else 3

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one input, in its layout."""
        plane = (self.size, self.size)
        return (*plane, self.channels) if self.layout == "NHWC" else (self.channels, *plane)

    def squares(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Return what the network sees of the crops as pictures: uint8 (n, size, size, channels).

        The channels are in the network's order.
        """
        if self.colour.startswith("grey"):
            return np.repeat(preprocess(faces, self.size), self.channels, axis=3)
        faces = check_faces(faces)
        squares = np.empty((len(faces), self.size, self.size, 3), np.uint8)
        for square, face in zip(squares, faces, strict=True):
            face = _resized(check_face(face), self.size)
            if face.ndim == 2:
                face = face[..., None]  # broadcasts to three equal channels
            square[:] = face[..., ::-1] if self.colour == "bgr" else face
        return squares

    def __call__(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Turn uint8 crops, RGB (H, W, 3) or grey (H, W), into one array (n, *shape).

        Examples
        --------
        >>> red = np.zeros((10, 12, 3), np.uint8); red[..., 0] = 255
        >>> Preprocessing(4, "bgr", (10, 20, 30))([red])[0, 0, 0]
        array([-10., -20., 225.], dtype=float32)
        """
        inputs = self.squares(faces)
        if self.dtype == "float32":
            inputs = inputs.astype(np.float32) - np.asarray(self.mean, np.float32)
            if np.any(np.asarray(self.scale) != 1):
                inputs *= np.asarray(self.scale, np.float32)
        if self.layout == "NCHW":
            inputs = np.ascontiguousarray(inputs.transpose(0, 3, 1, 2))
        return inputs

    @classmethod
    def from_json(cls, values: dict) -> Preprocessing:
        """Return the preprocessing that `dataclasses.asdict` wrote; lists become tuples."""
        tuples: dict[str, Any] = {k: tuple(v) for k, v in values.items() if isinstance(v, list)}
        return cls(**{**values, **tuples})
