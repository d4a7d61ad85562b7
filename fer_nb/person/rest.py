"""A person's face at rest, and what departs from it: one baseline for a table and for a study."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_nb.errors import FerError
from fer_nb.person.identity import SIGNALS, Person, find_person
from fer_nb.tables import DEPARTURES

# Less measured time than this says nothing of how a face rests.
LEAST_REST_S = 2.0
# A face watching a film is at rest for most of the time: this share of it is taken.
_AT_REST = 0.5
# Below these a baseline's SD is measurement noise, and dividing by it would invent departures.
_SD_FLOOR = np.array([0.05, 0.05, *[0.01] * 9])


@dataclass(frozen=True)
class Rest:
    """A person's resting level.

    Attributes
    ----------
    mean, sd : array (11,)
        Of valence, arousal and nine probabilities.
    angular : array (11,)
        The mean on the `angular` scale.
    seconds : float
        Measured seconds behind them.
    """

    mean: np.ndarray
    sd: np.ndarray
    angular: np.ndarray
    seconds: float

    @property
    def spread(self) -> np.ndarray:
        """The SD, and no less than measurement noise, to divide departures by."""
        return np.maximum(self.sd, _SD_FLOOR)


def angular(values: np.ndarray, signals: int | slice = slice(None)) -> np.ndarray:
    """Put probabilities on the scale on which departures are tested: arcsin of the square root.

    A rare emotion's probability is skewed: it can rise far but hardly fall, and a test that flips
    signs takes that for an effect in small audiences. On this scale (which stabilises the variance
    of a share) departures are nearly symmetric, and the false-alarm rate holds.

    Parameters
    ----------
    values : array (..., 11, B)
        Valence and arousal (left as they are), then nine probabilities.
    signals : int or slice
        Which of the eleven these are; with a number, `values` are (..., B).
    """
    probability = np.arange(len(SIGNALS)) >= 2
    scaled = np.arcsin(np.sqrt(np.clip(values, 0, 1)))
    return np.where(probability[signals][..., None], scaled, values)


def rest_of(person: Person, begin_s: float, end_s: float, rate_hz: float = 5.0) -> Rest:
    """Measure a person's face at rest between two times of the recording's clock.

    Mean and SD are over bins of ``1 / rate_hz`` seconds, each weighted by its measured time.
    """
    return _level(*_bins(person, begin_s, end_s, rate_hz))


def usual_rest(person: Person, rate_hz: float = 5.0) -> Rest:
    """Find a person's face at rest where nobody has said when it rested.

    It is the half of the measured time in which the face looks most like its own median (each
    signal's, on the `angular` scale). So a face that is stern or seems to smile by nature is
    measured against itself. Who reacts for more than half of the time has no rest that could be
    found so: give the stretch then, or a study's baseline.

    Returns
    -------
    Rest
        NaN, with the measured seconds, where there are less than `LEAST_REST_S`.
    """
    if not person.seen.any():
        return _level(np.full((1, len(SIGNALS)), np.nan), np.zeros(1))
    begin_s, end_s = person.time_s[0], person.time_s[-1] + person.held_s[-1]
    means, weight = _bins(person, begin_s, end_s, rate_hz)
    means, weight = means[weight > 0], weight[weight > 0]
    if weight.sum() < LEAST_REST_S:
        nothing = _level(means, np.zeros(len(means)))
        return Rest(nothing.mean, nothing.sd, nothing.angular, float(weight.sum()))
    scaled = angular(means.T).T
    scaled[:, :2] /= 6  # 1 to 7, as wide as a probability
    away = np.linalg.norm(scaled - _medians(scaled, weight), axis=1)
    order = np.argsort(away, kind="stable")
    before = np.cumsum(weight[order]) - weight[order]
    kept = order[before < _AT_REST * weight.sum()]
    return _level(means[kept], weight[kept])


def relative_to_rest(table: pd.DataFrame, rest: str | tuple[float, float] = "auto") -> pd.DataFrame:
    """Add the change from each face at rest: columns ``d_valence``, …, ``d_p_uncertain``.

    Parameters
    ----------
    table : DataFrame
        The reaction table of one recording.
    rest : "auto" or (begin_s, end_s)
        Where a face is at rest: found by `usual_rest`, or the stretch between two times.

    Returns
    -------
    DataFrame
        A copy. A column is the signal less its mean at rest, in the signal's own unit; NaN where no
        face was measured, or its rest is not known: it was measured for less than `LEAST_REST_S`
        ("auto"), or not in the stretch, of which ``attrs["warnings"]`` tells. ``attrs["rest"]`` has
        each face's level and measured seconds.

    Raises
    ------
    FerError
        If `rest` is neither, or the table holds several recordings.

    Examples
    --------
    >>> table = relative_to_rest(analyze_video("viewer.mp4"))  # doctest: +SKIP
    >>> table["d_p_happy"].max()  # doctest: +SKIP
    """
    begin_s, end_s = (-np.inf, np.inf) if rest == "auto" else _stretch(rest)
    if "source" in table and table["source"].nunique() > 1:
        raise FerError("rest is measured in one recording; take them one by one")
    attrs, table = table.attrs, table.copy(deep=False)
    table.attrs = {}
    ids = table["face_id"].to_numpy(dtype=float, na_value=np.nan)
    values = table[list(SIGNALS)].to_numpy(dtype=float)
    levels, warnings, told = np.full(values.shape, np.nan), [], {}
    for face in np.unique(ids[~np.isnan(ids)]).astype(int).tolist():
        person = find_person(table, face_id=face, join=False)
        if rest == "auto":
            level = usual_rest(person)
        else:
            level = rest_of(person, begin_s, end_s)
        told[str(face)] = {"seconds": round(level.seconds, 2)}
        if np.isnan(level.mean[0]):
            warnings.append(f"face {face} was measured for too short a time to know its rest")
            continue
        levels[ids == face] = level.mean
        told[str(face)] |= dict(zip(SIGNALS, level.mean.round(4).tolist(), strict=True))
    departed = (values - levels).astype(np.float32)
    table[list(DEPARTURES)] = pd.DataFrame(departed, index=table.index, columns=list(DEPARTURES))
    how = rest if rest == "auto" else [begin_s, end_s]
    table.attrs = attrs | {
        "rest": {"how": how, "faces": told},
        "warnings": [*attrs.get("warnings", []), *warnings],
    }
    return table


def _stretch(rest) -> tuple[float, float]:
    """Return two times in order, or raise FerError."""
    try:
        begin_s, end_s = map(float, rest)
    except (TypeError, ValueError):
        begin_s = end_s = np.nan
    if isinstance(rest, str) or not begin_s < end_s:
        raise FerError(f'rest must be "auto" or two times in order (begin_s, end_s), not {rest!r}')
    return begin_s, end_s


def _bins(person: Person, begin_s: float, end_s: float, rate_hz: float):
    """Means (k, 11) and measured seconds (k,) of the bins between two times."""
    count = max(1, int(np.ceil((end_s - begin_s) * rate_hz - 1e-9)))
    edges = np.linspace(begin_s, end_s, count + 1)
    return person.average(edges[:-1], edges[1:])


def _medians(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted medians of the columns of (k, s)."""
    order = np.argsort(values, axis=0)
    share = np.cumsum(weight[order], axis=0) / weight.sum()
    at = (share < 0.5).sum(axis=0)
    return np.take_along_axis(values, order, axis=0)[at, np.arange(values.shape[1])]


def _level(means: np.ndarray, weight: np.ndarray) -> Rest:
    """Mean and SD of bins (k, 11), weighted by their measured seconds."""
    seconds = float(weight.sum())
    nothing = np.full(len(SIGNALS), np.nan)
    if seconds <= 0:
        return Rest(nothing, nothing, nothing, 0.0)
    # Differences of sums: an unmeasured bin may weigh a hair less than nothing.
    values, weight = np.nan_to_num(means.T), np.maximum(weight, 0.0) / seconds
    mean = values @ weight
    sd = np.sqrt((values - mean[:, None]) ** 2 @ weight)
    return Rest(mean, sd, angular(values) @ weight, seconds)
