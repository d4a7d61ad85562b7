"""How good a classifier is: per class, and whether its probabilities can be believed.

Sources
-------
Guo, C., Pleiss, G., Sun, Y., & Weinberger, K. Q. (2017). On calibration of modern neural networks.
*ICML*. arXiv:1706.04599 (reliability diagram, expected calibration error).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import special

from fer_nb.emotions import EMOTIONS
from fer_nb.training import metrics


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities (n, k) of logits (n, k)."""
    return special.softmax(logits, axis=1)


def confusion(truth: np.ndarray, probs: np.ndarray) -> pd.DataFrame:
    """Count pictures by most voted (rows) and most probable emotion (columns); both are (n, 9)."""
    counts = metrics.confusion(truth.argmax(axis=1), probs.argmax(axis=1), len(EMOTIONS))
    return pd.DataFrame(counts, index=EMOTIONS, columns=EMOTIONS)


def recalls(counts: pd.DataFrame) -> pd.Series:
    """Return the share of each emotion's pictures that were recognised (NaN without any)."""
    return pd.Series(metrics.recalls(counts.to_numpy()), index=counts.index)


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


def calibration_error(truth: np.ndarray, probs: np.ndarray, bins: int = 10) -> float:
    """Return the expected calibration error: the mean gap of `reliability`, weighted by count.

    It is against the most voted emotion; `metrics.vote_calibration_error` is against the votes.
    """
    table = reliability(truth, probs, bins)
    gap = (table["confidence"] - table["accuracy"]).abs()
    return float((gap * table["count"]).sum() / table["count"].sum())


def vote_entropy_loss(truth: np.ndarray, probs: np.ndarray) -> float:
    """Return the mean cross-entropy (nats) between vote shares (n, 9) and probabilities (n, 9)."""
    return float(-(truth * np.log(np.clip(probs, 1e-7, 1))).sum(axis=1).mean())


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
    right = probs.argmax(axis=1) == truth.argmax(axis=1)
    _, number = np.unique(np.arange(len(right)) if group is None else group, return_inverse=True)
    hits, size = np.bincount(number, right), np.bincount(number)
    accuracy, low, high = metrics.bootstrap(_share, hits, size, draws=2000, seed=seed)
    if group is not None and len(size) == 1:
        low = high = float("nan")
    return {
        "accuracy": accuracy,
        "accuracy_low": low,
        "accuracy_high": high,
        "macro_recall": float(recalls(confusion(truth, probs)).mean()),
        "cross_entropy": vote_entropy_loss(truth, probs),
        "calibration_error": calibration_error(truth, probs),
    }


def _share(hits: np.ndarray, size: np.ndarray) -> float:
    return hits.sum() / size.sum()
