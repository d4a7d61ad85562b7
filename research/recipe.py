"""Make the shipped networks again: `accurate` and `compact`, from the npz files of shared data.

    python research/recipe.py STEP --data DATA --weights WEIGHTS --work WORK

The steps, in this order; each keeps what it made in WORK, and a step that was cut off goes on:

| step | what |
|---|---|
| faces | faces without labels, what compact 0.10.0 says of all, and the untouched mobilenet_7 |
| teacher | mobilenet_7, blocks 7 to 13, three epochs at 128 pixels |
| answers | what the teacher says of the faces, and its features |
| first | the larger network on labels, from compact 0.10.0 |
| accurate, compact | the networks of 0.11.0 on the teacher's answers |
| blendshapes | MediaPipe's blendshapes of the faces (`blendshapes.py`) |
| teacher_2, answers_2 | mobilenet_7 again, six epochs at 192 pixels |
| accurate_2, compact_2 | the shipped networks, from those of 0.11.0 |
| export | calibrate, choose the priors, write the models |

record.md says how long each took.

Where PyTorch finds a GPU, the same steps run on it (that path was not tried: no GPU was to be had).
"""

from __future__ import annotations

import argparse
import os
import pickle
from dataclasses import replace
from functools import partial
from pathlib import Path

import faces as sets
import numpy as np
import smiles
import torch
from distill import PLANS, learn
from scipy.special import softmax
from student import Student, from_keras
from teacher import COLUMNS, MobileNet, answers, fine_tune, load_peer

from fer_nb.emotions import expected_valence_arousal, to_unit
from fer_nb.models import load_model
from fer_nb.training.common.faces import LabelledFaces

# Side, epochs, the epoch whose weights are taken, FER+ faces in an epoch.
TEACHERS = {"teacher": (128, 3, 3, 8000), "teacher_2": (192, 6, 5, 5000)}
START = "compact-0.10"
PEER = "derived/mobilenet_v1_224_affectnet7_dequant.keras"
LANDMARKER = "det/face_landmarker.task"
DETECTOR = "det/face_detection_yunet_2023mar.onnx"
FERPLUS, RAF, COLOURED, NONE = range(4)


class Work:
    """Where the steps find their data and keep what they made."""

    def __init__(self, data: Path, weights: Path, folder: Path):
        self.data, self.weights, self.folder = data, weights, folder
        folder.mkdir(parents=True, exist_ok=True)

    def faces(self) -> tuple[sets.FaceSet, np.ndarray]:
        """Return all faces to learn from, and of which kind each is."""
        with (self.folder / "unlabelled.pkl").open("rb") as file:
            others = sets.unlabelled(pickle.load(file))
        parts = [
            sets.ferplus(self.data, "train"),
            sets.rafdb(self.data, "train"),
            sets.coloured(self.data, "train"),
            others,
        ]
        return sets.join(*parts), np.repeat(range(4), [len(part) for part in parts])

    def save(self, name: str, **arrays) -> None:
        """Write arrays as NAME.npz, whole or not at all."""
        part = self.folder / "part.npz"
        np.savez(part, **arrays)
        os.replace(part, self.folder / f"{name}.npz")

    def load(self, name: str) -> dict[str, np.ndarray]:
        """Read what `save` wrote."""
        with np.load(self.folder / f"{name}.npz") as file:
            return dict(file)


def make_faces(work: Work) -> None:
    """Cut the faces without labels; ask compact 0.10.0 and the untouched mobilenet_7."""
    found = sets.clips_and_photos(work.data, work.weights / DETECTOR)
    with (work.folder / "unlabelled.pkl").open("wb") as file:
        pickle.dump(found, file)
    every, kind = work.faces()
    own = load_model(START, prior="natural")
    probs = [own.predict_batch(every.images[i : i + 512]).probs for i in range(0, len(every), 512)]
    peer = load_peer(work.weights / PEER)
    raf, coloured = (every.rows(kind == k).images for k in (RAF, COLOURED))
    untouched = {"raf": answers(peer, raf, 160)[1], "coloured": answers(peer, coloured, 160)[1]}
    work.save("start", probs=np.concatenate(probs), **untouched)


def of_seven(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities (n, 9) of a network that knows seven emotions."""
    probs = np.zeros((len(logits), 9), np.float32)
    probs[:, COLUMNS] = softmax(logits[:, COLUMNS], axis=1)
    return probs


def make_teacher(work: Work, name: str) -> None:
    """Fine-tune mobilenet_7 on a part of FER+, all of RAF-DB and a part of `faces_color`."""
    size, epochs, _, count = TEACHERS[name]
    start = work.load("start")
    plus = sets.ferplus(work.data, "train")
    raf = sets.rafdb(work.data, "train", smooth=0.1)
    other = sets.coloured(work.data, "train", smooth=0.15)
    raf = replace(raf, target=0.8 * raf.target + 0.2 * of_seven(start["raf"]))
    other = replace(other, target=0.65 * other.target + 0.35 * of_seven(start["coloured"]))
    rare = np.flatnonzero(uncommon(other))
    few = np.flatnonzero(plus.target[:, 1:4].max(axis=1) > 0.35)
    order = np.random.default_rng(5).permutation(len(plus))

    def per_epoch(epoch: int, rng: np.random.Generator) -> np.ndarray:
        some = rng.choice(few, 400)
        common = rng.choice(len(other), 2000, replace=False)
        after = len(plus) + len(raf)
        return rng.permutation(
            np.r_[
                order[(epoch * count) % (len(plus) - count) :][:count],
                some,
                len(plus) + np.arange(len(raf)),
                after + np.unique(np.r_[common, rare]),
            ]
        )

    net = load_peer(work.weights / PEER)
    (work.folder / name).mkdir(exist_ok=True)
    faces = sets.join(plus, raf, other)
    fine_tune(net, faces, work.folder / name, per_epoch, size=size, epochs=epochs)


def uncommon(faces: sets.FaceSet) -> np.ndarray:
    """Tell the faces that are labelled neither happy nor neutral."""
    return ~np.isin(faces.target.argmax(axis=1), [4, 5])


def asked(work: Work) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the rows and crops that teachers are asked of: of FER+ only 11,000 and the rare."""
    every, kind = work.faces()
    plus = np.random.default_rng(9).permutation(np.flatnonzero(kind == FERPLUS))[:11000]
    few = (kind == FERPLUS) & (every.target[:, 1:4].max(axis=1) > 0.35)
    rows = np.flatnonzero((kind != FERPLUS) | few | np.isin(np.arange(len(kind)), plus))
    return rows, [every.images[i] for i in rows]


def make_answers(work: Work, name: str) -> None:
    """Ask a teacher, and the untouched network, of the faces."""
    rows, crops = asked(work)
    size, _, taken, _ = TEACHERS[name]
    teacher = MobileNet()
    teacher.load_state_dict(torch.load(work.folder / name / f"teacher_{taken}.pt"))
    features, logits = answers(teacher, crops, size)
    untouched = answers(load_peer(work.weights / PEER), crops, size)[1]
    out = name.replace("teacher", "answers")
    work.save(out, rows=rows, teacher=logits, untouched=untouched, features=features)


def make_blendshapes(work: Work) -> None:
    """Write WORK/blendshapes.npz, here or, without MediaPipe, by `blendshapes.py` elsewhere."""
    rows, crops = asked(work)
    with (work.folder / "crops.pkl").open("wb") as file:
        pickle.dump((rows, crops), file)
    from blendshapes import shapes

    work.save("blendshapes", rows=rows, shapes=shapes(crops, work.weights / LANDMARKER))


def first_lesson(work: Work) -> tuple[np.ndarray, np.ndarray, np.ndarray, sets.FaceSet]:
    """Targets, features (none) and shares before there is a teacher."""
    every, kind = work.faces()
    start = work.load("start")
    own, label = start["probs"], every.target
    target = own.copy()
    plus, raf, coloured = (kind == k for k in (FERPLUS, RAF, COLOURED))
    target[plus] = 0.35 * label[plus] + 0.65 * own[plus]
    target[raf] = 0.75 * label[raf] + 0.15 * of_seven(start["raf"]) + 0.10 * own[raf]
    target[coloured] = (
        0.5 * label[coloured] + 0.2 * of_seven(start["coloured"]) + 0.3 * own[coloured]
    )
    share = np.array([0.45, 1.0, 0.35, 0.0])[kind]
    share[coloured & uncommon(every)] = 1.5
    share[plus & (label[:, 1:4].max(axis=1) > 0.35)] = 1.0
    return target, np.zeros((len(every), 1), np.float32), share, every


# Of each kind of face, how much of its target comes from raters, teacher, untouched network and
# compact 0.10.0; FER+ faces of which the teacher was not asked have raters and compact 0.10.0 only.
MIXTURES = {
    "answers": {
        FERPLUS: (0.3, 0.25, 0.0, 0.45),
        RAF: (0.6, 0.25, 0.1, 0.05),
        COLOURED: (0.35, 0.3, 0.15, 0.2),
        NONE: (0.0, 0.5, 0.25, 0.25),
    },
    "answers_2": {
        FERPLUS: (0.3, 0.35, 0.0, 0.35),
        RAF: (0.45, 0.4, 0.1, 0.05),
        COLOURED: (0.3, 0.4, 0.2, 0.1),
        NONE: (0.0, 0.55, 0.3, 0.15),
    },
}


def second_lesson(work: Work, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, sets.FaceSet]:
    """Targets of raters, teacher, untouched network and compact 0.10.0; features to guess.

    The features are 64 principal axes of what the teacher sees, and in the second round 52
    blendshapes.
    """
    every, kind = work.faces()
    told, own, label = work.load(name), work.load("start")["probs"], every.target

    def everywhere(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
        whole = np.full((len(every), values.shape[1]), np.nan, np.float32)
        whole[rows] = values
        return whole

    teacher = everywhere(told["rows"], softmax(told["teacher"], axis=1))
    untouched = everywhere(told["rows"], softmax(told["untouched"], axis=1))
    if name == "answers_2":
        shapes = work.load("blendshapes")
        shapes = everywhere(shapes["rows"], shapes["shapes"])
        count = np.array([0.6, 1.0, 0.5, 0.0])[kind]
        geometry = smiles.read(shapes, label, count, np.flatnonzero(kind != NONE))
        geometry[kind == FERPLUS] = np.nan  # too small to be measured, and well known already
        teacher, untouched, own = (
            smiles.with_smiles(probs, geometry) for probs in (teacher, untouched, own)
        )
    target = own.copy()
    plus = kind == FERPLUS
    target[plus] = 0.35 * label[plus] + 0.65 * own[plus]
    for sort, shares in MIXTURES[name].items():
        rows = (kind == sort) & np.isfinite(teacher[:, 0])
        sources = zip(shares, (label, teacher, untouched, own), strict=True)
        target[rows] = sum(share * source[rows] for share, source in sources if share)
    features = told["features"].astype(np.float32)
    features -= features.mean(axis=0)
    axes = np.linalg.svd(features[::4], full_matrices=False)[2][:64]
    features = features @ axes.T
    wanted = [everywhere(told["rows"], features / features.std(axis=0).mean())]
    if name == "answers_2":
        middle, spread = np.nanmean(shapes, axis=0), np.nanstd(shapes, axis=0)
        wanted.append(np.clip((shapes - middle) / (spread + 0.02), -4, 4))
    share = np.array([0.35, 1.0, 0.3, 0.5])[kind]
    share[(kind == COLOURED) & uncommon(every)] = 1.5
    share[plus & (label[:, 1:4].max(axis=1) > 0.35)] = 1.0
    share[(kind == RAF) & np.isin(label.argmax(axis=1), [2, 3])] = 1.5
    return target, np.hstack(wanted), share, every


def rated(target: np.ndarray) -> np.ndarray:
    """Return valence and arousal in [-1, 1] of targets, as `vote_affect` does of ten votes."""
    votes = 10 * target.astype(float)
    votes[:, 8] = 0
    votes[:, 5] += 0.5
    return to_unit(expected_valence_arousal(votes, "circumplex")).astype(np.float32)


def make_student(work: Work, name: str) -> None:
    """Train one of `PLANS`; writes NAME.pt."""
    again, first = name.endswith("_2"), name == "first"
    if first:
        target, features, share, every = first_lesson(work)
    else:
        target, features, share, every = second_lesson(work, "answers_2" if again else "answers")
    torch.manual_seed(0 if first else 2 if again else 1)
    small = name.startswith("compact")
    student = Student(PLANS[name], features=0 if first else features.shape[1])
    start = {"accurate": "first", "accurate_2": "accurate", "compact_2": "compact"}.get(name)
    if start is None:
        from_keras(student, keras_start())
    else:
        known = torch.load(work.folder / f"{start}.pt")
        known = {key: value for key, value in known.items() if not key.startswith("features")}
        student.load_state_dict(known, strict=False)
    limit = 64 if small else 120
    faces = LabelledFaces(
        [sets.grey(crop, limit) for crop in every.images],
        target,
        affect=rated(target),
        features=features,
    )
    student = learn(student, faces, share, PLANS[name], work.folder / name)
    torch.save(student.state_dict(), work.folder / f"{name}.pt")


def keras_start():
    """Return compact 0.10.0 in Keras: the weights that all students begin with."""
    import keras

    model = load_model(START)
    network = keras.saving.deserialize_keras_object(model.info["structure"], safe_mode=True)
    network.load_weights(model.network.file("weights"))
    return network


STEPS = {
    "faces": make_faces,
    "teacher": lambda work: make_teacher(work, "teacher"),
    "answers": lambda work: make_answers(work, "teacher"),
    **{name: partial(make_student, name=name) for name in ("first", "accurate", "compact")},
    "blendshapes": make_blendshapes,
    "teacher_2": lambda work: make_teacher(work, "teacher_2"),
    "answers_2": lambda work: make_answers(work, "teacher_2"),
    **{name: partial(make_student, name=name) for name in ("accurate_2", "compact_2")},
}


def main() -> None:
    """Run one step, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("step", choices=["all", *STEPS, "export"])
    parser.add_argument("--data", type=Path, required=True, help="folder of the npz files")
    parser.add_argument("--weights", type=Path, required=True, help="folder of the teachers")
    parser.add_argument("--work", type=Path, required=True, help="folder for what the steps make")
    options = parser.parse_args()
    work = Work(options.data, options.weights, options.work)
    for step in [*STEPS, "export"] if options.step == "all" else [options.step]:
        print(step, flush=True)
        if step == "export":
            from finish import export_all

            export_all(work)
        else:
            STEPS[step](work)


if __name__ == "__main__":
    main()
