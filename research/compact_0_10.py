"""Make the compact network 0.10 again: eight runs and two means, each from the one before.

    python research/compact_0_10.py runs --data ferplus_trainval.npz --teachers FOLDER --step 1

One step at a time, because teachers are made between them; compact_0_10.md has the whole order. A
step that was cut off goes on. `--step 9` and `--step 10` average runs that began with the same
weights: where runs end in one valley of the loss, their mean is often better than each (Wortsman et
al. 2022, *Model soups*).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from fer_nb.training.common.augment import Augmentation
from fer_nb.training.common.ferplus import load_ferplus
from fer_nb.training.compact import loop, targets
from fer_nb.training.compact.network import CompactConfig, build_network
from fer_nb.training.compact.train import train


def webcam(jpeg: float, erase: float) -> Augmentation:
    """Return the augmentation of compact 0.10."""
    return Augmentation(scale=(0.82, 1.25), rotation=16.0, p_small=0.1, p_jpeg=jpeg, p_erase=erase)


FIRST = CompactConfig(
    blocks=(1, 2, 2, 1),
    dropout=0.2,
    epochs=30,
    small_until=0.35,
    learning_rate=2e-3,
    weight_decay=0.05,
    ema=0.99,
    ratings="adfes2011",
    affect_weight=4.0,
    concordance_weight=0.0,
    teacher_share=0.6,
    feature_weight=0.0,
    augmentation=webcam(0.15, 0.15),
)
SECOND = replace(
    FIRST,
    epochs=24,
    small_until=0.2,
    learning_rate=1.2e-3,
    affect_weight=2.0,
    concordance_weight=0.5,
    teacher_share=0.7,
)
THIRD = replace(
    SECOND,
    epochs=4,
    small_until=0.0,
    learning_rate=4e-4,
    augmentation=webcam(0.35, 0.15),
)
FOURTH = replace(SECOND, teacher_share=0.8, augmentation=webcam(0.3, 0.15))
FIFTH = replace(FOURTH, blocks=(1, 2, 3, 1), small_until=0.25)
SEVENTH = CompactConfig(
    epochs=36, learning_rate=1.2e-3, ema=0.99, teacher_share=0.8, augmentation=webcam(0.3, 0.05)
)
SIXTH = replace(SEVENTH, epochs=24, augmentation=FOURTH.augmentation)
EIGHTH = replace(SEVENTH, epochs=32, seed=1)
# Step: settings, the run whose weights it begins with, and the teachers' file.
STEPS = {
    1: (FIRST, None, None),
    2: (SECOND, "1", "teacher.npz"),
    3: (THIRD, "2", "teacher.npz"),
    4: (FOURTH, "9", "teachers.npz"),
    5: (FIFTH, "4", "teachers.npz"),
    6: (SIXTH, "5", "teachers.npz"),
    7: (SEVENTH, "6", "teachers.npz"),
    8: (EIGHTH, "7", "teachers_2.npz"),
}
MEANS = {9: ("2", "3"), 10: ("7", "8")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path, help="folder of the runs")
    parser.add_argument("--data", type=Path, required=True, help="FER+ as one .npz file")
    parser.add_argument("--teachers", type=Path, default=Path("."), help="folder of their files")
    parser.add_argument("--step", type=int, choices=[*STEPS, *MEANS], required=True)
    options = parser.parse_args()
    out = options.work / str(options.step)
    if options.step in MEANS:
        average([options.work / name for name in MEANS[options.step]], options.data, out)
        return
    config, before, teacher = STEPS[options.step]
    train(
        options.data,
        out,
        config,
        teacher=options.teachers / teacher if teacher else None,
        start=options.work / before / "network.weights.h5" if before else None,
    )


def average(runs: list[Path], data: Path, out: Path) -> None:
    """Average the weights of runs, and calibrate the mean on the held-out faces."""
    record = json.loads((runs[-1] / "run.json").read_text())
    config = CompactConfig.from_dict(record["config"])
    network = build_network(config)
    weights = []
    for run in runs:
        network.load_weights(run / "network.weights.h5")
        weights.append(network.get_weights())
    network.set_weights([np.mean(each, axis=0) for each in zip(*weights, strict=True)])
    faces = load_ferplus(data, held_out=config.held_out, seed=config.held_out_seed).part("val")
    held_out = targets.faces_of(faces, config)
    record["temperature"] = targets.calibrate(network, held_out, config)
    record["mean_of"] = [run.name for run in runs]
    record["history"] = [loop.measure(network, held_out, config)]
    out.mkdir(parents=True, exist_ok=True)
    network.save_weights(out / "network.weights.h5")
    (out / "run.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
