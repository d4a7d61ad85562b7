"""Fine-tuning: a network that knows faces learns what they express.

`fine_tune` trains by a `FineTuneConfig`, resumes after an interruption at any epoch, and gives the
network of the best epoch.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fer_nb.emotions import EMOTIONS
from fer_nb.files import make_folder
from fer_nb.models import Preprocessing
from fer_nb.training.common.augment import view_of
from fer_nb.training.common.checkpoints import Checkpoints
from fer_nb.training.common.faces import LabelledFaces
from fer_nb.training.common.labels import va_labels
from fer_nb.training.finetune.config import FineTuneConfig
from fer_nb.training.finetune.features import FeatureStore, fingerprint
from fer_nb.training.finetune.networks import build_network, import_keras, split_network

if TYPE_CHECKING:
    import keras


@dataclass
class Run:
    """What a training gave: the network of the best epoch, and how it got there."""

    config: FineTuneConfig
    network: keras.Model
    preprocessing: Preprocessing
    history: list[dict] = field(default_factory=list)
    class_share: tuple[float, ...] = ()

    @property
    def best(self) -> dict:
        """The epoch with the lowest validation loss."""
        return min(self.history, key=lambda epoch: epoch["val_loss"])

    def predict(self, images: Sequence[np.ndarray], batch: int = 64) -> np.ndarray:
        """Return logits (n, 9), or valence and arousal (n, 2), float32, of uint8 faces."""
        outputs = []
        for start in range(0, len(images), batch):
            faces = [images[i] for i in range(start, min(start + batch, len(images)))]
            outputs.append(np.asarray(self.network.predict_on_batch(self.preprocessing(faces))))
        return np.concatenate(outputs)


def targets_of(config: FineTuneConfig, target: np.ndarray) -> np.ndarray:
    """Return what a network learns to say for pictures with vote shares `target` (n, 9)."""
    hard = np.eye(len(EMOTIONS), dtype=np.float32)[target.argmax(axis=1)]
    if config.task == "va":
        method_target = target if config.targets == "votes" else hard
        return va_labels(method_target, config.va_method, config.ratings, seed=config.seed)
    return hard if config.targets == "hard" else np.asarray(target, np.float32)


def fine_tune(
    config: FineTuneConfig,
    faces: LabelledFaces,
    folder: str | Path,
    *,
    cached: bool = True,
    cache_folder: str | Path | None = None,
    max_gb: float = 20.0,
    callbacks: Sequence = (),
    progress: bool = True,
) -> Run:
    """Train by a configuration; go on where an earlier call in the same folder was interrupted.

    Parameters
    ----------
    config : FineTuneConfig
    faces : LabelledFaces
        With the splits "train" and "val"; see `fer_nb.training.common.faces.split_faces`.
    folder : path
        For checkpoints and the history. One folder holds one training.
    cached : bool
        Run the frozen part once per view and train the rest on its stored outputs. The plain loop
        (False) runs the whole network in every step; that is for GPUs.
    cache_folder : path, optional
        For those outputs; by default inside `folder`. Trainings with the same frozen part share it.
    max_gb : float
        How much of the disk they may take.
    callbacks : sequence of keras callbacks
    progress : bool
        Show what happens.

    Raises
    ------
    FerError
        If the folder holds a training of another kind, or the stored outputs would take too much.
    """
    keras = import_keras()
    folder = make_folder(folder)
    train, val = faces.part("train"), faces.part("val")
    network, preprocessing = build_network(config)
    if cached:
        prefix, model = split_network(network)
        store = FeatureStore(
            cache_folder or folder / "features",
            prefix,
            preprocessing,
            config.augmentation,
            config.seed,
        )
        views = 1 if config.augmentation == "none" else config.views
        line = store.make_room(len(train) * views + len(val), max_gb)
        if progress:
            print(line)
        train_views = [store.view(train.images, view, progress) for view in range(views)]
        val_view = store.view(val.images, 0, progress)
        train_inputs = lambda rows, view: store.batch(train_views[view % views][rows])  # noqa: E731
        val_inputs = lambda rows, _: store.batch(val_view[rows])  # noqa: E731
    else:
        model = network
        train_inputs, val_inputs = (
            _plain_inputs(part.images, preprocessing, config) for part in (train, val)
        )
    batches = _dataset_class(keras)
    training = batches(
        train_inputs, targets_of(config, train.target), config, _sample_weights(config, train)
    )
    validation = batches(val_inputs, targets_of(config, val.target), config)
    model.compile(**_compile_options(keras, config, len(training)))
    data = [fingerprint(part.images) + fingerprint(part.target) for part in (train, val)]
    kept = Checkpoints(folder, {"config": config.to_json(), "data": data}, {"network": model})
    start = kept.restore()
    if start < config.epochs and not kept.is_over(config.patience):
        model.fit(
            training,
            validation_data=validation,
            initial_epoch=start,
            epochs=config.epochs,
            shuffle=False,
            verbose=0,
            callbacks=[_keeper(keras, kept, training, config.patience), *callbacks],
        )
    kept.load_best()
    share = tuple(float(x) for x in train.target.mean(axis=0))
    return Run(config, network, preprocessing, kept.history, share)


def _plain_inputs(images, preprocessing: Preprocessing, config: FineTuneConfig):
    def inputs(rows: np.ndarray, view: int) -> np.ndarray:
        chosen = [view_of(images[i], i, view, config.augmentation, config.seed) for i in rows]
        return preprocessing(chosen)

    return inputs


def _dataset_class(keras):
    class Batches(keras.utils.PyDataset):
        """Batches in an order that seed and epoch decide: a resumed run sees the same."""

        def __init__(self, inputs, targets, config: FineTuneConfig, weights=None):
            super().__init__()
            self.inputs, self.targets, self.weights = inputs, targets, weights
            self.config, self.training = config, weights is not None
            self.epoch = 0
            self.views = config.views if self.training else 1

        def __len__(self):
            return -(-len(self.targets) // self.config.batch)

        def __getitem__(self, i):
            order = np.arange(len(self.targets))
            if self.training:
                order = np.random.default_rng([self.config.seed, self.epoch]).permutation(order)
            rows = np.sort(order[i * self.config.batch : (i + 1) * self.config.batch])
            x = self.inputs(rows, self.epoch % self.views)
            if self.training:
                return x, self.targets[rows], self.weights[rows]
            return x, self.targets[rows]

    return Batches


def _keeper(keras, kept: Checkpoints, training, patience: int):
    """Return a Keras callback that keeps every epoch and stops when patience is over."""

    class Keep(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.began = time.perf_counter()
            # Keras calls a data set's own on_epoch_end once before the first epoch, too.
            training.epoch = epoch
            # Weights files hold no state of dropout's random numbers: let the epoch decide it.
            for layer in self.model.layers:
                if hasattr(layer, "seed_generator"):
                    state = layer.seed_generator.state
                    state.assign(np.array([layer.seed, epoch << 20], state.dtype))

        def on_epoch_end(self, epoch, logs=None):
            values = {name: float(value) for name, value in logs.items()}
            kept.keep(values | {"seconds": time.perf_counter() - self.began})
            self.model.stop_training = kept.is_over(patience)

    return Keep()


def _sample_weights(config: FineTuneConfig, faces: LabelledFaces) -> np.ndarray:
    label = faces.target.argmax(axis=1)
    frequency = np.bincount(label, minlength=len(EMOTIONS))[label] / len(label)
    weights = frequency**-config.balance
    return (weights / weights.mean()).astype(np.float32)


def _compile_options(keras, config: FineTuneConfig, steps: int) -> dict:
    if config.schedule == "exponential":
        rate = keras.optimizers.schedules.ExponentialDecay(
            config.learning_rate, decay_steps=steps, decay_rate=config.decay
        )
    else:
        rate = keras.optimizers.schedules.CosineDecay(
            config.learning_rate / 10,
            decay_steps=max(1, steps * (config.epochs - 1)),
            warmup_target=config.learning_rate,
            warmup_steps=steps,
        )
    decay = {"weight_decay": config.weight_decay} if config.weight_decay else {}
    if config.task == "va":
        loss, metrics = keras.losses.MeanSquaredError(), []
    else:
        loss = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=config.label_smoothing
        )
        metrics = [keras.metrics.CategoricalAccuracy(name="accuracy")]
    return {
        "optimizer": (keras.optimizers.AdamW if decay else keras.optimizers.Adam)(rate, **decay),
        "loss": loss,
        "metrics": metrics,
    }
