"""Measures of a model's answers, each from arrays and nothing else.

Sources
-------
Lin, L. I.-K. (1989). A concordance correlation coefficient to evaluate reproducibility.
*Biometrics, 45*(1), 255-268.
Guo, C., Pleiss, G., Sun, Y., & Weinberger, K. Q. (2017). On calibration of modern neural networks.
*ICML*. arXiv:1706.04599.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count cases by true class (rows) and predicted one (columns), (classes, classes)."""
    cells = np.asarray(truth) * classes + predicted
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def recalls(counts: np.ndarray) -> np.ndarray:
    """Return the share of each class that was found, (k,), NaN without cases; from `confusion`.

    Examples
    --------
    >>> recalls(np.array([[1, 1, 0], [0, 2, 0], [0, 0, 0]]))
    array([0.5, 1. , nan])
    """
    total = counts.sum(axis=1)
    return np.where(total > 0, np.diag(counts) / np.maximum(total, 1), np.nan)


def macro_f1(truth: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    """Return the unweighted mean F1 over the classes that occur in `truth`.

    Examples
    --------
    >>> macro_f1(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0]), 2)
    0.7333333333333334
    """
    counts = confusion(truth, predicted, classes)
    right, total, said = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    occurs = total > 0
    return float(np.mean(2 * right[occurs] / (total[occurs] + said[occurs])))


def auroc(positive: np.ndarray, score: np.ndarray) -> float:
    """Return the chance that a positive case scores above a negative one, ties counting half."""
    from scipy.stats import rankdata

    positive = np.asarray(positive, bool)
    n, m = positive.sum(), (~positive).sum()
    if n == 0 or m == 0:
        return float("nan")
    return float((rankdata(score)[positive].sum() - n * (n + 1) / 2) / (n * m))


def concordance(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Return Lin's concordance (CCC): correlation that also minds scale and offset.

    1 only where both series are equal; NaN where both are the same constant.

    Examples
    --------
    >>> round(concordance(np.array([1.0, 2, 3]), np.array([2.0, 3, 4])), 3)
    0.571
    """
    truth, predicted = np.asarray(truth, float), np.asarray(predicted, float)
    gap = (truth.mean() - predicted.mean()) ** 2
    shared = np.mean((truth - truth.mean()) * (predicted - predicted.mean()))
    spread = truth.var() + predicted.var() + gap
    return float(2 * shared / spread) if spread else float("nan")


def pearson(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Return Pearson's correlation; NaN where either series is constant."""
    if np.std(truth) == 0 or np.std(predicted) == 0:
        return float("nan")
    return float(np.corrcoef(truth, predicted)[0, 1])


def rmse(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Return the root of the mean squared error."""
    return float(np.sqrt(np.mean((np.asarray(truth) - np.asarray(predicted)) ** 2)))


def vote_calibration_error(share: np.ndarray, probs: np.ndarray, bins: int = 15) -> float:
    """Return the expected calibration error against raters' votes, not against their top choice.

    The highest probability is a statement about how many raters would say so: in bins of it, it
    is compared with the share of votes that the chosen class got.

    Parameters
    ----------
    share, probs : arrays (n, k)
        Vote shares and probabilities.

    Examples
    --------
    >>> half = np.array([[0.5, 0.5]] * 4)
    >>> vote_calibration_error(half, half)
    0.0
    """
    rows, chosen = np.arange(len(probs)), probs.argmax(axis=1)
    confidence, agreed = probs[rows, chosen].astype(float), share[rows, chosen].astype(float)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = np.bincount(place, confidence, bins) - np.bincount(place, agreed, bins)
    return float(np.abs(gap).sum() / len(probs))


def bootstrap(
    measure: Callable[..., float], *arrays: np.ndarray, draws: int = 500, seed: int = 0
) -> tuple[float, float, float]:
    """Return `measure(*arrays)` and its 95 % percentile bootstrap interval, rows drawn together.

    Returns
    -------
    value, low, high : float
    """
    rng, n = np.random.default_rng(seed), len(arrays[0])
    values = []
    for _ in range(draws):
        rows = rng.integers(0, n, n)
        values.append(measure(*(array[rows] for array in arrays)))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(measure(*arrays)), float(low), float(high)


def interval(measure: Callable[..., float], *arrays: np.ndarray, draws: int = 500) -> list[float]:
    """Return `bootstrap` as a table shows it: [value, low, high], four decimals."""
    return [round(value, 4) for value in bootstrap(measure, *arrays, draws=draws)]
