"""Who showed an emotion, and when: judged against the person's own face, not one bar for all.

A fixed bar ("a probability of 0.5") counts the faces that look a little happy at rest, and misses
those that do not. Here a second counts as expressed if the mean over it

* lies at least `expressed_rise` above the person's baseline,
* lies at least `expressed_spreads` of their own spreads above baseline or median, whichever is
  lower, and
* belongs to a stretch of such seconds that began quickly: with a rise of as many spreads within
  `ONSET_S`. Expressions begin in a second or two; moods that drift for several seconds get as far,
  but not as fast, and counted as smiles in a quarter of people before this was asked for.

The spread is that of steps from one second to the next (their median size, as a standard
deviation): reactions are level for seconds, and however many fill the film, most steps are rest's.
Quantiles of the seconds themselves, which we had first, took smiles through a third of the demo's
film for a lively face, and found none of them. Spreads are on the `angular` scale and shrunk
towards the audience's median, as one person's few seconds tell them badly.

docs/statistics.md says how the numbers were chosen, and how often a face at rest is counted.
"""

from __future__ import annotations

import warnings

import numpy as np

from fer_nb.study.config import StudyConfig
from fer_nb.study.intervals import blocks

_PRIOR_SECONDS = 20.0  # the audience's spread counts as much as so many seconds of one's own
_STEP_SD = 1.4826 / 2**0.5  # from the median size of steps to the SD of what they lie between
_LEAST_SPREAD = 0.015  # radians: below it is measurement noise
ONSET_S = 3


def expressed_seconds(
    seconds: np.ndarray, resting: np.ndarray | None, config: StudyConfig
) -> np.ndarray:
    """Return in which seconds each person expressed each emotion.

    Parameters
    ----------
    seconds : array (n, 9, S)
        Mean probability in each whole second; NaN where not measured.
    resting : array (n, 9) or None
        Each person's baseline; None (or ``baseline="none"``) takes their median instead.
    config : StudyConfig

    Returns
    -------
    array (n, 9, S) of bool
    """
    median, middle, spread = (np.empty(seconds.shape[:2]) for _ in range(3))
    some = list(blocks(len(seconds), max(1, seconds[0].size))) if len(seconds) else []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # who was never seen has no median
        for people in some:
            angle = _angle(seconds[people])
            median[people] = np.nanmedian(seconds[people], axis=-1)
            middle[people] = np.nanmedian(angle, axis=-1)
            spread[people] = _STEP_SD * np.nanmedian(np.abs(np.diff(angle, axis=-1)), axis=-1)
        common = np.nanmedian(spread, axis=0)
    count = (~np.isnan(seconds)).sum(axis=-1)
    shrunk = np.sqrt((_PRIOR_SECONDS * common**2 + count * spread**2) / (_PRIOR_SECONDS + count))
    if resting is None or config.baseline == "none":
        resting = median
    rest = _angle(resting)
    needed = config.expressed_spreads * np.maximum(shrunk, _LEAST_SPREAD)
    least = np.fmin(middle, rest) + needed
    expressed = np.empty(seconds.shape, dtype=bool)
    for people in some:
        angle = _angle(seconds[people])
        with np.errstate(invalid="ignore"):
            above = (angle >= least[people, :, None]) & (
                seconds[people] - resting[people, :, None] >= config.expressed_rise
            )
        expressed[people] = _begun_quickly(above, angle, rest[people], needed[people])
    return expressed


def _angle(share: np.ndarray) -> np.ndarray:
    return np.arcsin(np.sqrt(np.clip(share, 0, 1)))


def _begun_quickly(above, angle, rest, needed):
    """Keep the stretches of `above` from the second on that rises by `needed` within `ONSET_S`.

    A second that was not measured neither ends a stretch nor hides a rise: it is taken for the one
    before. Before the film there is the face at rest.
    """
    kept = np.zeros_like(above)
    going = np.zeros(rest.shape, dtype=bool)
    before = [rest] * ONSET_S
    for t in range(angle.shape[-1]):
        now = angle[..., t]
        measured = ~np.isnan(now)
        with np.errstate(invalid="ignore"):
            rises = now - np.fmin.reduce(before) >= needed
        going = np.where(measured, above[..., t] & (going | rises), going)
        kept[..., t] = going & measured
        before = [*before[1:], np.where(measured, now, before[-1])]
    return kept


def expressed_shares(
    seconds: np.ndarray, resting: np.ndarray | None, config: StudyConfig, factor: float
) -> np.ndarray:
    """Share (9,) of the people who expressed each emotion in at least a second.

    Both thresholds are multiplied by `factor`, to see how much depends on them. Of those who were
    measured in at least half of the stimulus.
    """
    strict = config.with_(
        expressed_rise=min(1.0, factor * config.expressed_rise),
        expressed_spreads=min(100.0, factor * config.expressed_spreads),
    )
    known = (~np.isnan(seconds)).mean(axis=-1) >= 0.5
    yes = expressed_seconds(seconds, resting, strict).any(axis=-1) & known
    return yes.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
