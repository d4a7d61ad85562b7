"""The workbook: every table, its units, and text that stays text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fer_nb.errors import FerError
from fer_nb.reports.workbook import write_workbook

openpyxl = pytest.importorskip("openpyxl")


def test_the_sheets_hold_the_tables(result, tmp_path):
    path = write_workbook(result, tmp_path / "study.xlsx")
    back = pd.read_excel(path, sheet_name=None, skiprows=2)
    assert list(back)[:3] == ["Read me", "Scores", "Metrics"]
    np.testing.assert_allclose(back["Metrics"]["estimate"], result.metrics["estimate"])
    known = set(back["Read me"]["name"])
    assert {"valence, arousal", "p, p_holm", "smooth_s", "Metrics"} <= known
    assert "Norms" not in back
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
            assert {c.number_format for c in floats} <= {"0", "0.0", "0.000", "0.0000"}, name


def test_a_name_that_looks_like_a_formula_stays_a_name(result, tmp_path):
    quality = result.quality.copy()
    quality.loc[quality.index[0], "respondent"] = "=HYPERLINK(1)"
    path = write_workbook(replace(result, quality=quality), tmp_path / "study.xlsx")
    sheet = openpyxl.load_workbook(path)["Recordings"]
    cells = [cell for row in sheet for cell in row if cell.value == "=HYPERLINK(1)"]
    assert [cell.data_type for cell in cells] == ["s"]
