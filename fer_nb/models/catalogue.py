"""Which models can be loaded by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_nb.errors import ModelError
from fer_nb.models.info import read_info
from fer_nb.weights import cache_folder, in_package, model_folders


@dataclass(frozen=True)
class Entry:
    """A model that `load_model` knows by name.

    Attributes
    ----------
    name : str
    folder : Path
        Where its description lies.
    ready : bool
        Whether its file is here; else it is downloaded when it is first loaded.
    """

    name: str
    folder: Path
    ready: bool

    def read(self) -> dict[str, Any]:
        """Return its description; see `fer_nb.models.info`. Raises ModelError if it is broken."""
        return read_info(self.folder)


def catalogue() -> list[Entry]:
    """Return the models that can be loaded by name; the names are sorted within each folder."""
    return [Entry(name, folder, _ready(folder)) for name, folder in model_folders().items()]


def _ready(folder: Path) -> bool:
    try:
        info = read_info(folder)
        if "package" in info:
            return in_package(info["package"], str(info["files"].get("tflite"))).is_file()
    except ModelError:
        return False
    name = str(info["files"].get("onnx"))
    here = any((place / name).is_file() for place in (folder, cache_folder()))
    return here or ("url" not in info and "weights" in info["files"])
