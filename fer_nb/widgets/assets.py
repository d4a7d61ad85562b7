"""The widgets' JavaScript and style: each widget is `shared.js` followed by its own file."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@cache
def script(name: str) -> str:
    """Return the ES module of the widget called `name`, as one text.

    anywidget hands the browser a single module, so what the widgets share is put before it.
    """
    return "\n".join((_FOLDER / part).read_text("utf-8") for part in ("shared.js", f"{name}.js"))


@cache
def style() -> str:
    """Return the style sheet that all widgets use."""
    return (_FOLDER / "widgets.css").read_text("utf-8")
