"""Checkpoints of a training that may be interrupted at any moment, and go on as if it had not."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np

from fer_nb.errors import FerError


class Checkpoints:
    """The files of one training: a checkpoint, the best weights, and `history.json`.

    `history.json` is written last and names the checkpoint, so an interruption at any moment leaves
    a consistent pair.

    Parameters
    ----------
    folder : path
    identity : dict
        Settings and data; a folder that holds a training with others is not gone on with.
    """

    def __init__(self, folder: Path, identity: dict):
        self.folder, self.file = folder, folder / "history.json"
        self.best = folder / "best.weights.h5"
        self.identity = json.loads(json.dumps(identity))
        self.history: list[dict] = []

    def restore(self, model) -> int:
        """Load the last checkpoint, if there is one, and return the epoch to go on with."""
        if not self.file.is_file():
            return 0
        saved = json.loads(self.file.read_text())
        if saved["identity"] != self.identity:
            raise FerError(
                f"{self.folder} holds another training (other settings or pictures); choose "
                "another folder or delete that one"
            )
        self.history = saved["history"]
        model.optimizer.build(model.trainable_variables)
        model.load_weights(self.folder / saved["checkpoint"])
        return len(self.history)

    def is_over(self, patience: int) -> bool:
        """Tell whether `patience` epochs have brought no better validation loss."""
        losses = [epoch["val_loss"] for epoch in self.history]
        return bool(losses) and len(losses) - 1 - int(np.argmin(losses)) >= patience

    def _keep(self, model, logs: dict, seconds: float) -> None:
        values = {name: float(value) for name, value in logs.items()}
        if not np.isfinite(values["val_loss"]):
            raise FerError("the loss is no longer a number; lower the learning rate")
        self.history.append({"epoch": len(self.history), **values, "seconds": seconds})
        if values["val_loss"] <= min(epoch["val_loss"] for epoch in self.history):
            model.save_weights(self.best)
        checkpoint = self.folder / f"epoch-{len(self.history):03d}.weights.h5"
        model.save_weights(checkpoint)
        state = {
            "identity": self.identity,
            "checkpoint": checkpoint.name,
            "history": self.history,
        }
        part = self.file.with_suffix(".part")
        part.write_text(json.dumps(state, indent=1))
        part.replace(self.file)
        for old in self.folder.glob("epoch-*.weights.h5"):
            if old != checkpoint:
                old.unlink()

    def callback(self, keras, patience: int):
        """Return a Keras callback that keeps every epoch and stops when patience is over."""
        outer = self

        class Keep(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                self.began = time.perf_counter()
                # Weights files hold no state of dropout's random numbers: let the epoch decide it.
                for layer in self.model.layers:
                    if hasattr(layer, "seed_generator"):
                        state = layer.seed_generator.state
                        state.assign(np.array([layer.seed, epoch << 20], state.dtype))

            def on_epoch_end(self, epoch, logs=None):
                outer._keep(self.model, logs, time.perf_counter() - self.began)
                self.model.stop_training = outer.is_over(patience)

        return Keep()
