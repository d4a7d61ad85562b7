"""How long each frame counts, and means over time: the same for a report, a study and a mood."""

from __future__ import annotations

import numpy as np

# A frame stands for the time until the next, but no longer than this: nobody looked meanwhile.
MAX_HOLD_S = 0.5
_NUMBERS = 500_000  # smoothed at once: those of ten thousand people are 130 MB


def holds(time_s: np.ndarray, max_hold_s: float = MAX_HOLD_S) -> np.ndarray:
    """Return the seconds that each frame stands for: until the next, at most `max_hold_s`.

    The last stands for as long as is usual (the median step), a lone frame for `max_hold_s`.

    Examples
    --------
    >>> holds(np.array([0.0, 0.1, 0.2, 20.2])).round(2).tolist()
    [0.1, 0.1, 0.5, 0.1]
    """
    step = np.diff(time_s)
    usual = np.median(step) if len(step) else max_hold_s
    return np.minimum(np.append(step, usual)[: len(time_s)], max_hold_s)


def average_between(
    time_s: np.ndarray, held_s: np.ndarray, values: np.ndarray, begin_s, end_s
) -> tuple[np.ndarray, np.ndarray]:
    """Return time-weighted means of signals over stretches of time.

    Parameters
    ----------
    time_s, held_s : array (F,)
        When each frame begins, and how long it counts; frames do not overlap.
    values : array (F, S)
        NaN where a frame has no measurement.
    begin_s, end_s : array (K,)
        The stretches.

    Returns
    -------
    means : array (K, S)
        NaN where nothing was measured.
    measured_s : array (K,)
        Measured seconds in each stretch.
    """
    begin_s, end_s = np.atleast_1d(begin_s).astype(float), np.atleast_1d(end_s).astype(float)
    means = np.full((len(begin_s), values.shape[1]), np.nan)
    if not len(time_s):
        return means, np.zeros(len(begin_s))
    seen = ~np.isnan(values[:, 0])
    weighted = np.column_stack([np.where(seen, 1.0, 0.0), np.nan_to_num(values)])
    total = np.cumsum(weighted * held_s[:, None], axis=0)
    # Integrals up to the start and end of each frame's time: linear between these knots.
    knots = np.column_stack([time_s, time_s + held_s]).ravel()
    before = np.vstack([np.zeros((1, total.shape[1])), total[:-1]])
    integral = np.stack([before, total], axis=1).reshape(len(knots), -1)

    def up_to(edges: np.ndarray) -> np.ndarray:
        at = np.clip(np.searchsorted(knots, edges, side="right") - 1, 0, len(knots) - 2)
        width = knots[at + 1] - knots[at]
        part = np.divide(edges - knots[at], width, out=np.ones(len(edges)), where=width > 0)
        part = np.clip(part, 0, 1)[:, None]
        return integral[at] * (1 - part) + integral[at + 1] * part

    sums = up_to(end_s) - up_to(begin_s)
    some = sums[:, 0] > 1e-9
    means[some] = sums[some, 1:] / sums[some, :1]
    return means, sums[:, 0]


def moving_average(values: np.ndarray, width_bins: int) -> np.ndarray:
    """Centred moving average over the last axis of a regular grid.

    Missing bins stay missing and weigh nothing. (pandas' rolling mean has no weights and works on
    one column after the other; this takes whole audiences at once.)
    """
    if width_bins <= 1:
        return values.copy()
    half = min(width_bins // 2, values.shape[-1])

    def windows(x: np.ndarray) -> np.ndarray:
        total = np.cumsum(np.pad(x, [(0, 0), (half + 1, half)]), axis=-1)
        return total[..., 2 * half + 1 :] - total[..., : -(2 * half + 1)]

    out = np.full(values.shape, np.nan)
    rows, smooth = (x.reshape(-1, values.shape[-1]) for x in (values, out))
    for start in range(0, len(rows), step := max(1, _NUMBERS // max(1, values.shape[-1]))):
        some = rows[start : start + step]
        seen = ~np.isnan(some)
        sums, count = windows(np.where(seen, some, 0.0)), windows(seen.astype(float))
        np.divide(sums, count, out=smooth[start : start + step], where=seen & (count > 0.5))
    return out
