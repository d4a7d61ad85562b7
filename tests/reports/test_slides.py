"""Slides: one message each, charts that can be edited, the agency's name and template."""

from __future__ import annotations

import numpy as np
import pytest

from fer_nb.errors import FerError
from fer_nb.reports.brand import Brand
from fer_nb.reports.slides import Bars, CurveLine, Deck, MomentCard, Segment, write_slides

pptx = pytest.importorskip("pptx")

TIMES = np.arange(0, 30, 0.2)
DECK = Deck(
    title="Two cuts",
    subtitle="20 respondents",
    verdict=["Cut A works better.", "We are fairly sure."],
    scores=[["Score", "Cut A"], ["Attention", "91 % (84 to 96)"]],
    curves=[
        (
            "Valence",
            "points",
            [
                CurveLine("Cut A", TIMES, np.sin(TIMES), "#1B7F5C"),
                CurveLine("Cut B", TIMES, np.where(TIMES < 5, np.nan, 0.2), "#B0397A"),
            ],
        )
    ],
    moments=[
        (
            "Best moments",
            [MomentCard(f"0:0{i}", "joy", np.zeros((90, 160, 3), np.uint8)) for i in "1234"],
        ),
        ("Worst moments", []),
    ],
    segments=[
        Segment(
            "Age: no difference",
            "points",
            ["18–29 (n = 12)", "30–49 (n = 8)"],
            [Bars("Cut A", *np.array([[0.2, -0.1], [0.05, np.nan], [0.42, np.nan]]), "#1B7F5C")],
            "Mean change of valence.",
        )
    ],
    method=["Measured offline."],
    brand=[["Brand moment", "Cut A"], ["Acme: valence while shown", "+0.20 points"]],
)


def texts(slide) -> list[str]:
    return [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]


def test_every_message_has_a_slide_and_charts_stay_charts(tmp_path):
    brand = Brand(name="Acme", footer="Confidential")
    show = pptx.Presentation(write_slides(DECK, tmp_path / "study.pptx", brand))
    titles = [slide.shapes.title.text_frame.text for slide in show.slides]
    moments = ["Best moments"] * 2
    assert titles == [
        *("Two cuts", "What we found", "Scores", "While the brand is seen, and after", "Valence"),
        *moments,
        "Age: no difference",
        "How it was measured",
    ]
    assert all("Acme · Confidential" in texts(slide) for slide in show.slides)
    chart = next(shape.chart for shape in show.slides[4].shapes if shape.has_chart)
    first, second = chart.plots[0].series
    assert (first.name, second.name) == ("Cut A", "Cut B")
    assert len(list(first.values)) == 150
    assert len(list(second.values)) == 125  # what was not measured is no point
    table = next(s.table for s in show.slides[2].shapes if s.has_table)
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    assert rows == [["Score", "Cut A"], ["Attention", "91 % (84 to 96)"]]
    pictures = [s for s in show.slides[5].shapes if s.shape_type == 13]
    assert len(pictures) == 3


def test_segments_are_bars_with_their_intervals(tmp_path):
    show = pptx.Presentation(write_slides(DECK, tmp_path / "study.pptx"))
    chart = next(shape.chart for shape in show.slides[7].shapes if shape.has_chart)
    (series,) = chart.plots[0].series
    assert list(chart.plots[0].categories) == ["18–29 (n = 12)", "30–49 (n = 8)"]
    assert list(series.values) == [0.2, -0.1]
    low, high = (
        [float(value) for value in series._element.xpath(f"c:errBars/c:{end}//c:v/text()")]
        for end in ("minus", "plus")
    )
    assert low == pytest.approx([0.15])  # of the larger segment only
    assert high == pytest.approx([0.22])
    assert chart.value_axis.minimum_scale <= -0.1
    assert chart.value_axis.maximum_scale >= 0.42


def test_a_template_that_is_none_is_refused(tmp_path):
    broken = tmp_path / "template.pptx"
    broken.write_bytes(b"no zip")
    with pytest.raises(FerError, match=r"template\.pptx cannot be opened"):
        write_slides(DECK, tmp_path / "study.pptx", Brand(template=broken))
    assert not (tmp_path / "study.pptx").exists()
