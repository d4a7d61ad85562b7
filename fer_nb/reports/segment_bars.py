"""Segments as slides: the primary outcome of each, a bar per level and film, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fer_nb.reports.deck import Bars, Segment
from fer_nb.reports.segment_sections import WARNING, sure
from fer_nb.reports.words import outcome_name, percent, title_of, value_text
from fer_nb.study.result import StudyResult
from fer_nb.study.segments import at_risk


def segment_bars(result: StudyResult, colors: Sequence[str], most: int) -> list[Segment]:
    """One slide for each column of the manifest that has two levels with numbers.

    Parameters
    ----------
    result : StudyResult
    colors : sequence of str
    most : int
        How many films go on one slide.
    """
    metric, signal = result.config.primary_outcome
    rows = result.segments
    rows = rows[(rows["metric"] == metric) & (rows["signal"] == signal)]
    return [
        _segment(result, column, part, films[start : start + most], colors)
        for column, part in rows.groupby("column", sort=False)
        if part["level"].nunique() > 1
        for films in [list(dict.fromkeys(part["stimulus"]))]
        for start in range(0, len(films), most)
    ]


def _segment(
    result: StudyResult,
    column: str,
    rows: pd.DataFrame,
    films: Sequence[str],
    colors: Sequence[str],
) -> Segment:
    config = result.config
    signal = config.primary_outcome[1]
    rating = signal in ("valence", "arousal")
    table = rows.pivot_table(
        index="level", columns="stimulus", values=["estimate", "low", "high", "n"], sort=False
    ).reindex(columns=films, level="stimulus")
    scale = 1 if rating else 100
    bars = [
        Bars(
            label=title_of(result, film),
            values=scale * _column(table, "estimate", film),
            low=scale * _column(table, "low", film),
            high=scale * _column(table, "high", film),
            color=colors[i % len(colors)],
        )
        for i, film in enumerate(films)
    ]
    counts = [[int(n) for n in table["n"].loc[level].fillna(0)] for level in table.index]
    levels = [f"{x} (n = {_counts(n)})" for x, n in zip(table.index, counts, strict=True)]
    note = (
        f"{outcome_name(config).capitalize()}, with {percent(config.level)} intervals. Segments of "
        f"{config.min_n_test} or more people are tested."
    )
    if at_risk(column, table.index):
        note += f" {WARNING}"
    unit = "points of the 1–7 scale" if rating else "score, 0–100"
    title = f"{column[:1].upper()}{column[1:]}: {_message(result, column)}"
    return Segment(title, unit, levels, bars, note)


def _column(table: pd.DataFrame, kind: str, film: str) -> np.ndarray:
    known = kind in table and film in table[kind]
    return table[kind][film].to_numpy(float) if known else np.full(len(table), np.nan)


def _counts(n: Sequence[int]) -> str:
    """How many people a level has: one number, one for each of two films, or from how many on."""
    if len(set(n)) == 1:
        return str(n[0])
    return " and ".join(map(str, n)) if len(n) == 2 else f"{min(n)}–{max(n)}"


def _message(result: StudyResult, column: str) -> str:
    """What the comparisons of a column's levels say."""
    config, signal = result.config, result.config.primary_outcome[1]
    rows = result.segment_comparison
    rows = rows[(rows["column"] == column) & (rows["stimulus"].fillna("") != "")]
    if rows["p"].isna().all():
        return "too few people to test"
    found = [r for r in rows.itertuples() if sure(r, config) == "beyond chance"]
    if not found:
        return "no difference beyond chance"
    return "; ".join(
        f"{r.first} minus {r.second} {value_text(signal, r.difference)} in "
        f"{title_of(result, r.stimulus)}"
        for r in found[:2]
    )
