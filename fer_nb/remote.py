"""Recordings and results on other computers, by address (``s3://…``), through fsspec."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from hashlib import file_digest
from os.path import isabs
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory, mkdtemp

from fer_nb.errors import FerError, MediaError
from fer_nb.files import files_in, told_path, wanted

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")  # one letter is a drive


def is_address(path: object) -> bool:
    """Whether this is the address of something that need not lie on this computer.

    Examples
    --------
    >>> is_address("s3://bucket/a.mp4"), is_address("clips/a.mp4")
    (True, False)
    """
    return isinstance(path, str) and _ADDRESS.match(path) is not None


def path_of(text: str) -> str | Path:
    """Return what a user typed as an address, or as a path."""
    return text if is_address(text) else Path(text)


def name_of(path: str | Path) -> str:
    """Return the name of what lies at a path or an address, without the way there.

    Examples
    --------
    >>> name_of("s3://bucket/photos/ann.jpg")
    'ann.jpg'
    """
    return str(path).rstrip("/").rpartition("/")[2] if is_address(path) else Path(path).name


def below(folder: str | Path, name: str) -> str:
    """Return how a user calls a file in a folder, here or elsewhere.

    Examples
    --------
    >>> below("s3://bucket/out/", "index.html")
    's3://bucket/out/index.html'
    """
    return f"{str(folder).rstrip('/')}/{name}" if is_address(folder) else str(Path(folder) / name)


def beside(folder: str | Path, name: str) -> str | Path:
    """Return where a file in `folder` says that something is, by a path from there, or an address.

    Examples
    --------
    >>> beside("s3://bucket/study", "ann.mp4"), beside("study", "s3://bucket/ann.mp4")
    ('s3://bucket/study/ann.mp4', 's3://bucket/ann.mp4')
    """
    if is_address(name):
        return name
    return below(folder, name) if is_address(folder) and not isabs(name) else Path(folder, name)


def told(place: str | Path, folder: str | Path) -> str:
    """Return an address as it is, and a path as `fer_nb.files.told_path` tells it."""
    return str(place) if is_address(place) else told_path(place, folder)


def here(place: str | Path) -> str | Path:
    """Return the path of what lies on this computer, and the address of what does not."""
    if not is_address(place):
        return Path(place)
    _, name, local = _at(str(place))
    return Path(name) if local else str(place).rstrip("/")


def everywhere(place: str | Path) -> str | Path:
    """Return a path as other processes find it, wherever they stand, and an address as it is."""
    return place if is_address(place) else Path(place).absolute()


def fetched(path: str | Path) -> AbstractContextManager[Path]:
    """Yield a file of this computer: `path` itself, or for the block a copy of what an address
    names, called the same.

    Raises
    ------
    FerError
        If there is no such file, or the storage cannot be reached.
    """

    def fetch(files, name: str, folder: Path) -> Path:
        copy = folder / name_of(str(path))
        files.get_file(name, str(copy))
        return copy

    return _here(path, "file", fetch)


def fetched_folder(folder: str | Path) -> AbstractContextManager[Path]:
    """Yield a folder of this computer, as `fetched` does a file.

    Raises
    ------
    FerError
        If there is no such folder, or the storage cannot be reached.
    """

    def fetch(files, name: str, copy: Path) -> Path:
        if not files.isdir(name):
            raise FileNotFoundError(name)
        files.get(f"{name.rstrip('/')}/", f"{copy}/", recursive=True)
        return copy

    return _here(folder, "folder", fetch)


@contextmanager
def _here(place: str | Path, kind: str, fetch: Callable) -> Iterator[Path]:
    """Yield a place of this computer, or what `fetch` has copied into a temporary folder."""
    if not is_address(place):
        yield Path(place)
        return
    files, name, local = _at(str(place))
    if local:
        yield Path(name)
        return
    with TemporaryDirectory(prefix="fer_nb-") as folder:
        try:
            copy = fetch(files, name, Path(folder))
        except FileNotFoundError:
            raise MediaError(f"there is no {kind} {place}; check the address") from None
        except Exception as error:  # each storage has errors of its own
            raise FerError(f"{place} cannot be read: {error}") from error
        yield copy


def is_folder(path: str | Path) -> bool:
    """Whether there is a folder at a path, or at an address.

    Raises
    ------
    FerError
        If the storage cannot be reached.
    """
    return _asked(path, "isdir") if is_address(path) else Path(path).is_dir()


def is_file(path: str | Path) -> bool:
    """Whether there is a file at a path, or at an address; raises as `is_folder` does."""
    return _asked(path, "isfile") if is_address(path) else Path(path).is_file()


def _asked(address: str | Path, question: str) -> bool:
    files, name, _ = _at(str(address))
    try:
        return getattr(files, question)(name)
    except Exception as error:  # each storage has errors of its own
        raise FerError(f"{address} cannot be reached: {error}") from error


def files_at(folder: str | Path, suffixes: Sequence[str]) -> dict[str, str | Path]:
    """Return the files in a folder, here or elsewhere, by their path in it; see
    `fer_nb.files.files_in`.

    Raises
    ------
    FerError
        If the storage cannot be reached.
    """
    if not is_address(folder):
        return {path.relative_to(folder).as_posix(): path for path in files_in(folder, suffixes)}
    files, name, local = _at(str(folder))
    if local:
        return files_at(Path(name), suffixes)
    name, address = name.rstrip("/"), str(folder).rstrip("/")
    try:
        found = [path[len(name) :].lstrip("/") for path in files.find(name)]
    except Exception as error:
        raise FerError(f"{folder} cannot be read: {error}") from error
    return {path: f"{address}/{path}" for path in found if wanted(PurePosixPath(path), suffixes)}


# What lies beside recordings and is none of them.
_NO_MEDIA = (
    *(".csv", ".html", ".ini", ".ipynb", ".json", ".log", ".md", ".parquet", ".pdf", ".py"),
    *(".pptx", ".srt", ".toml", ".txt", ".vtt", ".xlsx", ".zip"),
)


def left_out(folder: str | Path, suffixes: Sequence[str], most: int = 5) -> str:
    """Say which files in a folder have another suffix, and may yet be meant; nothing of none.

    Raises
    ------
    FerError
        If the storage cannot be reached.
    """
    known = (*suffixes, *_NO_MEDIA)
    names = [n for n in files_at(folder, ()) if PurePosixPath(n).suffix.lower() not in known]
    if not names:
        return ""
    shown = ", ".join(names[:most]) + (f" and {len(names) - most} more" if names[most:] else "")
    taken = ", ".join(suffixes)
    return f"{name_of(folder)}: left out {shown}, as only files that end in {taken} are taken"


@contextmanager
def mirrored(folder: str | Path, fetch: bool = True) -> Iterator[Path]:
    """Yield a folder of this computer: `folder` itself, or for the block a copy of what an address
    names, which is brought up to date in the end, also after an error: what changed is sent.

    Without `fetch` the copy is empty at first, and what lies at the address stays there.

    Raises
    ------
    FerError
        If the storage cannot be reached; results that cannot be sent stay here, and it says where.
    """
    if not is_address(folder):
        yield Path(folder)
        return
    files, name, local = _at(str(folder))
    if local:
        yield Path(name)
        return
    name = name.rstrip("/")
    copy = Path(mkdtemp(prefix="fer_nb-")) / name.rpartition("/")[2]
    copy.mkdir()
    try:
        if fetch and files.exists(name):
            files.get(f"{name}/", f"{copy}/", recursive=True)
    except Exception as error:
        shutil.rmtree(copy.parent)
        raise FerError(f"{folder} cannot be read: {error}") from error
    before = _contents(copy)
    try:
        yield copy
    finally:
        try:
            _send(files, copy, name, before)
        except Exception as error:
            raise FerError(
                f"{folder} cannot be written: {error}; what was made lies in {copy}"
            ) from error
        shutil.rmtree(copy.parent)


def _at(address: str):
    """Return the file system that an address names, the path there, and whether it is ours."""
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    try:
        files, name = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:  # no such kind of address, or its package is absent
        raise FerError(f"{address} cannot be reached: {error}") from error
    return files, name, isinstance(files, LocalFileSystem)


def _contents(folder: Path) -> dict[str, bytes]:
    """A hash of each file's content: its time says nothing, as much is written anew each time."""
    hashes = {}
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                hashes[path.relative_to(folder).as_posix()] = file_digest(file, "sha256").digest()
    return hashes


def _send(files, folder: Path, name: str, before: dict[str, bytes]) -> None:
    """Send what is new or has changed, pages last, and remove what is gone."""
    now = _contents(folder)
    changed = [file for file, content in now.items() if before.get(file) != content]
    for file in sorted(changed, key=lambda file: (file.endswith(".html"), file)):
        target = f"{name}/{file}"
        files.makedirs(target.rpartition("/")[0], exist_ok=True)
        files.put_file(str(folder / file), target)
    for file in before.keys() - now.keys():
        files.rm_file(f"{name}/{file}")
