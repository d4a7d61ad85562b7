"""A study's tables as an Excel workbook: one sheet each, with units and definitions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.errors import MissingExtraError
from fer_nb.files import new_file
from fer_nb.reports.column_words import COLUMNS, column_meanings
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
    ("Scenes", "scene_comparison", "Scenes of one name in two films, wherever they lie."),
    ("Mixed model", "mixed", "A term of the model of the primary outcome of all recordings."),
    ("Segments", "segments", "A number of the people with one value of a manifest's column."),
    ("Segments compared", "segment_comparison", "The primary outcome of two segments or films."),
    ("Synchrony", "synchrony", "Inter-subject correlation of each signal."),
    ("Recordings", "quality", "A recording: kept, excluded or failed, and why."),
    ("Curves", "curves", "The audience's curve of one signal at one time, with its band."),
)
_NORMS = "Norms", "Where a number stands among past stimuli (percentiles)."
_UNITS = (
    ("valence, arousal", "points of the 1–7 scale, 4 neutral; changes are minus the baseline"),
    ("p_anger … p_uncertain", "score 0–1: the model's probability; changes are minus the baseline"),
)
_NUMBER = r"-?(0|[1-9]\d{0,14})(\.\d+)?"  # but not 007, which is a name
_PAGE = 200  # letters on a page's width that can still be read; wider tables take several
_PRINTED, _ON_PAGE = 500, 40  # rows; a table of more is to be filtered and prints its first page


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
        shown = [
            (name, _scores(result) if name == "Scores" else getattr(result, attribute), meaning)
            for name, attribute, meaning in _SHEETS
        ]
        if norms is not None:
            shown.append((_NORMS[0], norms, _NORMS[1]))
        shown = [(name, table, meaning) for name, table, meaning in shown if len(table)]
        _sheet(book, "Read me", _read_me(result, shown), "What the sheets and columns mean.")
        for name, table, meaning in shown:
            _sheet(book, name, table.head(_MAX_ROWS), meaning)
    return path


def _read_me(result: StudyResult, shown: list[tuple[str, pd.DataFrame, str]]) -> pd.DataFrame:
    columns = column_meanings((name, table.columns) for name, table, _ in shown)
    rows = [
        *(("sheet", name, meaning) for name, _, meaning in shown),
        *(("stimulus", name, title_of(result, name)) for name in result.audiences),
        *(("signal", name, unit) for name, unit in _UNITS),
        *(("column", name, meaning) for name, meaning in columns.items()),
        *(("metric", name, meaning) for name, meaning in MEANING.items()),
        *(("score", key, f"{s.formula} ({_stored_unit(key)})") for key, s in SCORES.items()),
        *(("parameter", name, str(v)) for name, v in result.config.as_dict().items()),
        *(("made with", name, str(v)) for name, v in result.provenance.items()),
    ]
    return pd.DataFrame(
        [(kind, name, _plain_words(text)) for kind, name, text in rows],
        columns=["kind", "name", "meaning or value"],
    )


def _plain_words(text: str) -> str:
    return text.replace("`", "")  # names of parameters, as documentation marks them


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
            "meaning": [_plain_words(SCORES[key].formula) for key in rows["signal"]],
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
        if column not in COLUMNS and len(table):  # the study's own, such as a period or an age
            known = table[column].astype(object).replace("", np.nan)
            if known.dropna().astype(str).str.fullmatch(_NUMBER).all():
                table[column] = pd.to_numeric(known)
    table.to_excel(book, sheet_name=name, index=False, startrow=2, freeze_panes=(3, 1))
    sheet, bold, widths = book.sheets[name], book.book.add_format({"bold": True}), []
    lines: dict[int, int] = {}  # of rows whose texts go on in a next line
    if len(table) > _PRINTED:
        meaning += (
            f" {len(table):,} rows, of which the first {_ON_PAGE} print: to print others, filter "
            "them and set them as the print area."
        )
        sheet.print_area(0, 0, 2 + _ON_PAGE, len(table.columns) - 1)
    sheet.write_string(0, 0, meaning, bold)
    for i, column in enumerate(table.columns):
        kind = _number_format(column, table[column])
        longest = 8
        if kind == "General":
            longest = int(max(table[column].dropna().map(lambda v: len(str(v))), default=0))
        text = kind == "General"
        look = {"num_format": kind, "valign": "top", "text_wrap": longest > _WIDEST}
        if text:  # apart from the number before it
            look |= {"align": "left", "indent": int(i > 0)}
        # The head's filter button takes the room of three letters.
        width = max(len(str(column)) + 4, min(_WIDEST, longest + 2))
        widths.append(width)
        sheet.set_column(i, i, width, book.book.add_format(look))
        align = {"align": "left", "indent": look.get("indent", 0)} if text else {"align": "right"}
        head = book.book.add_format({"bold": True, "bottom": 1} | align)
        sheet.write_string(2, i, str(column), head)
        if look["text_wrap"]:
            for row, words in enumerate(table[column], start=3):
                lines[row] = max(lines.get(row, 1), -(-len(str(words)) // _WIDEST))
    for row, count in lines.items():
        sheet.set_row(row, 15 * count)
    if name == "Scores":
        _write_in_units(book, sheet, table)
    sheet.autofilter(2, 0, 2 + len(table), len(table.columns) - 1)
    sheet.set_landscape()
    sheet.fit_to_pages(-(-sum(widths) // _PAGE), 0)
    sheet.set_footer("&L&A&R&P / &N")
    sheet.repeat_rows(2)
    sheet.repeat_columns(0)


def _write_in_units(book: pd.ExcelWriter, sheet, table: pd.DataFrame) -> None:
    """Show numbers of each row with the decimals that its unit asks for."""
    looks = {
        points: book.book.add_format({"num_format": "0.00" if points else "0.0", "valign": "top"})
        for points in (True, False)
    }
    for name in ("estimate", "low", "high"):
        for row, (value, unit) in enumerate(zip(table[name], table["unit"], strict=True), start=3):
            if np.isfinite(value):
                sheet.write_number(row, table.columns.get_loc(name), value, looks[unit == "points"])


def _plain(value):
    """Return a value that a cell can hold; lists become text."""
    return value if isinstance(value, str | int | float) or value is None else str(value)
