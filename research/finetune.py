"""What docs/results.md tells of fine-tuning: the recipe of notebook 1 on FER+, with real faces.

`emotion` trains by each of EXPERIMENTS. A random part of FER+ Training is for early stopping, the
rest of it (or a random part, `--pictures`) for training, and PublicTest (without pictures that also
are in Training) is looked at once, at the end of each run. `va` compares three ways to make
valence/arousal labels, on the same frozen features, on faces that people rated and that no training
has seen. Both keep what came out in `research/records/finetune.json`.

    python research/finetune.py emotion --data ferplus_trainval.npz --backbone backbone.keras
    python research/finetune.py va --data ferplus_trainval.npz --backbone backbone.keras \
        --affect diffusionfer_dev.npz
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.special import softmax

from fer_nb.emotions import RATINGS
from fer_nb.evaluation.metrics import classifier_scores, confusion_table, va_scores
from fer_nb.files import new_file, sha256
from fer_nb.models import Preprocessing
from fer_nb.training.common.faces import LabelledFaces
from fer_nb.training.common.labels import VA_METHODS
from fer_nb.training.common.layouts import read_affect, read_faces
from fer_nb.training.common.records import machine
from fer_nb.training.finetune.config import FineTuneConfig
from fer_nb.training.finetune.features import FeatureStore
from fer_nb.training.finetune.networks import split_network, trainable_parameters
from fer_nb.training.finetune.train import Run, fine_tune

RECORDS = Path(__file__).parent / "records" / "finetune.json"
# ImageNet's mean blue, green and red, as Caffe's VGG networks take them off (Simonyan & Zisserman
# 2015).
CAFFE_MEANS = (103.939, 116.779, 123.68)

EXPERIMENTS = {
    "frozen": ("default", {"unfrozen": 0}),
    "last 13": ("default", {"unfrozen": 13}),
    "reference": ("reference", {"unfrozen": 13}),
    "last 13, hard labels": ("default", {"unfrozen": 13, "targets": "hard"}),
    "last 25": ("default", {"unfrozen": 25}),
    "reference, votes": ("reference", {"unfrozen": 13, "targets": "votes"}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("emotion", "va"))
    parser.add_argument("--data", required=True, help="FER+ as one .npz file")
    parser.add_argument("--affect", help="for va: faces that people rated")
    parser.add_argument("--backbone", required=True, help="a .keras file")
    parser.add_argument("--cut", default="global_pooling")
    parser.add_argument("--work", type=Path, default=Path("runs/finetune"))
    parser.add_argument("--pictures", type=int, help="to train on; all by default")
    parser.add_argument("--val", type=int, help="pictures for early stopping; all by default")
    parser.add_argument("--test", type=int, help="pictures of PublicTest; all by default")
    parser.add_argument("--epochs", type=int, default=5, help="10 for va on record")
    parser.add_argument("--size", type=int, default=160, help="side of the network's input")
    parser.add_argument("--seed", type=int, default=0, help="of everything but the choice of faces")
    parser.add_argument("--only", nargs="*", choices=EXPERIMENTS, default=list(EXPERIMENTS))
    parser.add_argument("--suffix", default="", help="added to the names of the records")
    options = parser.parse_args()
    faces = read_faces(options.data)
    faces = some_of(faces, train=options.pictures, val=options.val, test=options.test)
    settings = {
        "backbone": options.backbone,
        "weights": None,
        "cut": options.cut,
        "preprocessing": Preprocessing(options.size, "bgr", CAFFE_MEANS),
        "epochs": options.epochs,
        "views": 2,
        "seed": options.seed,
    }
    sources = {"data_sha256": sha256(options.data), "backbone_sha256": sha256(options.backbone)}
    if options.what == "va":
        sources["affect_sha256"] = sha256(options.affect)
        keep(valence_arousal(faces, settings, options.affect, options.work) | sources, "va")
        return
    for name in options.only:
        called = name + options.suffix + (f", seed {options.seed}" if options.seed else "")
        folder = options.work / called.replace(" ", "_").replace(",", "")
        record = {"experiment": called, **emotion(faces, name, settings, folder), **sources}
        keep(record, "runs", folder.name)
        print(called, {key: round(value, 4) for key, value in record["test"].items()}, flush=True)


def emotion(faces: LabelledFaces, name: str, settings: dict, folder: Path) -> dict:
    """Train by one experiment and return its record."""
    preset, changes = EXPERIMENTS[name]
    config = FineTuneConfig.preset(preset, **settings, **changes)
    cache, began, test = folder.parent / "features", time.perf_counter(), faces.part("test")
    run = fine_tune(config, faces, folder, cache_folder=cache, progress=True)
    probs = softmax(predict(run, test, cache), axis=1)
    return {
        "config": shown(config),
        "pictures": {s: int((faces.split == s).sum()) for s in ("train", "val", "test")},
        "trainable_parameters": trainable_parameters(run.network),
        "history": run.history,
        "seconds": time.perf_counter() - began,
        "machine": machine(),
        "test": classifier_scores(test.target, probs),
        "confusion": confusion_table(test.target, probs).to_numpy().tolist(),
    }


def valence_arousal(faces: LabelledFaces, settings: dict, affect: str, work: Path) -> dict:
    """Train with each way to make labels and return what each reaches."""
    images, truth = read_affect(affect)
    config = FineTuneConfig(task="va", unfrozen=0, **settings)
    results = []
    for table in RATINGS:
        for how in VA_METHODS:
            if table != "adfes2011" and how == "gaussian":
                continue  # the others give no spread of arousal
            chosen = replace(config, va_method=how, ratings=table)
            folder = work / f"va-{how}-{table}"
            run = fine_tune(chosen, faces, folder, cache_folder=work / "features")
            scores = va_scores(truth, run.predict(images))
            results.append({"method": how, "table": table, **scores})
            print(results[-1], flush=True)
    counts = {split: int((faces.split == split).sum()) for split in ("train", "val")}
    pictures = {**counts, "judged": len(images)}
    return {"config": shown(config), "pictures": pictures, "results": results}


def shown(config: FineTuneConfig) -> dict:
    """Return a configuration without the folder of its backbone."""
    return replace(config, backbone=Path(config.backbone).name).to_json()


def keep(record: dict, *place: str) -> None:
    """Put a record at its place in the file of records, which is replaced as a whole."""
    everything = json.loads(RECORDS.read_text())
    inner = everything
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = record
    with new_file(RECORDS, force=True) as part:
        part.write_text(json.dumps(everything, indent=1) + "\n")


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
