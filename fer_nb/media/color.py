"""From a decoded frame to 8-bit RGB or luma, whatever its colour space, range and depth."""

from __future__ import annotations

from functools import cache

import av
import numpy as np

from fer_nb.opencv import cv2

# Numbers of ITU-T H.273, which FFmpeg uses.
PQ, HLG = 16, 18
HDR = {PQ: "PQ", HLG: "HLG"}
_UNSPECIFIED, _LIMITED, _FULL = 2, 1, 2
_BT709 = 1

_WHITE = 203.0  # cd/m² of diffuse white in HDR pictures (ITU-R BT.2408)
_KNEE = 0.7  # of SDR white; what is brighter is compressed
_BT2020_TO_709 = np.array(  # ITU-R BT.2087
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    dtype=np.float32,
)


def to_rgb(frame: av.VideoFrame, transfer: int = _UNSPECIFIED) -> np.ndarray:
    """Return a decoded frame as uint8 (h, w, 3), RGB, still with stored pixels.

    `transfer` is the stream's transfer characteristic; HDR is mapped to standard range, and
    transparency is laid on white.
    """
    space = color_space(frame)
    guess = {"src_colorspace": space} if space != frame.colorspace else {}
    if transfer in HDR:
        return tone_mapped(frame.to_ndarray(format="rgb48le", **guess), transfer)
    if any(component.is_alpha for component in frame.format.components):
        rgba = frame.to_ndarray(format="rgba", **guess)
        alpha = rgba[..., 3:].astype(np.uint16)
        return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return frame.to_ndarray(format="rgb24", **guess)


def color_space(frame: av.VideoFrame) -> int:
    """Return the number of a frame's colour space, guessed where the file does not tell."""
    # Players take small pictures for BT.601, which is what "unspecified" means, and large for 709.
    large = frame.width >= 1280 or frame.height > 576
    unknown = frame.colorspace == _UNSPECIFIED
    return _BT709 if large and unknown else int(frame.colorspace)


def luma_plane(frame: av.VideoFrame) -> np.ndarray | None:
    """Return the frame's luma as it is stored, a view, uint8 (h, w); see `to_full_range`.

    None where the frame has no such plane; luma is then taken from the RGB picture.
    """
    planar = frame.format.name.startswith(("yuv4", "yuvj4", "nv12", "nv21", "gray"))
    if not planar or frame.format.components[0].bits != 8:
        return None
    plane = frame.planes[0]
    luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return luma[: frame.height, : frame.width]


def to_full_range(luma: np.ndarray, frame: av.VideoFrame) -> np.ndarray:
    """Return values of the frame's luma plane as 0 black to 255 white."""
    limited = frame.color_range == _LIMITED or frame.format.name.startswith(("yuv4", "nv"))
    if not limited or frame.color_range == _FULL:
        return luma
    # 16 black, 235 white; this clips, and is three times faster than a table.
    return cv2.addWeighted(luma, 255 / 219, luma, 0, -16 * 255 / 219)


def tone_mapped(rgb: np.ndarray, transfer: int) -> np.ndarray:
    """Return an HDR picture, uint16 (h, w, 3) of BT.2020, as a standard one, uint8 of BT.709.

    Up to 70 % of white all stays as bright as it was meant; what is brighter is compressed.
    The curves are those of SMPTE ST 2084 (PQ) and ARIB STD-B67 (HLG).
    """
    light = _linear(transfer)[rgb]
    if transfer == HLG:  # the system gamma of a display of 1000 cd/m², as BT.2100 has it
        luminance = light @ np.array([0.2627, 0.6780, 0.0593], dtype=np.float32)
        light *= (1000 / _WHITE) * np.maximum(luminance, 1e-9)[..., None] ** 0.2
    light = cv2.transform(light, _BT2020_TO_709)
    codes = np.sqrt(np.clip(light / _BRIGHTEST, 0, 1)) * (len(_tone_curve()) - 1)
    return _tone_curve()[np.rint(codes).astype(np.uint16)]


_BRIGHTEST = np.float32(10_000 / _WHITE)


@cache
def _linear(transfer: int) -> np.ndarray:
    """Light of each 16-bit code: PQ relative to white, HLG relative to the scene's brightest."""
    code = np.arange(65536) / 65535
    if transfer == PQ:
        m1, m2, c1, c2, c3 = 2610 / 16384, 78.84375, 0.8359375, 18.8515625, 18.6875
        power = code ** (1 / m2)
        light = (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1) * float(_BRIGHTEST)
    else:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return light.astype(np.float32)


@cache
def _tone_curve() -> np.ndarray:
    """8-bit code of light that is coded by its square root, for a display with gamma 2.4."""
    light = np.linspace(0, 1, 16384) ** 2 * float(_BRIGHTEST)
    room = 1 - _KNEE
    bright = _KNEE + room * (1 - np.exp(-(light - _KNEE) / room))
    return np.rint(255 * np.where(light < _KNEE, light, bright) ** (1 / 2.4)).astype(np.uint8)
