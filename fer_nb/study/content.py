"""Who left early, and what such a person can be compared on: the content seen of both.

Who left the second film before its joke has not failed to laugh at it. Where the same person saw
both films, both sides are cut to what that person saw of each: by the clock, or, where scenes were
moved, to the scenes of the same name that were seen whole in both. Different people have no content
in common to be cut to; there the average is set right by how the others reacted to what was missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fer_nb.study.config import SIGNALS
from fer_nb.study.curves import Audience
from fer_nb.study.metrics import lagged, person_metrics
from fer_nb.study.quality import early_s
from fer_nb.study.signals import hidden
from fer_nb.study.stimuli import Scene

STAYED = 0.1  # of the film


def left_s(audience: Audience) -> np.ndarray:
    """When each person was last measured (n,), in seconds; inf for who stayed.

    Who is last seen in the last tenth of a film has seen it: a face is often lost for a moment.
    """
    seen = ~np.isnan(audience.raw[:, 0])
    bins = seen.shape[1]
    last = np.where(seen.any(axis=1), bins - np.argmax(seen[:, ::-1], axis=1), 0)
    last = last / audience.config.rate_hz
    end = audience.duration_s
    return np.where(end - last > max(early_s(end), STAYED * end), last, np.inf)


def leavers(audience: Audience) -> frozenset[str]:
    """Names of those who left early."""
    left = np.isfinite(left_s(audience))
    return frozenset(name for name, early in zip(audience.respondents, left, strict=True) if early)


def none_moved(first: tuple[Scene, ...], second: tuple[Scene, ...]) -> bool:
    """Whether two films may be compared by the clock: no scene of both lies elsewhere in one."""
    places = {scene.name: scene for scene in second}
    return all(places.get(scene.name, scene) == scene for scene in first)


def common_content(
    first: Audience,
    second: Audience,
    first_scenes: tuple[Scene, ...] = (),
    second_scenes: tuple[Scene, ...] = (),
) -> tuple[Audience, Audience]:
    """Cut two recordings of each person, row by row the same people, to what was seen of both.

    Only those who left one of them early are cut.
    """
    left = left_s(first), left_s(second)
    early = np.flatnonzero(np.isfinite(np.minimum(*left)))
    if not len(early):
        return first, second
    by_clock = none_moved(first_scenes, second_scenes)
    keep = [np.ones((len(first), len(side.times)), dtype=bool) for side in (first, second)]
    for i in early:
        if by_clock:
            end = min(left[0][i], left[1][i])
            for mask, side in zip(keep, (first, second), strict=True):
                mask[i] = side.times < end
            continue
        seen = [
            {scene.name for scene in scenes if scene.end_s <= at[i]}
            for scenes, at in zip((first_scenes, second_scenes), left, strict=True)
        ]
        both = seen[0] & seen[1]
        for mask, side, scenes in zip(
            keep, (first, second), (first_scenes, second_scenes), strict=True
        ):
            spans = [lagged(scene, side) for scene in scenes if scene.name in both]
            mask[i] = np.any([(side.times >= a) & (side.times < b) for a, b in spans], axis=0)
    return _masked(first, keep[0]), _masked(second, keep[1])


def _masked(audience: Audience, keep: np.ndarray) -> Audience:
    raw, corrected = hidden(audience.raw, ~keep), hidden(audience.corrected, ~keep)
    tested = None if audience.tested is None else hidden(audience.tested, ~keep)
    return replace(audience, raw=raw, corrected=corrected, tested=tested)


def adjusted_averages(
    first: Audience, second: Audience, left: frozenset[str], *, pooled: bool
) -> list[np.ndarray]:
    """Averages (n, 11) of two independent audiences, those of who left early set right.

    Such a person's average is that over what was seen, minus the others' mean over the same bins,
    plus the others' mean over the whole. The others are everyone who watched the film: with
    `pooled`, both sides.
    """
    sides = (first, second)
    curves = [_mean_curve(sides)] * 2 if pooled else [_mean_curve([side]) for side in sides]
    found = []
    for side, curve in zip(sides, curves, strict=True):
        average = person_metrics(side, 0, side.duration_s, extremes=False)["average"]
        early = np.flatnonzero([name in left for name in side.respondents])
        seen = ~np.isnan(side.corrected[early])
        weight = np.where(seen, side.coverage[early, None, :], 0.0)
        with np.errstate(invalid="ignore"):
            watched = (weight * np.nan_to_num(curve)).sum(axis=-1) / weight.sum(axis=-1)
            average[early] += np.nanmean(curve, axis=-1) - watched
        found.append(average)
    return found


def _mean_curve(sides: Sequence[Audience]) -> np.ndarray:
    """Mean over the people of all sides (11, B); NaN where nobody was measured."""
    return np.stack([_mean(sides, signal) for signal in range(len(SIGNALS))])


def _mean(sides: Sequence[Audience], signal: int) -> np.ndarray:
    values = np.concatenate([side.corrected[:, signal] for side in sides])
    seen = ~np.isnan(values)
    count = seen.sum(axis=0)
    total = np.where(seen, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
