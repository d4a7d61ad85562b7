"""Whose report it is: name, logo, colours and footer, from a `brand.toml`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from fer_nb.errors import FerError
from fer_nb.reports.slide_template import TEMPLATES

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_LOGOS = (".png", ".jpg", ".jpeg")
_MAX_LOGO_MB = 2
_PAPERS = ("A4", "letter")


@dataclass(frozen=True)
class Brand:
    """What an agency puts on its reports.

    Attributes
    ----------
    name, footer : str
    logo : Path, optional
        PNG or JPEG of at most 2 MB.
    accent, ink : str
        ``#rrggbb``: of headings and verdict, and of text.
    template : Path, optional
        A ``.potx`` or ``.pptx`` file (or ``.potm``, ``.pptm``: their macros are left out) whose
        masters the slides use.
    paper : {"A4", "letter"}
        What a PDF is made for.
    """

    name: str = ""
    footer: str = ""
    logo: Path | None = None
    accent: str = "#1B5E8C"
    ink: str = "#1D2733"
    template: Path | None = None
    paper: str = "A4"


def read_brand(path: str | Path | None) -> Brand:
    """Read a `brand.toml`; without one the report is neutral.

    Paths in it are relative to the file.

    Raises
    ------
    FerError
        If the file cannot be read, holds an unknown key, or names a file that is not there.

    Examples
    --------
    >>> read_brand(None).accent
    '#1B5E8C'
    """
    if path is None:
        return Brand()
    path = Path(path)
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FerError(f"{path} does not exist; --brand takes a TOML file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FerError(f"{path} cannot be read as TOML: {error}") from error
    known = set(Brand.__dataclass_fields__)
    if unknown := sorted(set(told) - known):
        raise FerError(f"{path} has unknown keys {', '.join(unknown)}; known: {', '.join(known)}")
    if wrong := sorted(key for key, value in told.items() if not isinstance(value, str)):
        raise FerError(f"{path}: {', '.join(wrong)} must be text in quotes")
    for key in ("accent", "ink"):
        if key in told and not _COLOR.fullmatch(told[key]):
            raise FerError(f"{path}: {key} is {told[key]!r}; write a colour as #1B5E8C")
    if told.get("paper", "A4") not in _PAPERS:
        raise FerError(f"{path}: paper is {told['paper']!r}; write {' or '.join(_PAPERS)}")
    for key, suffixes in (("logo", _LOGOS), ("template", TEMPLATES)):
        if key in told:
            told[key] = _file(path, key, told[key], suffixes)
    return Brand(**told)


def _file(toml: Path, key: str, name: str, suffixes: tuple[str, ...]) -> Path:
    file = toml.parent / name
    if not file.is_file():
        raise FerError(f"{toml}: there is no {key} {name!r} beside it")
    if file.suffix.lower() not in suffixes:
        raise FerError(f"{toml}: {key} must be {' or '.join(suffixes)}, not {file.suffix!r}")
    if key == "logo" and file.stat().st_size > _MAX_LOGO_MB * 1e6:
        raise FerError(f"{toml}: the logo is larger than {_MAX_LOGO_MB} MB; make it smaller")
    return file
