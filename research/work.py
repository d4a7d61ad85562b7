"""Where the steps of `recipe.py` find their data and keep what they made."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import faces as sets
import numpy as np


class Work:
    """Where the steps find their data and keep what they made."""

    def __init__(self, data: Path, weights: Path, folder: Path):
        self.data, self.weights, self.folder = data, weights, folder
        folder.mkdir(parents=True, exist_ok=True)

    def faces(self) -> tuple[sets.FaceSet, np.ndarray]:
        """Return all faces to learn from, and of which kind each is."""
        with (self.folder / "unlabelled.pkl").open("rb") as file:
            others = sets.unlabelled(pickle.load(file))
        parts = [
            sets.ferplus(self.data, "train"),
            sets.rafdb(self.data, "train"),
            sets.coloured(self.data, "train"),
            others,
        ]
        return sets.join(*parts), np.repeat(range(4), [len(part) for part in parts])

    def save(self, name: str, **arrays) -> None:
        """Write arrays as NAME.npz, whole or not at all."""
        part = self.folder / "part.npz"
        np.savez(part, **arrays)
        os.replace(part, self.folder / f"{name}.npz")

    def load(self, name: str) -> dict[str, np.ndarray]:
        """Read what `save` wrote."""
        with np.load(self.folder / f"{name}.npz") as file:
            return dict(file)
