"""Films for the player: in the page itself or, where they are large, as copies beside it."""

from __future__ import annotations

import filecmp
import json
import shutil
from collections.abc import Mapping
from itertools import chain, count
from pathlib import Path
from urllib.parse import quote, unquote

from fer_nb.files import make_folder, new_file
from fer_nb.reports.html import file_url
from fer_nb.study.result import StudyResult, stimulus_of

MAX_EMBEDDED_MB = 12.0

# Copies lie in this folder beside the page, with a list of them: what is not in it is not ours.
_FOLDER, _LIST = "films", ".copies.json"


def film_source(video: Path | None, max_mb: float = MAX_EMBEDDED_MB) -> str | None:
    """Return the film as a data address, or None where it is missing or too large for one."""
    if video is None or not video.is_file() or video.stat().st_size > max_mb * 1e6:
        return None
    return file_url(video)


def films_of(result: StudyResult, beside: Mapping[str, str] | None = None) -> dict[str, str | None]:
    """Return each audience's film as an address: of what lies `beside` the page, or a data address;
    None where it has none to embed."""
    return {
        name: (beside or {}).get(name) or film_source(stimulus_of(result.stimuli, name).film)
        for name in result.audiences
    }


def films_beside(films: Mapping[str, Path], page: Path) -> dict[str, str]:
    """Copy films that are too large to embed to a folder ``films`` beside a page.

    A film that lies there is played from there, and what else is there but was not copied by an
    earlier report keeps its name.

    Returns
    -------
    dict of str to str
        Their addresses on that page, by stimulus.
    """
    large = [
        film
        for film in sorted(set(films.values()))  # two stimuli may show one film
        if film.is_file() and film.stat().st_size > MAX_EMBEDDED_MB * 1e6
    ]
    if not large:
        return {}
    folder = make_folder(page.parent / _FOLDER)
    copied = _copied(folder)
    names = {film: film.name for film in large if film.resolve().parent == folder.resolve()}
    copied = {
        n: size for n, size in copied.items() if n not in names.values()
    }  # theirs from now on
    taken = {file.name.casefold() for file in folder.iterdir() if file.name not in copied}
    for film in large:
        if film not in names:
            names[film] = _free(film.name, taken)
            taken.add(names[film].casefold())
            copied[names[film]] = film.stat().st_size
            if not _alike(folder / names[film], film):
                with new_file(folder / names[film], force=True) as part:
                    shutil.copy2(film, part)
    _write_list(folder, copied)
    return {
        name: quote(f"{_FOLDER}/{names[film]}") for name, film in films.items() if film in names
    }


def remove_unplayed(page: Path, beside: Mapping[str, str]) -> None:
    """Remove copies that earlier reports of a page made and that it no longer plays.

    Parameters
    ----------
    page : Path
    beside : dict of str to str
        What it plays, as `films_beside` returns it.
    """
    folder = page.parent / _FOLDER
    copied, played = _copied(folder), {unquote(address) for address in beside.values()}
    left = {name: size for name, size in copied.items() if f"{_FOLDER}/{name}" in played}
    for name in copied.keys() - left.keys():
        (folder / name).unlink()
    if folder.is_dir() and (folder / _LIST).is_file():
        _write_list(folder, left)
        if not any(folder.iterdir()):
            folder.rmdir()


def _free(name: str, taken: set[str]) -> str:
    """Return a name that no other film has, nor a file of somebody else's."""
    numbered = (f"{k}_{name}" for k in count(2))
    return next(n for n in chain([name], numbered) if n.casefold() not in taken)


def _copied(folder: Path) -> dict[str, int]:
    """Sizes of the copies that reports have put into a folder, of those that are as they were."""
    try:
        listed = json.loads((folder / _LIST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(listed, dict):
        return {}
    return {
        name: size
        for name, size in listed.items()
        if Path(name).name == name
        and (folder / name).is_file()
        and (folder / name).stat().st_size == size
    }


def _write_list(folder: Path, copied: Mapping[str, int]) -> None:
    if copied:
        with new_file(folder / _LIST, force=True) as part:
            part.write_text(json.dumps(copied, indent=1, sort_keys=True), encoding="utf-8")
    else:
        (folder / _LIST).unlink(missing_ok=True)


def _alike(copy: Path, film: Path) -> bool:
    """Whether a copy is there already; times tell nothing, as one may have been fetched."""
    return copy.is_file() and filecmp.cmp(copy, film, shallow=False)
