"""Teachers: larger networks that were trained on many more faces, fine-tuned to FER+ votes here.

What they answer goes into a file that `fer_nb.training.distill.blend` mixes into the compact
network's targets. A teacher is never shipped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from keras import layers

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import FerError
from fer_nb.files import new_file
from fer_nb.training import datasets, distill, loop, records
from fer_nb.training.compact_net import CompactConfig

# The mean colour that networks of the VGGFace2 lineage take away from what they see.
MEAN_COLOUR = (103.939, 116.779, 123.68)


def build_teacher(backbone: str | Path, config: CompactConfig) -> keras.Model:
    """Put the heads of the compact network on a backbone that knows faces.

    Parameters
    ----------
    backbone : path
        A `.keras` file of a network that takes colour faces, less the mean colour, and has a layer
        named `global_pooling`.
    config : CompactConfig
        Its `size` is the side of the pictures; a network for 224 pixels also reads smaller ones.

    Returns
    -------
    keras.Model
        From `face` (n, size, size, 1), grey 0-255, to `logits` (n, 9) and `affect` (n, 2).

    Raises
    ------
    FerError
        If the file is missing or has no such layer.
    """
    if not Path(backbone).is_file():
        raise FerError(f"no file {backbone}; a teacher needs a .keras file of a face network")
    whole = keras.saving.load_model(backbone, compile=False)
    if "global_pooling" not in [layer.name for layer in whole.layers]:
        raise FerError(f"{backbone} has no layer named global_pooling")
    body = keras.Model(whole.input, whole.get_layer("global_pooling").output)
    face = layers.Input((config.size, config.size, 1), name="face")
    colour = layers.Concatenate(name="colour")([face] * 3)
    shifted = layers.Rescaling(1.0, [-mean for mean in MEAN_COLOUR], name="mean_colour")(colour)
    smaller = layers.Input((config.size, config.size, 3))
    copy = keras.models.clone_model(body, input_tensors=smaller, clone_function=_present_policy)
    copy.set_weights(body.get_weights())
    x = layers.Flatten(name="features")(copy(shifted))
    x = layers.Dropout(config.dropout, seed=config.seed, name="dropout")(x)
    logits = layers.Dense(len(EMOTIONS), dtype="float32", name="logits")(x)
    affect = layers.Dense(2, dtype="float32", name="affect")(x)
    return keras.Model(face, {"logits": logits, "affect": affect}, name="teacher")


def _present_policy(layer: keras.Layer) -> keras.Layer:
    """Copy a layer under the precision now in force, whatever it was saved with."""
    return type(layer).from_config(layer.get_config() | {"dtype": keras.config.dtype_policy().name})


def train_teacher(
    data: str | Path,
    backbone: str | Path,
    out: str | Path,
    config: CompactConfig,
    *,
    others: str | Path | None = None,
    progress: bool = True,
) -> keras.Model:
    """Fine-tune a backbone to FER+ votes, or go on with a run that was cut off.

    Parameters
    ----------
    data : path
        FER+ as one npz file; see `fer_nb.training.datasets.load_ferplus`.
    backbone : path
        See `build_teacher`.
    out : path
        Folder of the run: state, curve and `run.json`.
    config : CompactConfig
        Settings of the training; those of the compact network's own shape are not used.
    others : path, optional
        Labels for other faces; see `fer_nb.training.distill.blend`.

    Returns
    -------
    keras.Model
        The teacher of the best epoch.
    """
    keras.utils.set_random_seed(config.seed)
    plus = datasets.load_ferplus(data, held_out=config.held_out, seed=config.seed)
    learn, judge = (distill.faces_of(plus.part(name), config) for name in ("train", "held_out"))
    if others is not None:
        learn = distill.blend(learn, plus.part("train"), others, config)
    network, history = loop.fit(
        build_teacher(backbone, config),
        distill.balance(learn, config.balance),
        judge,
        config,
        Path(out),
        progress=progress,
    )
    records.write_run(
        Path(out) / "run.json",
        config=config.to_dict(),
        data={"ferplus": data, "backbone": backbone, "others": others},
        faces={"train": len(learn), "held_out": len(judge)},
        history=history,
    )
    return network


def answers(
    teacher: keras.Model, images: Sequence[np.ndarray], size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities (n, 9) and affect (n, 2) of grey faces, the mean with their mirrors."""
    pictures = np.stack([loop.resize(image, size) for image in images])[..., None]
    both = [
        teacher.predict(side.astype(np.float32), batch_size=128, verbose=0)
        for side in (pictures, pictures[:, :, ::-1])
    ]
    logits = np.mean([each["logits"] for each in both], axis=0)
    probs = np.exp(logits - logits.max(axis=1, keepdims=True))
    return probs / probs.sum(axis=1, keepdims=True), np.mean([b["affect"] for b in both], axis=0)


def write_labels(
    teacher: keras.Model,
    data: str | Path,
    out: str | Path,
    config: CompactConfig,
    *,
    others: Sequence[np.ndarray] = (),
    said: np.ndarray | None = None,
    said_weight: float = 0.4,
) -> None:
    """Write what a teacher says of FER+ Training, and of other faces, for `distill.blend`.

    Parameters
    ----------
    others : sequence of uint8 (h, w)
        Grey faces that nobody rated, or one person labelled.
    said : int (k,), optional
        Those labels, as indices into `EMOTIONS`; they get `said_weight` of the target.
    """
    plus = datasets.load_ferplus(data, held_out=config.held_out, seed=config.seed).part("train")
    held = {
        "pixels": np.array([hashlib.sha256(image.tobytes()).hexdigest() for image in plus.images]),
        "probs": answers(teacher, plus.images, config.size)[0].astype(np.float32),
    }
    if len(others):
        probs, affect = answers(teacher, others, config.size)
        if said is not None:
            probs = (1 - said_weight) * probs + said_weight * np.eye(len(EMOTIONS))[said]
        held["other_images"] = np.stack([loop.resize(image, 96) for image in others])
        held["other_probs"] = probs.astype(np.float32)
        held["other_affect"] = affect.astype(np.float32)
    with new_file(out) as part, open(part, "wb") as file:
        np.savez_compressed(file, **held)
