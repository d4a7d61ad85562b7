"""HTML for reports: small fragments for notebook cells, and the page around them.

Whatever comes from outside (file names, titles, messages) is escaped here.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files

import numpy as np


class Html(str):
    """A fragment of HTML that a notebook shows as it is."""

    def _repr_html_(self) -> str:
        return str(self)


def page(body: str, title: str) -> str:
    """Return a whole page around `body` (HTML); it asks no other computer for anything."""
    from jinja2 import Environment

    from fer_nb import __version__

    folder = files("fer_nb") / "templates"
    template = Environment(autoescape=True).from_string((folder / "page.html.j2").read_text())
    style = (folder / "style.css").read_text()
    return template.render(body=body, title=title, style=style, version=__version__)


def heading(title: str, lead: str = "") -> Html:
    """Return the head of a report."""
    return Html(f'<h1>{escape(title)}</h1><p class="lead">{escape(lead)}</p>')


def box(text: str | Sequence[str], warn: bool = False) -> Html:
    """Return one or more paragraphs of plain text in a box."""
    lines = [text] if isinstance(text, str) else text
    inner = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return Html(f'<div class="box{" warn" if warn else ""}">{inner}</div>')


def key_figures(figures: Mapping[str, str]) -> Html:
    """Return figures in large print, each with its name under it."""
    cells = "".join(
        f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>"
        for name, value in figures.items()
    )
    return Html(f'<div class="figures">{cells}</div>')


def facts(rows: Mapping[str, object]) -> Html:
    """Return a two-column table of names and values."""
    inner = "".join(
        f"<tr><th>{escape(str(name))}</th><td>{escape(str(value))}</td></tr>"
        for name, value in rows.items()
    )
    return Html(f"<table>{inner}</table>")


def card(image: np.ndarray | None, head: str, lines: Sequence[str], color: str = "") -> str:
    """Return a card of picture and text; `color` is that of a dot before the head."""
    chip = f'<span class="chip" style="background:{color}"></span>' if color else ""
    picture = f'<img alt="" src="{data_url(image)}">' if image is not None else ""
    text = "".join(f'<div class="soft">{escape(line)}</div>' for line in lines)
    inner = f'<div class="text"><b>{chip}{escape(head)}</b>{text}</div>'
    return f'<div class="card">{picture}{inner}</div>'


def cards(items: Sequence[str]) -> Html:
    """Return cards side by side."""
    return Html(f'<div class="cards">{"".join(items)}</div>')


def data_url(image: np.ndarray, width: int = 360) -> str:
    """Return a picture (uint8 RGB) as a JPEG data URL, shrunk to `width` pixels."""
    from PIL import Image

    picture = Image.fromarray(image)
    if picture.width > width:
        picture = picture.resize((width, max(1, round(picture.height * width / picture.width))))
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode()


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
