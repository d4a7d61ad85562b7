"""Pictures to and from the browser; the one place here that knows of OpenCV's BGR."""

from __future__ import annotations

import numpy as np

from fer_nb.errors import MediaError
from fer_nb.opencv import cv2


def decode(data: bytes | memoryview) -> np.ndarray:
    """Return a JPEG (or any picture of a browser) as uint8 RGB (H, W, 3)."""
    flat = np.frombuffer(data, dtype=np.uint8)
    picture = cv2.imdecode(flat, cv2.IMREAD_COLOR) if flat.size else None
    if picture is None:
        raise MediaError("the browser sent a picture that cannot be decoded; stop and start again")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def shrink(image: np.ndarray, max_side: int) -> np.ndarray:
    """Return the picture with its longer side at most `max_side`."""
    scale = max_side / max(image.shape[:2])
    if scale >= 1:
        return image
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def jpeg(image: np.ndarray, quality: int = 85) -> bytes:
    """Return a uint8 RGB (or grey) picture as JPEG."""
    return _encode(image, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality])


def png(image: np.ndarray) -> bytes:
    """Return a uint8 RGB (or grey) picture as PNG."""
    return _encode(image, ".png", [])


def _encode(image: np.ndarray, suffix: str, options: list[int]) -> bytes:
    picture = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(suffix, picture, options)
    if not done:
        raise MediaError(f"a picture of shape {image.shape} cannot be encoded")
    return data.tobytes()


def figure_png(figure) -> bytes:
    """Return a matplotlib figure as PNG."""
    from io import BytesIO

    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    return buffer.getvalue()
