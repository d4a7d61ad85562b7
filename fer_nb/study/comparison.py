"""Two stimuli, or two groups: what differs, by how much, how sure.

Paired where the same people saw both, independent otherwise; `fer_nb.study.two_samples` has the
tests and intervals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from types import MappingProxyType

import numpy as np
import pandas as pd

from fer_nb.study.clusters import cluster_test, holm, holm_over_signals, two_sample_cluster_test
from fer_nb.study.config import CURVES, SIGNALS, TESTED, StudyConfig
from fer_nb.study.content import adjusted_averages, common_content, leavers
from fer_nb.study.curves import Audience
from fer_nb.study.intervals import generator
from fer_nb.study.metrics import lagged, person_metrics, whole_metrics
from fer_nb.study.stimuli import Scene
from fer_nb.study.two_samples import (
    band_of,
    difference_p,
    difference_row,
    independent_row,
    measured,
    paired_row,
    robust_p,
    shuffle_p,
    sign_flip_p,
    welch_band,
)

# What is compared beside the primary outcome, and the family that Holm corrects over: decided
# before any data are seen.
COMPARED: tuple[tuple[str, str], ...] = (
    *(("average", signal) for signal in TESTED),
    ("first", "p_surprise"),
    ("last", "valence"),
    ("peak_end", "valence"),
)
COLUMNS = (
    "first",
    "second",
    "within",
    "role",
    "design",
    "signal",
    "metric",
    "n_first",
    "n_second",
    "left_out",
    "mean_first",
    "mean_second",
    "difference",
    "low",
    "high",
    "bca_low",
    "bca_high",
    "effect_size",
    "effect",
    "p",
    "p_holm",
    "p_robust",
    "flag",
)


@dataclass(frozen=True)
class Contrast:
    """Two audiences to compare (first minus second), cut to the same people where paired.

    `left_out` counts who lacks a kept recording of both, or, where they are not paired, who has
    one and so counts for the first only. `leavers` left one of the films early; where paired, both
    sides are cut to the content that the person saw of both (see `fer_nb.study.content`).
    """

    first: Audience
    second: Audience
    labels: tuple[str, str]
    within: str
    paired: bool
    left_out: int = 0
    leavers: frozenset[str] = frozenset()

    @property
    def pooled(self) -> bool:
        """Whether both sides watched the same film, so that their curves may be pooled."""
        return self.within != "stimuli"


def contrasts(
    audiences: dict[str, Audience], scenes: Mapping[str, tuple[Scene, ...]] = MappingProxyType({})
) -> list[Contrast]:
    """Every pair of stimuli, and every pair of groups within a stimulus; `scenes` by stimulus."""
    found = [
        contrast(
            audiences[a], audiences[b], (a, b), "stimuli", (scenes.get(a, ()), scenes.get(b, ()))
        )
        for a, b in combinations(audiences, 2)
    ]
    for name, audience in audiences.items():
        parts = {k: v for k, v in audience.parts().items() if k != "all"}
        found += [
            contrast(parts[a], parts[b], (a, b), f"groups of {name}")
            for a, b in combinations(parts, 2)
        ]
    return found


def contrast(
    first: Audience, second: Audience, labels, within: str, scenes: tuple = ((), ())
) -> Contrast:
    """Pair the people where most of the smaller audience saw both; else keep them apart.

    People in both of two otherwise independent audiences are taken from the first only. `scenes`
    are those of both films.
    """
    a = {name: i for i, name in enumerate(first.respondents)}
    b = {name: i for i, name in enumerate(second.respondents)}
    both = [name for name in a if name in b]
    if both and 2 * len(both) >= min(len(a), len(b)):
        left_out = len(a) + len(b) - 2 * len(both)
        first = first.take([a[name] for name in both])
        second = second.take([b[name] for name in both])
        left = leavers(first) | leavers(second)
        first, second = common_content(first, second, *scenes)
        return Contrast(first, second, tuple(labels), within, True, left_out, left)
    second = second.take([i for name, i in b.items() if name not in a])
    left = leavers(first) | leavers(second)
    return Contrast(first, second, tuple(labels), within, False, len(both), left)


def completers(c: Contrast) -> Contrast:
    """The same contrast among those who watched to the end."""
    first, second = (
        side.take([i for i, name in enumerate(side.respondents) if name not in c.leavers])
        for side in (c.first, c.second)
    )
    return replace(c, first=first, second=second, leavers=frozenset())


def compared_values(c: Contrast, wanted) -> list[np.ndarray]:
    """Person-level values (n, k) of both sides for the (metric, signal) in `wanted`.

    Different people have no common content to be cut to: the average of who left early is set
    right by how the others reacted to what that person missed.
    """
    values = [whole_metrics(audience) for audience in (c.first, c.second)]
    if not c.paired and c.leavers:
        averages = adjusted_averages(c.first, c.second, c.leavers, pooled=c.pooled)
        for one, average in zip(values, averages, strict=True):
            one["average"] = average
    return [
        np.column_stack([v[metric][:, SIGNALS.index(signal)] for metric, signal in wanted])
        for v in values
    ]


def compare_metrics(c: Contrast) -> pd.DataFrame:
    """Compare the primary outcome, then those of `COMPARED`, over which p is Holm-corrected.

    The primary outcome is a family of its own: its `p_holm` is its p. Columns `COLUMNS`.
    """
    config = c.first.config
    name = (c.within, *c.labels)
    wanted = (
        config.primary_outcome,
        *(pair for pair in COMPARED if pair != config.primary_outcome),
    )
    a, b = compared_values(c, wanted)
    enough = min(len(a), len(b)) >= config.min_n_test
    rng = generator(config.seed, "comparison", *name)
    if not enough:
        p = np.full(len(wanted), np.nan)
    elif c.paired:
        p = sign_flip_p(a - b, rng, config.n_permutations)
    else:
        p = shuffle_p(a, b, rng, config.n_permutations)
    rows = []
    for k, (metric, signal) in enumerate(wanted):
        x, y = a[:, k], b[:, k]
        if c.paired:
            both = ~np.isnan(x) & ~np.isnan(y)
            x, y = x[both], y[both]
            row = paired_row(x - y, config, rng)
        else:
            x, y = x[~np.isnan(x)], y[~np.isnan(y)]
            row = independent_row(x, y, config, rng)
        rows.append(
            {
                "first": c.labels[0],
                "second": c.labels[1],
                "within": c.within,
                "role": "secondary" if k else "primary",
                "design": "paired" if c.paired else "independent",
                "signal": signal,
                "metric": metric,
                "n_first": len(x),
                "n_second": len(y),
                "left_out": c.left_out,
                "mean_first": x.mean() if len(x) else np.nan,
                "mean_second": y.mean() if len(y) else np.nan,
                "p": p[k] if min(len(x), len(y)) >= config.min_n_test else np.nan,
                "p_robust": robust_p(x, y, c.paired)
                if min(len(x), len(y)) >= config.min_n_test
                else np.nan,
            }
            | row
        )
    table = pd.DataFrame(rows)
    table["p_holm"] = [table["p"].iloc[0], *holm(table["p"].iloc[1:])]
    table["flag"] = [_flag(row, config) for row in table.itertuples()]
    return table[list(COLUMNS)]


def over_pairs(comparison: pd.DataFrame) -> pd.DataFrame:
    """Correct the primary outcome's `p_holm` over all pairs of stimuli, or of one film's groups.

    With two of them there is one pair, and nothing to correct.
    """
    comparison = comparison.copy()
    primary = comparison[comparison["role"] == "primary"]
    for rows in primary.groupby("within", sort=False).groups.values():
        comparison.loc[rows, "p_holm"] = holm(comparison.loc[rows, "p"])
    return comparison


SCENE_COLUMNS = (
    "first",
    "second",
    "within",
    "scene",
    "signal",
    "n_first",
    "n_second",
    "mean_first",
    "mean_second",
    "difference",
    "low",
    "high",
    "p",
    "p_holm",
)


def compare_scenes(
    c: Contrast, first: tuple[Scene, ...], second: tuple[Scene, ...]
) -> pd.DataFrame:
    """Compare scenes of the same name, wherever they lie in either film. Columns `SCENE_COLUMNS`.

    Average changes in the scene, with the lag of reactions, of the signals of `CURVES`; p is
    Holm-corrected over scenes and signals. Empty where no scene has the same name.
    """
    config = c.first.config
    head = {"first": c.labels[0], "second": c.labels[1], "within": c.within}
    others = {scene.name: scene for scene in second}
    rows = []
    for scene in first:
        if scene.name not in others:
            continue
        x, y = (
            person_metrics(audience, *lagged(one, audience))["average"]
            for audience, one in ((c.first, scene), (c.second, others[scene.name]))
        )
        rng = generator(config.seed, "scene", c.within, *c.labels, scene.name)
        for signal in CURVES:
            a, b = (values[:, SIGNALS.index(signal)] for values in (x, y))
            a, b = measured(a, b, c.paired)
            row = difference_row(a, b, c.paired, config, rng)
            p = difference_p(a, b, c.paired, config, rng)
            rows.append(
                head
                | {"scene": scene.name, "signal": signal, "n_first": len(a), "n_second": len(b)}
                | {"mean_first": a.mean() if len(a) else np.nan}
                | {"mean_second": b.mean() if len(b) else np.nan}
                | {name: row.get(name, np.nan) for name in ("difference", "low", "high")}
                | {"p": p}
            )
    table = pd.DataFrame(rows, columns=list(SCENE_COLUMNS[:-1]))
    return table.assign(p_holm=holm(table["p"]))


def _flag(row, config: StudyConfig) -> str:
    """ "interval" where p and interval contradict each other, "ranks" where p and ranks do."""
    if np.isnan(row.p) or np.isnan(row.low):
        return ""
    if (row.p <= config.alpha) != (not row.low <= 0 <= row.high):
        return "interval"
    if row.p <= config.alpha < row.p_robust:
        return "ranks"
    return ""


def compare_curves(c: Contrast) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Difference curves with bands over the common length, and where they leave zero.

    Returns
    -------
    curves : DataFrame
        `first, second, within, signal, time_s, estimate, low, high, n`.
    clusters : DataFrame
        `first, second, within, signal, start_s, end_s, sign, p, p_holm`: cluster permutation
        test, Holm over the signals of `CURVES`; empty where there are too few people.
    """
    config = c.first.config
    bins = min(len(c.first.times), len(c.second.times))
    head = {"first": c.labels[0], "second": c.labels[1], "within": c.within}
    curves, found = [], {}
    for signal in CURVES:
        a, b = c.first.signal(signal)[:, :bins], c.second.signal(signal)[:, :bins]
        name = (*c.labels, c.within, signal)
        rng = generator(config.seed, "difference", *name)
        if c.paired:
            band = band_of(a - b, config, rng)
            estimate, low, high, n = band.mean, band.low, band.high, band.n
        else:
            estimate, low, high, n = welch_band(a, b, config, rng)
        times = {"signal": signal, "time_s": c.first.times[:bins]}
        bands = {"estimate": estimate, "low": low, "high": high, "n": n}
        curves.append(pd.DataFrame(head | times | bands))
        if min(len(a), len(b)) >= config.min_n_test:
            test = (
                cluster_test(a - b, config, *name)
                if c.paired
                else two_sample_cluster_test(a, b, config, *name)
            )
            found[signal] = test
    adjusted = holm_over_signals(found)
    clusters = [
        head
        | {
            "signal": signal,
            "start_s": k.start / config.rate_hz,
            "end_s": k.stop / config.rate_hz,
            "sign": k.sign,
            "p": k.p,
            "p_holm": p,
        }
        for signal in found
        for k, p in zip(found[signal], adjusted[signal], strict=True)
    ]
    names = [*head, "signal", "start_s", "end_s", "sign", "p", "p_holm"]
    return pd.concat(curves, ignore_index=True), pd.DataFrame(clusters, columns=names)
