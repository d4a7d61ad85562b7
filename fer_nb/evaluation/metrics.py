"""Measures of a model's answers, each from arrays and nothing else.

Those that scikit-learn has too are written out here, because intervals take hundreds of draws and
its checks of the input make them 10 to 600 times slower; a test holds the two equal.

Sources
-------
Lin, L. I.-K. (1989). A concordance correlation coefficient to evaluate reproducibility.
*Biometrics, 45*(1), 255-268.
Guo, C., Pleiss, G., Sun, Y., & Weinberger, K. Q. (2017). On calibration of modern neural networks.
*ICML*. arXiv:1706.04599 (reliability diagram, expected calibration error).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from fer_nb.emotions import EMOTIONS


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
    """Return Lin's concordance (CCC): correlation that also counts scale and offset.

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


def va_scores(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return CCC, Pearson's r and RMSE of valence and of arousal, from two arrays (n, 2)."""
    truth, predicted = np.asarray(truth, float), np.asarray(predicted, float)
    measures = {"ccc": concordance, "r": pearson, "rmse": rmse}
    return {
        f"{dimension}_{name}": measure(truth[:, column], predicted[:, column])
        for column, dimension in enumerate(("valence", "arousal"))
        for name, measure in measures.items()
    }


def calibration_error(share: np.ndarray, probs: np.ndarray, bins: int = 15) -> float:
    """Return the expected calibration error against raters' votes, or against labels (one-hot).

    The highest probability is a statement about how many raters would say so: in bins of it, it
    is compared with the share of votes that the chosen class got.

    Parameters
    ----------
    share, probs : arrays (n, k)
        Vote shares and probabilities.

    Examples
    --------
    >>> half = np.array([[0.5, 0.5]] * 4)
    >>> calibration_error(half, half)
    0.0
    """
    rows, chosen = np.arange(len(probs)), probs.argmax(axis=1)
    confidence, agreed = probs[rows, chosen].astype(float), share[rows, chosen].astype(float)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gap = np.bincount(place, confidence, bins) - np.bincount(place, agreed, bins)
    return float(np.abs(gap).sum() / len(probs))


def confusion_table(truth: np.ndarray, probs: np.ndarray) -> pd.DataFrame:
    """Count pictures by most voted (rows) and most probable emotion (columns); both are (n, 9)."""
    counts = confusion(truth.argmax(axis=1), probs.argmax(axis=1), len(EMOTIONS))
    return pd.DataFrame(counts, index=EMOTIONS, columns=EMOTIONS)


def reliability(truth: np.ndarray, probs: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Compare how sure a classifier was with how often it was right.

    Returns
    -------
    DataFrame
        One row per bin of the highest probability: `confidence` and `accuracy` (means; NaN where
        the bin is empty) and `count`.
    """
    confidence = probs.max(axis=1)
    right = probs.argmax(axis=1) == truth.argmax(axis=1)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    frame = pd.DataFrame({"confidence": confidence, "accuracy": right.astype(float), "bin": place})
    table = frame.groupby("bin").mean().reindex(range(bins))
    return table.assign(count=np.bincount(place, minlength=bins))


def vote_entropy_loss(truth: np.ndarray, probs: np.ndarray) -> float:
    """Return the mean cross-entropy (nats) between vote shares (n, 9) and probabilities (n, 9)."""
    return float(-(truth * np.log(np.clip(probs, 1e-7, 1))).sum(axis=1).mean())


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


def classifier_scores(
    truth: np.ndarray, probs: np.ndarray, seed: int = 0, group: Sequence | None = None
) -> dict[str, float]:
    """Summarise a classifier on pictures with vote shares `truth` (n, 9).

    Parameters
    ----------
    truth, probs : arrays (n, 9)
        Vote shares and probabilities.
    seed : int
        Of the bootstrap.
    group : sequence (n,), optional
        Who is to be seen. The bootstrap then draws whole groups: pictures of one person resemble
        each other, and many of them say less about other people than their number suggests.

    Returns
    -------
    dict
        `accuracy` against the most voted emotion with its 95 % bootstrap interval `accuracy_low`,
        `accuracy_high`; `macro_recall`, the mean over emotions that occur; `cross_entropy` against
        the votes; `calibration_error` against the most voted emotion. A single group gives no
        interval: its ends are NaN.

    Examples
    --------
    >>> happy, sad = np.eye(9)[[4, 6]]
    >>> truth, probs = np.array([happy] * 4), np.array([happy, happy, happy, sad])
    >>> found = classifier_scores(truth, probs, group=["ann", "ann", "bob", "bob"])
    >>> found["accuracy"], found["accuracy_low"], found["accuracy_high"]
    (0.75, 0.5, 1.0)
    """
    most_voted = np.eye(truth.shape[1])[truth.argmax(axis=1)]
    right = probs.argmax(axis=1) == truth.argmax(axis=1)
    _, number = np.unique(np.arange(len(right)) if group is None else group, return_inverse=True)
    hits, size = np.bincount(number, right), np.bincount(number)
    accuracy, low, high = bootstrap(_share, hits, size, draws=2000, seed=seed)
    if group is not None and len(size) == 1:
        low = high = float("nan")
    return {
        "accuracy": accuracy,
        "accuracy_low": low,
        "accuracy_high": high,
        "macro_recall": float(np.nanmean(recalls(confusion_table(truth, probs).to_numpy()))),
        "cross_entropy": vote_entropy_loss(truth, probs),
        "calibration_error": calibration_error(most_voted, probs, bins=10),
    }


def _share(hits: np.ndarray, size: np.ndarray) -> float:
    return hits.sum() / size.sum()
