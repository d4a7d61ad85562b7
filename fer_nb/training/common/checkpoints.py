"""Checkpoints of a training that may be interrupted at any moment, and go on as if it had not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_nb.errors import FerError
from fer_nb.files import make_folder

if TYPE_CHECKING:
    import keras


class Checkpoints:
    """The files of one training: its networks as they stand, the best one, and `history.json`.

    `history.json` is written last and names the epoch whose files hold, so an interruption at any
    moment leaves all that is needed to go on.

    Parameters
    ----------
    folder : path
    identity : dict
        Settings and data; a folder that holds a training with others is not gone on with.
    networks : dict of str to keras.Model
        What is kept after each epoch, the state of a compiled network's optimizer included. The
        last of them is the one that is judged and kept as the best.
    """

    def __init__(self, folder: str | Path, identity: dict, networks: dict[str, keras.Model]):
        self.folder = make_folder(folder)
        self.file, self.best = self.folder / "history.json", self.folder / "best.weights.h5"
        self.identity = json.loads(json.dumps(identity))
        self.networks = networks
        self.history: list[dict] = []

    def restore(self) -> int:
        """Load the last epoch's files, if there are any, and return the epoch to go on with."""
        if not self.file.is_file():
            return 0
        saved = json.loads(self.file.read_text())
        if not isinstance(saved, dict) or saved["identity"] != self.identity:
            raise FerError(
                f"{self.folder} holds another training (other settings or pictures); choose "
                "another folder or delete that one"
            )
        self.history = saved["history"]
        for name, network in self.networks.items():
            if getattr(network, "optimizer", None) is not None:  # compiled
                network.optimizer.build(network.trainable_variables)
            network.load_weights(self._path(name))
        return len(self.history)

    def keep(self, values: dict[str, float]) -> None:
        """Keep an epoch that has ended, and its figures, among them `val_loss`."""
        if not np.isfinite(values["val_loss"]):
            raise FerError("the loss is no longer a number; lower the learning rate")
        self.history.append({"epoch": len(self.history), **values})
        for name, network in self.networks.items():
            network.save_weights(self._path(name))
        if values["val_loss"] <= min(epoch["val_loss"] for epoch in self.history):
            network.save_weights(self.best)
        part = self.file.with_suffix(".part")
        part.write_text(json.dumps({"identity": self.identity, "history": self.history}, indent=1))
        part.replace(self.file)
        kept = {self._path(name) for name in self.networks}
        for old in set(self.folder.glob("epoch-*.weights.h5")) - kept:
            old.unlink()

    def load_best(self) -> None:
        """Give the last network the weights of its best epoch."""
        list(self.networks.values())[-1].load_weights(self.best)

    def is_over(self, patience: int) -> bool:
        """Tell whether `patience` epochs have brought no better validation loss."""
        losses = [epoch["val_loss"] for epoch in self.history]
        return bool(losses) and len(losses) - 1 - int(np.argmin(losses)) >= patience

    def _path(self, name: str) -> Path:
        return self.folder / f"epoch-{len(self.history):03d}-{name}.weights.h5"
