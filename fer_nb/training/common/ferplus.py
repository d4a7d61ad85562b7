"""FER+: votes of ten raters, what they mean as targets, and a split with no picture on two sides.

Sources
-------
Barsoum, E., Zhang, C., Canton Ferrer, C., & Zhang, Z. (2016). Training deep networks for facial
expression recognition with crowd-sourced label distribution. *ICMI*. arXiv:1608.01041 (FER+).
Goodfellow, I. J., et al. (2013). Challenges in representation learning: A report on three machine
learning contests. *ICONIP* (FER2013).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from fer_nb.emotions import EMOTIONS, expected_valence_arousal, to_unit
from fer_nb.errors import FerError
from fer_nb.training.common.faces import LabelledFaces

# What each FER+ vote means here. "unknown" and "not a face" are a rater who could not tell.
VOTE_EMOTIONS = {
    "neutral": "neutral",
    "happiness": "happy",
    "surprise": "surprise",
    "sadness": "sad",
    "anger": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "contempt": "contempt",
    "unknown": "uncertain",
    "NF": "uncertain",
}
UNCERTAIN = EMOTIONS.index("uncertain")


def load_ferplus(path: str | Path, *, held_out: float = 0.08, seed: int = 0) -> LabelledFaces:
    """Read FER+ from an npz file with `images`, `votes`, `vote_names`, `usage` and `usage_names`.

    Parameters
    ----------
    path : path
        The npz file; `usage` holds Training and PublicTest rows.
    held_out : float
        Share of the Training pictures held out, drawn by picture so that repeats stay together.
    seed : int
        Chooses which pictures are held out.

    Returns
    -------
    LabelledFaces
        Grey 48 x 48 pictures with `votes` and their shares as `target`; `group` numbers equal
        pixels. The split is "train", "val" (kept aside from Training, for early stopping and
        calibration), "test" (PublicTest), or "" for a PublicTest row that repeats a Training
        picture.

    Raises
    ------
    FerError
        If the file is missing, lacks a key, or names a vote that is not known.
    """
    path = Path(path)
    if not path.is_file():
        raise FerError(f"no file {path}; pass the FER+ npz file that data/README.md describes")
    with np.load(path) as data:
        missing = {"images", "votes", "vote_names", "usage", "usage_names"} - set(data.files)
        if missing:
            raise FerError(f"{path.name} lacks {', '.join(sorted(missing))}; see data/README.md")
        images, usage = data["images"], data["usage_names"][data["usage"]]
        votes = nine_votes(data["votes"], [str(name) for name in data["vote_names"]])
    group = pixel_groups(images)
    split = _split(group, usage, held_out, seed)
    return LabelledFaces(images, _shares(votes), group, split, votes=votes)


def nine_votes(votes: np.ndarray, names: list[str]) -> np.ndarray:
    """Sum votes (n, k), whose columns are `names`, into counts (n, 9) in the order of `EMOTIONS`.

    Examples
    --------
    >>> nine_votes(np.array([[7, 2, 1]]), ["neutral", "unknown", "NF"])[0, [5, 8]]
    array([7., 3.], dtype=float32)
    """
    counts = np.zeros((len(votes), len(EMOTIONS)), np.float32)
    for column, name in enumerate(names):
        if name not in VOTE_EMOTIONS:
            raise FerError(f"unknown vote {name!r}; known are {', '.join(VOTE_EMOTIONS)}")
        counts[:, EMOTIONS.index(VOTE_EMOTIONS[name])] += votes[:, column]
    return counts


def most_voted(votes: np.ndarray) -> np.ndarray:
    """Return the index of the class with most votes, (n,), for counts (n, 9).

    A tie goes to the class that comes first in FER+ (neutral, happiness, surprise ...), which is
    what an argmax over its columns gives.

    Examples
    --------
    >>> int(most_voted(np.array([[5, 0, 0, 0, 0, 5, 0, 0, 0]]))[0]) == EMOTIONS.index("neutral")
    True
    """
    order = np.array([EMOTIONS.index(name) for name in dict.fromkeys(VOTE_EMOTIONS.values())])
    return order[votes[:, order].argmax(axis=1)]


def majority(votes: np.ndarray) -> np.ndarray:
    """Return the named emotion that most raters agree on, (n,), or -1; for counts (n, 9).

    The rule that the authors of FER+ test by (Barsoum et al. 2016): a class with a single vote is
    left out as a slip, and more than half of the rest must agree, on a class other than uncertain.

    Examples
    --------
    >>> majority(np.array([[5, 0, 0, 0, 0, 4, 1, 0, 0], [5, 0, 0, 0, 0, 5, 0, 0, 0]])).tolist()
    [0, -1]
    """
    counts = np.where(votes > 1, votes, 0)
    best = counts.argmax(axis=1)
    agreed = (counts.max(axis=1) > counts.sum(axis=1) / 2) & (best != UNCERTAIN)
    return np.where(agreed, best, -1)


def pixel_groups(images: np.ndarray) -> np.ndarray:
    """Number pictures (n, ...) so that those with equal pixels share a number; int64 (n,)."""
    seen: dict[bytes, int] = {}
    return np.array(
        [seen.setdefault(hashlib.sha256(image.tobytes()).digest(), len(seen)) for image in images],
        np.int64,
    )


def _split(group: np.ndarray, usage: np.ndarray, held_out: float, seed: int) -> np.ndarray:
    training = usage == "Training"
    pictures = np.unique(group[training])
    aside = np.random.default_rng(seed).permutation(pictures)[: round(held_out * len(pictures))]
    split = np.where(training, np.where(np.isin(group, aside), "val", "train"), "test")
    # A repeat of a Training picture would be judged by what was learned by heart.
    split[(usage != "Training") & np.isin(group, pictures)] = ""
    return split


def vote_targets(votes: np.ndarray, disagreement: float = 0.3) -> np.ndarray:
    """Turn vote counts (n, 9) into training targets (n, 9) whose rows sum to 1.

    The share of votes, except that a picture on which the raters disagreed moves weight to
    "uncertain": all of `disagreement` where the top vote holds at most 0.45 of the votes, a third
    of it up to 0.55, nothing above. Hardly any rater chose "unknown", so without this step
    "uncertain" would say little about pictures that ten people read in five ways.

    Examples
    --------
    >>> votes = np.array([[0, 0, 0, 0, 4, 3, 3, 0, 0]])
    >>> vote_targets(votes, 0.3)[0, [4, 8]].round(2)
    array([0.28, 0.3 ], dtype=float32)
    """
    share = _shares(votes)
    top = share[:, :UNCERTAIN].max(axis=1)
    moved = disagreement * np.select([top <= 0.45, top <= 0.55], [1.0, 1 / 3], 0.0)
    target = share * (1 - moved[:, None])
    target[:, UNCERTAIN] += moved
    return target.astype(np.float32)


def vote_affect(votes: np.ndarray, table: str = "circumplex") -> np.ndarray:
    """Return graded valence and arousal (n, 2), in [-1, 1] units, of vote counts (n, 9).

    The mean rating, in `table`, over the raters who named an emotion. Neutral counts as 4/4, the
    middle of both scales. A rater who could not tell says nothing about valence and is left out,
    and half a neutral vote is added to all, so that a face nobody could read is at the middle.

    Examples
    --------
    >>> vote_affect(np.array([[0, 0, 0, 0, 0, 10, 0, 0, 0]])).tolist()
    [[0.0, 0.0]]
    """
    named = np.array(votes, float)
    named[:, UNCERTAIN] = 0
    named[:, 5] += 0.5
    return to_unit(expected_valence_arousal(named, table)).astype(np.float32)


def _shares(votes: np.ndarray) -> np.ndarray:
    return (votes / votes.sum(axis=1, keepdims=True)).astype(np.float32)
