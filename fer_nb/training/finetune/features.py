"""Activations at the border of the frozen part, computed once per view and kept on disk.

The frozen part gives the same numbers for the same picture in every epoch, and it is where nearly
all the time goes. So it runs once per view of a picture; its outputs are kept as float16, and only
the rest is trained on them.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm.auto import tqdm

from fer_nb.errors import FerError
from fer_nb.files import make_folder
from fer_nb.models import Preprocessing
from fer_nb.training.common.augment import view_of
from fer_nb.training.common.faces import ImageFiles

if TYPE_CHECKING:
    import keras

BATCH = 32
_LARGEST = 60000.0  # float16 ends at 65504


def features_bytes(prefix: keras.Model, rows: int) -> int:
    """Return how much disk the activations of so many rows take, in bytes; see `make_room`."""
    numbers = sum(math.prod(tensor.shape[1:]) for tensor in prefix.outputs)
    return 2 * numbers * rows


class FeatureStore:
    """A folder of activations.

    Parameters
    ----------
    folder : path
        Made if need be. Files are found again by what they were computed from.
    prefix : keras.Model
        The frozen part (see `fer_nb.training.finetune.networks.split_network`).
    preprocessing : Preprocessing
    augmentation : str
        Name of the augmentation that makes the views.
    seed : int
        Of the views.
    """

    def __init__(
        self,
        folder: str | Path,
        prefix: keras.Model,
        preprocessing: Preprocessing,
        augmentation: str = "none",
        seed: int = 0,
    ):
        self.folder = make_folder(folder)
        self.prefix, self.preprocessing = prefix, preprocessing
        self.augmentation, self.seed = augmentation, seed
        self.shapes = [tuple(tensor.shape[1:]) for tensor in prefix.outputs]
        self._prefix_hash = hash_weights(prefix)

    def make_room(self, rows: int, max_gb: float) -> str:
        """Check that the activations of so many rows may be stored; return a line on how much.

        Parameters
        ----------
        rows : int
            Pictures times views.
        max_gb : float

        Raises
        ------
        FerError
            If it is more than `max_gb` (1e9 bytes each) or than the disk holds.
        """
        need = features_bytes(self.prefix, rows) / 1e9
        free = shutil.disk_usage(self.folder).free / 1e9
        if need > min(max_gb, free):
            raise FerError(
                f"the activations of {rows} views of pictures need {need:.1f} GB in "
                f"{self.folder} (allowed {max_gb:g}, free {free:.1f}). Use fewer views or "
                "pictures, unfreeze fewer layers, raise max_gb, or train with cached=False"
            )
        return f"activations of {rows} views: {need * 1000:.0f} MB in {self.folder}"

    def view(self, images: Sequence[np.ndarray], view: int, progress: bool = True) -> np.ndarray:
        """Return the activations of one view of all pictures, from disk or computed now.

        An interrupted computation goes on where it stopped.

        Returns
        -------
        float16 memory map (n, numbers)
            All outputs of the frozen part side by side; `batch` takes them apart.
        """
        how = self.augmentation if view else "none"
        key = _digest(self._prefix_hash, str(self.preprocessing), how, fingerprint(images))
        if view and how != "none":
            key = _digest(key, str(self.seed), str(view))
        path = self.folder / f"{key[:20]}.f16"
        shape = (len(images), sum(map(math.prod, self.shapes)))
        if not path.is_file():
            self._compute(images, view, path, shape, progress)
        return np.memmap(path, np.float16, "r", shape=shape)

    def _compute(self, images, view: int, path: Path, shape: tuple[int, int], progress: bool):
        part, state = path.with_suffix(".part"), path.with_suffix(".json")
        done = json.loads(state.read_text())["done"] if part.exists() and state.exists() else 0
        store = np.memmap(part, np.float16, "r+" if done else "w+", shape=shape)
        bar = tqdm(
            desc=f"frozen part, view {view}",
            total=len(images),
            initial=done,
            unit="face",
            disable=not progress,
        )
        with bar:
            for start in range(done, len(images), BATCH):
                rows = range(start, min(start + BATCH, len(images)))
                faces = [view_of(images[i], i, view, self.augmentation, self.seed) for i in rows]
                outputs = self.prefix.predict_on_batch(self.preprocessing(faces))
                outputs = outputs if isinstance(outputs, list) else [outputs]
                flat = np.hstack([np.asarray(o).reshape(len(faces), -1) for o in outputs])
                if not np.abs(flat).max() < _LARGEST:
                    raise FerError(
                        "the frozen part gives numbers too large for float16; are its weights and "
                        "the preprocessing right? Train with cached=False otherwise"
                    )
                store[rows.start : rows.stop] = flat
                bar.update(len(faces))
                if (start // BATCH) % 16 == 15:
                    store.flush()
                    state.write_text(json.dumps({"done": rows.stop}))
        store.flush()
        del store
        os.replace(part, path)
        state.unlink(missing_ok=True)

    def batch(self, rows: np.ndarray) -> np.ndarray | tuple[np.ndarray, ...]:
        """Turn rows of `view` into the tail's input: a float32 array, or a tuple of several."""
        ends = np.cumsum([math.prod(shape) for shape in self.shapes])
        parts = np.split(np.asarray(rows, np.float32), ends[:-1], axis=1)
        arrays = [p.reshape(-1, *shape) for p, shape in zip(parts, self.shapes, strict=True)]
        return arrays[0] if len(arrays) == 1 else tuple(arrays)


def hash_weights(network: keras.Model) -> str:
    """Return a SHA-256 over all numbers of a network and the names of its layers."""
    digest = hashlib.sha256()
    for layer in network.layers:
        digest.update(f"{layer.name}{type(layer).__name__}".encode())
        for array in layer.get_weights():
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def fingerprint(images: Sequence[np.ndarray]) -> str:
    """Return a SHA-256 that tells sets of pictures apart (files by path, size and time)."""
    digest = hashlib.sha256(str(len(images)).encode())
    if isinstance(images, ImageFiles):
        for path in images.paths:
            stat = path.stat()
            digest.update(f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}".encode())
    else:
        for image in images:
            digest.update(str(image.shape).encode())
            digest.update(np.ascontiguousarray(image).tobytes())
    return digest.hexdigest()


def _digest(*texts: str) -> str:
    return hashlib.sha256("|".join(texts).encode()).hexdigest()
