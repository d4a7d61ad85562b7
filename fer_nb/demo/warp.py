"""Smooth warps pinned at landmarks, and how a warp is carried from a coarse grid to pixels."""

from __future__ import annotations

import numpy as np

from fer_nb.opencv import cv2


def thin_plate(at: np.ndarray, values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Interpolate `values` given at points by thin-plate splines.

    Parameters
    ----------
    at : array (n, 2)
        Points where the value is known; no two may coincide.
    values : array (n, k)
        What holds there.
    where : array (m, 2)
        Points to evaluate.

    Returns
    -------
    array (m, k)

    References
    ----------
    Bookstein, F. L. (1989). Principal warps: Thin-plate splines and the decomposition of
    deformations. *IEEE Trans. PAMI, 11*(6), 567-585.
    """
    middle = at.mean(axis=0)
    reach = np.abs(at - middle).max()
    at, where = (at - middle) / reach, (where - middle) / reach
    n = len(at)
    system = np.zeros((n + 3, n + 3))
    # A trace of smoothing keeps the system solvable where lips meet in one point.
    system[:n, :n] = _kernel(at, at) + 1e-7 * np.eye(n)
    system[:n, n:] = _affine(at)
    system[n:, :n] = system[:n, n:].T
    known = np.vstack([values, np.zeros((3, values.shape[1]))])
    weights = np.linalg.solve(system, known)
    return _kernel(where, at) @ weights[:n] + _affine(where) @ weights[n:]


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # ||a - b||^2 by one matrix product: this line is where a rendered frame spends its time.
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    np.maximum(squared, 1e-12, out=squared)
    return squared * np.log(squared)


def _affine(points: np.ndarray) -> np.ndarray:
    return np.hstack([np.ones((len(points), 1)), points])


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
        xs = np.arange(left, right + step, step)
        ys = np.arange(top, bottom + step, step)
        self.shape = (len(ys), len(xs))
        self.points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
        # 1 inside, 0 on the rim: outside the box nothing moves, and nothing may jump there.
        across, down = (np.minimum(np.arange(n), np.arange(n)[::-1]) for n in (len(xs), len(ys)))
        rim = np.minimum(
            across[None, :] * step / (right - left), down[:, None] * step / (bottom - top)
        )
        self.window = smoothstep(rim / 0.08)

    def field(self, to: np.ndarray, source: np.ndarray) -> np.ndarray:
        """Displacement (gh, gw, 2), float32, that leads from the moved points back to `source`."""
        shift = thin_plate(to, source - to, self.points).reshape(*self.shape, 2)
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
