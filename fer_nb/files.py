"""Writing files so that nothing is lost: no half file under a final name, no silent overwrite."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fer_nb.errors import FerError


def check_free(path: str | Path, force: bool = False) -> Path:
    """Return `path`, having made sure that a file may be written there.

    Raises
    ------
    FerError
        If the file exists and `force` is false, or its folder cannot be made or written to.
    """
    path = Path(path)
    if path.exists() and not force:
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

    The temporary name keeps the suffix, since many writers choose the format by it.
    """
    path = check_free(path, force)
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        raise FerError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)


def printable(path: str | Path) -> str:
    """Return a path, or what is said of it, as text: bytes that are no UTF-8 become ``�``."""
    return os.fsencode(path).decode("utf-8", "replace")


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file as a hex string."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
