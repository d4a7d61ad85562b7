"""The backbone of notebook 1: a small network that learns to tell people apart, and no emotion.

It learns the names of the people in one half of LFW (`fer_nb.evaluation.sets.faces_color` without
its film stills) by a softmax over cosines, as NormFace does. It is judged by pictures of the same
people that were set aside, and by pairs of pictures of people in the other half, whom it has never
seen. Nothing was chosen by either. What ships is the part below the names.

    python research/identity.py --data faces_color.npz --out identity.keras

Sources
-------
Huang, G. B., et al. (2007). Labeled Faces in the Wild. *University of Massachusetts, 07-49*.
Wang, F., et al. (2017). NormFace: L2 hypersphere embedding for face verification. *ACM MM*.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import keras
import numpy as np

from fer_nb.evaluation.metrics import auroc, interval
from fer_nb.evaluation.sets import faces_color
from fer_nb.models import preprocess
from fer_nb.training.common.augment import Augmentation, augment
from fer_nb.training.common.faces import LabelledFaces
from fer_nb.training.common.records import write_run
from fer_nb.training.compact.loop import learning_rate, running_mean
from fer_nb.training.compact.network import CompactConfig, build_network

RECORD = Path(__file__).parent / "records" / "identity.json"
CONFIG = CompactConfig(
    size=48, stem=24, widths=(24, 40, 72, 112), blocks=(1, 2, 2, 1), dropout=0.2,
    epochs=40, batch_size=64, learning_rate=2e-3, weight_decay=0.05,
    augmentation=Augmentation(p_light=0.6, p_erase=0.3),
)  # fmt: skip
USED = (
    "size", "stem", "widths", "blocks", "dropout", "epochs", "batch_size", "learning_rate",
    "weight_decay", "ema", "seed", "augmentation",
)  # fmt: skip
FEWEST = 4  # pictures of a person who is learned
MOST = 40  # pictures of a person in an epoch; one has hundreds
SHARPNESS = 20.0  # of the softmax over cosines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="faces_color.npz")
    parser.add_argument("--out", type=Path, required=True, help="the .keras file to write")
    parser.add_argument("--epochs", type=int, default=CONFIG.epochs)
    options = parser.parse_args()
    config = CompactConfig(**vars(CONFIG) | {"epochs": options.epochs})
    keras.utils.set_random_seed(config.seed)
    known, strangers = lfw(options.data, "train"), lfw(options.data, "test")
    people, person = numbered(known.group)
    aside = set_aside(person, config.seed)
    pictures = preprocess(known.images, config.size * 5 // 4)[..., 0]  # room to turn and shift
    network, backbone = build(config, len(people))
    began, steps = time.perf_counter(), len(sampled(person, aside, config, 0)) // config.batch_size
    network.compile(
        keras.optimizers.AdamW(learning_rate(config, steps), weight_decay=config.weight_decay),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    untrained = verified(backbone, strangers, config)
    pixels = compared(
        preprocess(strangers.images, config.size).reshape(len(strangers), -1), strangers
    )
    mean, curve = network.get_weights(), []
    for epoch in range(config.epochs):
        rows, losses = sampled(person, aside, config, epoch), []
        for step in range(steps):
            chosen = rows[step * config.batch_size : (step + 1) * config.batch_size]
            rng = np.random.default_rng([config.seed, epoch, step])
            views = [augment(pictures[i], rng, config.size, config.augmentation) for i in chosen]
            views = np.stack(views)[..., None].astype(np.float32)
            losses.append(float(np.ravel(network.train_on_batch(views, person[chosen]))[0]))
            if step % 8 == 7 or step + 1 == steps:
                mean = running_mean(mean, network, epoch * steps + step, config.ema)
        curve.append({"epoch": epoch, "loss": round(float(np.mean(losses)), 4)})
        if epoch % 10 == 9 or epoch + 1 == config.epochs:
            learned = network.get_weights()
            network.set_weights(mean)
            curve[-1]["named"] = round(float(np.mean(named(network, known, person, aside))), 4)
            network.set_weights(learned)
        print(curve[-1], round(time.perf_counter() - began), "s", flush=True)
    network.set_weights(mean)
    backbone.save(options.out)
    right = named(network, known, person, aside)
    write_run(
        RECORD,
        data={"faces": options.data},
        config={name: config.to_dict()[name] for name in USED}
        | {"fewest": FEWEST, "most": MOST, "sharpness": SHARPNESS},
        parameters=backbone.count_params(),
        people=len(people),
        pictures={"learned": int(((person >= 0) & ~aside).sum()), "set_aside": int(aside.sum())},
        most_frequent=round(float(np.bincount(person[aside]).max() / aside.sum()), 4),
        named=interval(np.mean, right, draws=2000),
        same_or_other={
            "this network": verified(backbone, strangers, config),
            "the same with random numbers": untrained,
            "pixels": pixels,
        },
        seconds=round(time.perf_counter() - began),
        curve=curve,
    )
    print(RECORD.read_text()[-900:])


def lfw(path: Path, half: str) -> LabelledFaces:
    """Return half of the people of LFW; the film stars' files have no "_" in the name."""
    faces = faces_color(path, half)
    return faces.rows(np.array(["_" in name for name in faces.group]))


def numbered(group: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Return the people with enough pictures, and each picture's place among them, or -1."""
    names, counts = np.unique(group, return_counts=True)
    people = names[counts >= FEWEST].tolist()
    place = {name: i for i, name in enumerate(people)}
    return people, np.array([place.get(name, -1) for name in group])


def set_aside(person: np.ndarray, seed: int) -> np.ndarray:
    """Set a fifth of each person's pictures aside, one at least."""
    rng, aside = np.random.default_rng(seed), np.zeros(len(person), bool)
    for one in range(person.max() + 1):
        rows = rng.permutation(np.flatnonzero(person == one))
        aside[rows[: max(1, len(rows) // 5)]] = True
    return aside


def sampled(person: np.ndarray, aside: np.ndarray, config: CompactConfig, epoch: int) -> np.ndarray:
    """Return the pictures of an epoch in random order, `MOST` of a person at most."""
    rng = np.random.default_rng([config.seed, epoch])
    order = rng.permutation(np.flatnonzero((person >= 0) & ~aside))
    seen = np.zeros(person.max() + 1, int)
    kept = []
    for row in order:
        seen[person[row]] += 1
        if seen[person[row]] <= MOST:
            kept.append(row)
    return np.array(kept)


def build(config: CompactConfig, people: int) -> tuple[keras.Model, keras.Model]:
    """Return the network that names people, and the backbone in it: a face to its features."""
    whole = build_network(config, config.size)
    backbone = keras.Model(whole.input, whole.get_layer("pool").output, name="identity")
    layers = keras.layers
    x = layers.UnitNormalization()(layers.Dropout(config.dropout)(backbone.output))
    unit = keras.constraints.UnitNorm(axis=0)
    x = layers.Dense(people, use_bias=False, kernel_constraint=unit, name="people")(x)
    return keras.Model(backbone.input, layers.Rescaling(SHARPNESS)(x)), backbone


def named(network, faces: LabelledFaces, person: np.ndarray, aside: np.ndarray) -> np.ndarray:
    """Tell, for each picture set aside, whether its person is named."""
    rows = np.flatnonzero(aside)
    inputs = preprocess([faces.images[i] for i in rows], network.input.shape[1])
    answer = network.predict(inputs.astype(np.float32), batch_size=256, verbose=0)
    return answer.argmax(axis=1) == person[rows]


def verified(backbone, strangers: LabelledFaces, config: CompactConfig) -> dict:
    """Return how well the backbone's features tell pairs of a person from pairs of two."""
    inputs = preprocess(strangers.images, config.size).astype(np.float32)
    return compared(backbone.predict(inputs, batch_size=256, verbose=0), strangers)


def compared(features: np.ndarray, faces: LabelledFaces) -> dict:
    """Compare one pair of each person who has two pictures with one of him and somebody else.

    Returns
    -------
    dict
        The number of people; how often the cosine of the first pair is above one of the second
        (`auroc`), and above the person's own second pair (`own`), with intervals that draw people.
    """
    features = features.astype(np.float32)
    features -= features.mean(axis=0)
    features /= np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9)
    rng, pairs = np.random.default_rng(0), []
    for name in np.unique(faces.group):
        own = rng.permutation(np.flatnonzero(faces.group == name))
        if len(own) > 1:
            other = rng.choice(np.flatnonzero(faces.group != name))
            pairs.append([features[own[0]] @ features[own[1]], features[own[0]] @ features[other]])
    pairs = np.array(pairs)
    both = lambda p: auroc(np.repeat([True, False], len(p)), p.T.ravel())  # noqa: E731
    return {
        "people": len(pairs),
        "auroc": interval(both, pairs, draws=2000),
        "own": interval(lambda p: np.mean(p[:, 0] > p[:, 1]), pairs, draws=2000),
    }


if __name__ == "__main__":
    main()
