"""CSV that a spreadsheet opens without running anything that somebody wrote into a name."""

from __future__ import annotations

import re

import pandas as pd

# What a spreadsheet takes for a formula (OWASP, "CSV Injection").
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_MARKED = re.compile(r"'+[=+\-@\t\r]")


def harmless(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with an apostrophe before each text that a spreadsheet would execute.

    Numbers, and texts that are numbers, stay as they are. `restored` takes the apostrophes away.

    Examples
    --------
    >>> harmless(pd.DataFrame({"file": ["=A1", "a.jpg", "-1.5"]}))["file"].tolist()
    ["'=A1", 'a.jpg', '-1.5']
    """
    return _mapped(table, _mark)


def restored(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table that was read from CSV as it was before `harmless`."""
    return _mapped(table, lambda text: text[1:] if _MARKED.match(text) else text)


def _mark(text: str) -> str:
    if not _FORMULA.match(text):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def _mapped(table: pd.DataFrame, change) -> pd.DataFrame:
    def cell(value):
        return change(value) if isinstance(value, str) else value

    table = table.rename(columns=cell)
    for name, column in table.items():
        if isinstance(column.dtype, pd.CategoricalDtype):
            table[name] = column.cat.rename_categories(cell)
        elif not pd.api.types.is_numeric_dtype(column.dtype):
            table[name] = column.map(cell)
    return table
