"""Native charts on slides, with what python-pptx has no call for: bands and intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from fer_nb.reports.deck import Bars, CurveLine, Curves, Segment
from fer_nb.reports.slide_canvas import Box, Canvas, describe

_POINTS_PER_CURVE = 300  # a chart of thousands of points is slow to edit
_GRID = "A6A6A6"


def curve_chart(canvas: Canvas, slide, curves: Curves, box: Box) -> None:
    """Add curves over time; a band is two thin lines without a place in the legend."""
    from pptx.chart.data import XyChartData
    from pptx.enum.chart import XL_CHART_TYPE

    data = XyChartData()
    drawn: list[tuple[int, bool]] = []  # which line, and whether it is the curve itself
    for k, line in enumerate(curves.lines):
        for i, values in enumerate(line.all_values):
            if not np.isfinite(values).any():
                continue
            name = line.label if i == 0 else f"{line.label}, {'low' if i == 1 else 'high'}"
            series = data.add_series(name)
            for x, y in _points(line.time_s, values):
                series.add_data_point(x, y)
            drawn.append((k, i == 0))
    frame = slide.shapes.add_chart(
        XL_CHART_TYPE.XY_SCATTER_LINES_NO_MARKERS, *canvas.emu(*box), data
    )
    describe(frame, _alt("Curves", curves.title, curves.lines, curves.unit))
    chart = frame.chart
    _dress(canvas, chart, curves.unit, len(curves.lines) > 1)
    if chart.has_legend:
        _leave_out(chart, [i for i, (_, itself) in enumerate(drawn) if not itself])
    across = chart.category_axis
    across.has_title, across.has_major_gridlines = True, False
    across.axis_title.text_frame.text = "seconds of the film"
    across.axis_title.text_frame.paragraphs[0].runs[0].font.bold = False
    across.minimum_scale = 0
    across.maximum_scale = float(np.ceil(max(x.time_s[-1] for x in curves.lines)))
    _scale(chart, [curves.reach, *(v for line in curves.lines for v in line.all_values)])
    for series, (k, itself) in zip(chart.plots[0].series, drawn, strict=True):
        series.smooth = False
        series.format.line.width = canvas.points(2.5 if itself else 0.75)
        _paint(canvas, series.format.line.color, k, curves.lines[k].color)
        for i in _alone(list(series.values)):
            _dot(canvas, series.points[i].marker, 5 if itself else 2, k, curves.lines[k].color)


def _points(time_s: np.ndarray, values: np.ndarray) -> list[tuple[float, float | None]]:
    """The points to draw: few, but each part's ends, and a blank one where a line must break.

    A chart that shows blanks as gaps, as python-pptx writes it, joins what has no blank between.
    """
    seen = np.isfinite(values)
    shown = np.flatnonzero(seen)
    parts = np.split(shown, np.flatnonzero(np.diff(shown) > 1) + 1)
    step = max(1, -(-len(values) // _POINTS_PER_CURVE))
    points: list[tuple[float, float | None]] = []
    for part in parts:
        if points:
            points.append((float(time_s[part[0] - 1]), None))
        few = np.union1d(part[::step], part[-1:])
        points += zip(time_s[few].tolist(), values[few].tolist(), strict=True)
    return points


def _alone(values: list[float | None]) -> list[int]:
    """Which points have a blank on either side, where a line shows nothing."""
    known = [False, *(value is not None for value in values), False]
    return [i for i in range(len(values)) if known[i : i + 3] == [False, True, False]]


def _dot(canvas: Canvas, marker, size: int, k: int, rgb: str) -> None:
    """Show a point of line `k` as a dot."""
    from pptx.enum.chart import XL_MARKER_STYLE

    marker.style, marker.size = XL_MARKER_STYLE.CIRCLE, size
    marker.format.fill.solid()
    _paint(canvas, marker.format.fill.fore_color, k, rgb)
    _paint(canvas, marker.format.line.color, k, rgb)


def bar_chart(canvas: Canvas, slide, segment: Segment, box: Box) -> None:
    """Add a bar for each level and film, with intervals as error bars."""
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE

    data = CategoryChartData()
    data.categories = list(segment.levels)
    for bars in segment.bars:
        data.add_series(bars.label, [float(v) if np.isfinite(v) else None for v in bars.values])
    frame = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *canvas.emu(*box), data)
    describe(frame, _alt("Bars with intervals", segment.title, segment.bars, segment.unit))
    chart = frame.chart
    _dress(canvas, chart, segment.unit, len(segment.bars) > 1)
    _scale(chart, [ends for b in segment.bars for ends in (b.values, b.low, b.high)])
    chart.plots[0].gap_width = 120
    for k, (series, bars) in enumerate(zip(chart.plots[0].series, segment.bars, strict=True)):
        series.invert_if_negative = False
        series.format.fill.solid()
        _paint(canvas, series.format.fill.fore_color, k, bars.color)
        series._element.insert_element_before(
            _error_bars(bars), "c:cat", "c:val", "c:shape", "c:extLst"
        )


def _alt(what: str, title: str, lines: Sequence[CurveLine | Bars], unit: str) -> str:
    """What a screen reader says of a chart."""
    return f"{what} of {', '.join(line.label for line in lines)}. {title} ({unit})."


def _dress(canvas: Canvas, chart, unit: str, legend: bool) -> None:
    """Letters, legend, and axes that name their units."""
    from pptx.dml.color import RGBColor
    from pptx.enum.chart import XL_LEGEND_POSITION, XL_TICK_LABEL_POSITION

    chart.has_title = False
    chart.font.size = canvas.points(14)
    chart.has_legend = legend
    if legend:
        chart.legend.position = XL_LEGEND_POSITION.TOP
        chart.legend.include_in_layout = False
    up = chart.value_axis
    up.has_title = up.has_major_gridlines = True
    up.axis_title.text_frame.text = unit
    up.axis_title.text_frame.paragraphs[0].runs[0].font.bold = False
    up.major_gridlines.format.line.width = canvas.points(0.5)
    up.major_gridlines.format.line.color.rgb = RGBColor.from_string(_GRID)
    for axis in (up, chart.category_axis):
        axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW


def _paint(canvas: Canvas, color, k: int, rgb: str) -> None:
    """Colour the line or bar number `k`: a template's are its own."""
    from pptx.dml.color import RGBColor
    from pptx.enum.dml import MSO_THEME_COLOR

    if canvas.brand.template is None:
        color.rgb = RGBColor.from_string(rgb.lstrip("#"))
    else:
        color.theme_color = getattr(MSO_THEME_COLOR, f"ACCENT_{k % 6 + 1}")


def _scale(chart, values: Iterable[np.ndarray | Sequence[float]]) -> None:
    """Let the axis hold 0 and all values; left to itself it cuts intervals."""
    ends = np.concatenate([[0.0], *values], axis=None)
    low, high = np.nanmin(ends), np.nanmax(ends)
    span = max(high - low, 1e-6)
    step = 10 ** np.floor(np.log10(span))
    step /= 5 if span < 2 * step else 2 if span < 5 * step else 1
    axis = chart.value_axis
    axis.minimum_scale = float(np.floor(low / step) * step)
    axis.maximum_scale, axis.major_unit = float(np.ceil(high / step) * step), float(step)


def _leave_out(chart, which: Sequence[int]) -> None:
    """Take series out of the legend (ECMA-376, 21.2.2.94)."""
    from pptx.oxml import parse_xml
    from pptx.oxml.ns import nsdecls

    for i in which:
        entry = parse_xml(
            f'<c:legendEntry {nsdecls("c")}><c:idx val="{i}"/><c:delete val="1"/></c:legendEntry>'
        )
        chart.legend._element.insert_element_before(
            entry, "c:layout", "c:overlay", "c:spPr", "c:txPr", "c:extLst"
        )


def _error_bars(bars: Bars):
    """Intervals as error bars (ECMA-376, 21.2.2.55)."""
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
