"""What the three widgets have in common: messages, files to and from the browser, headless runs."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from IPython import get_ipython

from fer_nb.draw import GREEN, GREY, RED
from fer_nb.emotions import COLORS, EMOTIONS, NEUTRAL, SCALE, rating_table
from fer_nb.errors import FerError
from fer_nb.models import ratings_of
from fer_nb.widgets import assets

log = logging.getLogger(__name__)

# Told apart from each other on light and dark ground; emotions have colours of their own.
PERSON_COLORS = ("#3D7DFF", "#E8590C", "#12A594", "#C2255C", "#7048E8", "#74B816")
# The reference's rule for boxes, as `draw` has it: valence below 4, at 4, above 4.
VALENCE_COLORS = tuple("#{:02X}{:02X}{:02X}".format(*color) for color in (RED, GREY, GREEN))
SIZES = ((320, 240), (640, 480), (1280, 720))


def has_front_end() -> bool:
    """Whether someone may be looking: a kernel whose client could also answer a question.

    papermill and nbconvert execute cells with `allow_stdin` false, as nobody sits in front of them;
    JupyterLab, Notebook and VS Code set it. Plain Python has no kernel at all.
    """
    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return False
    request = kernel.get_parent("shell") or {}
    return bool(request.get("content", {}).get("allow_stdin", True))


def looks(model: object) -> dict:
    """Return what the browser needs to know to draw: names, colours, the ratings of `model`."""
    ratings = rating_table(ratings_of(model))
    return {
        "emotions": list(EMOTIONS),
        "colors": dict(COLORS),
        "valence": list(ratings.valence),
        "arousal": list(ratings.arousal),
        "scale": list(SCALE),
        "neutral": NEUTRAL,
        "valence_colors": list(VALENCE_COLORS),
        "person_colors": list(PERSON_COLORS),
        "sizes": [list(size) for size in SIZES],
    }


class FerWidget(anywidget.AnyWidget):
    """Base of the widgets. A message ``{"type": "x"}`` from the browser calls ``_on_x``.

    An error in a handler never ends in silence: the browser gets ``{"type": "failed"}`` with its
    text, the log the traceback.
    """

    _css = assets.style()
    _again = "try again"
    config = traitlets.Dict().tag(sync=True)

    def __init__(self, model: object, **kwargs):
        super().__init__(config=looks(model), **kwargs)
        self._uploads = Uploads()
        self.on_msg(self._receive)

    def open(self) -> None:
        """Connect to the front end, if there is one: a headless run keeps no widget state."""
        if has_front_end():
            super().open()

    def _receive(self, _widget: object, message: Mapping, buffers: list) -> None:
        handler = getattr(self, f"_on_{message.get('type')}", None)
        if handler is None:
            log.warning("unknown message %r to %s", message.get("type"), type(self).__name__)
            return
        try:
            handler(message, buffers)
        except KeyboardInterrupt:
            self._fail(f"The kernel was interrupted; {self._again}.", message)
        except FerError as error:
            self._fail(str(error), message)
        except Exception as error:  # whatever it is, the user must hear of it
            log.exception("%s could not handle %r", type(self).__name__, message.get("type"))
            self._fail(f"Something went wrong ({type(error).__name__}: {error}).", message)

    def _fail(self, text: str, message: Mapping) -> None:
        failed = {"type": "failed", "text": _sentence(text), "upload": message.get("id")}
        self._reply(message, failed)

    def _reply(self, message: Mapping, content: Mapping, buffers: list | None = None) -> None:
        """Answer the view that sent `message`; other views of the widget leave it alone."""
        self.send({**content, "view": message.get("view")}, buffers)

    def _offer(self, message: Mapping, name: str, mime: str, data: bytes) -> None:
        """Have the browser save `data` as a file."""
        self._reply(message, {"type": "file", "name": name, "mime": mime}, [data])

    # --- files from the browser ---
    def _on_upload(self, message: Mapping, buffers: list) -> None:
        path = self._uploads.take(message, buffers[0])
        self._reply(message, {"type": "chunk", "id": message["id"]})
        if path is not None:
            self._uploaded(path, message)
            self._uploads.keep(path)

    def _uploaded(self, path: Path, message: Mapping) -> None:
        raise NotImplementedError

    # --- what a run without a front end shows ---
    def _sentence(self) -> str:
        raise NotImplementedError

    def _picture(self) -> bytes | None:
        """Return a PNG that stands for the widget where nobody can use it."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs) -> Any:
        if has_front_end() and self.comm is not None:
            data, metadata = super()._repr_mimebundle_(**kwargs)
            return {**data, "text/plain": self._sentence()}, metadata
        data = {"text/plain": self._sentence()}
        picture = self._picture()
        if picture is not None:
            from base64 import b64encode
            from html import escape

            # One output that has both: a front end shows only the richest form.
            source = b64encode(picture).decode()
            data["text/html"] = (
                f'<figure style="margin:0"><img alt="{escape(self._sentence())}" '
                f'style="max-width:100%" src="data:image/png;base64,{source}">'
                f"<figcaption>{escape(self._sentence())}</figcaption></figure>"
            )
            data["image/png"] = source
        return data, {}


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


class Uploads:
    """Puts the pieces of an uploaded file together in a private temporary folder."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="fer_nb-")
        self._id: str | None = None
        self._path: Path | None = None

    def take(self, message: Mapping, piece: bytes | memoryview) -> Path | None:
        """Add a piece; return the file's path with the last one, else None.

        Each file has a folder of its own: one of the same name may be open.

        Raises
        ------
        FerError
            If a piece is missing, as after a lost connection.
        """
        if message["start"] == 0:
            name = Path(message["name"].replace("\\", "/")).name or "file"
            folder = tempfile.mkdtemp(dir=self._folder.name)
            self._id, self._path = message["id"], Path(folder) / name
            self._path.write_bytes(b"")
        if message["id"] != self._id or self._path.stat().st_size != message["start"]:
            raise FerError("part of the file was lost on the way; choose it again")
        with open(self._path, "ab") as file:
            file.write(piece)
        return self._path if message["last"] else None

    def keep(self, path: Path) -> None:
        """Delete all files but this one, which has taken their place."""
        for folder in Path(self._folder.name).iterdir():
            if folder != path.parent:
                shutil.rmtree(folder, ignore_errors=True)
