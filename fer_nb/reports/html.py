"""HTML for reports: small fragments for notebook cells, and the page around them.

All HTML comes from the templates beside this file, which escape whatever comes from outside (file
names, titles, messages).
"""

from __future__ import annotations

import base64
import io
import mimetypes
from collections.abc import Container, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader

from fer_nb.files import new_file


class Html(str):
    """A fragment of HTML that a notebook, and a template, shows as it is."""

    def _repr_html_(self) -> str:
        return str(self)

    def __html__(self) -> str:
        return str(self)


@cache
def _environment() -> Environment:
    environment = Environment(loader=PackageLoader("fer_nb.reports"), autoescape=True)
    environment.filters |= {"data_url": data_url, "file_url": file_url, "ordinal": ordinal}
    return environment


def fill(template: str, **values) -> Html:
    """Return a template of ``reports/templates``, filled in; what is no `Html` is escaped."""
    return Html(_environment().get_template(template).render(**values))


def _fragment(name: str, *values) -> Html:
    macros = _environment().get_template("fragments.html.j2").module
    return Html(getattr(macros, name)(*values))


def page(body: str, title: str, record: dict | None = None) -> str:
    """Return a whole page around `body` (HTML); it asks no other computer for anything.

    `record` says how it was made; see `fer_nb.reports.record`.
    """
    from fer_nb import __version__

    templates = files("fer_nb.reports") / "templates"
    # A notebook's own outputs follow the notebook's theme, so only a page turns dark.
    style = "".join((templates / f"{name}.css").read_text("utf-8") for name in ("style", "dark"))
    return fill(
        "page.html.j2", body=body, title=title, style=style, version=__version__, record=record
    )


def style() -> Html:
    """Return the look of a report's fragments, for a notebook's own outputs and nothing else."""
    css = (files("fer_nb.reports") / "templates" / "style.css").read_text()
    # Nested rules: what is meant for a page (body, main) finds nothing inside an output.
    outputs = ".jp-OutputArea, .cell_output, .output_area"
    return Html(f"<style>{outputs} {{ {css.replace(':root', '&')} }}</style>")


def heading(title: str, lead: str = "") -> Html:
    """Return the head of a report; `render` makes its title the first heading of the page."""
    return _fragment("heading", title, lead)


def subhead(text: str) -> Html:
    """Return a heading below the section's."""
    return _fragment("subhead", text)


def paragraphs(*lines: str) -> Html:
    """Return paragraphs of plain text."""
    return _fragment("paragraphs", lines)


def box(text: str | Sequence[str], warn: bool = False) -> Html:
    """Return one or more paragraphs of plain text in a box."""
    return _fragment("box", [text] if isinstance(text, str) else text, warn)


def key_figures(figures: Mapping[str, str]) -> Html:
    """Return figures in large print, each with its name under it."""
    return _fragment("key_figures", figures)


def facts(rows: Mapping[str, object]) -> Html:
    """Return a two-column table of names and values."""
    return _fragment("facts", rows)


def table(rows: list[list], header: list[str], numbers: Container[int] = ()) -> Html:
    """Return a table that scrolls in its own box; columns in `numbers` are set flush right."""
    return _fragment("table", rows, header, numbers)


def fold(title: str, inner: Html, group: str = "", open_: bool = False) -> Html:
    """Return a part that folds; of those of one `group` only one is open at a time."""
    return _fragment("fold", title, inner, group, open_)


def percentile_bar(at: float, low: float | None = None, high: float | None = None) -> Html:
    """Return a bar from 0 to 100 with a mark at a percentile, and its interval as a shade."""
    return _fragment("percentile_bar", at, low, high)


def ordinal(value: float) -> str:
    """Return a number as an ordinal.

    Examples
    --------
    >>> [ordinal(n) for n in (1, 2.4, 13, 83)]
    ['1st', '2nd', '13th', '83rd']
    """
    n = round(value)
    ending = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def estimate(text: str, below: str) -> Html:
    """Return an estimate with its interval below it, for a cell."""
    return _fragment("estimate", text, below)


def card(image: np.ndarray | None, head: str, lines: Sequence[str], color: str = "") -> Html:
    """Return a card of picture and text; `color` is that of a dot before the head."""
    return _fragment("card", "" if image is None else data_url(image), head, lines, color)


def cards(items: Sequence[Html]) -> Html:
    """Return cards side by side."""
    return _fragment("cards", items)


def joined(*parts: Html) -> Html:
    """Return fragments one after the other."""
    return Html("".join(parts))


def data_url(image: np.ndarray, width: int = 360) -> str:
    """Return a picture (uint8 RGB) as a JPEG data URL, shrunk to `width` pixels."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(image, width)).decode()


def jpeg(image: np.ndarray, width: int = 360) -> bytes:
    """Return a picture (uint8 RGB) as a JPEG file, shrunk to `width` pixels."""
    from PIL import Image

    picture = Image.fromarray(image)
    if picture.width > width:
        picture = picture.resize((width, max(1, round(picture.height * width / picture.width))))
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=82)
    return data.getvalue()


def file_url(path: Path) -> str:
    """Return a file as a data URL."""
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


_STALE = "<!-- fer_nb: out of date -->"


def mark_stale(path: str | Path) -> None:
    """Say at the top of a page, where there is one, that the tables beside it are newer.

    The page that is made next replaces it; where that is cut off, nobody takes it for new.
    """
    path = Path(path)
    if not path.exists() or is_stale(path):
        return
    said = box(
        "This page is out of date. The tables beside it are newer, and the new page was not "
        "finished: run the same command again.",
        warn=True,
    )
    html = path.read_text(encoding="utf-8", errors="replace")
    head, body, rest = html.partition("<body>")
    if not body:
        head, rest = "", html
    with new_file(path, force=True) as part:
        part.write_text(f"{head}{body}{_STALE}{said}{rest}", encoding="utf-8", errors="replace")


def is_stale(path: str | Path) -> bool:
    """Whether there is a page that `mark_stale` has marked."""
    try:
        return _STALE in Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


ETHICS = (
    "An expression is not a feeling. What is measured here is how faces look, to a network trained "
    "on the judgements of other people; curves of a group say more than any single face.",
    "Record people only with their consent, tell them what it is for, and keep recordings on your "
    "own computer. Reports show them blurred unless you ask otherwise.",
    "In the European Union, inferring emotions at work and in education is prohibited (AI Act, "
    "Art. 5(1)(f), since February 2025), and people who are exposed to such a system must be told "
    "(Art. 50(3)).",
)


def ethics() -> Html:
    """Return the box that every report closes with."""
    return box(ETHICS)
