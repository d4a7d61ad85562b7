"""Segments as HTML: a fold for each column, its levels side by side, how sure differences are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fer_nb.reports.html import Html, box, fold, joined, paragraphs, subhead, table
from fer_nb.reports.words import (
    ends_text,
    number,
    outcome_name,
    people,
    percent,
    score_ends,
    score_text,
    score_unit,
    size_text,
    title_of,
)
from fer_nb.study.config import StudyConfig
from fer_nb.study.result import StudyResult
from fer_nb.study.scores import SCORES
from fer_nb.study.segments import MOST_LEVELS, at_risk, segment_columns

SHOWN = ("valence", "positive", "expressiveness", "attention")
WARNING = (
    "The network does not treat all people alike: it detects fewer smiles in men than in women "
    "(the model card says how many). Read changes from each person’s baseline, not levels, and "
    "treat a gap between such segments as a question, not as a finding."
)
_MOST_ROWS = 12  # of a table of comparisons; the file has all of them
_REFUSED = {
    "many": f"holds more than {MOST_LEVELS} values (make bands, such as 18–29)",
    "varies": "differs between recordings of one person",
}


def segments(result: StudyResult) -> Html:
    """Every further column of the manifest that divides the respondents; empty without one."""
    usable, refused = segment_columns(result.quality)
    told = [f"Not a segment: “{name}” {_REFUSED[why]}." for name, why in refused.items()]
    if not usable or result.segments.empty:
        return paragraphs(*told) if told else Html()
    folds = [
        fold(name, _segment(result, name), group="segments", open_=not i)
        for i, name in enumerate(usable)
    ]
    config, tested = result.config, int(result.segment_comparison["p"].notna().sum())
    over = "no comparison has enough people for a test"
    if tested:
        over = (
            f"“beyond chance” is corrected over all {tested} comparisons of segments (Holm, "
            f"{percent(config.alpha)})"
        )
    note = paragraphs(
        f"Only numbers of {people(config.min_n_interval)} or more are shown, and only of "
        f"{config.min_n_test} or more tested. One number is compared, the {outcome_name(config)}; "
        f"{over}. Segments found in the data are leads for the next study.",
        *told,
    )
    return joined(*folds, note)


def _segment(result: StudyResult, column: str) -> Html:
    rows = result.segments[result.segments["column"] == column]
    parts = []
    for name in dict.fromkeys(rows["stimulus"]):
        if len(result.audiences) > 1:
            parts.append(subhead(title_of(result, name)))
        parts.append(_levels(rows[rows["stimulus"] == name], column, result))
    parts.append(_comparisons(result, column))
    if at_risk(column, rows["level"].unique()):
        parts.append(box(WARNING, warn=True))
    return joined(*parts)


def _levels(rows: pd.DataFrame, column: str, result: StudyResult) -> Html:
    """One row a level, one column a number."""
    metric, signal = result.config.primary_outcome
    own = (metric, signal) != ("average", "valence")
    header = [column, "n", *([outcome_name(result.config)] if own else [])]
    header += [f"{SCORES[key].label}, {score_unit(key)}" for key in SHOWN]
    lines = []
    for level, part in rows.groupby("level", sort=False):
        if part["signal"].isna().all():
            few = f"fewer than {result.config.min_n_interval}: not shown"
            blank = [""] * (len(header) - 3)
            lines.append([level, int(part["n"].iloc[0]), few, *blank])
            continue
        scores = part[part["metric"] == "score"].set_index("signal")
        line = [level, int(scores["n"].max())]
        if own:
            line.append(
                _cell(part[(part["metric"] == metric) & (part["signal"] == signal)].iloc[0], signal)
            )
        lines.append([*line, *(_cell(scores.loc[key], key, score_text) for key in SHOWN)])
    return table(lines, header, set(range(1, len(header))))


def _cell(row: pd.Series, key: str, text=None) -> str:
    def said(value):
        return text(key, value) if text else size_text(key, value, True)

    if np.isnan(row["low"]):
        return said(row["estimate"])
    ends = score_ends if text else ends_text
    return f"{said(row['estimate'])} ({ends(key, row['low'], row['high'])})"


def _comparisons(result: StudyResult, column: str) -> Html:
    found = result.segment_comparison
    config, signal = result.config, result.config.primary_outcome[1]
    enough = found[["n_first", "n_second"]].min(axis=1) >= config.min_n_interval
    found = found[(found["column"] == column) & enough & found["difference"].notna()]
    left_out = found.iloc[:0]
    if len(found) > _MOST_ROWS:  # the surest first, then the largest
        order = np.lexsort((-found["difference"].abs(), found["p_holm"].fillna(2.0)))
        found, left_out = found.iloc[order[:_MOST_ROWS]], found.iloc[order[_MOST_ROWS:]]
    lines = []
    for r in found.itertuples():
        if r.level:
            first, second = (title_of(result, name) for name in (r.first, r.second))
            what = f"“{first}” minus “{second}”, {column} {r.level}"
        else:
            place = f"“{title_of(result, r.stimulus)}”, " if len(result.audiences) > 1 else ""
            what = f"{place}{r.first} minus {r.second}"
        ends = "–" if np.isnan(r.low) else ends_text(signal, r.low, r.high)
        n = f"{r.n_first}" if r.design == "paired" else f"{r.n_first} + {r.n_second}"
        lines.append([what, size_text(signal, r.difference, True), ends, n, sure(r, config)])
    if not lines:
        return Html()
    header = [f"difference of the {outcome_name(config)}", "estimate", "interval", "n", "how sure"]
    shown = table(lines, header, {1, 2, 3})
    if left_out.empty:
        return shown
    untested = int(left_out["p"].isna().sum())
    few = f"; {untested} of them have too few people for a test" if untested else ""
    return joined(
        shown,
        paragraphs(f"{len(left_out)} more comparisons are in segment_comparison.csv{few}."),
    )


def sure(row, config: StudyConfig) -> str:
    """How sure a row of `StudyResult.segment_comparison` is, in words."""
    if np.isnan(row.p):
        return "too few to test"
    if row.p_holm > config.alpha:
        return f"not beyond chance (p {number(row.p_holm, 2)})"
    if row.low <= 0 <= row.high:
        return "not clear: test and interval disagree"
    return "beyond chance"
