"""What a label means: names of classes in other people's data, and valence/arousal made from them.

Sources
-------
van der Schalk, J., et al. (2011). Moving faces, looking places: Validation of the Amsterdam Dynamic
Facial Expression Set (ADFES). *Emotion, 11*(4), 907-920.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fer_nb.emotions import (
    EMOTIONS,
    SCALE,
    expected_valence_arousal,
    rating_table,
)
from fer_nb.errors import FerError

_SYNONYMS = {
    "anger": "angry an",
    "contempt": "contemptuous scorn",
    "disgust": "disgusted di",
    "fear": "afraid fearful scared fe",
    "happy": "happiness joy joyful smile smiling ha",
    "neutral": "none calm ne",
    "sad": "sadness sa",
    "surprise": "surprised su",
    "uncertain": "unknown unsure other notaface nf",
}
_EMOTION_OF = {
    word: emotion for emotion, words in _SYNONYMS.items() for word in [emotion, *words.split()]
}
VA_METHODS = ("random", "gaussian", "expected")


def canonical_emotions(names: Iterable[str]) -> list[str]:
    """Translate class names ("Happiness", "joy", "0_angry", …) into those of `EMOTIONS`.

    Upper and lower case, spaces, dashes and leading numbers make no difference.

    Raises
    ------
    FerError
        Naming all that are not known, once each, and those that are.

    Examples
    --------
    >>> canonical_emotions(["Joy", "03-angry", "not a face"])
    ['happy', 'anger', 'uncertain']
    """
    names = [str(name) for name in names]
    found = [_EMOTION_OF.get("".join(c for c in name.lower() if c.isalpha())) for name in names]
    unknown = sorted({name for name, emotion in zip(names, found, strict=True) if emotion is None})
    if unknown:
        raise FerError(
            f"unknown class names: {', '.join(map(repr, unknown))}. Rename them to one of "
            f"{', '.join(EMOTIONS)} (or a synonym such as {', '.join(list(_EMOTION_OF)[1:12:3])})"
        )
    return found


def one_hot(emotions: Iterable[str]) -> np.ndarray:
    """Return float32 (n, 9) with a 1 at each emotion's place."""
    index = [EMOTIONS.index(name) for name in emotions]
    return np.eye(len(EMOTIONS), dtype=np.float32)[index].reshape(-1, len(EMOTIONS))


def va_labels(
    target: np.ndarray,
    how: str = "expected",
    table: str = "adfes2011",
    half_width: float = 0.22,
    seed: int = 0,
) -> np.ndarray:
    """Make valence/arousal labels for pictures of which only the emotion is known.

    Parameters
    ----------
    target : array (n, 9)
        Distribution over `EMOTIONS`: one-hot, or the share of the raters' votes.
    how : {"random", "gaussian", "expected"}
        "random" is the reference's way: the rating of the most voted emotion plus noise, evenly
        spread within ± `half_width`. "gaussian" draws from the published mean and SD of that
        emotion (no SD is published for neutral and uncertain: their mean is used). "expected" is
        the mean rating under the votes, without any noise.
    table : str
        Name of the rating table.
    half_width : float
        For "random", in points of the 1-7 scale.
    seed : int
        Of the noise.

    Returns
    -------
    float32 array (n, 2)
        Valence and arousal, 1-7.

    Examples
    --------
    >>> va_labels(one_hot(["happy"]), "expected")
    array([[5.88, 5.27]], dtype=float32)
    """
    target = np.asarray(target, float)
    if target.ndim != 2 or target.shape[1] != len(EMOTIONS):
        raise FerError(f"target must have one column for each of the nine emotions: {target.shape}")
    rng = np.random.default_rng(seed)
    ratings = rating_table(table)
    top = target.argmax(axis=1)
    if how == "expected":
        labels = expected_valence_arousal(target, table)
    elif how == "random":
        labels = ratings.points[top] + rng.uniform(-half_width, half_width, (len(top), 2))
    elif how == "gaussian":
        spread = np.nan_to_num(np.column_stack([ratings.valence_sd, ratings.arousal_sd]))
        labels = ratings.points[top] + rng.normal(size=(len(top), 2)) * spread[top]
    else:
        raise FerError(f"no way {how!r} to make labels; choose one of {', '.join(VA_METHODS)}")
    return np.clip(labels, *SCALE).astype(np.float32)
