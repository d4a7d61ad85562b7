"""Photos in: upright, as 8-bit RGB."""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fer_nb.errors import MediaError
from fer_nb.files import existing

MAX_PIXELS = 100_000_000
# Pillow would open more, by content and not by name; an EPS file starts Ghostscript.
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "HEIF", "PPM")
_STRIP = 512
_NEEDS_HEIF = (".heic", ".heif")


def read_image(source: str | Path | bytes | BinaryIO) -> np.ndarray:
    """Read a photo upright, as 8-bit RGB.

    EXIF orientation is applied, transparency is laid on white, grey becomes RGB and deeper values
    are scaled to 8 bits. Of several pictures in a file the first is read; see `count_pictures`.

    Parameters
    ----------
    source : str, Path, bytes or binary file
        A picture in one of the formats of `FORMATS`, or where it lies. HEIC needs pillow-heif.

    Returns
    -------
    uint8 array (H, W, 3)

    Raises
    ------
    MediaError
        If the file is missing, empty, broken, no image, or larger than `MAX_PIXELS`.

    Examples
    --------
    >>> from matplotlib.cbook import get_sample_data
    >>> read_image(get_sample_data("grace_hopper.jpg", asfileobj=False)).shape
    (600, 512, 3)
    """
    with _opened(source) as image:
        ImageOps.exif_transpose(image, in_place=True)
        return _rgb(image)


def count_pictures(source: str | Path | bytes | BinaryIO) -> int:
    """Return how many pictures a file shows one after another: 1 but for animations and pages.

    Raises
    ------
    MediaError
        As `read_image`.
    """
    with _opened(source) as image:
        # Cameras put previews and second views behind a JPEG; players do not show them.
        return 1 if image.format == "MPO" else getattr(image, "n_frames", 1)


def as_array(image: Image.Image) -> np.ndarray:
    """Return a Pillow image as `read_image` does: upright, uint8 RGB (H, W, 3).

    Raises
    ------
    MediaError
        If its values are of no known range.
    """
    return _rgb(ImageOps.exif_transpose(image))


def _rgb(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I") or image.mode == "F":
        return np.repeat(_eight_bits(np.asarray(image), image.mode)[..., None], 3, axis=2)
    width, height = image.size
    array = np.empty((height, width, 3), dtype=np.uint8)
    for top in range(0, height, _STRIP):  # a large photo is in memory twice, not five times
        strip = image.crop((0, top, width, min(top + _STRIP, height)))
        array[top : top + _STRIP] = np.asarray(_on_white(strip))
    return array


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def _eight_bits(values: np.ndarray, mode: str) -> np.ndarray:
    """Scale grey values, by the range they are in, to uint8."""
    low, high = float(values.min()), float(values.max())
    if mode.startswith("I;16"):
        scale = 1 / 257
    elif mode == "F" and low >= 0 and high <= 1:
        scale = 255.0
    elif low >= 0 and high <= 255:
        scale = 1.0
    elif low >= 0 and high <= 65535:
        scale = 1 / 257
    else:
        raise MediaError(
            f"the picture's values run from {low:g} to {high:g}; scale them to 0-1, 0-255 or "
            "0-65535 first"
        )
    return np.rint(values * np.float32(scale)).astype(np.uint8)


@contextmanager
def _opened(source: str | Path | bytes | BinaryIO) -> Iterator[Image.Image]:
    """Yield the picture, and tell what goes wrong with it."""
    name, file = _named(source)
    if name.lower().endswith(_NEEDS_HEIF):
        _register_heif(name)
    try:
        with warnings.catch_warnings():
            # Our own limit is below; of odd metadata nobody needs to know.
            warnings.simplefilter("ignore")
            Image.init()
            known = [name for name in FORMATS if name in Image.OPEN]
            with Image.open(file, formats=known) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise Image.DecompressionBombError
                yield image
    except MediaError as error:
        raise MediaError(f"{name}: {error}") from error
    except Image.DecompressionBombError:
        raise MediaError(
            f"{name} has more than {MAX_PIXELS // 1_000_000} million pixels; scale it down first"
        ) from None
    except UnidentifiedImageError:
        raise MediaError(
            f"{name} is not an image that can be read ({', '.join(FORMATS)})"
        ) from None
    except MemoryError:
        raise MediaError(f"{name} needs more memory than there is; scale it down first") from None
    except Exception as error:  # decoders of broken files raise what they like
        raise MediaError(f"{name} cannot be read as an image: {error}") from error


def _named(source) -> tuple[str, Path | BinaryIO]:
    """Return what to call a source, and what to open."""
    if isinstance(source, bytes | bytearray | memoryview):
        return "the picture given as bytes", io.BytesIO(source)
    if hasattr(source, "read"):
        return str(getattr(source, "name", "the picture given as a file")), source
    if not isinstance(source, str | os.PathLike):
        raise MediaError(
            f"a picture is read from a path, bytes or a binary file, not {type(source).__name__}"
        )
    if re.match(r"(https?|ftp|data):", str(source), re.IGNORECASE):
        raise MediaError(
            f"{source} is an address; download the picture first, as nothing here goes online"
        )
    path = existing(os.fspath(source))
    return str(path), path


def _register_heif(name: str) -> None:
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise MediaError(f"{name} is a HEIC photo; to read it: pip install pillow-heif") from None
    register_heif_opener()
