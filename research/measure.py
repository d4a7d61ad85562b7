"""The figures of the card: shipped networks and peers on all sets, once, by one script.

    python research/measure.py --data DATA --model accurate --out research/records/figures

RAF-DB's test part is read here and nowhere else.
"""

from __future__ import annotations

import argparse
import copy
import datetime
import json
import platform
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import faces as sets
import numpy as np
from scipy.special import softmax

from fer_nb.emotions import EMOTIONS
from fer_nb.evaluation import metrics
from fer_nb.evaluation.compare import steady_crops
from fer_nb.evaluation.evaluate import SEVEN_INDEX, evaluate
from fer_nb.evaluation.sets import SEVEN, load_evaluation_sets
from fer_nb.faces.detectors import load_detector
from fer_nb.models import Predictions, load_model
from fer_nb.training.common.faces import LabelledFaces

PEER = "derived/mobilenet_v1_224_affectnet7_dequant.keras"
HAPPY, NEUTRAL = EMOTIONS.index("happy"), EMOTIONS.index("neutral")


class Untouched:
    """HSEmotion's mobilenet_7 behind `predict_batch`, at its own 224 pixels."""

    def __init__(self, path: Path):
        from teacher import COLUMNS, answers, load_peer

        self.net, self.columns, self.answers = load_peer(path), COLUMNS, answers

    def predict_batch(self, faces: Sequence[np.ndarray]) -> Predictions:
        """Return probabilities of its seven emotions; valence and arousal are not told."""
        probs = np.zeros((len(faces), 9), np.float32)
        if len(faces):
            logits = self.answers(self.net, faces, 224)[1][:, self.columns]
            probs[:, self.columns] = softmax(logits, axis=1)
        four = np.full(len(faces), 4.0, np.float32)
        return Predictions(probs, four, four)


class Read:
    """A model that reads each judging set once; another prior follows by Bayes' rule."""

    def __init__(self, model, judges: dict[str, LabelledFaces], prior: dict | None = None):
        self.model, self.sets = model, {id(judge.images) for judge in judges.values()}
        self.kept: dict[int, Predictions] = {}
        self.ratings = getattr(model, "ratings", "adfes2011")
        self.missing = getattr(model, "missing", ("contempt", "uncertain"))
        self.prior = prior or getattr(model, "prior", dict.fromkeys(EMOTIONS, 1 / 9))
        self.factor = np.ones(9)

    def under(self, prior: dict) -> Read:
        """Return the same model under another prior, with what was read kept in common."""
        other = copy.copy(self)
        other.factor = np.array([prior[name] / self.prior[name] for name in EMOTIONS])
        return other

    def predict_batch(self, faces: Sequence[np.ndarray]) -> Predictions:
        """Return predictions under the prior."""
        found = self.kept.get(id(faces))
        if found is None:
            found = self.model.predict_batch(faces)
            if id(faces) in self.sets:
                self.kept[id(faces)] = found
        probs = found.probs * self.factor
        return replace(found, probs=probs / probs.sum(axis=1, keepdims=True))


def of_rafdb(model: Read, default: dict, judge: LabelledFaces, rows: np.ndarray, prior) -> dict:
    """LabelledFaces seven emotions of RAF-DB under the default prior and that of its train part."""
    probs = model.predict_batch(judge.images).probs[rows][:, SEVEN_INDEX]
    truth = np.searchsorted(SEVEN_INDEX, judge.label[rows])
    assumed = np.array([model.prior[name] for name in EMOTIONS])[SEVEN_INDEX]
    usual = np.array([default[name] for name in EMOTIONS])[SEVEN_INDEX]
    found: dict = {"pictures": len(truth)}
    for start, frequency in (("own prior: ", prior), ("default prior: ", usual)):
        changed = probs * frequency / assumed
        changed /= changed.sum(axis=1, keepdims=True)
        said = changed.argmax(axis=1)
        found |= {
            start + "accuracy": metrics.interval(lambda a, b: float(np.mean(a == b)), truth, said),
            start + "macro recall": metrics.interval(macro_recall, truth, said),
            start + "macro F1": metrics.interval(macro_f1, truth, said),
            start + "recall": dict(
                zip(SEVEN, metrics.recalls(metrics.confusion(truth, said, 7)).round(4), strict=True)
            ),
            start + "calibration error": round(
                metrics.calibration_error(np.eye(7)[truth], changed), 4
            ),
        }
    return found


def macro_recall(truth: np.ndarray, said: np.ndarray) -> float:
    """Return the mean recall of the seven."""
    return float(np.nanmean(metrics.recalls(metrics.confusion(truth, said, 7))))


def macro_f1(truth: np.ndarray, said: np.ndarray) -> float:
    """Return the mean F1 of the seven."""
    return metrics.macro_f1(truth, said, 7)


def smiles_by_gender(model, folder: Path, judge: LabelledFaces) -> dict:
    """Return the share of smiles and of neutral faces told rightly, women and men."""
    with np.load(folder / "london_dev.npz") as data:
        gender = data["face_gender"].astype(str)
    probs = model.predict_batch(judge.images).probs
    right = (probs[:, HAPPY] > probs[:, NEUTRAL]) == (judge.label == HAPPY)
    return {
        f"{who} {what}": [int(right[rows].sum()), int(rows.sum())]
        for who in ("female", "male")
        for what, label in (("smiling", HAPPY), ("neutral", NEUTRAL))
        for rows in [(gender == who) & (judge.label == label)]
    }


def flicker(model: Read, folder: Path) -> float:
    """Return the share of neighbouring frames with another decision, mean over test clips."""
    detector, changes = load_detector("haar"), []
    for path in sorted((folder / "videos").glob("liveportrait_*.mp4")):
        crops = steady_crops(path, 100, detector)
        if len(crops) >= 20:
            said = model.predict_batch(crops).probs[:, SEVEN_INDEX].argmax(axis=1)
            changes.append(np.mean(said[1:] != said[:-1]))
    return round(float(np.mean(changes)), 4)


def distinct(test: sets.FaceSet, train: sets.FaceSet) -> np.ndarray:
    """Tell the test pictures that resemble no train picture (likeness below 0.97)."""
    ours, theirs = sets.tiny(test.images), sets.tiny(train.images)
    return (ours @ theirs.T).max(axis=1) < sets.ALIKE


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", required=True, help="a name of ours, or mobilenet_7")
    parser.add_argument("--weights", type=Path, help="folder of mobilenet_7")
    parser.add_argument("--out", type=Path, required=True, help="folder for MODEL.json")
    options = parser.parse_args()
    judges = load_evaluation_sets(options.data)
    parts = {name: sets.rafdb(options.data, name) for name in ("test", "aside", "train")}
    for name in ("test", "aside"):
        judges[f"rafdb_{name}"] = parts[name]
    apart = distinct(parts["test"], sets.join(parts["train"], parts["aside"]))
    frequency = parts["train"].target.mean(axis=0)[SEVEN_INDEX]
    name = options.model
    if name == "mobilenet_7":
        model = Read(Untouched(options.weights / PEER), judges)
        usual = model.prior
    else:
        model = Read(load_model(name, "natural", 1), judges)
        usual = load_model(name, "default", 1).prior
    default = model.under(usual)
    test, every = judges["rafdb_test"], np.arange(len(apart))
    found = {
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {_processor()}",
        "rafdb_test": of_rafdb(model, usual, test, every, frequency),
        "rafdb_test without likenesses": of_rafdb(
            model, usual, test, np.flatnonzero(apart), frequency
        ),
        "rafdb_aside": of_rafdb(
            model, usual, judges["rafdb_aside"], np.arange(len(parts["aside"])), frequency
        ),
        "natural": evaluate(model, judges, corrupt=name != "mobilenet_7"),
        "default": evaluate(default, judges, corrupt=False),
        "london": smiles_by_gender(default, options.data, judges["london"]),
    }
    if name == "mobilenet_7":  # it says nothing of valence, arousal and doubt
        for table in (found["natural"], found["default"]):
            del table["public_test"]["uncertain AUROC"], table["diffusionfer"]["affect"]
    else:
        found["flicker"] = flicker(default, options.data)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / f"{name}.json"
    path.write_text(json.dumps(found, indent=1, default=float) + "\n")
    print(path, json.dumps(found["rafdb_test"], default=float), flush=True)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")


if __name__ == "__main__":
    main()
