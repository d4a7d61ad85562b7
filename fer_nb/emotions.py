"""The nine emotions, their colours, and their place in the valence-arousal plane.

Valence (unpleasant to pleasant) and arousal (calm to excited) are on the 1-7 scale of the
published ratings, with 4 as neutral.

Sources
-------
van der Schalk, J., Hawk, S. T., Fischer, A. H., & Doosje, B. (2011). Moving faces, looking
places: Validation of the Amsterdam Dynamic Facial Expression Set (ADFES). *Emotion, 11*(4),
907-920. Table 3.
Russell, J. A., & Mehrabian, A. (1977). Evidence for a three-factor theory of emotions.
*J. Research in Personality, 11*(3), 273-294.
Russell, J. A. (1980). A circumplex model of affect. *J. Pers. Soc. Psychol., 39*(6), 1161-1178.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fer_nb.errors import FerError

EMOTIONS: tuple[str, ...] = (
    "anger",
    "contempt",
    "disgust",
    "fear",
    "happy",
    "neutral",
    "sad",
    "surprise",
    "uncertain",
)

PROBABILITY_COLUMNS: tuple[str, ...] = tuple(f"p_{name}" for name in EMOTIONS)

# Told apart with any common colour-blindness and on white and dark ground; the greys are left to
# the two states that are not an emotion.
COLORS: Mapping[str, str] = MappingProxyType(
    {
        "anger": "#D55E00",
        "contempt": "#CC79A7",
        "disgust": "#009E73",
        "fear": "#8E24D6",
        "happy": "#E69F00",
        "neutral": "#636973",
        "sad": "#0072B2",
        "surprise": "#56B4E9",
        "uncertain": "#B4B4B4",
    }
)

SCALE = (1.0, 7.0)
NEUTRAL = 4.0


@dataclass(frozen=True)
class RatingTable:
    """Mean valence and arousal of each emotion, in the order of `EMOTIONS`.

    `valence_sd` and `arousal_sd` are NaN where the source gives no spread.
    """

    name: str
    valence: tuple[float, ...]
    arousal: tuple[float, ...]
    valence_sd: tuple[float, ...]
    arousal_sd: tuple[float, ...]
    source: str

    @property
    def points(self) -> np.ndarray:
        """(9, 2) array of (valence, arousal)."""
        return np.column_stack([self.valence, self.arousal])


_NAN = float("nan")
_FACES = (2.45, 3.58, 2.51, 2.37, 5.88, 4.0, 2.28, 3.88, 3.0)
_FACES_SD = (0.66, 0.67, 0.71, 0.68, 0.60, _NAN, 0.60, 0.56, _NAN)

# "circumplex" is what the compact model is trained on. The raters of ADFES put fear below neutral
# in arousal, and joy above anger and surprise. In Russell's circumplex fear, anger and surprise are
# the excited ones; so they are by the ratings of their names, which this table takes for arousal.
RATINGS: Mapping[str, RatingTable] = MappingProxyType(
    {
        "adfes2011": RatingTable(
            name="adfes2011",
            valence=_FACES,
            arousal=(4.72, 4.06, 4.24, 3.87, 5.27, 4.0, 3.14, 4.31, 4.0),
            valence_sd=_FACES_SD,
            arousal_sd=(0.68, 0.63, 0.75, 1.10, 0.67, _NAN, 0.83, 0.62, _NAN),
            source="van der Schalk et al. (2011), Table 3; neutral and uncertain set by convention",
        ),
        "reference": RatingTable(
            name="reference",
            valence=(1.5, 1.5, 3.5, 2.0, 6.6, 4.0, 1.5, 6.0, 3.0),
            arousal=(6.72, 3.75, 2.5, 6.2, 4.2, 4.0, 1.5, 6.0, 4.0),
            valence_sd=(_NAN,) * 9,
            arousal_sd=(_NAN,) * 9,
            source="the reference notebook's own numbers",
        ),
        "circumplex": RatingTable(
            name="circumplex",
            valence=_FACES,
            arousal=(5.77, 4.06, 5.05, 5.80, 5.53, 4.0, 3.19, 6.01, 4.0),
            valence_sd=_FACES_SD,
            arousal_sd=(_NAN,) * 9,
            source="valence as adfes2011; arousal of the words angry, disgusted, fearful, happy, "
            "sad, surprised by Russell & Mehrabian (1977), from [-1, 1]; contempt as adfes2011",
        ),
    }
)


def rating_table(name: str = "adfes2011") -> RatingTable:
    """Return the named table of valence and arousal ratings.

    Raises
    ------
    FerError
        If there is no table of that name.
    """
    try:
        return RATINGS[name]
    except KeyError:
        raise FerError(f"no rating table {name!r}; choose one of {', '.join(RATINGS)}") from None


def to_unit(rating):
    """Map ratings from the 1-7 scale to [-1, 1], 4 to 0.

    Examples
    --------
    >>> to_unit(7.0)
    1.0
    """
    return (rating - NEUTRAL) / (SCALE[1] - NEUTRAL)


def from_unit(value):
    """Map values from [-1, 1] to the 1-7 scale, 0 to 4.

    Examples
    --------
    >>> from_unit(-1.0)
    1.0
    """
    return value * (SCALE[1] - NEUTRAL) + NEUTRAL


def expected_valence_arousal(probs: np.ndarray, table: str = "adfes2011") -> np.ndarray:
    """Return the mean rating under a distribution over the nine emotions.

    Parameters
    ----------
    probs : array (n, 9)
        Weights in the order of `EMOTIONS`; rows need not sum to 1 but must not sum to 0.
    table : str
        Name of the rating table.

    Returns
    -------
    array (n, 2)
        Valence and arousal, 1-7.
    """
    probs = np.asarray(probs, dtype=float)
    return probs @ rating_table(table).points / probs.sum(axis=1, keepdims=True)


def nearest_emotion(valence: float, arousal: float, table: str = "adfes2011") -> str:
    """Return the emotion whose mean rating lies nearest in the valence-arousal plane.

    Examples
    --------
    >>> nearest_emotion(5.9, 5.2)
    'happy'
    """
    distance = np.hypot(*(rating_table(table).points - (valence, arousal)).T)
    return EMOTIONS[int(np.argmin(distance))]
