"""Writing files so that nothing is lost: no half file under a final name, no silent overwrite."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePath
from tempfile import gettempdir
from unicodedata import normalize

from fer_nb.errors import FerError, MediaError

IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"),
    *(".avif", ".heic", ".heif"),
)
VIDEO_SUFFIXES = (
    *(".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv", ".3gp"),
    *(".ts", ".mts", ".m2ts", ".vob", ".mod", ".dv", ".mxf", ".m2v"),  # camcorders, discs
    *(".flv", ".f4v", ".ogv", ".asf", ".3g2"),
)
_SWEEP_S = 10  # seconds from one look for leftovers in a folder to the next


def existing(path: str | Path) -> Path:
    """Return `path`, having made sure that it is a file with something in it.

    Raises
    ------
    MediaError
        If it is missing, a folder, or empty.
    """
    if not isinstance(path, str | os.PathLike):
        raise MediaError(f"a file is named by its path, not by {path!r:.60}")
    path = Path(path)
    try:
        status = path.stat()
    except FileNotFoundError:
        raise MediaError(f"there is no file {path}; check the name and the folder") from None
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise MediaError(f"{path} cannot be read: {said}") from error
    if stat.S_ISDIR(status.st_mode):
        raise MediaError(f"{path} is a folder, not a file; name the files in it")
    if not stat.S_ISREG(status.st_mode):  # to open a pipe or a device may wait for ever
        raise MediaError(f"{path} is not a regular file")
    if status.st_size == 0:
        raise MediaError(f"{path} is empty; copy or record it again")
    return path


@contextmanager
def unchanged(path: str | Path) -> Iterator[None]:
    """Make sure that a file that is read in the block is one and the same from start to end.

    Raises
    ------
    MediaError
        If its size, time or place on the disk has changed, or it is gone.
    """
    before = _state(path)
    try:
        yield
    except FileNotFoundError:
        _state(path)  # tells it in our words, if it is this file that is gone
        raise
    if _state(path) != before:
        raise MediaError(f"{path} changed while it was read; read it again when it is complete")


def _state(path: str | Path) -> tuple[int, int, int]:
    try:
        status = os.stat(path)
    except OSError as error:
        raise MediaError(f"{path} cannot be read any more: {error.strerror}") from error
    return status.st_size, status.st_mtime_ns, status.st_ino


def keep_source(source: str | Path, out: str | Path) -> None:
    """Make sure that a result does not replace what it is made from.

    Raises
    ------
    MediaError
        If both are one file.
    """
    source, out = Path(source), Path(out)
    if source.exists() and out.exists() and out.samefile(source):
        raise MediaError(f"{out} is the original itself; choose another name or folder")


def check_free(path: str | Path, force: bool = False) -> Path:
    """Return `path`, having made sure that a file may be written there.

    Raises
    ------
    FerError
        If the file exists and `force` is false, or its folder cannot be made or written to.
    """
    path = Path(path)
    if os.path.exists(path) and not force:
        raise FerError(
            f"{path} exists already; choose another name, or overwrite it with force=True (--force)"
        )
    make_folder(path.parent)
    return path


def make_folder(folder: str | Path) -> Path:
    """Make a folder, and its parents, if need be.

    Raises
    ------
    FerError
        If it cannot be made or written to.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FerError(f"cannot make the folder {folder}: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise FerError(f"cannot write to the folder {folder}; choose another")
    return folder


@contextmanager
def new_file(path: str | Path, force: bool = False) -> Iterator[Path]:
    """Yield a temporary name beside `path` that becomes `path` only if the block succeeds.

    The temporary name keeps the suffix, since many writers choose the format by it. It is hidden,
    nobody can guess it, and what a process that was killed has left in the folder is removed.
    """
    path = check_free(path, force)
    _sweep(path.parent, int(time.monotonic() / _SWEEP_S))
    owner = f"{_host()}-{os.getpid()}-{secrets.token_hex(8)}"
    part = path.with_name(f".{short_stem(path)}.{owner}.part{path.suffix}")
    try:
        part.open("xb").close()  # follows no link that somebody may have put there
    except OSError as error:
        raise FerError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        raise FerError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def short_stem(path: str | Path, most: int = 60) -> str:
    """Return the beginning of a file's name, of so many bytes: a name made from it may be longer,
    and no file system takes more than 255."""
    return os.fsencode(Path(path).stem)[:most].decode("utf-8", "ignore")


def _host() -> str:
    return re.sub(r"\W", "", platform.node())[:30] or "host"


@lru_cache(maxsize=64)
def _sweep(folder: Path, at: int) -> None:
    """Remove what killed processes of this machine have left in a folder.

    Once in a while: to list a folder for each of ten thousand files is to list it for minutes.
    """
    mark = f".{_host()}-"
    for left in folder.glob(f".*{mark}*.part*"):
        pid = left.name.split(mark)[-1].partition("-")[0]
        if pid.isdigit() and not _runs(int(pid)):
            left.unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    if os.name != "posix":  # there, to signal a process is to end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def files_in(folder: str | Path, suffixes: Sequence[str], pattern: str = "**/*") -> list[Path]:
    """Return the files of a folder that bear one of the suffixes (lower case), sorted; all of them
    where no suffix is given.

    What is hidden is left out: ``._photo.jpg``, which macOS puts beside each photo on a stick,
    checkpoints, and files that are still written.
    """
    folder = Path(folder)
    return sorted(
        path
        for path in folder.glob(pattern)
        if wanted(path.relative_to(folder), suffixes) and path.is_file()
    )


def wanted(path: PurePath, suffixes: Sequence[str]) -> bool:
    """Whether a file, by its path in a folder, bears one of the suffixes and is not hidden."""
    hidden = any(part.startswith(".") for part in path.parts)
    return not hidden and (not suffixes or path.suffix.lower() in suffixes)


class Names:
    """Names of files as the disk has them, where they are written otherwise.

    Letters such as é are one character or two (NFC, NFD), and what looks the same is another file
    to most systems but macOS. Folders are listed once.
    """

    def __init__(self) -> None:
        self._listed: dict[tuple, dict[str, list[str]]] = {}

    def found(self, path: Path) -> Path:
        """Return the one file that is so named in either form of Unicode, else the path itself."""
        return path if str(path).isascii() else self._alike(path, _composed) or path

    def hint(self, path: Path) -> Path | None:
        """Return the one file whose name differs in capitals only."""
        return self._alike(path, _small)

    def _alike(self, path: Path, form: Callable[[str], str]) -> Path | None:
        if os.path.lexists(path):
            return path
        folder = self._alike(path.parent, form) if path.parent != path else None
        if folder is None:
            return None
        if (folder, form) not in self._listed:
            here = self._listed[folder, form] = {}
            try:
                for name in os.listdir(folder):
                    here.setdefault(form(name), []).append(name)
            except OSError:  # no folder, or a closed one
                return None
        names = self._listed[folder, form].get(form(path.name), ())
        return folder / names[0] if len(names) == 1 else None


def _composed(name: str) -> str:
    return normalize("NFC", name)


def _small(name: str) -> str:
    return normalize("NFC", name).casefold()


def printable(path: str | Path) -> str:
    """Return a path, or what is said of it, as text: bytes that are no UTF-8 become ``�``."""
    return os.fsencode(path).decode("utf-8", "replace")


def told_path(path: str | Path, folder: str | Path) -> str:
    """Return a path as a file in `folder` tells it to whoever reads that file.

    That is relative to the folder, or the mere name where the way leads through folders that tell
    who the user is, or through none that both share.

    Examples
    --------
    >>> told_path("clips/a.mp4", "clips/out")
    '../a.mp4'
    """
    path, folder = Path(path).absolute(), Path(folder).resolve()
    path = path.parent.resolve() / path.name
    try:
        shared = Path(os.path.commonpath([path, folder]))
    except ValueError:  # on another drive
        return path.name
    home, temporary = (Path(p).resolve() for p in (os.path.expanduser("~"), gettempdir()))
    if shared in (Path(shared.anchor), *home.parents, temporary):
        return path.name
    return Path(os.path.relpath(path, folder)).as_posix()


# An absolute path of this computer, up to its last separator, without spaces.
_FOLDERS = re.compile(r"(?<![\w.:/])(?:/[^\s/:;'\"]+)+/|\b[A-Za-z]:\\(?:[^\s\\:;'\"]+\\)*")


def without_folders(message: str, *paths: str | Path) -> str:
    """Return a message with no folder of this computer before the names of files.

    Parameters
    ----------
    message : str
    *paths : path
        Files that it may name; of others, paths with a space in them may not be found.

    Examples
    --------
    >>> without_folders("/home/ann/my films/a.mp4 is empty", "/home/ann/my films/a.mp4")
    'a.mp4 is empty'
    """
    forms = {form(path) for path in paths for form in (os.path.abspath, os.path.realpath)}
    folders = {os.path.dirname(form) for form in forms} | {os.path.expanduser("~")}
    for folder in sorted(folders, key=len, reverse=True):
        if folder.strip(os.sep):
            message = message.replace(folder + os.sep, "")
    return _FOLDERS.sub("", message)


_digests: dict[tuple, str] = {}  # what `sha256` has found in this process


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file as a hex string.

    A video is hashed once in a run: again only if its size, its time or the file itself changed.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    mark = _mark(path)
    if mark not in _digests:
        with open(path, "rb") as file:
            _digests[mark] = hashlib.file_digest(file, "sha256").hexdigest()
    return _digests[mark]


def known_digest(path: str | Path) -> dict[tuple, str]:
    """Return what `sha256` knows of a file already, for `learn_digest` in another process."""
    try:
        mark = _mark(path)
    except OSError:
        return {}
    return {mark: _digests[mark]} if mark in _digests else {}


def learn_digest(known: dict[tuple, str]) -> None:
    """Take over what another process has worked out; it holds only for the very same file."""
    _digests.update(known)


def _mark(path: str | Path) -> tuple:
    state = os.stat(path)
    return os.path.abspath(path), state.st_ino, state.st_size, state.st_mtime_ns
