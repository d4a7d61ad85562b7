"""Where a stimulus stands among past ones, as HTML: every percentile is a bar."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fer_nb.reports.html import Html, joined, ordinal, paragraphs, percentile_bar, table
from fer_nb.reports.words import metric_name, number, score_text, score_unit, signal_name
from fer_nb.study.config import TESTED
from fer_nb.study.norms import Norms
from fer_nb.study.scores import SCORES

# What the norms of single signals are shown of; the library and norms.csv hold more.
_NORMED = ("ever_expressed", "average", "peak", "peak_end")


def norms_table(norms: Norms) -> Html:
    """Percentiles among past stimuli: of the scores, and of the signals that are tested."""
    places = norms.table.set_index(["signal", "metric"])
    scores = [
        [score.label, f"{score_text(key, row.estimate)} {score_unit(key)}", _percentile(row)]
        for key, score in SCORES.items()
        for row in _rows(places, key, "score")
    ]
    signals = []
    for signal in TESTED:
        cells = ["".join(_place(signal, r) for r in _rows(places, signal, m)) for m in _NORMED]
        if any(cells):
            signals.append([signal_name(signal), *map(Html, cells)])
    note = paragraphs(
        "The shaded part is this study’s own uncertainty; that of the few past stimuli is left "
        "out. Valence and arousal in points, emotions as scores of 100, “ever expressed” in "
        "percent of respondents. A small audience’s peak comes out too high, and peaks rise with "
        "the length of the film: compare audiences and films of similar size."
    )
    columns = [metric_name(metric) for metric in _NORMED]
    return joined(
        table(scores, ["score", "value", "percentile"]) if scores else Html(),
        table(signals, ["signal", *columns]) if signals else Html(),
        note,
    )


def _rows(places: pd.DataFrame, signal: str, metric: str) -> list:
    """The one place of a number, or none."""
    if (signal, metric) not in places.index:
        return []
    return [places.loc[(signal, metric)]]


def _place(signal: str, row) -> Html:
    scale, digits = (1, 2) if signal in ("valence", "arousal") else (100, 1)
    return joined(Html(number(scale * row.estimate, digits)), Html(" "), _percentile(row))


def _percentile(row) -> Html:
    """A percentile as a bar with its ordinal; a dash where there is none."""
    if np.isnan(row.percentile):
        return Html("–")
    known = not (np.isnan(row.low) or np.isnan(row.high))
    bar = percentile_bar(row.percentile, *((row.low, row.high) if known else ()))
    return joined(bar, Html(f'<span class="soft">{ordinal(row.percentile)}</span>'))
