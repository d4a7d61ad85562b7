"""Where weights come from: shipped with the package, kept in the cache, or downloaded once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fer_nb.errors import ModelError

if TYPE_CHECKING:
    import onnxruntime


@dataclass(frozen=True)
class Download:
    """A file of weights that is not ours to ship, and how to make sure that it is the right one."""

    url: str
    sha256: str
    licence: str


DOWNLOADS = {
    "yunet": Download(
        url="https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/"
        "face_detection_yunet_2023mar.onnx",
        sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        licence="MIT (OpenCV Zoo)",
    ),
}


def cache_folder() -> Path:
    """Return the folder for downloaded weights; the variable FER_NB_CACHE overrides it."""
    import pooch

    return Path(os.environ.get("FER_NB_CACHE") or pooch.os_cache("fer_nb"))


def models_folder() -> Path:
    """Return the folder of models: FER_NB_MODELS if set, else the one that ships.

    A source checkout (or editable install) has it beside the package, a wheel inside it.
    """
    if chosen := os.environ.get("FER_NB_MODELS"):
        return Path(chosen)
    return _shipped("models")


def notebooks_folder() -> Path:
    """Return the folder of the notebooks that ship."""
    return _shipped("notebooks")


def _shipped(folder: str) -> Path:
    package = Path(__file__).parent
    inside = package / f"_{folder}"
    return inside if inside.is_dir() else package.parent / folder


def model_folders() -> dict[str, Path]:
    """Return the models that can be loaded by name, and their folders."""
    return {file.parent.name: file.parent for file in sorted(models_folder().glob("*/model.json"))}


def fetch(name: str) -> Path:
    """Return the path of a downloadable file, from the cache or, the first time, its source.

    Raises
    ------
    ModelError
        If it can be neither found nor downloaded, or has the wrong content.
    """
    import pooch

    item = DOWNLOADS[name]
    file = Path(item.url).name
    try:
        return Path(
            pooch.retrieve(
                item.url,
                known_hash=f"sha256:{item.sha256}",
                fname=file,
                path=cache_folder(),
                progressbar=False,
            )
        )
    except Exception as error:  # pooch lets every kind of network error through
        raise ModelError(
            f"could not get {file} ({type(error).__name__}). With a connection, download "
            f"{item.url} and put it into {cache_folder()} (SHA-256 {item.sha256})"
        ) from error


def onnx_session(path: str | Path, threads: int = 0) -> onnxruntime.InferenceSession:
    """Open an ONNX file on the CPU.

    Parameters
    ----------
    path : str or Path
    threads : int
        Threads for one call; 0 leaves it to ONNX Runtime (all cores).

    Raises
    ------
    ModelError
        If the file is missing or no ONNX model.
    """
    import onnxruntime

    path = Path(path)
    if not path.is_file():
        raise ModelError(f"there is no model file {path}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Idle workers that spin would take the cores from the video decoder.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions share no public base
        raise ModelError(f"{path} is not an ONNX model that can be run: {error}") from error
