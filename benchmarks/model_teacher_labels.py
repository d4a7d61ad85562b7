"""Have teachers label what the compact network learns from: a file for `--teacher`.

A teacher is the folder of a run of `fer_nb.training.finetune`. Its answer is the mean over a
picture and its mirror image, calibrated on the faces kept aside (`distill.fit_calibration`); of
several teachers the weighted mean is taken. What the annotator of `faces_color` said makes up half
of those faces' labels. With `--features` the file also holds what the first teacher saw in each
face: the leading principal components of its last vector before the head.

    python benchmarks/model_teacher_labels.py runs/teacher runs/finetune/last_25_all_pictures \
        --weights 0.6 0.4 --data DATA --out teacher.npz
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
from fer_nb.training.compact_net import CompactConfig
from fer_nb.training.config import FineTuneConfig
from fer_nb.training.datasets import load_ferplus, vote_targets
from fer_nb.training.distill import fit_calibration
from fer_nb.training.finetune import Run
from fer_nb.training.judges import faces_color
from fer_nb.training.layouts import unlabelled
from fer_nb.training.networks import build_network, import_keras, split_network
from fer_nb.training.scores import classifier_scores

SIDE = 96  # of the other faces in the file
STATED = 0.5  # how much of their target is what the annotator said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="folders of fine-tuned teachers")
    parser.add_argument("--weights", type=float, nargs="+", help="one for each; equal by default")
    parser.add_argument("--features", type=int, default=0, help="how many; none by default")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="npz file")
    options = parser.parse_args()
    weights = np.array(options.weights or [1.0] * len(options.runs))
    if len(weights) != len(options.runs):
        parser.error("give one weight for each run")
    recipe = CompactConfig()
    plus = load_ferplus(
        options.data / "ferplus_trainval.npz", held_out=recipe.held_out, seed=recipe.seed
    )
    own, aside = plus.part("train"), plus.part("held_out")
    others = faces_color(options.data / "faces_color.npz", "train")
    truth = vote_targets(aside.votes, recipe.disagreement)
    said = [0, 0, 0]
    for folder, weight in zip(options.runs, weights / weights.sum(), strict=True):
        run = finished(folder)
        answers = [log_probs(run, images) for images in (aside.images, own.images, others.crops)]
        temperature, offsets = fit_calibration(answers[0], truth)
        calibrated = [softmax((logp + offsets) / temperature, axis=1) for logp in answers]
        print(folder, classifier_scores(truth, calibrated[0]), flush=True)
        said = [total + weight * probs for total, probs in zip(said, calibrated, strict=True)]
    on_aside, on_own, on_others = said
    scores = classifier_scores(truth, on_aside)
    print("together", scores)
    stated = np.eye(len(EMOTIONS))[others.label]
    target = STATED * stated + (1 - STATED) * on_others
    extra = {}
    if options.features:
        seen = [features(finished(options.runs[0]), part) for part in (own.images, others.crops)]
        both = principal(np.concatenate(seen), options.features)
        extra = {"features": both[: len(own)], "other_features": both[len(own) :]}
    np.savez(
        options.out,
        pixels=np.array([hashlib.sha256(image.tobytes()).hexdigest() for image in own.images]),
        probs=on_own.astype(np.float32),
        other_images=np.stack([cv2.resize(crop, (SIDE, SIDE)) for crop in others.crops]),
        other_probs=target.astype(np.float32),
        scores=json.dumps(scores),
        **extra,
    )


def finished(folder: Path) -> Run:
    """Load the best epoch of a finished run."""
    config = json.loads((folder / "history.json").read_text())["identity"]["config"]
    network, preprocessing = build_network(FineTuneConfig.from_json(config))
    split_network(network)[1].load_weights(folder / "best.weights.h5")
    return Run(FineTuneConfig.from_json(config), network, preprocessing)


def log_probs(run: Run, images) -> np.ndarray:
    """Logarithms of the probabilities (n, 9), each the mean over a picture and its mirror image."""
    images = [np.asarray(image) for image in images]
    mirrored = [np.ascontiguousarray(image[:, ::-1]) for image in images]
    probs = [softmax(run.predict(unlabelled(part)), axis=1) for part in (images, mirrored)]
    return np.log(np.mean(probs, axis=0) + 1e-6)


def features(run: Run, images) -> np.ndarray:
    """Last vectors before the head (n, 1024), each the mean over a picture and its mirror image."""
    keras = import_keras()
    body = keras.Model(run.network.input, run.network.get_layer("features").output)
    found = []
    for start in range(0, len(images), 64):
        part = [np.asarray(image) for image in images[start : start + 64]]
        mirrored = [np.ascontiguousarray(image[:, ::-1]) for image in part]
        vectors = [body.predict_on_batch(run.preprocessing(each)) for each in (part, mirrored)]
        found.append(np.mean(vectors, axis=0))
    return np.concatenate(found)


def principal(vectors: np.ndarray, count: int) -> np.ndarray:
    """Leading principal components (n, count), scaled together to a mean square of 1."""
    centred = vectors - vectors.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:count]
    components = centred @ axes.T
    return (components / np.sqrt(np.mean(components**2))).astype(np.float32)


if __name__ == "__main__":
    main()
