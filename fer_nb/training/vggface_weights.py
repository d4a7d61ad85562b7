"""The published VGGFace weights: downloaded once, resumed, remembered by their SHA-256.

The publishers name no checksum, so the first complete download (or a file that the user put into
the folder by hand) is trusted, provided that it is an HDF5 file, and its SHA-256 is written beside
it. From then on the file must have that SHA-256.
"""

from __future__ import annotations

import http.client
import os
import time
import urllib.error
import urllib.request
from pathlib import Path

from tqdm.auto import tqdm

from fer_nb.errors import ModelError
from fer_nb.files import make_folder, sha256
from fer_nb.zoo import cache_folder

BASE_URL = "https://github.com/rcmalli/keras-vggface/releases/download/v2.0"
FILES = {
    "resnet50": "rcmalli_vggface_tf_notop_resnet50.h5",
    "senet50": "rcmalli_vggface_tf_notop_senet50.h5",
    "vgg16": "rcmalli_vggface_tf_notop_vgg16.h5",
}
_HDF5 = b"\x89HDF\r\n\x1a\n"
_BLOCK = 1 << 16


def fetch_vggface(
    name: str,
    folder: str | Path | None = None,
    base_url: str = BASE_URL,
    timeout_s: float = 30.0,
    tries: int = 5,
    progress: bool = True,
) -> Path:
    """Return the path of the weights without top of a VGGFace network, downloading them if need be.

    A download that breaks off is taken up where it stopped, now or at the next call.

    Parameters
    ----------
    name : {"resnet50", "senet50", "vgg16"}
    folder : path, optional
        Where the file lies or shall lie; by default "vggface" in the package's cache folder.
    base_url : str
        Where it comes from, if you have a copy nearer by.
    timeout_s : float
        How long the server may stay silent.
    tries : int
        How many connections in a row may bring nothing new before we give up.
    progress : bool
        Show a progress bar.

    Raises
    ------
    ModelError
        If the file can't be had, isn't an HDF5 file, or has changed since it was first used.
    """
    if name not in FILES:
        raise ModelError(f"no VGGFace weights for {name!r}; there are {', '.join(FILES)}")
    folder = Path(folder) if folder else cache_folder() / "vggface"
    path, url = folder / FILES[name], f"{base_url}/{FILES[name]}"
    if not path.is_file():
        make_folder(folder)
        part = path.with_name(path.name + ".part")
        _download(url, part, timeout_s, tries, progress)
        if not _is_hdf5(part):
            part.unlink()
            raise ModelError(
                f"{url} sent something that is no weights file; perhaps a login page or a proxy "
                f"answered. Get the file elsewhere and save it as {path.name} in {folder}"
            )
        os.replace(part, path)
    _check_hash(path, url)
    return path


def _download(url: str, part: Path, timeout_s: float, tries: int, progress: bool) -> None:
    fruitless = 0
    while True:
        before = _size(part)
        try:
            if _continue_download(url, part, timeout_s, progress):
                return
            reason, final = "the connection broke off", False
        except urllib.error.HTTPError as error:
            reason, final = f"the server answered {error.code} {error.reason}", error.code < 500
        except (OSError, http.client.HTTPException) as error:
            reason, final = str(getattr(error, "reason", error) or type(error).__name__), False
        fruitless = 0 if _size(part) > before else fruitless + 1
        if final or fruitless >= tries:
            kept = ", what has arrived is kept," if _size(part) else ""
            raise ModelError(
                f"could not download {url} ({reason}). Try again with a connection{kept} or get "
                f"that file elsewhere and save it as {part.stem} in the folder {part.parent}"
            )
        if fruitless:
            time.sleep(min(0.2 * 2**fruitless, 5.0))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _continue_download(url: str, part: Path, timeout_s: float, progress: bool) -> bool:
    """Append to `part` what the server still has; False if it stopped before the end."""
    have = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        # Nothing comes after our last byte: we have it all, or the beginning of another file.
        if (error.headers.get("Content-Range") or "").rpartition("/")[2] == str(have):
            return True
        part.unlink()
        return False
    with response:
        if response.status != 206:  # the server sends the whole again
            have = 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        bar = tqdm(
            desc=part.stem,
            total=total,
            initial=have,
            unit="B",
            unit_scale=True,
            disable=not progress,
        )
        with open(part, "ab" if have else "wb") as file, bar:
            while block := response.read(_BLOCK):
                file.write(block)
                bar.update(len(block))
            return total is None or file.tell() == total


def _is_hdf5(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(len(_HDF5)) == _HDF5


def _check_hash(path: Path, url: str) -> None:
    record = path.with_name(path.name + ".sha256")
    if not _is_hdf5(path):
        raise ModelError(f"{path} is no weights file (HDF5); delete it to download it from {url}")
    actual = sha256(path)
    if not record.is_file():
        record.write_text(f"{actual}  {path.name}\n")
    elif (expected := record.read_text().split()[0]) != actual:
        raise ModelError(
            f"{path} has changed since it was first used (SHA-256 {actual}, was {expected}). "
            f"Delete it to download {url} again; delete {record.name} if the change was yours"
        )
