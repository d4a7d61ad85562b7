"""Teachers of the compact network 0.10: train one, and have them label what it learns from.

`train` fine-tunes HSEmotion's mobilenet_7, its last layers, at 192 px, by
`fer_nb.training.finetune`, as in notebook 1, on the FER+ votes and on one half of `faces_color`;
never on the held-out pictures, nor on any evaluation set.

`label` writes a file for `fer-nb train compact --teacher`. A teacher is the folder of a run of
`fer_nb.training.finetune`, or of `fer-nb train compact`. Its answer is the mean over a picture and
its mirror image, calibrated on the held-out faces; of several teachers the weighted mean is taken.
What the annotator of `faces_color` said makes up half of those faces' labels. With `--features` the
file also holds what the first teacher saw in each face: the leading principal components of its
last vector before the head.

    python research/compact_0_10_teachers.py train --data DATA --backbone mobilenet_7.keras \
        --out runs/teacher
    python research/compact_0_10_teachers.py label runs/teacher runs/finetune/last_25_all_pictures \
        --weights 0.6 0.4 --features 64 --data DATA --out teachers.npz
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
from scipy.special import softmax

from fer_nb.emotions import EMOTIONS
from fer_nb.evaluation.metrics import classifier_scores
from fer_nb.evaluation.sets import faces_color
from fer_nb.models import Preprocessing
from fer_nb.training.common.faces import LabelledFaces
from fer_nb.training.common.ferplus import load_ferplus, vote_targets
from fer_nb.training.compact.network import CompactConfig, build_network
from fer_nb.training.compact.targets import fit_calibration
from fer_nb.training.finetune import networks
from fer_nb.training.finetune.config import FineTuneConfig
from fer_nb.training.finetune.networks import import_keras
from fer_nb.training.finetune.train import fine_tune

# ImageNet's mean blue, green and red, as Caffe's VGG networks take them off. HSEmotion takes them
# off channels 0, 1, 2 in this order, which in mobilenet_7 hold RGB.
CAFFE_MEANS = (103.939, 116.779, 123.68)
SIDE = 96  # of the other faces in the file
STATED = 0.5  # how much of their target is what the annotator said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="what", required=True)
    training, labelling = commands.add_parser("train"), commands.add_parser("label")
    training.add_argument("--backbone", required=True, help="mobilenet_7 as a .keras file")
    training.add_argument("--size", type=int, default=192)
    training.add_argument("--epochs", type=int, default=5)
    labelling.add_argument("runs", type=Path, nargs="+", help="folders of the teachers' runs")
    labelling.add_argument("--weights", type=float, nargs="+", help="one each; equal by default")
    labelling.add_argument("--features", type=int, default=0, help="how many; none by default")
    for each in (training, labelling):
        each.add_argument("--data", type=Path, required=True)
        each.add_argument("--out", type=Path, required=True, help="folder of the run, or npz file")
    options = parser.parse_args()
    train(options) if options.what == "train" else label(options)


def train(options: argparse.Namespace) -> None:
    """Fine-tune mobilenet_7."""
    recipe = CompactConfig()
    plus = load_ferplus(
        options.data / "ferplus_trainval.npz", held_out=recipe.held_out, seed=recipe.held_out_seed
    )
    own, aside = plus.part("train"), plus.part("val")
    others = faces_color(options.data / "faces_color.npz", "train")
    stated = np.eye(len(EMOTIONS), dtype=np.float32)[others.target.argmax(axis=1)]
    faces = LabelledFaces(
        images=[*own.images, *others.images, *aside.images],
        target=np.concatenate(
            [
                vote_targets(own.votes, recipe.disagreement),
                0.85 * stated + 0.15 / len(EMOTIONS),
                vote_targets(aside.votes, recipe.disagreement),
            ]
        ).astype(np.float32),
        group=np.arange(len(own.votes) + len(others) + len(aside.votes)),
        split=np.repeat(["train", "val"], [len(own.votes) + len(others), len(aside.votes)]),
    )
    config = FineTuneConfig.preset(
        backbone=options.backbone,
        weights=None,
        cut="global_pooling",
        preprocessing=Preprocessing(options.size, "rgb", CAFFE_MEANS),
        learning_rate=4e-4,
        balance=0.25,
        views=2,
        epochs=options.epochs,
    )
    run = fine_tune(config, faces, options.out, max_gb=30, progress=True)
    print(json.dumps(run.best, indent=1))


def label(options: argparse.Namespace) -> None:
    """Write what the teachers say of every face to learn from."""
    weights = np.array(options.weights or [1.0] * len(options.runs))
    if len(weights) != len(options.runs):
        raise SystemExit("give one weight for each run")
    recipe = CompactConfig()
    plus = load_ferplus(
        options.data / "ferplus_trainval.npz", held_out=recipe.held_out, seed=recipe.held_out_seed
    )
    own, aside = plus.part("train"), plus.part("val")
    others = faces_color(options.data / "faces_color.npz", "train")
    truth = vote_targets(aside.votes, recipe.disagreement)
    said, seen = [0, 0, 0], None
    for folder, weight in zip(options.runs, weights / weights.sum(), strict=True):
        network, preprocessing = finished(folder)
        found = [
            look(network, preprocessing, images)
            for images in (aside.images, own.images, others.images)
        ]
        if seen is None:
            seen = [features for _, features in found[1:]]
        logp = [np.log(probs + 1e-6) for probs, _ in found]
        temperature, offsets = fit_calibration(logp[0], truth)
        calibrated = [softmax((each + offsets) / temperature, axis=1) for each in logp]
        print(folder.name, classifier_scores(truth, calibrated[0]), flush=True)
        said = [total + weight * probs for total, probs in zip(said, calibrated, strict=True)]
    on_aside, on_own, on_others = said
    scores = classifier_scores(truth, on_aside)
    print("together", scores)
    stated = np.eye(len(EMOTIONS))[others.target.argmax(axis=1)]
    target = STATED * stated + (1 - STATED) * on_others
    extra = {}
    if options.features:
        both = principal(np.concatenate(seen), options.features)
        extra = {"features": both[: len(own)], "other_features": both[len(own) :]}
    np.savez(
        options.out,
        pixels=np.array([hashlib.sha256(image.tobytes()).hexdigest() for image in own.images]),
        probs=on_own.astype(np.float32),
        other_images=np.stack([cv2.resize(crop, (SIDE, SIDE)) for crop in others.images]),
        other_probs=target.astype(np.float32),
        scores=json.dumps(scores),
        **extra,
    )


def finished(folder: Path):
    """Return network and preprocessing of a finished run.

    The network gives logits (n, 9) and its last vectors before the head (n, k).
    """
    keras = import_keras()
    if (folder / "run.json").exists():
        record = json.loads((folder / "run.json").read_text())
        config = CompactConfig.from_dict(record["config"])
        network = build_network(config, config.size)
        network.load_weights(folder / "network.weights.h5")
        outputs = [network.output["logits"], network.get_layer("pool").output]
        return keras.Model(network.input, outputs), Preprocessing(config.size, "grey")
    config = json.loads((folder / "history.json").read_text())["identity"]["config"]
    network, preprocessing = networks.build_network(FineTuneConfig.from_json(config))
    networks.split_network(network)[1].load_weights(folder / "best.weights.h5")
    outputs = [network.output, network.get_layer("features").output]
    return keras.Model(network.input, outputs), preprocessing


def look(network, preprocessing, images) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities (n, 9) and features (n, k), means over pictures and mirror images."""
    found = []
    for start in range(0, len(images), 64):
        part = [np.asarray(image) for image in images[start : start + 64]]
        mirrored = [np.ascontiguousarray(image[:, ::-1]) for image in part]
        sides = [network.predict_on_batch(preprocessing(each)) for each in (part, mirrored)]
        probs = np.mean([softmax(logits, axis=1) for logits, _ in sides], axis=0)
        found.append((probs, np.mean([features for _, features in sides], axis=0)))
    probs, features = zip(*found, strict=True)
    return np.concatenate(probs), np.concatenate(features)


def principal(vectors: np.ndarray, count: int) -> np.ndarray:
    """Leading principal components (n, count), scaled together to a mean square of 1."""
    centred = vectors - vectors.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:count]
    components = centred @ axes.T
    return (components / np.sqrt(np.mean(components**2))).astype(np.float32)


if __name__ == "__main__":
    main()
