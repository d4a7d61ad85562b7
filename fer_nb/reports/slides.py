"""A study as slides: native charts that can be edited, one message per slide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from fer_nb.errors import MissingExtraError
from fer_nb.files import new_file
from fer_nb.reports.brand import Brand
from fer_nb.reports.deck import Deck, MomentCard, Segment, Table
from fer_nb.reports.slide_canvas import Box, Canvas, largest, pages, row_heights, text_height
from fer_nb.reports.slide_charts import bar_chart, curve_chart

_BODY = (22, 20, 18, 16)
_NOTE = (14, 13, 12)
_CARDS = 3
_ROW_SIZE = 12  # points; a table is dealt out to slides so that its letters are no smaller


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
        import pptx  # noqa: F401
    except ImportError:
        raise MissingExtraError("writing slides", "export") from None
    canvas = Canvas(brand or Brand())
    canvas.opening(deck.title, deck.subtitle)
    _verdict(canvas, deck.verdict)
    for table in deck.tables:
        _table(canvas, table)
    for curves in deck.curves:
        chart, note = _noted(canvas, curves.note)
        slide = canvas.slide(curves.title)
        curve_chart(canvas, slide, curves, chart)
        canvas.text(slide, [curves.note], note, _NOTE)
    for title, cards in deck.moments:
        _moments(canvas, title, cards)
    for segment in deck.segments:
        _segment(canvas, segment)
    _texts(canvas, "How it was measured", deck.method)
    canvas.sign_file(deck.title)
    path = Path(path)
    with new_file(path, force=force) as part:
        canvas.show.save(str(part))
    return path


def _verdict(canvas: Canvas, lines: Sequence[str]) -> None:
    """The first line in large print, the others below it; as plain text where there are many."""
    title = "What we found"
    above, below = canvas.body.split(0.42 * canvas.body.height)
    size = largest((32, 28, 24), lines[:1], above)
    if (
        max(
            text_height(lines[:1], size, above.width) / above.height,
            text_height(lines[1:], 18, below.width) / below.height,
        )
        > 1
    ):
        return _texts(canvas, title, lines)
    slide = canvas.slide(title)
    canvas.text(slide, lines[:1], above, (size,), bold=1)
    if lines[1:]:
        canvas.text(slide, lines[1:], below, (20, 18))
    return None


def _texts(canvas: Canvas, title: str, lines: Sequence[str]) -> None:
    """Paragraphs, on as many slides as they need."""
    size = largest(_BODY, lines, canvas.body)
    parts = list(pages(lines, size, canvas.body))
    for part, name in zip(parts, _numbered(title, len(parts)), strict=True):
        canvas.text(canvas.slide(name), part, canvas.body, (size,))


def _numbered(title: str, count: int) -> Iterator[str]:
    """Titles of the slides that go on with one matter."""
    for i in range(count):
        yield title if count == 1 else f"{title} ({i + 1} of {count})"


def _noted(canvas: Canvas, note: str) -> tuple[Box, Box]:
    """Divide a slide for a chart or a table, and the note below it."""
    high = text_height([note], _NOTE[0], canvas.body.width) if note else 0
    return canvas.body.split(canvas.body.height - min(high, canvas.body.height / 3))


def _table(canvas: Canvas, table: Table) -> None:
    room, note = _noted(canvas, table.note)
    head, *rows = table.rows
    parts: list[list[Sequence[str]]] = [[head]]
    for row in rows:
        high = sum(row_heights([*parts[-1], row], _ROW_SIZE, room.width))
        if len(parts[-1]) > 1 and high > room.height:
            parts.append([head])
        parts[-1].append(row)
    for part, name in zip(parts, _numbered(table.title, len(parts)), strict=True):
        slide = canvas.slide(name)
        canvas.table(slide, part, room, f"Table: {name}")
        canvas.text(slide, [table.note], note, _NOTE)


def _moments(canvas: Canvas, title: str, cards: Sequence[MomentCard]) -> None:
    """Moments below their frames, three to a slide; as a table where there is no film."""
    if not cards:
        return
    if all(card.frame is None for card in cards):
        films = any(card.film for card in cards)
        head = [*(["Film"] if films else []), "When", "What was seen"]
        rows = [[*([c.film] if films else []), c.when, c.what] for c in cards]
        _table(canvas, Table(title, [head, *rows]))
        return
    parts = [cards[start : start + _CARDS] for start in range(0, len(cards), _CARDS)]
    for part, name in zip(parts, _numbered(title, len(parts)), strict=True):
        slide = canvas.slide(name)
        gap = 0.4
        width = (canvas.body.width - gap * (_CARDS - 1)) / _CARDS
        pictures, texts = canvas.body.split(0.55 * canvas.body.height)
        lowest = pictures.top
        for i, card in enumerate(part):
            if card.frame is not None:
                box = pictures._replace(left=pictures.left + i * (width + gap), width=width)
                alt = f"Frame of the film, {card.when}"
                lowest = max(lowest, box.top + canvas.picture(slide, card.frame, box, alt))
        for i, card in enumerate(part):
            top = lowest + 0.1
            left = texts.left + i * (width + gap)
            frame = Box(left, top, width, texts.bottom - top)
            lines = list(filter(None, (card.when, card.film, card.what)))
            canvas.text(slide, lines, frame, (18, 16, 14, 12), bold=1)


def _segment(canvas: Canvas, segment: Segment) -> None:
    chart, note = _noted(canvas, segment.note)
    slide = canvas.slide(segment.title)
    bar_chart(canvas, slide, segment, chart)
    canvas.text(slide, [segment.note], note, _NOTE)
