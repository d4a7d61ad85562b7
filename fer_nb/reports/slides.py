"""A study as slides: native charts that can be edited, one message per slide."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_nb.errors import FerError, MissingExtraError
from fer_nb.files import new_file
from fer_nb.reports.brand import Brand

_MARGIN = 0.6  # inches
_POINTS_PER_CURVE = 300  # a chart of thousands of points is slow to edit


@dataclass(frozen=True)
class CurveLine:
    """One curve over the seconds of a film."""

    label: str
    time_s: np.ndarray
    values: np.ndarray
    color: str


@dataclass(frozen=True)
class Bars:
    """Numbers of one film, a bar each, with the ends of their intervals (NaN where none)."""

    label: str
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    color: str


@dataclass(frozen=True)
class Segment:
    """One column of the manifest: a bar per level and film, and what must be said of it."""

    title: str
    unit: str
    levels: Sequence[str]
    bars: Sequence[Bars]
    note: str


@dataclass(frozen=True)
class MomentCard:
    """A moment: its time, what was seen, and the frame of the film as RGB where there is one."""

    when: str
    what: str
    frame: np.ndarray | None = None


@dataclass(frozen=True)
class Deck:
    """What the slides say; `fer_nb.reports.export` fills it from a study."""

    title: str
    subtitle: str
    verdict: Sequence[str]
    scores: Sequence[Sequence[str]]  # rows of a table, its head first
    curves: Sequence[tuple[str, str, Sequence[CurveLine]]]  # title, unit, lines
    moments: Sequence[tuple[str, Sequence[MomentCard]]]  # title, cards
    method: Sequence[str]
    segments: Sequence[Segment] = ()
    brand: Sequence[Sequence[str]] = ()  # as scores


def write_slides(
    deck: Deck, path: str | Path, brand: Brand | None = None, *, force: bool = False
) -> Path:
    """Write a ``.pptx`` file.

    Raises
    ------
    MissingExtraError
        If python-pptx is not installed.
    FerError
        If the brand's template cannot be opened.
    """
    try:
        import pptx
    except ImportError:
        raise MissingExtraError("writing slides", "export") from None
    brand = brand or Brand()
    try:
        show = pptx.Presentation(str(brand.template) if brand.template else None)
    except Exception as error:  # python-pptx lets whatever zipfile and lxml say through
        raise FerError(
            f"{brand.template} cannot be opened as a PowerPoint file: {error}"
        ) from error
    writer = _Writer(show, brand)
    writer.opening(deck.title, deck.subtitle)
    writer.message("What we found", deck.verdict)
    if deck.scores:
        writer.scores("Scores", deck.scores)
    if deck.brand:
        writer.scores("While the brand is seen, and after", deck.brand)
    for title, unit, lines in deck.curves:
        writer.curves(title, unit, lines)
    for title, cards in deck.moments:
        for start in range(0, len(cards), 3):
            writer.moments(title, cards[start : start + 3])
    for segment in deck.segments:
        writer.segment(segment)
    writer.text("How it was measured", deck.method)
    path = Path(path)
    with new_file(path, force=force) as part:
        show.save(str(part))
    return path


class _Writer:
    def __init__(self, show, brand: Brand):
        from pptx.util import Inches

        self.show, self.brand, self.inches = show, brand, Inches
        if brand.template is None:
            show.slide_width, show.slide_height = Inches(13.333), Inches(7.5)
        self.width = show.slide_width / Inches(1)
        self.height = show.slide_height / Inches(1)
        # The layout with a title and nothing else, whatever its number in a template.
        layouts = list(show.slide_layouts)
        self.layout = next((x for x in layouts if x.name == "Title Only"), layouts[-1])

    def _slide(self, title: str):
        slide = self.show.slides.add_slide(self.layout)
        if slide.shapes.title is not None:
            shape = slide.shapes.title
            shape.left, shape.top = self.inches(_MARGIN), self.inches(0.35)
            shape.width, shape.height = (
                self.inches(self.width - 2 * _MARGIN - 1.6),
                self.inches(0.9),
            )
            self._write(shape.text_frame, [title], 30, self.brand.accent, bold=True)
        if self.brand.logo:
            slide.shapes.add_picture(
                str(self.brand.logo),
                self.inches(self.width - _MARGIN - 1.4),
                self.inches(0.4),
                height=self.inches(0.6),
            )
        foot = " · ".join(filter(None, (self.brand.name, self.brand.footer)))
        if foot:
            box = self._box(slide, _MARGIN, self.height - 0.5, self.width - 2 * _MARGIN, 0.35)
            self._write(box, [foot], 11, "#5B6775")
        return slide

    def _box(self, slide, left: float, top: float, width: float, height: float):
        box = slide.shapes.add_textbox(*map(self.inches, (left, top, width, height)))
        box.text_frame.word_wrap = True
        return box.text_frame

    def _write(self, frame, lines: Sequence[str], size: int, color: str, bold: bool = False):
        from pptx.dml.color import RGBColor
        from pptx.enum.text import PP_ALIGN
        from pptx.util import Pt

        for i, line in enumerate(lines):
            paragraph = frame.paragraphs[0] if i == 0 else frame.add_paragraph()
            paragraph.alignment = PP_ALIGN.LEFT
            run = paragraph.add_run()
            run.text = line
            run.font.size, run.font.bold = Pt(size), bold
            run.font.color.rgb = RGBColor.from_string(color.lstrip("#"))
            paragraph.space_after = Pt(size / 2)

    def opening(self, title: str, subtitle: str) -> None:
        slide = self._slide(title)
        if (shape := slide.shapes.title) is not None:
            shape.top, shape.height = self.inches(2.0), self.inches(1.6)
        box = self._box(slide, _MARGIN, 3.8, self.width - 2 * _MARGIN, 2)
        self._write(box, [subtitle], 20, self.brand.ink)

    def message(self, title: str, lines: Sequence[str]) -> None:
        """The first line in large print, the others below it."""
        slide = self._slide(title)
        box = self._box(slide, _MARGIN, 1.7, self.width - 2 * _MARGIN, 2.4)
        self._write(box, lines[:1], 32, self.brand.ink, bold=True)
        box = self._box(slide, _MARGIN, 4.2, self.width - 2 * _MARGIN, self.height - 5)
        self._write(box, lines[1:], 20, self.brand.ink)

    def text(self, title: str, lines: Sequence[str]) -> None:
        slide = self._slide(title)
        box = self._box(slide, _MARGIN, 1.5, self.width - 2 * _MARGIN, self.height - 2.3)
        self._write(box, list(lines), 22 if len(lines) < 6 else 16, self.brand.ink)

    def scores(self, title: str, rows: Sequence[Sequence[str]]) -> None:
        from pptx.dml.color import RGBColor
        from pptx.util import Pt

        slide = self._slide(title)
        table = slide.shapes.add_table(
            len(rows),
            len(rows[0]),
            self.inches(_MARGIN),
            self.inches(1.6),
            self.inches(self.width - 2 * _MARGIN),
            self.inches(0.6 * len(rows)),
        ).table
        for i, row in enumerate(rows):
            for j, text in enumerate(row):
                cell = table.cell(i, j)
                cell.text = text
                for run in cell.text_frame.paragraphs[0].runs:
                    run.font.size = Pt(16 if len(rows) < 8 else 13)
                if i == 0:
                    cell.fill.solid()
                    cell.fill.fore_color.rgb = RGBColor.from_string(self.brand.accent.lstrip("#"))

    def curves(self, title: str, unit: str, lines: Sequence[CurveLine]) -> None:
        from pptx.chart.data import XyChartData
        from pptx.dml.color import RGBColor
        from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION, XL_TICK_LABEL_POSITION
        from pptx.util import Pt

        slide = self._slide(title)
        data = XyChartData()
        for line in lines:
            series = data.add_series(line.label)
            step = max(1, -(-len(line.values) // _POINTS_PER_CURVE))
            for x, y in zip(line.time_s[::step], line.values[::step], strict=True):
                if np.isfinite(y):
                    series.add_data_point(float(x), float(y))
        chart = slide.shapes.add_chart(
            XL_CHART_TYPE.XY_SCATTER_LINES_NO_MARKERS,
            *map(self.inches, (_MARGIN, 1.4, self.width - 2 * _MARGIN, self.height - 2.1)),
            data,
        ).chart
        chart.has_legend = len(lines) > 1
        if chart.has_legend:
            chart.legend.position = XL_LEGEND_POSITION.TOP
            chart.legend.include_in_layout = False
        chart.has_title = False
        chart.font.size = Pt(12)
        for axis, name in ((chart.category_axis, "seconds"), (chart.value_axis, unit)):
            axis.has_title = True
            axis.axis_title.text_frame.text = name
            axis.has_major_gridlines = axis is chart.value_axis
            axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
        chart.category_axis.minimum_scale = 0
        chart.category_axis.maximum_scale = float(np.ceil(max(x.time_s[-1] for x in lines)))
        for series, line in zip(chart.plots[0].series, lines, strict=True):
            series.smooth = False
            series.format.line.width = Pt(2.25)
            series.format.line.color.rgb = RGBColor.from_string(line.color.lstrip("#"))

    def segment(self, segment: Segment) -> None:
        from pptx.chart.data import CategoryChartData
        from pptx.dml.color import RGBColor
        from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION, XL_TICK_LABEL_POSITION
        from pptx.util import Pt

        slide = self._slide(segment.title)
        data = CategoryChartData()
        data.categories = list(segment.levels)
        for bars in segment.bars:
            data.add_series(bars.label, [float(v) if np.isfinite(v) else None for v in bars.values])
        height = self.height - 3.0
        chart = slide.shapes.add_chart(
            XL_CHART_TYPE.COLUMN_CLUSTERED,
            *map(self.inches, (_MARGIN, 1.4, self.width - 2 * _MARGIN, height)),
            data,
        ).chart
        chart.has_legend = len(segment.bars) > 1
        if chart.has_legend:
            chart.legend.position = XL_LEGEND_POSITION.TOP
            chart.legend.include_in_layout = False
        chart.has_title = False
        chart.font.size = Pt(14)
        chart.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
        chart.value_axis.has_title = True
        chart.value_axis.axis_title.text_frame.text = segment.unit
        axis = chart.value_axis  # left to itself, it is as long as the bars and cuts the intervals
        axis.minimum_scale, axis.maximum_scale, axis.major_unit = _axis(segment.bars)
        chart.plots[0].gap_width = 120
        for series, bars in zip(chart.plots[0].series, segment.bars, strict=True):
            series.invert_if_negative = False
            series.format.fill.solid()
            series.format.fill.fore_color.rgb = RGBColor.from_string(bars.color.lstrip("#"))
            series._element.insert_element_before(
                _error_bars(bars), "c:cat", "c:val", "c:shape", "c:extLst"
            )
        box = self._box(slide, _MARGIN, 1.4 + height + 0.1, self.width - 2 * _MARGIN, 1.0)
        self._write(box, [segment.note], 14, self.brand.ink)

    def moments(self, title: str, cards: Sequence[MomentCard]) -> None:
        from PIL import Image

        slide = self._slide(title)
        width = (self.width - 2 * _MARGIN - 0.8) / 3
        for i, card in enumerate(cards):
            left, top = _MARGIN + i * (width + 0.4), 1.6
            if card.frame is not None:
                buffer = io.BytesIO()
                Image.fromarray(card.frame).save(buffer, "JPEG", quality=88)
                high = width * card.frame.shape[0] / card.frame.shape[1]
                size = {"width": self.inches(width)}
                if high > 3.0:
                    size, high = {"height": self.inches(3.0)}, 3.0
                buffer.seek(0)
                slide.shapes.add_picture(buffer, self.inches(left), self.inches(top), **size)
                top += high + 0.15
            box = self._box(slide, left, top, width, 0.7)
            self._write(box, [card.when], 16, self.brand.accent, bold=True)
            box = self._box(slide, left, top + 0.7, width, 1.6)
            self._write(box, [card.what], 16, self.brand.ink)


def _axis(bars: Sequence[Bars]) -> tuple[float, float, float]:
    """Ends of an axis that holds 0, all bars and their intervals, and its step."""
    ends = np.concatenate([[0.0], *((b.values, b.low, b.high) for b in bars)], axis=None)
    low, high = np.nanmin(ends), np.nanmax(ends)
    span = max(high - low, 1e-6)
    step = 10 ** np.floor(np.log10(span))
    step /= 5 if span < 2 * step else 2 if span < 5 * step else 1
    return float(np.floor(low / step) * step), float(np.ceil(high / step) * step), float(step)


def _error_bars(bars: Bars):
    """Intervals as error bars, for which python-pptx has no call (ECMA-376, 21.2.2.55)."""
    from pptx.oxml import parse_xml
    from pptx.oxml.ns import nsdecls

    def ends(tag: str, sizes: np.ndarray) -> str:
        known = [(i, size) for i, size in enumerate(sizes) if np.isfinite(size)]
        points = "".join(f'<c:pt idx="{i}"><c:v>{size}</c:v></c:pt>' for i, size in known)
        count = f'<c:ptCount val="{len(sizes)}"/>'
        return f"<c:{tag}><c:numLit>{count}{points}</c:numLit></c:{tag}>"

    return parse_xml(
        f'<c:errBars {nsdecls("c")}><c:errBarType val="both"/><c:errValType val="cust"/>'
        f'<c:noEndCap val="0"/>{ends("plus", bars.high - bars.values)}'
        f"{ends('minus', bars.values - bars.low)}</c:errBars>"
    )
