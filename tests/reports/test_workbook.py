"""The workbook: every table, its units, and text that stays text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fer_nb.errors import FerError
from fer_nb.reports.column_words import FROM_THE_MANIFEST
from fer_nb.reports.workbook import write_workbook
from fer_nb.study.quality import COLUMNS as QUALITY_COLUMNS

openpyxl = pytest.importorskip("openpyxl")


def test_the_sheets_hold_the_tables(result, tmp_path):
    path = write_workbook(result, tmp_path / "study.xlsx")
    back = pd.read_excel(path, sheet_name=None, skiprows=2)
    assert list(back)[:3] == ["Read me", "Scores", "Metrics"]
    np.testing.assert_allclose(back["Metrics"]["estimate"], result.metrics["estimate"])
    known = set(back["Read me"]["name"])
    assert {"valence, arousal", "p_holm", "smooth_s", "Metrics"} <= known
    assert "Norms" not in back
    named = back["Read me"].query("kind == 'sheet'")["name"]
    assert list(named) == list(back)[1:]  # and no other
    places = pd.DataFrame({"stimulus": ["trailer-a"], "percentile": [83.0]})
    with_norms = write_workbook(result, tmp_path / "norms.xlsx", places)
    assert pd.read_excel(with_norms, "Norms", skiprows=2)["percentile"].tolist() == [83]
    with pytest.raises(FerError, match="exists already"):
        write_workbook(result, path)


def test_numbers_have_few_decimals_units_and_room(result, tmp_path):
    book = openpyxl.load_workbook(write_workbook(result, tmp_path / "study.xlsx"))
    scores = pd.read_excel(tmp_path / "study.xlsx", "Scores", skiprows=2)
    attention = scores[scores["score"] == "Attention"]
    assert (attention["unit"] == "% of the time").all()
    assert attention["estimate"].between(50, 100).all()
    for sheet in book:
        head = [cell.value for cell in sheet[3]]
        assert sheet.freeze_panes == "B4"
        assert sheet.cell(3, 1).font.bold
        for i, name in enumerate(head, start=1):
            values = [sheet.cell(row, i) for row in range(4, min(sheet.max_row, 40) + 1)]
            floats = [c for c in values if isinstance(c.value, float)]
            assert {c.number_format for c in floats} <= {"0", "0.0", "0.00", "0.000", "0.0000"}, (
                name
            )


def test_every_column_is_explained_on_the_first_sheet(result, tmp_path):
    path = write_workbook(result, tmp_path / "study.xlsx", pd.DataFrame({"percentile": [83.0]}))
    sheets = pd.read_excel(path, sheet_name=None, skiprows=2)
    rows = sheets.pop("Read me")
    assert not rows["meaning or value"].astype(str).str.contains("`").any()
    told = rows[rows["kind"] == "column"].set_index("name")["meaning or value"]
    for sheet, table in sheets.items():
        for column in table:
            meaning = told.get(f"{column} ({sheet})", told.get(column))
            own = column not in QUALITY_COLUMNS if sheet == "Recordings" else False
            assert (meaning == FROM_THE_MANIFEST) == own, f"{sheet}.{column}"
    assert told["effect (Moments)"] != told["effect"]


def test_scores_show_the_decimals_of_their_units(result, tmp_path):
    sheet = openpyxl.load_workbook(write_workbook(result, tmp_path / "study.xlsx"))["Scores"]
    head = [cell.value for cell in sheet[3]]
    for row in sheet.iter_rows(min_row=4):
        cells = dict(zip(head, row, strict=True))
        decimals = "0.00" if cells["unit"].value == "points" else "0.0"
        for name in ("estimate", "low", "high"):
            assert cells[name].value is None or cells[name].number_format == decimals


def test_the_studys_own_numbers_are_numbers_and_its_names_stay_names(result, tmp_path):
    ages = [str(30 + k) for k in range(len(result.quality))]
    quality = result.quality.assign(age=ages, code="007", unit="x")
    path = write_workbook(replace(result, quality=quality), tmp_path / "study.xlsx")
    sheet = openpyxl.load_workbook(path)["Recordings"]
    head = [cell.value for cell in sheet[3]]
    first = dict(zip(head, sheet[4], strict=True))
    assert first["age"].value == 30
    assert first["code"].value == "007"
    assert first["respondent"].data_type == "s"


def test_a_text_stands_apart_from_the_number_before_it_and_wide_sheets_print(result, tmp_path):
    book = openpyxl.load_workbook(write_workbook(result, tmp_path / "study.xlsx"))
    metrics = book["Metrics"]
    head = [cell.value for cell in metrics[3]]
    for row in (3, 4):
        cell = metrics.cell(row, head.index("interval") + 1)
        look = cell if row == 3 else metrics.column_dimensions[cell.column_letter]
        assert (look.alignment.horizontal, look.alignment.indent) == ("left", 1)
    assert metrics.page_setup.fitToWidth in (None, 1)
    assert book["Recordings"].page_setup.fitToWidth > 2


def test_a_row_is_as_high_as_its_longest_text(result, tmp_path):
    quality = result.quality.assign(notes="word " * 60, messages="word " * 20)
    path = write_workbook(replace(result, quality=quality), tmp_path / "study.xlsx")
    assert openpyxl.load_workbook(path)["Recordings"].row_dimensions[4].height >= 4 * 15


def test_a_name_that_looks_like_a_formula_stays_a_name(result, tmp_path):
    quality = result.quality.copy()
    quality.loc[quality.index[0], "respondent"] = "=HYPERLINK(1)"
    path = write_workbook(replace(result, quality=quality), tmp_path / "study.xlsx")
    sheet = openpyxl.load_workbook(path)["Recordings"]
    cells = [cell for row in sheet for cell in row if cell.value == "=HYPERLINK(1)"]
    assert [cell.data_type for cell in cells] == ["s"]


def test_every_sheet_prints_with_its_head_and_a_long_one_its_first_page_only(result, tmp_path):
    book = openpyxl.load_workbook(write_workbook(result, tmp_path / "study.xlsx"))
    long = {sheet.title for sheet in book if sheet.max_row > 503}
    assert {"Curves", "Metrics"} <= long < set(book.sheetnames)
    for sheet in book:
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.print_title_rows == "$3:$3"
        assert sheet.oddFooter.right.text == "&P / &N"
        if sheet.title in long:
            last = sheet.print_area.split("$")[-1]
            assert sheet.print_area == f"'{sheet.title}'!$A$1:{columns(sheet)}${last}"
            assert int(last) < 50
            assert f"{sheet.max_row - 3:,} rows, of which the first {int(last) - 3} print" in (
                sheet["A1"].value
            )
        else:
            assert not sheet.print_area
            assert "print" not in sheet["A1"].value


def columns(sheet) -> str:
    return f"${openpyxl.utils.get_column_letter(sheet.max_column)}"
