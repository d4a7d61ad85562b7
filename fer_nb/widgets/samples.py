"""Pictures to try the widgets on, made of photos that other packages carry."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fer_nb.errors import FerError
from fer_nb.opencv import cv2

SAMPLES = ("astronaut", "grace hopper", "two faces")


def sample(name: str) -> np.ndarray:
    """Return a photo as uint8 RGB (H, W, 3): one of `SAMPLES`.

    The astronaut (Eileen Collins) comes with scikit-image, Grace Hopper with matplotlib; both
    photos are in the public domain.
    """
    from fer_nb.media import read_image

    if name == "astronaut":
        import skimage

        return skimage.data.astronaut()
    if name == "grace hopper":
        from matplotlib.cbook import get_sample_data

        return read_image(get_sample_data("grace_hopper.jpg", asfileobj=False))
    if name == "two faces":
        left, right = sample("astronaut")[:420, 40:400], sample("grace hopper")[60:480, 80:440]
        return np.ascontiguousarray(np.hstack([left, right]))
    raise FerError(f"no sample {name!r}; choose one of {', '.join(SAMPLES)}")


def sample_video(
    path: str | Path, name: str = "two faces", seconds: float = 6.0, fps: float = 25.0
) -> Path:
    """Write a short MP4 in which the camera sways and zooms over a sample photo.

    The expressions do not change, as there is only one photo: what moves in the curves is what the
    model makes of size, place and light. An existing file is kept.
    """
    from fer_nb.media import VideoWriter

    path = Path(path)
    if path.exists():
        return path
    photo = sample(name)
    height, width = photo.shape[:2]
    frames = round(seconds * fps)
    with VideoWriter(path, fps=fps) as sink:
        for i in range(frames):
            phase = 2 * np.pi * i / frames
            zoom = 1.08 + 0.06 * np.sin(phase)
            move = cv2.getRotationMatrix2D((width / 2, height / 2), 4 * np.sin(2 * phase), zoom)
            move[:, 2] += 0.02 * width * np.sin(2 * phase), 0.02 * height * np.cos(phase)
            view = cv2.warpAffine(photo, move, (width, height), borderMode=cv2.BORDER_REPLICATE)
            light = 1 + 0.2 * np.sin(phase)
            sink.write(np.clip(view * light, 0, 255).astype(np.uint8), i / fps)
    return path
