"""A study's tables as an Excel workbook: one sheet each, with units and definitions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.errors import MissingExtraError
from fer_nb.files import new_file
from fer_nb.reports.words import score_unit, title_of
from fer_nb.study.metrics import MEANING
from fer_nb.study.result import StudyResult
from fer_nb.study.scores import SCORES

# Excel refuses names beyond 31 characters; rows beyond this are in the Parquet files.
_MAX_ROWS = 1_000_000
_WIDEST = 80  # letters; what is longer goes on in the next line of its cell

# What each sheet holds: its name, the attribute of `StudyResult`, and what a row is.
_SHEETS = (
    ("Scores", "scores", "What the first page shows: a score of one stimulus, in its own unit."),
    ("Metrics", "metrics", "A number per stimulus, group, scope (whole or scene) and signal."),
    ("Moments", "moments", "A stretch where the audience departs from its baseline."),
    ("Brand", "brand", "What people showed while a brand was seen, or in the seconds after."),
    ("Comparison", "comparison", "A number of the first stimulus or group minus the second."),
    ("Checks", "sensitivity", "The primary outcome of a pair, computed another way."),
    ("Segments", "segments", "A number of the people with one value of a manifest's column."),
    ("Segments compared", "segment_comparison", "The primary outcome of two segments or films."),
    ("Synchrony", "synchrony", "Inter-subject correlation of each signal."),
    ("Recordings", "quality", "A recording: kept, excluded or failed, and why."),
    ("Curves", "curves", "The audience's curve of one signal at one time, with its band."),
)
_UNITS = (
    ("valence, arousal", "points of the 1–7 scale, 4 neutral; changes are minus the baseline"),
    ("p_anger … p_uncertain", "score 0–1: the model's probability; changes are minus the baseline"),
    ("share, share_low, share_high", "share of respondents, 0–1, with its exact interval"),
    ("start_s, end_s, peak_s, time_s", "seconds of the stimulus"),
    ("low, high", "ends of the interval at the confidence level below"),
    ("n", "respondents that the number rests on"),
    ("p, p_holm", "p-value of the test, and after Holm's correction"),
)


def write_workbook(
    result: StudyResult,
    path: str | Path,
    norms: pd.DataFrame | None = None,
    *,
    force: bool = False,
) -> Path:
    """Write the tables of a study to an ``.xlsx`` file.

    Text stays text: a cell that begins with ``=`` is no formula and an address no link.

    Parameters
    ----------
    result : StudyResult
    path : path
    norms : DataFrame, optional
        As `fer_nb.study.norms.norms_table` makes it.
    force : bool
        Replace an existing file.

    Raises
    ------
    MissingExtraError
        If XlsxWriter is not installed.
    """
    try:
        import xlsxwriter  # noqa: F401
    except ImportError:
        raise MissingExtraError("writing a workbook", "export") from None
    safe = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    path = Path(path)
    with (
        new_file(path, force=force) as part,
        pd.ExcelWriter(part, engine="xlsxwriter", engine_kwargs={"options": safe}) as book,
    ):
        _sheet(book, "Read me", _read_me(result), "What the sheets and columns mean.")
        for name, attribute, meaning in _SHEETS:
            table = _scores(result) if name == "Scores" else getattr(result, attribute)
            if len(table):
                _sheet(book, name, table.head(_MAX_ROWS), meaning)
        if norms is not None and len(norms):
            _sheet(book, "Norms", norms, "Where a number stands among past stimuli (percentiles).")
    return path


def _read_me(result: StudyResult) -> pd.DataFrame:
    rows = [
        *(("sheet", name, meaning) for name, _, meaning in _SHEETS),
        *(("stimulus", name, title_of(result, name)) for name in result.audiences),
        *(("column", name, unit) for name, unit in _UNITS),
        *(("metric", name, meaning) for name, meaning in MEANING.items()),
        *(("score", key, f"{s.formula} ({_stored_unit(key)})") for key, s in SCORES.items()),
        *(("parameter", name, str(v)) for name, v in result.config.as_dict().items()),
        *(("made with", name, str(v)) for name, v in result.provenance.items()),
    ]
    return pd.DataFrame(rows, columns=["kind", "name", "meaning"])


def _stored_unit(key: str) -> str:
    """The unit of a score in the sheet of metrics: shares are 0–1 there."""
    return "share, 0–1" if score_unit(key) == "%" else SCORES[key].unit


def _scores(result: StudyResult) -> pd.DataFrame:
    """Every stimulus' scores, with their titles and in the units of the first page."""
    rows = result.metrics[result.metrics["metric"] == "score"]
    shares = np.where([score_unit(key) == "%" for key in rows["signal"]], 100, 1)
    return pd.DataFrame(
        {
            "title": [title_of(result, name) for name in rows["stimulus"]],
            "group": rows["group"],
            "score": [SCORES[key].label for key in rows["signal"]],
            **{name: rows[name] * shares for name in ("estimate", "low", "high")},
            "unit": [SCORES[key].unit for key in rows["signal"]],
            "n": rows["n"],
            "meaning": [SCORES[key].formula for key in rows["signal"]],
        }
    )


def _number_format(name: str, values: pd.Series) -> str:
    """How many decimals a column shows; the cells hold all of them."""
    if not pd.api.types.is_float_dtype(values):
        return "0" if pd.api.types.is_integer_dtype(values) else "General"
    if name in ("p", "p_holm", "p_robust"):
        return "0.0000"
    known = values.dropna()
    if len(known) and (known == known.round()).all():
        return "0"
    return "0.0" if len(known) and known.abs().median() >= 10 else "0.000"


def _sheet(book: pd.ExcelWriter, name: str, table: pd.DataFrame, meaning: str) -> None:
    table = table.copy()
    for column in table.columns:
        if isinstance(table[column].dtype, pd.CategoricalDtype) or table[column].dtype == object:
            table[column] = table[column].map(_plain)
    table.to_excel(book, sheet_name=name, index=False, startrow=2, freeze_panes=(3, 1))
    sheet, bold = book.sheets[name], book.book.add_format({"bold": True})
    sheet.write_string(0, 0, meaning, bold)
    for i, column in enumerate(table.columns):
        kind = _number_format(column, table[column])
        longest = 8
        if kind == "General":
            longest = int(max(table[column].dropna().map(lambda v: len(str(v))), default=0))
        look = {"num_format": kind, "valign": "top", "text_wrap": longest > _WIDEST}
        # The head's filter button takes the room of three letters.
        width = max(len(str(column)) + 4, min(_WIDEST, longest + 2))
        sheet.set_column(i, i, width, book.book.add_format(look))
        align = "left" if kind == "General" else "right"
        head = book.book.add_format({"bold": True, "bottom": 1, "align": align})
        sheet.write_string(2, i, str(column), head)
        if look["text_wrap"]:
            for row, text in enumerate(table[column], start=3):
                sheet.set_row(row, 15 * -(-len(str(text)) // _WIDEST))
    sheet.autofilter(2, 0, 2 + len(table), len(table.columns) - 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(2)


def _plain(value):
    """Return a value that a cell can hold; lists become text."""
    return value if isinstance(value, str | int | float) or value is None else str(value)
