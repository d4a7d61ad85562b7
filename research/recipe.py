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
| accurate_2, compact_2 | what ships, from the networks of 0.11.0 |
| export | calibrate, choose the priors, write the models |
| answers_3 | what `accurate` 0.13.0 and the untouched mobilenet_7 say, and blendshapes |
| mobile | mobilenet_7 once more, ten epochs at 160 pixels: the third teacher |
| answers_4 | what it says, and its features |
| accurate_3 | a network in colour and at 128 pixels, from `accurate` 0.13.0 |
| accurate_4 | the same, less how frequent each class is in each source |

What comes after `export` does not ship (see record.md): it is where to go on.

record.md says how long each took.

Where PyTorch finds a GPU, the same steps run on it (that path was not tried: no GPU was to be had).
"""

from __future__ import annotations

import argparse
import pickle
from dataclasses import replace
from functools import partial
from pathlib import Path

import faces as sets
import lessons
import mobile
import numpy as np
import torch
from distill import PLANS, learn
from lessons import COLOURED, FERPLUS, RAF, of_seven, rated, uncommon
from scipy.special import softmax
from student import Student, answer, from_keras, in_colour
from teacher import MobileNet, answers, fine_tune, load_peer
from work import Work

from fer_nb.faces.face import shrunk
from fer_nb.models import load_model
from fer_nb.training.common.faces import LabelledFaces
from fer_nb.training.compact.targets import fit_calibration

# Side, epochs, the epoch whose weights are taken, FER+ faces in an epoch.
TEACHERS = {"teacher": (128, 3, 3, 8000), "teacher_2": (192, 6, 5, 5000)}
START = "compact-0.10"
PEER = "derived/mobilenet_v1_224_affectnet7_dequant.keras"
LANDMARKER = "det/face_landmarker.task"
DETECTOR = "det/face_detection_yunet_2023mar.onnx"


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


def make_answers_3(work: Work) -> None:
    """Ask the student of 0.13.0 of all faces, the untouched network of all but FER+'s."""
    every, kind = work.faces()
    rows = np.flatnonzero(kind != FERPLUS)
    crops = [every.images[i] for i in rows]
    with (work.folder / "crops_3.pkl").open("wb") as file:
        pickle.dump((rows, crops), file)
    untouched = answers(load_peer(work.weights / PEER), crops, 224)[1]
    work.save("answers_3", rows=rows, untouched=untouched, own=as_0_13(work, every.images))
    from blendshapes import shapes

    work.save("blendshapes_3", rows=rows, shapes=shapes(crops, work.weights / LANDMARKER))


def as_0_13(work: Work, crops: list[np.ndarray]) -> np.ndarray:
    """Return what `accurate` 0.13.0 says of faces under the natural prior: (n, 9)."""
    plan = PLANS["accurate_2"]
    net = Student(plan)
    known = torch.load(work.folder / "accurate_2.pt")
    net.load_state_dict({k: v for k, v in known.items() if not k.startswith("features")})
    aside = sets.ferplus(work.data, "val")
    temperature, offsets = fit_calibration(answer(net, aside.images, plan)["logits"], aside.target)
    sides = [crops, [np.ascontiguousarray(crop[:, ::-1]) for crop in crops]]
    logits = sum(answer(net, side, plan)["logits"] for side in sides) / 2
    return softmax((logits + offsets) / temperature, axis=1)


def make_mobile(work: Work) -> None:
    """Train mobilenet_7 on; writes mobile.pt when all epochs are done."""
    target, features, share, every = lessons.third_lesson(work)
    torch.manual_seed(3)
    faces = LabelledFaces(every.images, target, affect=rated(target), features=features)
    net = mobile.begin(work.weights / PEER)
    net = learn(net, faces, share, mobile.PLAN, work.folder / "mobile", batch=mobile.batch)
    torch.save(net.state_dict(), work.folder / "mobile.pt")


def make_answers_4(work: Work) -> None:
    """Ask the third teacher, calibrated by votes on faces kept aside; keep its features, too."""
    rows, crops = asked(work)
    teacher = mobile.begin(work.weights / PEER)
    teacher.load_state_dict(torch.load(work.folder / "mobile.pt"))
    aside = sets.ferplus(work.data, "val")
    temperature, offsets = fit_calibration(
        mobile.answer(teacher, aside.images)["logits"], aside.target
    )
    told = mobile.answer(teacher, crops)
    probs = softmax((told["logits"] + offsets) / temperature, axis=1)
    work.save("answers_4", rows=rows, probs=probs, features=told["pool"])


def make_student(work: Work, name: str) -> None:
    """Train one of `PLANS`; writes NAME.pt."""
    first = name == "first"
    lesson, seed, start = {
        "first": (lessons.first_lesson, 0, None),
        "accurate": (partial(lessons.second_lesson, name="answers"), 1, "first"),
        "compact": (partial(lessons.second_lesson, name="answers"), 1, None),
        "accurate_2": (partial(lessons.second_lesson, name="answers_2"), 2, "accurate"),
        "compact_2": (partial(lessons.second_lesson, name="answers_2"), 2, "compact"),
        "accurate_3": (lessons.fourth_lesson, 5, "accurate_2"),
        "accurate_4": (lessons.fourth_lesson, 5, "accurate_3"),
    }[name]
    target, features, share, every = lesson(work)
    torch.manual_seed(seed)
    plan = PLANS[name]
    student = Student(plan, features=0 if first else features.shape[1])
    if start is None:
        from_keras(student, keras_start())
    else:
        known = torch.load(work.folder / f"{start}.pt")
        known = {key: value for key, value in known.items() if not key.startswith("features")}
        if name == "accurate_3":
            known = in_colour(known)
        student.load_state_dict(known, strict=False)
    # A quarter larger than what the network sees, as pieces of them are enlarged.
    limit = 5 * plan.size // 4 if plan.size > 48 else 64
    faces = LabelledFaces(
        [
            sets.grey(crop, limit) if plan.colour == "grey" else shrunk(crop, limit)[0]
            for crop in every.images
        ],
        target,
        affect=rated(target),
        features=features,
    )
    kind = work.faces()[1] if name == "accurate_4" else None
    student = learn(student, faces, share, plan, work.folder / name, kind=kind)
    learned = student.state_dict()
    if name == "accurate_4":  # half-way, what either knows lasts (Wortsman et al. 2022)
        for key, before in torch.load(work.folder / "accurate_3.pt").items():
            if before.is_floating_point():
                learned[key] = before.lerp(learned[key], 0.5)
    torch.save(learned, work.folder / f"{name}.pt")


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
    "answers_3": make_answers_3,
    "mobile": make_mobile,
    "answers_4": make_answers_4,
    **{name: partial(make_student, name=name) for name in ("accurate_3", "accurate_4")},
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
    shipped = list(STEPS)[: list(STEPS).index("compact_2") + 1]
    for step in [*shipped, "export"] if options.step == "all" else [options.step]:
        print(step, flush=True)
        if step == "export":
            from finish import export_all

            export_all(work)
        else:
            STEPS[step](work)


if __name__ == "__main__":
    main()
