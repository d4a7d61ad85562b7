"""Comparisons as HTML: two stimuli or groups, the mixed model, and before and after."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from fer_nb.pages import Html
from fer_nb.study.mood import MoodResult
from fer_nb.study.result import StudyResult
from fer_nb.study.sections import html_table
from fer_nb.study.words import (
    contrast_names,
    metric_name,
    number,
    p_text,
    signal_name,
    title_of,
)


def contrasts_of(
    result: StudyResult,
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]]:
    """Yield rows of the comparison, difference curves and clusters, for each contrast."""
    keys = ["within", "first", "second"]
    for key, rows in result.comparison.groupby(keys, sort=False):
        chosen = [
            table[(table[keys] == list(key)).all(axis=1)]
            for table in (result.difference_curves, result.difference_clusters)
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
                p_text(r.p_holm),
            ]
        )
    header = ["", *contrast_names(rows, result), "difference", "interval"]
    header += ["effect", "n", "p", "p (Holm)"]
    sizes = {
        "d_z": "d_z: the difference in standard deviations of the persons’ differences",
        "g": "g: the difference in standard deviations of the persons (Hedges)",
    }
    note = (
        "<p>Changes from baseline of the people compared: valence and arousal in points, emotions "
        f"in percentage points. {sizes[rows['effect_size'].iloc[0]]}. p (Holm) is corrected over "
        f"the {len(rows)} numbers.</p>"
    )
    return Html(html_table(lines, header, set(range(1, 9))) + note)


def mixed_table(result: StudyResult) -> Html:
    """Terms of the mixed model of average valence, stimuli by their titles."""
    rows = []
    for m in result.mixed.itertuples():
        title = f"“{title_of(result, m.stimulus)}”"
        term = f"{title} minus “{title_of(result, m.minus)}”" if m.minus else f"average of {title}"
        interval = f"{number(m.low)} to {number(m.high)}"
        rows.append([term, number(m.estimate), interval, p_text(m.p)])
    return html_table(rows, ["average valence", "estimate", "interval", "p"], {1, 2, 3})


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
    return html_table(rows, header, set(range(1, 8)))
