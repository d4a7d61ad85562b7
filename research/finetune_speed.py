"""How much sooner an epoch ends if the frozen part runs once: VGGFace ResNet-50, both loops.

python research/finetune_speed.py --work runs/finetune_speed
"""

import argparse
import json
import math
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from fer_nb.demo.synthetic import synthetic_faces
from fer_nb.training.common.faces import split_faces
from fer_nb.training.finetune.config import FineTuneConfig
from fer_nb.training.finetune.networks import build_network, import_keras, split_network
from fer_nb.training.finetune.train import fine_tune

RECORD = Path(__file__).parent / "records" / "finetune_speed.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", default="runs/finetune_speed")
    parser.add_argument("--per-person", type=int, default=12)
    options = parser.parse_args()
    faces = split_faces(synthetic_faces(people=8, per_person=options.per_person))
    rows = []
    for unfrozen in (13, 0):
        config = FineTuneConfig.preset("reference", weights=None, unfrozen=unfrozen)
        config = replace(config, epochs=4, views=1, augmentation="none", batch=16)
        row = {"unfrozen": unfrozen, "pictures": len(faces)}
        for name, cached in (("plain", False), ("cached", True)):
            folder = Path(options.work) / f"{name}-{unfrozen}"
            shutil.rmtree(folder, ignore_errors=True)
            began = time.perf_counter()
            run = fine_tune(config, faces, folder, cached=cached, progress=False)
            seconds = [epoch["seconds"] for epoch in run.history]
            row[f"{name}_epoch_s"] = float(np.median(seconds[1:]))  # the first one also compiles
            row[f"{name}_total_s"] = time.perf_counter() - began
            row[f"{name}_val_loss"] = [epoch["val_loss"] for epoch in run.history]
        row["multiplications"] = multiplications(config)
        row["speed_up"] = row["plain_epoch_s"] / row["cached_epoch_s"]
        rows.append(row)
        print(row, flush=True)
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    RECORD.write_text(json.dumps({"cores": os.cpu_count(), "rows": rows}, indent=1) + "\n")


def multiplications(config: FineTuneConfig) -> dict[str, int]:
    """Count what a picture takes in each loop, to learn from it and to validate.

    A layer that learns runs three times: forwards, for its weights' gradient, and for that of its
    input, which the first of them can leave out. Only convolutions and dense layers count.
    """
    keras = import_keras()

    def forwards(layer) -> int:
        if isinstance(layer, keras.layers.Conv2D):
            return math.prod(layer.output.shape[1:]) * math.prod(layer.kernel.shape[:3])
        return math.prod(layer.kernel.shape) if isinstance(layer, keras.layers.Dense) else 0

    prefix, tail = split_network(build_network(config)[0])
    frozen = sum(map(forwards, prefix.layers))
    learning = [count for count in map(forwards, tail.layers) if count]
    once, cached = sum(learning), 3 * sum(learning) - learning[0]
    return {
        "plain": frozen + cached,
        "cached": cached,
        "plain_validation": frozen + once,
        "cached_validation": once,
    }


if __name__ == "__main__":
    main()
