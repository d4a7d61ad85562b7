"""Fine-tune a teacher for the compact network: HSEmotion's mobilenet_7, its last layers, at 192 px.

By `fer_nb.training.finetune`, as in notebook 1, on the FER+ votes and on one half of `faces_color`;
never on the pictures that the compact network keeps aside, nor on any judging set. Its labels come
from `model_teacher_labels.py`.

    python benchmarks/model_teacher.py --data DATA --backbone mobilenet_7.keras --out runs/teacher
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from model_peers import CAFFE_MEANS

from fer_nb.emotions import EMOTIONS
from fer_nb.training.compact_net import CompactConfig
from fer_nb.training.config import FineTuneConfig
from fer_nb.training.datasets import load_ferplus, vote_targets
from fer_nb.training.finetune import fine_tune
from fer_nb.training.judges import faces_color
from fer_nb.training.layouts import LabelledFaces
from fer_nb.vggfer import Preprocessing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--backbone", required=True, help="mobilenet_7 as a .keras file")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args()
    recipe = CompactConfig()
    plus = load_ferplus(
        options.data / "ferplus_trainval.npz", held_out=recipe.held_out, seed=recipe.held_out_seed
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
    run = fine_tune(config, faces, options.out, max_gb=30, progress=True)
    print(json.dumps(run.best, indent=1))


if __name__ == "__main__":
    main()
