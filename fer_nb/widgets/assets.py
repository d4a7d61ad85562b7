"""The widgets' JavaScript and style: each widget is `shared.js` followed by its own files."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent

_PARTS = {
    "photo": ("shared.js", "photo.js"),
    "video": ("shared.js", "video_table.js", "video.js"),
    "webcam": ("shared.js", "webcam_parts.js", "webcam.js"),
}


@cache
def script(name: str) -> str:
    """Return the ES module of the widget called `name`, as one text.

    anywidget hands the browser a single module, so its parts are put one behind the other.
    """
    return "\n".join((_FOLDER / part).read_text("utf-8") for part in _PARTS[name])


@cache
def style() -> str:
    """Return the style sheet that all widgets use."""
    return (_FOLDER / "widgets.css").read_text("utf-8")
