"""Smooth warps pinned at landmarks, and how a warp is carried from a coarse grid to pixels."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import RBFInterpolator

from fer_nb.opencv import cv2


class Grid:
    """A coarse grid over a box of a picture, for fields that are smooth enough.

    Parameters
    ----------
    box : tuple of float
        Left, top, right, bottom in pixels.
    step : float
        Distance of grid points in pixels.
    """

    def __init__(self, box: tuple[float, float, float, float], step: float):
        left, top, right, bottom = box
        self.origin = np.array([left, top])
        self.step = step
        xs, ys = np.arange(left, right + step, step), np.arange(top, bottom + step, step)
        self.shape = (len(ys), len(xs))
        self.points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
        # 1 inside, 0 on the rim: outside the box nothing moves, and nothing may jump there.
        across, down = (np.minimum(np.arange(n), np.arange(n)[::-1]) for n in (len(xs), len(ys)))
        share = np.minimum(across * step / (right - left), down[:, None] * step / (bottom - top))
        self.window = smoothstep(share / 0.12)

    def field(self, to: np.ndarray, source: np.ndarray) -> np.ndarray:
        """Displacement (gh, gw, 2), float32, that leads from the moved points back to `source`.

        Thin-plate splines; see Bookstein, F. L. (1989), *IEEE Trans. PAMI, 11*(6), 567-585.
        """
        # A trace of smoothing keeps the system solvable where lips meet in one point.
        spline = RBFInterpolator(to, source - to, kernel="thin_plate_spline", smoothing=1e-4)
        shift = spline(self.points).reshape(*self.shape, 2)
        # BLAS adds up in another order when threads meet; rounding makes the result the same.
        return (np.rint(shift * self.window[..., None] * 1024) / 1024).astype(np.float32)

    def sample(self, field: np.ndarray, coords: np.ndarray) -> np.ndarray:
        """Value of a grid field at pixel coordinates (h, w, 2); 0 outside the box."""
        at = (coords - self.origin.astype(np.float32)) * np.float32(1 / self.step)
        return cv2.remap(field, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def pixel_grid(width: int, height: int) -> np.ndarray:
    """Coordinates of every pixel, float32 (height, width, 2), x before y."""
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)


def smoothstep(x):
    """0 below 0, 1 above 1, and a smooth rise between."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * (3 - 2 * x)
