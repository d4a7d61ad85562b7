"""What a face looks like, in a few numbers: enough to know a person again within one recording.

No identity network: edges and shades of the upright face, and the colours of skin, hair and
clothes. It tells apart who is in a video; it knows nobody from one day to the next.
"""

from __future__ import annotations

import numpy as np

from fer_nb.faces.face import Face, InParts, Picture, crop_face
from fer_nb.media.frame import Frame
from fer_nb.opencv import cv2

SIDE = 48
AROUND = 0.8  # how much larger the crop with hair and shoulders is
ALIKE = 0.8  # likeness from which a face is that of somebody seen before
OTHER = 0.6  # likeness below which a face is not that of the one who was there just now
_HOG = cv2.HOGDescriptor((SIDE, SIDE), (16, 16), (8, 8), (8, 8), 9)


def appearance(image: Picture, face: Face) -> np.ndarray:
    """Describe a face.

    Parameters
    ----------
    image : uint8 array (H, W, 3) RGB or (H, W), or Frame
    face : Face

    Returns
    -------
    float32 array (n,)
        Of length 1. The dot product of two is their likeness: 1 for the same picture, about 0.9
        for one person, 0.45 for two (0.7 in one studio).

    Source
    ------
    Dalal, N., & Triggs, B. (2005). Histograms of oriented gradients for human detection. CVPR.
    """
    side = round(2 * SIDE * (1 + AROUND))
    picture: InParts = image
    if isinstance(image, Frame) and max(face.width, face.height) * (1 + AROUND) >= side:
        picture, face = image.half, face.placed(0.5)
    outer = crop_face(picture, face, AROUND, upright=True, max_side=side)
    rim = round(len(outer) * AROUND / (1 + AROUND) / 2)
    inner, outer = (
        cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        for crop in (outer[rim : len(outer) - rim, rim : len(outer) - rim], outer)
    )
    grey = inner if inner.ndim == 2 else cv2.cvtColor(inner, cv2.COLOR_RGB2GRAY)
    edges = np.sqrt(np.maximum(_HOG.compute(cv2.equalizeHist(grey)), 0))
    shades = cv2.resize(grey, (16, 16), interpolation=cv2.INTER_AREA)
    parts = [_centred(edges), _centred(shades)]
    if inner.ndim == 3:
        parts += [_colours(inner), _colours(outer)]
    whole = np.concatenate(parts) / np.sqrt(len(parts))
    return whole.astype(np.float32)


def _centred(values: np.ndarray) -> np.ndarray:
    values = values.ravel().astype(float)
    values = values - values.mean()
    return values / max(float(np.linalg.norm(values)), 1e-9)


def _colours(crop: np.ndarray) -> np.ndarray:
    """Histogram of hue and saturation as a* and b*, which light changes little."""
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB)
    counts = cv2.calcHist([lab], [1, 2], None, [16, 16], [96, 160, 96, 160]).ravel()
    return np.sqrt(counts / max(counts.sum(), 1.0))
