"""One training loop: seeded, resumable after any epoch, with a running mean of the weights."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from tqdm.auto import tqdm

from fer_nb.training.common.augment import augment
from fer_nb.training.common.checkpoints import Checkpoints
from fer_nb.training.common.faces import LabelledFaces
from fer_nb.training.compact.network import CompactConfig


def batches(faces: LabelledFaces, config: CompactConfig, epoch: int):
    """Yield (pictures, answers, weight) of one epoch; same config and epoch, same batches.

    `answers` holds what the network should say, by the name of its output. The next batch is made
    in a thread while the network learns from this one.
    """
    order = np.random.default_rng([config.seed, epoch]).permutation(len(faces))
    small = epoch < config.small_until * config.epochs
    size = config.small_size if small else config.size

    def make(step: int):
        rows = order[step * config.batch_size : (step + 1) * config.batch_size]
        rng = np.random.default_rng([config.seed, epoch, step])
        made = [augment(faces.images[row], rng, size, config.augmentation) for row in rows]
        pictures = replace(config.preprocessing, size=size).squares(made).astype(np.float32)
        weight = np.ones(len(rows), np.float32) if faces.weight is None else faces.weight[rows]
        answers = {"logits": faces.target[rows], "affect": faces.affect[rows]}
        if faces.features is not None:
            answers["features"] = faces.features[rows]
        return pictures, answers, weight

    steps = steps_per_epoch(faces, config)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(make, 0)
        for step in range(steps):
            batch = coming.result()
            if step + 1 < steps:
                coming = pool.submit(make, step + 1)
            yield batch


def steps_per_epoch(faces: LabelledFaces, config: CompactConfig) -> int:
    """Return the number of full batches (a smaller one would upset batch normalisation)."""
    return max(1, len(faces) // config.batch_size)


def fit(
    network: keras.Model,
    train: LabelledFaces,
    held_out: LabelledFaces,
    config: CompactConfig,
    folder: Path,
    *,
    stop_after: int | None = None,
    progress: bool = True,
) -> tuple[keras.Model, list[dict]]:
    """Train `network`, or go on where an earlier call with this `folder` ended.

    After each epoch `folder` holds all that is needed to go on, and the curve (`history.json`). The
    answer is the running mean of the weights at the epoch with the lowest cross-entropy on
    `held_out`.

    Parameters
    ----------
    stop_after : int, optional
        Return after this many epochs in all, to be resumed by a later call.

    Returns
    -------
    keras.Model, list of dict
        The chosen network, and one dict for each epoch.

    Raises
    ------
    FerError
        If `folder` holds the state of a run with another configuration.
    """
    steps = steps_per_epoch(train, config)
    optimizer = _optimizer(config, steps)
    mean_network = keras.models.clone_model(network)
    mean_network.set_weights(network.get_weights())
    losses_of = {
        "logits": keras.losses.CategoricalCrossentropy(from_logits=True),
        "affect": affect_loss(config),
    }
    weights = {"logits": 1.0, "affect": 1.0}
    if train.features is not None:
        losses_of["features"] = keras.losses.MeanSquaredError()
        weights["features"] = config.feature_weight
    network.compile(optimizer, loss=losses_of, loss_weights=weights)
    optimizer.build(network.trainable_variables)
    kept = Checkpoints(
        folder, {"config": config.to_dict()}, {"network": network, "mean": mean_network}
    )
    start = kept.restore()
    mean = mean_network.get_weights()
    for epoch in range(start, stop_after or config.epochs):
        began = time.perf_counter()
        bar = tqdm(
            batches(train, config, epoch),
            total=steps,
            desc=f"epoch {epoch + 1}/{config.epochs}",
            disable=not progress,
            mininterval=10,
        )
        for step, (pictures, answers, weight) in enumerate(bar):
            loss = network.train_on_batch(pictures, answers, sample_weight=weight)
            if step % 8 == 7 or step + 1 == steps:
                mean = running_mean(mean, network, epoch * steps + step, config.ema)
        mean_network.set_weights(mean)
        line = {"loss": round(float(np.ravel(loss)[0]), 4)}
        line |= measure(mean_network, held_out, config)
        kept.keep(line | {"seconds": round(time.perf_counter() - began, 1)})
        if progress:
            tqdm.write(json.dumps(kept.history[-1]))
    kept.load_best()
    return mean_network, kept.history


def running_mean(mean: list, network: keras.Model, step: int, ema: float) -> list:
    """Return the running mean of a network's weights, moved towards what they are now.

    Ours, not Keras' `use_ema`: that one leaves out the statistics of batch normalisation, which
    then belong to other weights, and counts the first random weights in full.
    """
    keep = min(ema, (1 + step) / (40 + step))
    now = network.get_weights()
    return [keep * m + (1 - keep) * w for m, w in zip(mean, now, strict=True)]


def measure(network: keras.Model, faces: LabelledFaces, config: CompactConfig) -> dict:
    """Return cross-entropy, accuracy among the eight named emotions, and affect error."""
    answer = predict(network, faces, config)
    logits = answer["logits"].astype(np.float64)
    logp = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    named = faces.target.argmax(1) < 8
    right = logits[:, :8].argmax(1) == faces.target[:, :8].argmax(1)
    return {
        "val_loss": round(float(-(faces.target * logp).sum(1).mean()), 5),
        "val_accuracy": round(float(right[named].mean()), 5),
        "val_affect_mse": round(float(((answer["affect"] - faces.affect) ** 2).mean()), 5),
    }


def predict(
    network: keras.Model, faces: LabelledFaces, config: CompactConfig
) -> dict[str, np.ndarray]:
    """Return the network's `logits` (n, 9) and `affect` (n, 2) for faces prepared as in use."""
    pictures = config.preprocessing.squares(faces.images).astype(np.float32)
    return network.predict(pictures, batch_size=256, verbose=0)


def affect_loss(config: CompactConfig):
    """Return the loss of valence and arousal, both (n, 2): squared error and lack of concordance.

    Squared error alone draws doubtful faces to the middle, and so narrows the scale; concordance
    (Lin 1989) charges for that. It is taken over the batch, so every face has the same share.
    """
    ops = keras.ops

    def loss(truth, answer):
        middle, centre = ops.mean(truth, axis=0), ops.mean(answer, axis=0)
        shared = ops.mean((truth - middle) * (answer - centre), axis=0)
        spread = ops.var(truth, axis=0) + ops.var(answer, axis=0) + (middle - centre) ** 2
        lack = ops.mean(1 - 2 * shared / (spread + 1e-6))
        error = ops.mean((truth - answer) ** 2, axis=-1)
        return config.affect_weight * error + config.concordance_weight * lack

    return loss


def learning_rate(config: CompactConfig, steps: int) -> keras.optimizers.schedules.CosineDecay:
    """Return the schedule of a run of `steps` steps an epoch: a short rise, then a cosine.

    `CosineDecay` takes its end as a share of the highest rate, not of the one it begins with.
    """
    total = config.epochs * steps
    warm = min(steps, total // 10)
    return keras.optimizers.schedules.CosineDecay(
        config.learning_rate / 50,
        max(1, total - warm),
        alpha=config.last_rate,
        warmup_target=config.learning_rate,
        warmup_steps=warm,
    )


def _optimizer(config: CompactConfig, steps: int) -> keras.optimizers.Optimizer:
    rate = learning_rate(config, steps)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer
