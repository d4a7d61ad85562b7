"""The fine-tuning recipe on FER+ with a backbone that was trained on faces: run records.

Every experiment goes through `fer_nb.training.finetune.fine_tune`, as notebook 1 does, and leaves
one JSON file in `benchmarks/records/finetune/`, from which `finetune_report.py` makes
docs/results.md. A random part of FER+ Training is for early stopping, the rest of it (or a random
part, `--pictures`) for training, and PublicTest (without pictures that also are in Training) is
looked at once, at the end of each run.

    python benchmarks/finetune_ferplus.py --data ferplus_trainval.npz --backbone backbone.keras \
        --cut global_pooling --work runs/finetune
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from model_peers import CAFFE_MEANS

from fer_nb.files import sha256
from fer_nb.training.config import FineTuneConfig
from fer_nb.training.features import FeatureStore
from fer_nb.training.finetune import Run, fine_tune
from fer_nb.training.layouts import LabelledFaces, read_faces
from fer_nb.training.networks import split_network, trainable_parameters
from fer_nb.training.records import machine
from fer_nb.training.scores import classifier_scores, confusion, softmax
from fer_nb.vggfer import Preprocessing

RECORDS = Path(__file__).parent / "records" / "finetune"

EXPERIMENTS = {
    "frozen": ("default", {"unfrozen": 0}),
    "last 13": ("default", {"unfrozen": 13}),
    "reference": ("reference", {"unfrozen": 13}),
    "last 13, hard labels": ("default", {"unfrozen": 13, "targets": "hard"}),
    "last 25": ("default", {"unfrozen": 25}),
    "reference, votes": ("reference", {"unfrozen": 13, "targets": "votes"}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--backbone", required=True, help="a .keras file")
    parser.add_argument("--cut", default="global_pooling")
    parser.add_argument("--work", default="runs/finetune")
    parser.add_argument("--pictures", type=int, help="to train on; all by default")
    parser.add_argument(
        "--val", type=int, help="pictures for early stopping; all kept aside by default"
    )
    parser.add_argument("--test", type=int, help="pictures of PublicTest; all by default")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--size", type=int, default=160, help="side of the network's input")
    parser.add_argument("--views", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="of everything but the choice of faces")
    parser.add_argument("--only", nargs="*", choices=EXPERIMENTS, default=list(EXPERIMENTS))
    parser.add_argument("--suffix", default="", help="added to the names of the records")
    options = parser.parse_args()

    faces = read_faces(options.data)
    faces = some_of(faces, train=options.pictures, val=options.val, test=options.test)
    test = faces.part("test")
    for name in options.only:
        preset, changes = EXPERIMENTS[name]
        config = FineTuneConfig.preset(
            preset,
            **changes,
            backbone=options.backbone,
            weights=None,
            cut=options.cut,
            preprocessing=Preprocessing(options.size, "bgr", CAFFE_MEANS),
            epochs=options.epochs,
            views=options.views,
            seed=options.seed,
        )
        called = name + options.suffix + (f", seed {options.seed}" if options.seed else "")
        folder = Path(options.work) / called.replace(" ", "_").replace(",", "")
        began = time.perf_counter()
        run = fine_tune(
            config, faces, folder, cache_folder=Path(options.work) / "features", progress=True
        )
        probs = softmax(predict(run, test, Path(options.work) / "features"))
        shown = replace(config, backbone=Path(options.backbone).name).to_json()
        record = {
            "experiment": called,
            "config": shown,
            "backbone_sha256": sha256(options.backbone),
            "data_sha256": sha256(options.data),
            "pictures": {s: int((faces.split == s).sum()) for s in ("train", "val", "test")},
            "trainable_parameters": trainable_parameters(run.network),
            "history": run.history,
            "seconds": time.perf_counter() - began,
            "machine": machine(),
            "test": classifier_scores(test.target, probs),
            "confusion": confusion(test.target, probs).to_numpy().tolist(),
        }
        RECORDS.mkdir(parents=True, exist_ok=True)
        (RECORDS / f"{folder.name}.json").write_text(json.dumps(record, indent=1) + "\n")
        print(called, {key: round(value, 4) for key, value in record["test"].items()}, flush=True)


def some_of(faces: LabelledFaces, **limits: int | None) -> LabelledFaces:
    """Return so many faces of each split that is named, drawn with a fixed seed; None is all."""
    rows = [
        np.random.default_rng(0).permutation(np.flatnonzero(faces.split == split))[:limit]
        for split, limit in limits.items()
    ]
    return faces.rows(np.sort(np.concatenate(rows)))


def predict(run: Run, faces: LabelledFaces, cache: Path) -> np.ndarray:
    """As `run.predict`, with the frozen part's outputs shared between experiments."""
    prefix, tail = split_network(run.network)
    store = FeatureStore(cache, prefix, run.preprocessing)
    rows = store.view(faces.images, 0)
    parts = np.array_split(rows, max(1, len(rows) // 64))
    return np.concatenate([np.asarray(tail.predict_on_batch(store.batch(p))) for p in parts])


if __name__ == "__main__":
    main()
