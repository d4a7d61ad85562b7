"""A presentation of any size and template, on which titles, texts, tables and pictures fit."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from textwrap import wrap
from typing import NamedTuple

import numpy as np

from fer_nb.reports.brand import Brand
from fer_nb.reports.slide_template import open_template

# Lengths are inches of a slide of this size; one of another size has them, and its letters, scaled.
_WIDTH, _HEIGHT = 13.333, 7.5
_MARGIN = 0.5
_INSET = 0.1  # of a title's text in its box; the rest of a slide begins where that does
_TITLE_SIZES = (30, 26, 22, 18, 14)
_LETTER = 0.58  # width of a letter, of its size: wide fonts' rather than narrow ones'
_LINE = 1.25  # height of a line, of its size
_CELL = 0.1  # above and below a cell's text, together; beside it twice that
_FOOT_COLOR = "#5B6775"


class Box(NamedTuple):
    """A part of a slide."""

    left: float
    top: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        return self.top + self.height

    def split(self, height: float) -> tuple[Box, Box]:
        """Return what is above and below a line `height` from the top."""
        above = self._replace(height=height)
        return above, Box(self.left, above.bottom, self.width, self.height - height)


def text_height(lines: Sequence[str], size: float, width: float) -> float:
    """About how high paragraphs are in letters of `size` points, each with its gap."""
    in_line = max(1, int(72 * width / (_LETTER * size)))
    parts = (part for line in lines for part in line.split("\n"))
    rows = sum(len(wrap(part, in_line)) or 1 for part in parts)
    return (rows * _LINE + len(lines) / 2) * size / 72


def largest(sizes: Sequence[float], lines: Sequence[str], box: Box) -> float:
    """Return the first of sizes in which the lines fit into a box, else the last."""
    return next((s for s in sizes if text_height(lines, s, box.width) <= box.height), sizes[-1])


def pages(lines: Sequence[str], size: float, box: Box) -> Iterator[list[str]]:
    """Deal paragraphs out to slides, as many to each as fit into a box."""
    page: list[str] = []
    for line in lines:
        if page and text_height([*page, line], size, box.width) > box.height:
            yield page
            page = []
        page.append(line)
    if page:
        yield page


class Canvas:
    """A presentation to which slides are added; `body` is what a slide has room for.

    With a template its layouts say where titles stand, and its theme gives the colours that the
    brand does not name.
    """

    def __init__(self, brand: Brand):
        self.brand = brand
        self.show = open_template(brand.template)
        own = brand.template is None
        # A colour that is the default was not asked for, and gives way to the template's.
        self.accent = brand.accent if own or brand.accent != Brand.accent else None
        self.ink = brand.ink if own or brand.ink != Brand.ink else None
        if own:
            self._without_template()
        self.unit = min(self.show.slide_width / _WIDTH, self.show.slide_height / _HEIGHT)
        self.width = self.show.slide_width / self.unit
        self.height = self.show.slide_height / self.unit
        self.layout = _title_only(list(self.show.slide_layouts))
        self.title = self._title()
        left = self.title.left + _INSET
        top = self.title.bottom + 0.15
        self.body = Box(left, top, self.title.width - 2 * _INSET, self._foot() - 0.1 - top)

    def _without_template(self) -> None:
        """Turn python-pptx's own template into a wide one, titles at the left, in our colour."""
        from pptx.enum.text import PP_ALIGN
        from pptx.opc.constants import RELATIONSHIP_TYPE
        from pptx.util import Inches

        show = self.show
        wider = Inches(_WIDTH) / show.slide_width
        show.slide_width, show.slide_height = Inches(_WIDTH), Inches(_HEIGHT)
        for holder in (show.slide_master, *show.slide_layouts):
            for shape in holder.shapes:
                if shape._element.xpath(".//a:xfrm"):
                    shape.left, shape.width = int(shape.left * wider), int(shape.width * wider)
        title = _title_only(list(show.slide_layouts)).placeholders[0]
        title.left, title.top = Inches(_MARGIN), Inches(0.35)
        title.width, title.height = Inches(_WIDTH - 2 * _MARGIN), Inches(1.0)
        title.text_frame.paragraphs[0].alignment = PP_ALIGN.LEFT
        theme = show.slide_master.part.part_related_by(RELATIONSHIP_TYPE.THEME)
        accent = rb"\g<1>" + self.brand.accent.lstrip("#").encode()
        theme._blob = re.sub(rb'(<a:accent1>\s*<a:srgbClr val=")[0-9A-Fa-f]{6}', accent, theme.blob)

    def _title(self) -> Box:
        """Where the layout has its title; across the top if it has none there."""
        for shape in self.layout.placeholders:
            if _kind(shape) in ("TITLE", "CENTER_TITLE") and shape.width:
                sizes = (shape.left, shape.top, shape.width, shape.height)
                box = Box(*(size / self.unit for size in sizes))
                if box.bottom < self.height * 0.4 and box.width > self.width / 2:
                    return box
        return Box(_MARGIN, 0.35, self.width - 2 * _MARGIN, 1.0)

    def _foot(self) -> float:
        tops = [
            shape.top / self.unit
            for shape in self.layout.placeholders
            if _kind(shape) in ("FOOTER", "DATE", "SLIDE_NUMBER") and shape.top is not None
        ]
        low = [top for top in tops if top > 0.8 * self.height]
        return min([self.height - 0.55, *low])

    def emu(self, *sizes: float) -> list[int]:
        """Lengths as PowerPoint counts them."""
        return [int(size * self.unit) for size in sizes]

    def points(self, size: float) -> int:
        """Size of letters as PowerPoint counts it."""
        from pptx.util import Inches, Pt

        return Pt(round(2 * size * self.unit / Inches(1)) / 2)

    def slide(self, title: str):
        """Add a slide with its title, the logo and the foot."""
        slide = self.show.slides.add_slide(self.layout)
        box = self.title
        logo = self._logo(slide)
        if logo is not None and box.bottom > logo.top:
            box = box._replace(width=min(box.width, logo.left - 0.2 - box.left))
        shape = slide.shapes.title
        for other in list(slide.placeholders):  # "Click to add text"
            if shape is None or other.shape_id != shape.shape_id:
                other._element.getparent().remove(other._element)
        if shape is None:
            shape = slide.shapes.add_textbox(0, 0, 0, 0)
        shape.left, shape.top, shape.width, shape.height = self.emu(*box)
        shape.text_frame.word_wrap = True
        inside = box._replace(width=box.width - 2 * _INSET, height=box.height + 0.1)
        self.fill(shape.text_frame, [title], largest(_TITLE_SIZES, [title], inside), head=True)
        self._sign(slide)
        return slide

    def opening(self, title: str, subtitle: str) -> None:
        """Add the first slide, on the template's layout for it where there is one."""
        layouts = [x for x in self.show.slide_layouts if x._element.get("type") == "title"]
        if self.brand.template is not None and layouts:
            slide = self.show.slides.add_slide(layouts[0])
            under = [p for p in slide.placeholders if _kind(p) in ("SUBTITLE", "BODY")]
            if slide.shapes.title is not None and under:
                self._logo(slide)
                for shape, text, sizes in (
                    (slide.shapes.title, title, (36, *_TITLE_SIZES)),
                    (under[0], subtitle, (20, 18, 16, 14, 12, 11)),
                ):
                    size = [shape.width / self.unit, shape.height / self.unit]
                    fits = largest(sizes, [text], Box(0, 0, *size))
                    self.fill(shape.text_frame, [text], fits, self.ink, head=text is title)
                    shape.text_frame.paragraphs[0].alignment = None
                for other in list(slide.placeholders)[2:]:
                    other._element.getparent().remove(other._element)
                return
            ids = self.show.slides._sldIdLst
            self.show.part.drop_rel(ids[-1].rId)
            ids.remove(ids[-1])
        slide = self.slide(title)
        shape = slide.shapes.title
        if shape is not None:
            shape.top, shape.height = self.emu(0.27 * self.height, 0.21 * self.height)
        below = 0.51 * self.height
        box = self.body._replace(top=below, height=self.body.bottom - below)
        self.text(slide, [subtitle], box, (20, 18, 16, 14, 12))

    def _logo(self, slide) -> Box | None:
        """Put the logo into the upper right corner, at most so wide and so high."""
        if self.brand.logo is None:
            return None
        picture = slide.shapes.add_picture(str(self.brand.logo), 0, 0)
        ratio = picture.width / picture.height
        width = min(2.2, 0.7 * ratio)
        edge = min(self.width - _MARGIN, self.title.left + self.title.width) - _INSET
        box = Box(edge - width, 0.4, width, width / ratio)
        picture.left, picture.top, picture.width, picture.height = self.emu(*box)
        describe(picture, f"Logo of {self.brand.name}" if self.brand.name else "Logo")
        return box

    def _sign(self, slide) -> None:
        """Write name and footer below, and the slide's number."""
        from pptx.enum.text import PP_ALIGN
        from pptx.oxml import parse_xml
        from pptx.oxml.ns import nsdecls

        color = _FOOT_COLOR if self.brand.template is None else self.ink
        box = Box(self.body.left, self._foot(), self.body.width, 0.35)
        foot = " · ".join(filter(None, (self.brand.name, self.brand.footer)))
        if foot:
            frame = self._frame(slide, box._replace(width=box.width - 1))
            self.fill(frame, [foot], 11, color)
        frame = self._frame(slide, Box(box.left + box.width - 0.9, box.top, 0.9, 0.35))
        self.fill(frame, ["‹#›"], 11, color)
        frame.paragraphs[0].alignment = PP_ALIGN.RIGHT
        run = frame.paragraphs[0].runs[0]._r
        field = parse_xml(
            f'<a:fld {nsdecls("a")} id="{{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}}" type="slidenum"/>'
        )
        field.extend(list(run))
        run.getparent().replace(run, field)

    def _frame(self, slide, box: Box):
        frame = slide.shapes.add_textbox(*self.emu(*box)).text_frame
        frame.word_wrap = True
        frame.margin_left = frame.margin_right = 0
        return frame

    def text(
        self, slide, lines: Sequence[str], box: Box, sizes: Sequence[float], bold: int = 0
    ) -> None:
        """Write paragraphs, the first `bold` of them bold, in the first of sizes that fits."""
        if not any(lines):
            return
        frame = self._frame(slide, box)
        self.fill(frame, lines, largest(sizes, lines, box), self.ink, bold)

    def fill(
        self,
        frame,
        lines: Sequence[str],
        size: float,
        color: str | None = None,
        bold: int = 0,
        *,
        head: bool = False,
    ) -> None:
        """Write paragraphs; a template's own headings keep its weight, place and colour."""
        from pptx.dml.color import RGBColor
        from pptx.enum.text import PP_ALIGN

        own = self.brand.template is None
        color = self.accent if head else color
        for i, line in enumerate(lines):
            paragraph = frame.paragraphs[0] if i == 0 else frame.add_paragraph()
            if own or not head:
                paragraph.alignment = PP_ALIGN.LEFT
            run = paragraph.add_run()
            run.text = line
            run.font.size = self.points(size)
            if i < bold or (own and head):
                run.font.bold = True
            if color:
                run.font.color.rgb = RGBColor.from_string(color.lstrip("#"))
            paragraph.space_after = self.points(size / 2)

    def table(self, slide, rows: Sequence[Sequence[str]], box: Box, alt: str) -> None:
        """Add a table whose letters are as large as its box allows."""
        from pptx.dml.color import RGBColor
        from pptx.enum.text import MSO_ANCHOR

        widths = _column_widths(rows, box.width)
        sizes = (16, 14, 13, 12, 11)
        size = next((s for s in sizes if sum(row_heights(rows, s, box.width)) <= box.height), 11)
        heights = row_heights(rows, size, box.width)
        frame = slide.shapes.add_table(
            len(rows), len(rows[0]), *self.emu(box.left, box.top, box.width, sum(heights))
        )
        describe(frame, alt)
        for column, width in zip(frame.table.columns, widths, strict=True):
            column.width = self.emu(width)[0]
        for i, (row, height) in enumerate(zip(rows, heights, strict=True)):
            frame.table.rows[i].height = self.emu(height)[0]
            for j, text in enumerate(row):
                cell = frame.table.cell(i, j)
                cell.text, cell.vertical_anchor = text, MSO_ANCHOR.MIDDLE
                cell.margin_left = cell.margin_right = self.emu(_CELL)[0]
                cell.margin_top = cell.margin_bottom = self.emu(_CELL / 2)[0]
                if i == 0 and self.accent:
                    cell.fill.solid()
                    cell.fill.fore_color.rgb = RGBColor.from_string(self.accent.lstrip("#"))
                for run in (run for part in cell.text_frame.paragraphs for run in part.runs):
                    run.font.size = self.points(size)
                    if i == 0 and self.accent:
                        run.font.color.rgb = RGBColor.from_string(_on(self.accent))

    def picture(self, slide, frame: np.ndarray, box: Box, alt: str) -> float:
        """Add a picture as large as its box allows, and return its height."""
        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(frame).save(buffer, "JPEG", quality=88)
        buffer.seek(0)
        high, wide = frame.shape[:2]
        width = min(box.width, box.height * wide / high)
        height = width * high / wide
        size = self.emu(box.left, box.top, width, height)
        describe(slide.shapes.add_picture(buffer, *size), alt)
        return height

    def sign_file(self, title: str) -> None:
        """Say in the file's properties what it is, and nothing of the template's."""
        about = self.show.core_properties
        about.title, about.author, about.last_modified_by = title, self.brand.name, self.brand.name
        about.created = about.modified = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        about.revision = 1


def describe(shape, text: str) -> None:
    """Give a picture, a chart or a table the words that a screen reader says."""
    shape._element.xpath(".//p:cNvPr")[0].set("descr", text)


def row_heights(rows: Sequence[Sequence[str]], size: float, width: float) -> list[float]:
    """About how high each row of a table is."""
    widths = [w - 2 * _CELL for w in _column_widths(rows, width)]
    gap = size / 2 / 72
    return [
        max(0.4, *(text_height([t], size, w) - gap for t, w in zip(row, widths, strict=True)))
        + _CELL
        for row in rows
    ]


def _column_widths(rows: Sequence[Sequence[str]], width: float) -> list[float]:
    """Widths by the longest text of each column, none less than half an equal share."""
    lengths = [
        max(len(part) for row in rows for part in row[j].split("\n")) for j in range(len(rows[0]))
    ]
    least = 0.5 / len(lengths)
    return [width * (least + 0.5 * length / max(1, sum(lengths))) for length in lengths]


def _on(color: str) -> str:
    """Return white or near black, whichever is read better on a colour (WCAG 2, luminance)."""
    parts = [int(color.lstrip("#")[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "FFFFFF" if 1.05 / (light + 0.05) >= (light + 0.05) / 0.06 else "1D2733"


def _kind(shape) -> str:
    return shape.placeholder_format.type.name


def _title_only(layouts: list):
    """Return the layout with a title and nothing else, whatever a template calls it."""
    only = [x for x in layouts if x._element.get("type") == "titleOnly" or x.name == "Title Only"]
    if only:
        return only[0]
    foot = {"FOOTER", "DATE", "SLIDE_NUMBER"}

    def rest(layout) -> int:
        kinds = [_kind(p) for p in layout.placeholders if _kind(p) not in foot]
        return len(kinds) if "TITLE" in kinds else 99

    return min(layouts, key=rest)
