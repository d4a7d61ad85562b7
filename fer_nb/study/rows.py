"""Rows of a CSV file as people and spreadsheets write them; every problem with its line."""

from __future__ import annotations

import csv
import io
import math
import re
from pathlib import Path
from unicodedata import normalize


def read_rows(
    path: Path,
    required: tuple[str, ...],
    problems: list[str],
    optional: tuple[str, ...] = (),
    refused: tuple[str, ...] = (),
) -> list[dict]:
    """Rows as dicts of stripped text with their `line`; problems are collected.

    Columns without a name are left out; `required` and `optional` ones may be in capitals. Letters
    such as é are one character each (NFC), but for `video`: files are named as they are.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        problems.append(f"{path.name}: there is no such file at {path}")
        return []
    except UnicodeDecodeError:
        problems.append(f"{path.name}: not UTF-8 text; save it as 'CSV UTF-8'")
        return []
    except OSError as error:
        problems.append(f"{path.name}: cannot be read ({error.strerror})")
        return []
    first = 1
    if stated := re.match(r'"?sep=(.)"?[,;\t]*\r?\n', text, re.IGNORECASE):  # a word to Excel
        text, first = text[stated.end() :], 2
    header_line = text.split("\n", 1)[0]
    delimiter = stated[1] if stated else max(",;\t", key=header_line.count)
    table = _cells(path.name, text, delimiter, problems, first)
    if not table:
        return []
    _, cells = table[0]
    names = {name.casefold(): name for name in (*required, *optional)}
    header = [normalize("NFC", cell.strip()) for cell in cells]
    header = [names.get(name.casefold(), name) for name in header]
    while header and not header[-1]:
        header.pop()
    missing = [name for name in required if name not in header]
    if missing:
        problems.append(
            f"{path.name} line {first}: no column {', '.join(missing)} "
            f"(found: {', '.join(header)}); the first line names the columns, between commas, "
            "semicolons or tabs"
        )
        return []
    doubled = sorted({name for name in header if name and header.count(name) > 1})
    if doubled:
        problems.append(f"{path.name} line {first}: column {', '.join(doubled)} occurs twice")
    taken = [name for name in header if name in refused]
    if taken:
        problems.append(
            f"{path.name} line {first}: the study has columns of its own named {', '.join(taken)}; "
            "rename or remove them"
        )
    rows = []
    for line, cells in table[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        while len(cells) > len(header) and not cells[-1].strip():
            cells.pop()
        if len(cells) != len(header):
            problems.append(
                f"{path.name} line {line}: {len(cells)} cells where the header has {len(header)}"
            )
            continue
        row = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if name}
        row = {name: c if name == "video" else normalize("NFC", c) for name, c in row.items()}
        rows.append(row | {"line": f"{path.name} line {line}"})
    return rows


def _cells(
    name: str, text: str, delimiter: str, problems: list[str], first: int
) -> list[tuple[int, list]]:
    """Return the rows of a CSV file, whose text begins on the line `first`, each with the line it
    begins on; none if it cannot be read."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    table, line = [], first
    try:
        for cells in reader:
            table.append((line, cells))
            line = reader.line_num + first
    except csv.Error as error:
        problems.append(f"{name} line {line}: {error}; is a quotation mark not closed?")
        return []
    if not table:
        problems.append(f"{name}: the file is empty")
    return table


def number(text, where: str, name: str, problems: list[str], least: float = 0.0):
    """The cell as a float, None where empty; a problem where it is no finite number >= least."""
    if text in (None, ""):
        return None
    try:
        value = float(str(text).replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        problems.append(f"{where}: {name} is {text!r}, not a number of seconds")
        return None
    if value < least:
        problems.append(f"{where}: {name} is {value:g}; it must not be below {least:g}")
        return None
    return value
