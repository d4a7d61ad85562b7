"""The file that slides start from: a template of any kind, without its macros and examples."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from fer_nb.errors import FerError

TEMPLATES = (".pptx", ".potx", ".pptm", ".potm")
_TYPES = "[Content_Types].xml"
_PRESENTATION = (
    b"application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
)
# What templates, and files with macros, say that their main part is (ECMA-376 and MS-OFFMACRO2).
_OTHER_KINDS = re.compile(
    rb"application/vnd\.(openxmlformats-officedocument\.presentationml\.template"
    rb"|ms-powerpoint\.(presentation|template)\.macroEnabled)\.main\+xml"
)


def open_template(path: Path | None) -> Any:
    """Open a template as a presentation without slides; without one, python-pptx's own.

    Raises
    ------
    FerError
        If the file is not PowerPoint's.
    """
    import pptx

    try:
        show = pptx.Presentation(_as_presentation(path) if path else None)
    except Exception as error:  # python-pptx lets whatever zipfile and lxml say through
        raise FerError(f"{path} cannot be opened as a PowerPoint file: {error}") from error
    _leave_out_extras(show)
    _leave_out_examples(show)
    return show


def _as_presentation(path: Path) -> io.BytesIO:
    """Return a file whose main part is called a presentation's, as python-pptx asks for."""
    changed = io.BytesIO()
    with ZipFile(path) as source, ZipFile(changed, "w", ZIP_DEFLATED) as copy:
        for part in source.infolist():
            content = source.read(part)
            if part.filename == _TYPES:
                content = _OTHER_KINDS.sub(_PRESENTATION, content)
            copy.writestr(part.filename, content)
    changed.seek(0)
    return changed


def _leave_out_extras(show: Any) -> None:
    """Drop links to macros, and to all of a file that is no slides: its ribbon, its signature, its
    picture and its properties, which some programs link as python-pptx does not know, so that they
    would be there twice. What no link leads to is not written."""
    of_slides, of_file = show.part._rels, show.part.package._rels
    for link in [r.rId for r in of_slides.values() if r.reltype.endswith("/vbaProject")]:
        of_slides.pop(link)
    for link in [r.rId for r in of_file.values() if not r.reltype.endswith("/officeDocument")]:
        of_file.pop(link)


def _leave_out_examples(show: Any) -> None:
    """Remove a template's slides, after the sections and shows that name them: a slide that is
    named is kept in the file, where a new one then has its name."""
    for lists in list(show.part._element.iter("{*}sectionLst", "{*}custShowLst")):
        # A list of sections is the one child of an extension.
        named = lists.getparent() if lists.getparent().tag.endswith("}ext") else lists
        named.getparent().remove(named)
    for slide in list(show.slides._sldIdLst):
        show.part.drop_rel(slide.rId)
        show.slides._sldIdLst.remove(slide)
