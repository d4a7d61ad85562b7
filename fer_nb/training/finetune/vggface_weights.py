"""The published VGGFace weights: downloaded once, remembered by their SHA-256.

The publishers name no checksum, so the first complete download (or a file that the user put into
the folder by hand) is trusted, provided that it is an HDF5 file, and its SHA-256 is written beside
it. From then on the file must have that SHA-256.
"""

from __future__ import annotations

from pathlib import Path

from fer_nb.errors import ModelError
from fer_nb.files import sha256
from fer_nb.weights import cache_folder

BASE_URL = "https://github.com/rcmalli/keras-vggface/releases/download/v2.0"
FILES = {
    "resnet50": "rcmalli_vggface_tf_notop_resnet50.h5",
    "senet50": "rcmalli_vggface_tf_notop_senet50.h5",
    "vgg16": "rcmalli_vggface_tf_notop_vgg16.h5",
}
_HDF5 = b"\x89HDF\r\n\x1a\n"


def fetch_vggface(
    name: str,
    folder: str | Path | None = None,
    base_url: str = BASE_URL,
    timeout_s: float = 30.0,
    tries: int = 5,
    progress: bool = True,
) -> Path:
    """Return the path of the weights without top of a VGGFace network, downloading them if need be.

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
        How many times a download that breaks off is begun in all.
    progress : bool
        Show a progress bar.

    Raises
    ------
    ModelError
        If the file can't be had, isn't an HDF5 file, or has changed since it was first used.
    """
    import pooch

    if name not in FILES:
        raise ModelError(f"no VGGFace weights for {name!r}; there are {', '.join(FILES)}")
    folder, file = Path(folder) if folder else cache_folder() / "vggface", FILES[name]
    path, record = folder / file, folder / f"{file}.sha256"
    known = record.read_text().split()[0] if record.is_file() else None
    if path.is_file():
        _check(path, known)
    else:
        store = pooch.create(
            folder, f"{base_url}/", registry={file: known}, retry_if_failed=tries - 1
        )
        download = pooch.HTTPDownloader(progressbar=progress, timeout=timeout_s)
        try:
            store.fetch(file, downloader=lambda *where: _download(download, *where))
        except (OSError, ValueError) as error:  # requests' errors are OSErrors
            raise ModelError(
                f"could not download {base_url}/{file} ({error}). Try again with a connection, or "
                f"get that file elsewhere and save it as {file} in the folder {folder}"
            ) from error
    if known is None:
        record.write_text(f"{sha256(path)}  {file}\n")
    return path


def _download(download, url: str, output: str, store) -> None:
    """Download to pooch's temporary file, and refuse a login page in the place of weights."""
    download(url, output, store)
    if not _is_hdf5(Path(output)):
        raise ValueError("this is not a weights file; perhaps a login page or a proxy answered")


def _is_hdf5(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(len(_HDF5)) == _HDF5


def _check(path: Path, known: str | None) -> None:
    if not _is_hdf5(path):
        raise ModelError(f"{path} is not a weights file (HDF5); delete it to download it again")
    if known is not None and (actual := sha256(path)) != known:
        raise ModelError(
            f"{path} has changed since it was first used (SHA-256 {actual}, was {known}). Delete "
            f"it to download it again; delete {path.name}.sha256 if the change was yours"
        )
