"""Comparisons as HTML: two stimuli or groups, the mixed model, and before and after."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from fer_nb.reports.comparison_sentences import contrast_names
from fer_nb.reports.html import Html, joined, paragraphs, table
from fer_nb.reports.words import (
    metric_name,
    number,
    outcome_name,
    p_text,
    signal_name,
    size_text,
    title_of,
)
from fer_nb.study.mood import MoodResult
from fer_nb.study.result import StudyResult

# Where a p is not to be leaned on: its mark in the table, and what it means.
FLAGS = {
    "interval": (" *", "p and interval disagree: one or two people decide the result."),
    "ranks": (" †", "A rank test, which outliers cannot move, does not find it (p_robust)."),
}


def contrasts_of(
    result: StudyResult,
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]]:
    """Yield rows of the comparison, difference curves and clusters, for each contrast."""
    keys = ["within", "first", "second"]
    for key, rows in result.comparison.groupby(keys, sort=False):
        chosen = [
            part[(part[keys] == list(key)).all(axis=1)]
            for part in (result.difference_curves, result.difference_clusters)
        ]
        yield rows, *chosen


def comparison_table(rows: pd.DataFrame, result: StudyResult) -> Html:
    """One contrast: both means, difference, interval, effect size, p."""
    lines, config = [], result.config
    for r in rows.itertuples():
        points = r.signal in ("valence", "arousal")
        scale, digits = (1, 2) if points else (100, 1)
        lines.append(
            [
                f"{signal_name(r.signal)}, {metric_name(r.metric, config)}",
                number(scale * r.mean_first, digits),
                number(scale * r.mean_second, digits),
                number(scale * r.difference, digits),
                "–"
                if np.isnan(r.low)
                else f"{number(scale * r.low, digits)} to {number(scale * r.high, digits)}",
                f"{r.effect_size} = {number(r.effect, 2)}",
                f"{r.n_first}" if r.design == "paired" else f"{r.n_first} + {r.n_second}",
                p_text(r.p),
                p_text(r.p_holm) + FLAGS.get(r.flag, ("", ""))[0],
            ]
        )
    header = ["", *contrast_names(rows, result), "difference", "interval"]
    header += ["effect", "n", "p", "p (Holm)"]
    sizes = {
        "d_z": "d_z: the mean difference in standard deviations of the respondents’ differences",
        "g": "g: the difference of means in standard deviations of the respondents (Hedges)",
    }
    tested = int(rows.loc[rows["role"] == "secondary", "p"].notna().sum())
    corrected = f"; p (Holm) of the others is corrected over these {tested}" if tested else ""
    note = paragraphs(
        "Changes from baseline of the people compared: valence and arousal in points, emotions "
        f"as scores of 100. {sizes[rows['effect_size'].iloc[0]]}. The first number is the primary "
        f"outcome, the one the verdict is about{corrected}."
    )
    told = [
        f"{mark.strip()} {text}"
        for code, (mark, text) in FLAGS.items()
        if (rows["flag"] == code).any()
    ]
    return joined(table(lines, header, set(range(1, 9))), note, paragraphs(*told))


def scene_table(rows: pd.DataFrame, result: StudyResult) -> Html:
    """Scenes of the same name of one contrast (`rows`, as `contrasts_of` gives them) compared."""
    keys = ["within", "first", "second"]
    part = result.scene_comparison
    part = part[(part[keys] == rows[keys].iloc[0]).all(axis=1)]
    if part.empty:
        return Html()
    lines = []
    for r in part.itertuples():
        scale, digits = (1, 2) if r.signal in ("valence", "arousal") else (100, 1)
        means = (number(scale * value, digits) for value in (r.mean_first, r.mean_second))
        low, high = number(scale * r.low, digits), number(scale * r.high, digits)
        lines.append(
            [
                r.scene,
                signal_name(r.signal),
                *means,
                number(scale * r.difference, digits),
                "–" if np.isnan(r.low) else f"{low} to {high}",
                p_text(r.p_holm),
            ]
        )
    header = ["scene", "", *contrast_names(rows, result), "difference", "interval", "p (Holm)"]
    note = paragraphs(
        "Scenes of the same name, wherever they lie in either film: average changes, with the lag "
        f"of reactions ({result.config.scene_lag_s:g} s). p is corrected over "
        f"{part['p'].notna().sum()} numbers."
        " Where scenes have moved, curves are not compared by the clock."
    )
    return joined(table(lines, header, set(range(2, 7))), note)


def mixed_table(result: StudyResult) -> Html:
    """Terms of the mixed model, stimuli by their titles; no p: the primary test has the one."""
    rows, signal = [], result.config.primary_outcome[1]
    for m in result.mixed.itertuples():
        names = [m.level, m.minus]
        if m.term == "stimulus":
            names = [f"“{title_of(result, name)}”" if name else "" for name in names]
        elif m.term == "period":
            names = [f"position {name}" for name in names]
        else:
            names = [f"order {name}" for name in names]
        term = " minus ".join(names) if m.minus else names[0]
        ends = f"{size_text(signal, m.low)} to {size_text(signal, m.high)}"
        rows.append([term, size_text(signal, m.estimate), ends])
    return table(rows, [outcome_name(result.config), "estimate", "interval"], {1, 2})


def sensitivity_table(rows: pd.DataFrame, result: StudyResult) -> Html:
    """The primary outcome of one contrast (`rows`), and how it comes out by other choices."""
    keys = ["within", "first", "second"]
    checks = result.sensitivity
    checks = checks[(checks[keys] == rows[keys].iloc[0]).all(axis=1)]
    if checks.empty:
        return Html()
    signal = result.config.primary_outcome[1]
    taken = rows[rows["role"] == "primary"].assign(check="taken")
    names = {
        "taken": "as in the verdict: those who left early are compared on what they saw",
        "completers": "only those who watched to the end",
        "presentation": "allowing for order and period of presentation (mixed model)",
    }
    lines = []
    for r in pd.concat([taken, checks]).itertuples():
        ends = "–"
        if not np.isnan(r.low):
            ends = f"{size_text(signal, r.low)} to {size_text(signal, r.high)}"
        n = f"{r.n_first}" if rows["design"].iloc[0] == "paired" else f"{r.n_first} + {r.n_second}"
        lines.append([names[r.check], size_text(signal, r.difference), ends, n])
    return table(lines, [outcome_name(result.config), "difference", "interval", "n"], {1, 2, 3})


def mood_table(mood: MoodResult) -> Html:
    """Before and after, person-level."""
    rows = []
    for m in mood.table.itertuples():
        points = m.measure != "p_happy"
        scale, digits = (1, 2) if points else (100, 1)

        def with_interval(value, low, high, scale=scale, digits=digits):
            if np.isnan(low):
                return number(scale * value, digits)
            ends = f"{number(scale * low, digits)} to {number(scale * high, digits)}"
            return f"{number(scale * value, digits)} ({ends})"

        rows.append(
            [
                signal_name(m.measure) + (" (1–7)" if points else ", %"),
                with_interval(m.before, m.before_low, m.before_high),
                with_interval(m.after, m.after_low, m.after_high),
                with_interval(m.difference, m.low, m.high),
                f"{m.effect_size} = {number(m.effect, 2)}",
                f"{m.n_before}" if m.test == "paired" else f"{m.n_before} + {m.n_after}",
                p_text(m.p),
                p_text(m.p_holm),
            ]
        )
    header = ["", *mood.phases, "difference", "effect", "n", "p", "p (Holm)"]
    return table(rows, header, set(range(1, 8)))
