"""Make a teacher for the compact network, and let it label what the network learns from.

The teacher is HSEmotion's mobilenet_7 (a Keras file), its last layers fine-tuned at 192 pixels to
the FER+ votes and to one half of `faces_color`, by `fer_nb.training.finetune` as in notebook 1. It
never learns from the pictures that the compact network keeps aside, nor from any judging set. Its
answers, each the mean over a picture and its mirror image, go into a file for
`fer-nb train compact --teacher FILE`.

    python benchmarks/model_teacher.py --data DATA --backbone mobilenet_7.keras \
        --work runs/teacher --out runs/teacher.npz
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
from model_peers import CAFFE_MEANS

from fer_nb.emotions import EMOTIONS
from fer_nb.training.compact_net import CompactConfig
from fer_nb.training.config import FineTuneConfig
from fer_nb.training.datasets import load_ferplus, vote_targets
from fer_nb.training.distill import vote_affect
from fer_nb.training.finetune import fine_tune
from fer_nb.training.judges import faces_color
from fer_nb.training.layouts import LabelledFaces, unlabelled
from fer_nb.training.scores import classifier_scores, softmax
from fer_nb.vggfer import Preprocessing

SIDE = 96  # of the other faces in the file
LABEL = 0.5  # how much of their target is what the annotator said; the rest is the teacher's


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--backbone", required=True, help="mobilenet_7 as a .keras file")
    parser.add_argument("--work", type=Path, default=Path("runs/teacher"))
    parser.add_argument("--out", type=Path, required=True, help="npz file for --teacher")
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    recipe = CompactConfig()
    plus = load_ferplus(
        options.data / "ferplus_trainval.npz", held_out=recipe.held_out, seed=recipe.seed
    )
    own, aside = plus.part("train"), plus.part("held_out")
    others = faces_color(options.data / "faces_color.npz", "train")
    stated = np.eye(len(EMOTIONS), dtype=np.float32)[others.label]
    faces = LabelledFaces(
        images=[*own.images, *others.crops, *aside.images],
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
    run = fine_tune(config, faces, options.work, max_gb=30, progress=True)
    kept = faces.part("val")

    def teacher(images) -> np.ndarray:
        return mirrored(lambda each: softmax(run.predict(unlabelled(each))), images)

    scores = classifier_scores(kept.target, teacher(kept.images))
    print(json.dumps(scores, indent=1))

    target = LABEL * stated + (1 - LABEL) * teacher(others.crops)
    np.savez(
        options.out,
        pixels=np.array([hashlib.sha256(image.tobytes()).hexdigest() for image in own.images]),
        probs=teacher(own.images).astype(np.float32),
        other_images=np.stack([cv2.resize(c, (SIDE, SIDE)) for c in others.crops]),
        other_probs=target.astype(np.float32),
        other_affect=vote_affect(10 * target),
        scores=json.dumps(scores),
        history=json.dumps(run.history),
    )


def mirrored(probs_of, images) -> np.ndarray:
    """Mean of the answers to pictures and to their mirror images."""
    flipped = [np.ascontiguousarray(image[:, ::-1]) for image in images]
    return (probs_of(list(images)) + probs_of(flipped)) / 2


if __name__ == "__main__":
    main()
