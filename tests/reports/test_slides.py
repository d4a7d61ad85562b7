"""Slides: one message each, charts that can be edited, the agency's name and template."""

from __future__ import annotations

from dataclasses import replace
from zipfile import ZipFile

import numpy as np
import pytest

from fer_nb.errors import FerError
from fer_nb.reports.brand import Brand
from fer_nb.reports.deck import Bars, CurveLine, Curves, Deck, MomentCard, Segment, Table
from fer_nb.reports.slide_canvas import _LETTER, text_height
from fer_nb.reports.slides import write_slides

pptx = pytest.importorskip("pptx")

TIMES = np.arange(0, 30, 0.2)
WAVE = np.sin(TIMES)
FRAME = np.zeros((90, 160, 3), np.uint8)
DECK = Deck(
    title="Two cuts",
    subtitle="20 respondents",
    verdict=["Cut A works better.", "We are fairly sure."],
    tables=[
        Table("Scores", [["Score", "Cut A"], ["Attention", "91% (84 to 96)"]], "95% intervals."),
        Table("Brand", [["Brand moment", "Cut A"], ["Acme: valence", "+0.20 points"]]),
    ],
    curves=[
        Curves(
            "Valence",
            "points",
            [
                CurveLine("Cut A", TIMES, WAVE, "#1B7F5C", WAVE - 1, WAVE + 2),
                CurveLine("Cut B", TIMES, np.where(TIMES < 5, np.nan, 0.2), "#B0397A"),
            ],
        )
    ],
    moments=[
        (
            "Best moments",
            [MomentCard(f"0:0{i}", "joy", FRAME, "Cut B" if i == 3 else "") for i in range(1, 5)],
        ),
        ("Worst moments", [MomentCard("0:05", "fear", film="Cut A")]),
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
)
LONG = "Harbour Lights, the long trailer with the alternative ending"
CROWDED = replace(
    DECK,
    title=LONG * 2,
    subtitle=f"24 for “{LONG}”, " * 8,
    verdict=[f"No difference between “{LONG}” and “{LONG}” {i}." for i in range(40)],
    tables=[Table("Scores", [["Film", *"ABCDE"], *[[LONG, *["−0.14 (−0.2 to −0.1)"] * 5]] * 20])],
    curves=[replace(DECK.curves[0], title=f"Valence: highest in {LONG}, +1.02 points at 0:11.3")],
    moments=[(f"Best moments: {LONG}", [MomentCard(LONG, LONG, FRAME)] * 3)],
    segments=[replace(DECK.segments[0], title=LONG, note="Read changes from the baseline. " * 8)],
)

_OPEN, _OWN = "application/vnd.openxmlformats-officedocument.presentationml", "application/vnd.ms"
KINDS = {
    "pptx": f"{_OPEN}.presentation.main+xml",
    "potx": f"{_OPEN}.template.main+xml",
    "pptm": f"{_OWN}-powerpoint.presentation.macroEnabled.main+xml",
    "potm": f"{_OWN}-powerpoint.template.macroEnabled.main+xml",
}


def template(path, width: float, height: float, title_only: str = "Nur Titel"):
    """A template of another size, that calls its layouts otherwise and holds an example slide."""
    from pptx.util import Inches

    show = pptx.Presentation()
    wide, high = Inches(width) / show.slide_width, Inches(height) / show.slide_height
    show.slide_width, show.slide_height = Inches(width), Inches(height)
    for holder in (show.slide_master, *show.slide_layouts):
        for shape in holder.shapes:
            if shape._element.xpath(".//a:xfrm"):
                shape.left, shape.width = int(shape.left * wide), int(shape.width * wide)
                shape.top, shape.height = int(shape.top * high), int(shape.height * high)
    next(x for x in show.slide_layouts if x.name == "Title Only").name = title_only
    show.slides.add_slide(show.slide_layouts[0]).shapes.title.text = "An example"
    show.save(path)
    return path


def charts(show) -> list:
    return [s.chart for slide in show.slides for s in slide.shapes if s.has_chart]


def texts(slide) -> list[str]:
    return [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]


def test_every_message_has_a_slide_and_charts_stay_charts(tmp_path):
    brand = Brand(name="Acme", footer="Confidential")
    show = pptx.Presentation(write_slides(DECK, tmp_path / "study.pptx", brand))
    titles = [slide.shapes.title.text_frame.text for slide in show.slides]
    assert titles == [
        *("Two cuts", "What we found", "Scores", "Brand", "Valence"),
        *("Best moments (1 of 2)", "Best moments (2 of 2)", "Worst moments"),
        "Age: no difference",
        "How it was measured",
    ]
    assert all("Acme · Confidential" in texts(slide) for slide in show.slides)
    chart = next(shape.chart for shape in show.slides[4].shapes if shape.has_chart)
    first, low, high, second = chart.plots[0].series
    assert (first.name, second.name) == ("Cut A", "Cut B")
    assert len(list(first.values)) == 150
    assert list(low.values) == pytest.approx(WAVE - 1)
    assert list(high.values) == pytest.approx(WAVE + 2)
    assert chart.legend._element.xpath("c:legendEntry/c:idx/@val") == ["1", "2"]  # bands: left out
    assert chart.value_axis.has_major_gridlines
    assert chart.value_axis.maximum_scale >= 3
    assert sum(value is not None for value in second.values) == 125
    table = next(s.table for s in show.slides[2].shapes if s.has_table)
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    assert rows == [["Score", "Cut A"], ["Attention", "91% (84 to 96)"]]
    pictures = [s for s in show.slides[5].shapes if s.shape_type == 13]
    assert len(pictures) == 3
    assert [text for text in texts(show.slides[5]) if "joy" in text] == [
        f"0:0{i}\n{'Cut B' + chr(10) if i == 3 else ''}joy" for i in (1, 2, 3)
    ]
    table = next(s.table for s in show.slides[7].shapes if s.has_table)  # no film: no pictures
    assert [cell.text for cell in table.rows[1].cells] == ["Cut A", "0:05", "fear"]
    assert show.core_properties.title == "Two cuts"
    assert show.core_properties.author == "Acme"


def test_lines_and_bands_break_where_nothing_was_measured(tmp_path):
    times = np.arange(0, 300, 0.2)  # more points than are drawn
    away, late = (times >= 100) & (times < 101), times < 50
    gone, few = np.where(away | late, np.nan, 1.0), np.where(away | (times > 200), np.nan, 2.0)
    gone[-1] = np.nan
    gone[-10:-2] = np.nan  # one reading alone between two gaps
    lines = [
        CurveLine("Gone", times, gone, "#1B7F5C", few - 2, few),
        CurveLine("Always", times, np.ones(len(times)), "#B0397A"),
    ]
    deck = replace(DECK, curves=[Curves("Valence", "points", lines)])
    (chart, _) = charts(pptx.Presentation(write_slides(deck, tmp_path / "study.pptx")))
    assert chart._chartSpace.xpath("c:chart/c:dispBlanksAs/@val") == ["gap"]
    for series, values in zip(
        chart.plots[0].series, (gone, few - 2, few, np.ones(len(times))), strict=True
    ):
        drawn, blanks = parts(series)
        true = np.flatnonzero(np.diff(np.isfinite([np.nan, *values, np.nan]).astype(int)))
        ends = [(times[a], times[b - 1]) for a, b in zip(true[::2], true[1::2], strict=True)]
        assert drawn == [pytest.approx(pair) for pair in ends]  # to the last reading of each part
        assert blanks == len(ends) - 1
        assert len(list(series.values)) < 320
    single = chart.plots[0].series[0]._element.xpath("c:dPt[c:marker/c:symbol/@val='circle']")
    assert len(single) == 1  # a line of one point would not be seen


def parts(series) -> tuple[list[tuple[float, float]], int]:
    """From when to when each unbroken part of a line goes, and how many points are blank."""
    at = [float(x) for x in series._element.xpath("c:xVal//c:v/text()")]
    known = [value is not None for value in series.values]
    assert len(at) == len(known)
    edges = np.flatnonzero(np.diff([0, *known, 0]))
    ends = [(at[a], at[b - 1]) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return ends, known.count(False)


def test_segments_are_bars_with_their_intervals(tmp_path):
    show = pptx.Presentation(write_slides(DECK, tmp_path / "study.pptx"))
    chart = next(shape.chart for shape in show.slides[8].shapes if shape.has_chart)
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


def test_a_file_of_another_program_is_no_template(tmp_path):
    other = as_kind(template(tmp_path / "a.pptx", 10, 7.5), tmp_path / "other.pptx", "text/xml")
    with pytest.raises(FerError, match=r"other\.pptx cannot be opened"):
        write_slides(DECK, tmp_path / "study.pptx", Brand(template=other))


@pytest.mark.parametrize("kind", KINDS)
def test_templates_of_every_kind_make_a_presentation_without_macros(tmp_path, kind):
    plain = template(tmp_path / "plain.pptx", 10, 7.5)
    macro = kind.endswith("m")
    file = as_kind(plain, tmp_path / f"agency.{kind}", KINDS[kind], macro=macro)
    before = file.read_bytes()
    made = write_slides(DECK, tmp_path / "study.pptx", Brand(template=file))
    assert file.read_bytes() == before
    show = pptx.Presentation(made)
    assert {slide.slide_layout.name for slide in list(show.slides)[1:]} == {"Nur Titel"}
    with ZipFile(made) as parts:
        told = parts.read("[Content_Types].xml").decode()
        names = parts.namelist()
        links = parts.read("_rels/.rels") + parts.read("ppt/_rels/presentation.xml.rels")
    assert KINDS["pptx"] in told
    assert "macro" not in told
    assert "vba" not in told
    assert not any("vba" in name or "customUI" in name for name in names)
    assert b"vba" not in links
    assert b"customUI" not in links


def test_the_properties_of_the_file_are_ours_alone(tmp_path):
    show = pptx.Presentation(template(tmp_path / "plain.pptx", 10, 7.5))
    show.core_properties.author, show.core_properties.keywords = "The agency", "secret client"
    show.save(tmp_path / "plain.pptx")
    file = tmp_path / "agency.potx"  # linked as LibreOffice does
    with ZipFile(tmp_path / "plain.pptx") as source, ZipFile(file, "w") as made:
        for name in source.namelist():
            content = source.read(name)
            if name == "_rels/.rels":
                assert b"/package/2006/relationships/metadata" in content
                content = content.replace(
                    b"/package/2006/relationships/metadata",
                    b"/officedocument/2006/relationships/metadata",
                )
            made.writestr(name, content.replace(KINDS["pptx"].encode(), KINDS["potx"].encode()))
    path = write_slides(DECK, tmp_path / "study.pptx", Brand("Acme", template=file))
    about = pptx.Presentation(path).core_properties
    assert (about.author, about.keywords) == ("Acme", "")
    with ZipFile(path) as zipped:
        names = zipped.namelist()
    assert len(names) == len(set(names))


def as_kind(pptx_file, file, content_type: str, macro: bool = False):
    """Turn a presentation into a template, or into one with a macro and a ribbon that calls it."""
    parts = {}
    with ZipFile(pptx_file) as source:
        for name in source.namelist():
            parts[name] = source.read(name)
    types = parts["[Content_Types].xml"].decode().replace(KINDS["pptx"], content_type)
    if macro:
        vba = '<Override PartName="/ppt/vbaProject.bin" ContentType="application/vnd.ms-office.vba'
        types = types.replace("</Types>", f'{vba}Project"/></Types>')
        parts |= {"ppt/vbaProject.bin": b"Auto_Open", "customUI/customUI.xml": b"<customUI/>"}
        office = "http://schemas.microsoft.com/office/2006/relationships"
        for links, kind, target in (
            ("ppt/_rels/presentation.xml.rels", "vbaProject", "vbaProject.bin"),
            ("_rels/.rels", "ui/extensibility", "customUI/customUI.xml"),
        ):
            link = f'<Relationship Id="rId99" Type="{office}/{kind}" Target="{target}"/>'
            told = parts[links].decode().replace("</Relationships>", f"{link}</Relationships>")
            parts[links] = told.encode()
    parts["[Content_Types].xml"] = types.encode()
    with ZipFile(file, "w") as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return file


def test_a_text_is_as_high_as_its_words_make_it():
    width = 15.5 * _LETTER * 12 / 72  # inches of fifteen letters
    three = text_height(["Summer\ncampaign,\nspot 1"], 12, width)
    assert text_height(["Summer campaign, spot 1"], 12, width) == three
    assert text_height(["x" * 31], 12, width) == three  # what has no blank is broken anywhere
    assert text_height([""], 12, width) == text_height(["one line"], 12, width)


@pytest.mark.parametrize("size", [(10, 7.5), (10, 5.625), None], ids=["4:3", "16:9", "none"])
@pytest.mark.parametrize("deck", [DECK, CROWDED], ids=["usual", "crowded"])
@pytest.mark.parametrize("logo", [(1200, 200), (300, 400)], ids=["wide", "high"])
def test_all_stays_on_the_slide_and_apart(tmp_path, size, deck, logo):
    from PIL import Image

    Image.new("RGB", logo).save(tmp_path / "logo.png")
    file = template(tmp_path / "agency.pptx", *size) if size else None
    brand = Brand("Acme", "Confidential", logo=tmp_path / "logo.png", template=file)
    show = pptx.Presentation(write_slides(deck, tmp_path / "study.pptx", brand))
    assert (show.slide_width, show.slide_height) == tuple(
        round(x * 914400) for x in size or (13.333, 7.5)
    )
    for slide in show.slides:
        boxes = [(s.left, s.top, s.left + s.width, s.top + s.height) for s in slide.shapes]
        for left, top, right, bottom in boxes:
            assert 0 <= left < right <= show.slide_width
            assert 0 <= top < bottom <= show.slide_height
        for i, (left, top, right, bottom) in enumerate(boxes):
            for l2, t2, r2, b2 in boxes[i + 1 :]:
                overlap = min(right, r2) - max(left, l2), min(bottom, b2) - max(top, t2)
                assert min(overlap) <= 0.05 * 914400, slide.shapes.title.text


def test_a_templates_words_places_and_colours_are_kept(tmp_path):
    file = template(tmp_path / "agency.pptx", 10, 7.5)
    show = pptx.Presentation(write_slides(DECK, tmp_path / "s.pptx", Brand(template=file)))
    assert "An example" not in [slide.shapes.title.text for slide in show.slides]
    assert show.slides[0].slide_layout.name == "Title Slide"
    assert {slide.slide_layout.name for slide in list(show.slides)[1:]} == {"Nur Titel"}
    runs = [
        run
        for slide in show.slides
        for shape in slide.shapes
        if shape.has_text_frame
        for part in shape.text_frame.paragraphs
        for run in part.runs
    ]
    assert all(run.font.color.type is None for run in runs)  # as its theme has them
    asked = Brand(template=file, accent="#B03A2E")
    show = pptx.Presentation(write_slides(DECK, tmp_path / "asked.pptx", asked))
    run = show.slides[1].shapes.title.text_frame.paragraphs[0].runs[0]
    assert str(run.font.color.rgb) == "B03A2E"


def test_a_title_layout_without_a_place_for_words_is_not_taken(tmp_path):
    file = template(tmp_path / "agency.pptx", 10, 7.5)
    show = pptx.Presentation(file)
    below = show.slide_layouts[0].placeholders[1]._element
    below.getparent().remove(below)
    show.save(file)
    path = write_slides(DECK, tmp_path / "study.pptx", Brand(template=file))
    first = pptx.Presentation(path).slides[0]
    assert first.slide_layout.name == "Nur Titel"
    assert "20 respondents" in texts(first)
    with ZipFile(path) as parts:
        assert len(parts.namelist()) == len(set(parts.namelist()))


def test_sections_and_shows_of_left_out_slides_go_too(tmp_path):
    from pptx.oxml import parse_xml
    from pptx.oxml.ns import nsdecls

    file = template(tmp_path / "agency.pptx", 10, 7.5)
    show = pptx.Presentation(file)
    ids = show.slides._sldIdLst[0]
    office = "http://schemas.microsoft.com/office/powerpoint/2010/main"
    for xml in (
        f'<p:custShowLst {nsdecls("p", "r")}><p:custShow name="short" id="0"><p:sldLst>'
        f'<p:sld r:id="{ids.rId}"/></p:sldLst></p:custShow></p:custShowLst>',
        f'<p:extLst {nsdecls("p")}><p:ext uri="{{521415D9-36F7-43E2-AB2F-B90AF26B5E84}}">'
        f'<p14:sectionLst xmlns:p14="{office}"><p14:section name="Intro" '
        f'id="{{00000000-0000-0000-0000-000000000001}}"><p14:sldIdLst><p14:sldId id="{ids.id}"/>'
        f"</p14:sldIdLst></p14:section></p14:sectionLst></p:ext></p:extLst>",
    ):
        show.part._element.append(parse_xml(xml))
    show.save(file)
    made = write_slides(DECK, tmp_path / "study.pptx", Brand(template=file))
    with ZipFile(made) as parts:
        slides = [name for name in parts.namelist() if name.startswith("ppt/slides/slide")]
        told = parts.read("ppt/presentation.xml").decode()
        assert not any(b"An example" in parts.read(name) for name in slides)
    assert len(slides) == len(pptx.Presentation(made).slides)
    assert "sectionLst" not in told
    assert "custShow" not in told


def test_a_layout_without_a_kind_is_found_by_its_title_alone(tmp_path):
    path = template(tmp_path / "agency.pptx", 10, 7.5)
    show = pptx.Presentation(path)
    for layout in show.slide_layouts:
        layout._element.attrib.pop("type", None)
    show.save(path)
    made = pptx.Presentation(write_slides(DECK, tmp_path / "s.pptx", Brand(template=path)))
    assert {slide.slide_layout.name for slide in made.slides} == {"Nur Titel"}


def test_screen_readers_are_told_of_every_picture_chart_and_table(tmp_path):
    show = pptx.Presentation(write_slides(DECK, tmp_path / "study.pptx"))
    told = [
        shape._element.xpath(".//p:cNvPr/@descr")
        for slide in show.slides
        for shape in slide.shapes
        if shape.shape_type == 13 or shape.has_chart or shape.has_table
    ]
    assert len(told) == 9
    assert all(text and text[0] for text in told)
    assert ["Curves of Cut A, Cut B. Valence (points)."] in told
    assert ["Frame of the film, 0:01"] in told


def test_the_head_of_a_table_can_be_read_on_any_accent(tmp_path):
    for accent, letters in (("#F7D038", "1D2733"), ("#1B5E8C", "FFFFFF")):
        path = write_slides(DECK, tmp_path / f"{letters}.pptx", Brand(accent=accent))
        show = pptx.Presentation(path)
        table = next(s.table for s in show.slides[2].shapes if s.has_table)
        run = table.cell(0, 0).text_frame.paragraphs[0].runs[0]
        assert str(run.font.color.rgb) == letters
