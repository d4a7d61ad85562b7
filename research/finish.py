"""From trained students to the models' folders: calibration, priors, ONNX."""

from __future__ import annotations

import json
from pathlib import Path

import faces as sets
import numpy as np
import torch
from distill import PLANS
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from student import Student, answer, to_keras

from fer_nb.emotions import EMOTIONS
from fer_nb.evaluation.evaluate import SEVEN_INDEX
from fer_nb.evaluation.metrics import confusion, recalls
from fer_nb.evaluation.sets import diffusionfer, faces_color, london
from fer_nb.training.common.records import write_run
from fer_nb.training.compact.export import export
from fer_nb.training.compact.network import build_network
from fer_nb.training.compact.targets import fit_calibration

# What each shipped network is, and since when.
STUDENTS = {"accurate": ("accurate_2", "0.13.0"), "compact": ("compact_2", "0.12.0")}
LICENSE = "research and teaching, non-commercial (learned from RAF-DB)"
DATA = (
    "FER+ votes on FER2013 Training, RAF-DB (nine tenths of its train part), 7,080 grey crops of "
    "muxspace/facial_expressions, 2,499 faces without labels (GENKI-4K, clips); a fine-tuned "
    "HSEmotion mobilenet_7, MediaPipe's blendshapes and compact 0.10.0 as teachers; see card.md"
)


def export_all(work) -> None:
    """Write WORK/models/accurate and WORK/models/compact."""
    for name in STUDENTS:
        export_one(work, name)


def export_one(work, name: str) -> Path:
    """Write WORK/models/NAME: model.json, ONNX file and Keras weights."""
    source, version = STUDENTS[name]
    run = finish(work, source)
    folder = work.folder / "models" / name
    export(run, folder, version=version, name=name, license=LICENSE, trained_on=DATA, force=True)
    set_priors(folder, json.loads((run / "run.json").read_text())["priors"])
    return folder


def finish(work, source: str) -> Path:
    """Calibrate a student by the votes on faces kept aside, fit its default prior, record it."""
    config = PLANS[source]
    learned = torch.load(work.folder / f"{source}.pt", map_location="cpu")
    student = Student(config)
    student.load_state_dict({k: v for k, v in learned.items() if not k.startswith("features")})
    aside = sets.ferplus(work.data, "val")
    logits = answer(student, aside.images, config)["logits"]
    temperature, offsets = fit_calibration(logits, aside.target)
    with torch.no_grad():
        student.logits.bias += torch.tensor(offsets)
    natural = sets.ferplus(work.data, "train").target.mean(axis=0, dtype=float)
    judged = sources(
        work.data, lambda crops: answer(student, crops, config)["logits"] / temperature
    )
    found = choose_prior(judged, natural)
    network = build_network(config, config.size)
    to_keras(student, network)
    run = work.folder / source
    network.save_weights(run / "network.weights.h5")
    write_run(
        run / "run.json",
        config=config.to_dict(),
        data={
            "ferplus": work.data / "ferplus_trainval.npz",
            "rafdb": work.data / "rafdb_train.npz",
            "faces_color": work.data / "faces_color.npz",
        },
        history=json.loads((run / "history.json").read_text()),
        natural_prior=natural.round(6).tolist(),
        temperature=round(float(temperature), 4),
        priors=found,
    )
    return run


def sources(folder: Path, read) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return log-probabilities (n, 7) and labels (n,) of five sources, none learned from."""
    plus, raf = sets.ferplus(folder, "val"), sets.rafdb(folder, "aside")
    made = diffusionfer(folder / "diffusionfer_dev.npz")
    other = faces_color(folder / "faces_color.npz")
    posed = london(folder / "london_dev.npz")
    rng = np.random.default_rng(0)
    some = np.concatenate(
        [rng.permutation(np.flatnonzero(other.label == c))[:250] for c in np.unique(other.label)]
    )
    given = {
        "ferplus": (plus.images, plus.target.argmax(axis=1)),
        "rafdb": (raf.images, raf.target.argmax(axis=1)),
        "diffusionfer": (made.images, made.label),
        "london": (posed.images, posed.label),
        "faces_color": ([other.images[i] for i in some], other.label[some]),
    }
    found = {}
    for name, (crops, label) in given.items():
        rows = np.flatnonzero(np.isin(label, SEVEN_INDEX))
        logits = read([crops[i] for i in rows])[:, SEVEN_INDEX]
        found[name] = log_softmax(logits, axis=1), np.searchsorted(SEVEN_INDEX, label[rows])
    return found


def fit_prior(judged: dict, natural: np.ndarray, ridge: float = 0.005) -> np.ndarray:
    """Return a prior of seven that serves several sources, each as much as any other.

    It lowers the cross-entropy, of which half counts every face and half every class the same, and
    is held near the square root of the natural one.
    """
    middle = 0.5 * np.log(natural)
    middle -= middle.mean()

    def loss(prior: np.ndarray) -> float:
        total = 0.0
        for logp, label in judged.values():
            count = np.bincount(label, minlength=7)
            weight = 0.5 / len(label) + 0.5 / (count[label] * np.count_nonzero(count))
            changed = log_softmax(logp - np.log(natural) + prior, axis=1)
            total -= (weight * changed[np.arange(len(label)), label]).sum()
        return total / len(judged) + ridge * ((prior - middle) ** 2).sum()

    return softmax(minimize(loss, middle, method="BFGS").x)


def served(logp: np.ndarray, label: np.ndarray, change: np.ndarray) -> float:
    """Return the mean of accuracy and macro-recall after a change of prior."""
    said = (logp + np.log(change)).argmax(axis=1)
    enough = np.bincount(label, minlength=7) >= 20
    found = recalls(confusion(label, said, 7))[enough].mean()
    return float((np.mean(said == label) + found) / 2)


def choose_prior(judged: dict, natural: np.ndarray) -> dict:
    """Compare natural ** a and a fitted prior, each source judged by a prior from the others.

    Returns
    -------
    dict
        `natural`, `default` and `balanced`, nine numbers each, and `left_out`: how well each way
        served the source that it had not seen, on average.
    """
    seven = natural[SEVEN_INDEX] / natural[SEVEN_INDEX].sum()
    ways = {f"natural^{a}": seven ** (a - 1) for a in (1.0, 0.75, 0.5, 0.25, 0.0)}
    left_out = {name: [] for name in [*ways, "fitted"]}
    for name, (logp, label) in judged.items():
        others = {key: value for key, value in judged.items() if key != name}
        for way, change in {**ways, "fitted": fit_prior(others, seven) / seven}.items():
            left_out[way].append(served(logp, label, change))
    means = {way: round(float(np.mean(values)), 4) for way, values in left_out.items()}
    # Of ways that serve the same within two thousandths, far less than chance moves such a mean,
    # the most even: it finds more that is rare.
    close = [way for way in means if means[way] > max(means.values()) - 0.002]
    best = min(close, key=[*reversed(ways), "fitted"].index)
    change = fit_prior(judged, seven) / seven if best == "fitted" else ways[best]
    default = natural.copy()
    default[SEVEN_INDEX] *= change
    strength = 0.5
    # Contempt and uncertain are in no source but FER+: they move as a class as rare as they do.
    for column in set(range(len(EMOTIONS))) - set(SEVEN_INDEX):
        default[column] = natural[column] ** strength * (
            default[SEVEN_INDEX].sum() / (natural[SEVEN_INDEX] ** strength).sum()
        )
    named = {"natural": natural, "default": default, "balanced": np.ones(9)}
    priors = {key: (value / value.sum()).round(6).tolist() for key, value in named.items()}
    return {**priors, "way": best, "left_out": means}


def set_priors(folder: Path, found: dict) -> None:
    """Write the priors into a model's description."""
    path = folder / "model.json"
    info = json.loads(path.read_text())
    info["priors"] = {name: found[name] for name in ("natural", "default", "balanced")}
    info["prior_strength"] = found["way"]
    info["mirror"] = info["name"] == "accurate"  # twice the time, which compact is not given
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in info.items())
    path.write_text(f"{{\n{lines}\n}}\n")
