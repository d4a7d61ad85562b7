"""The sets a model is evaluated on, all as RGB or grey face crops; see docs/model_protocol.md.

None of their pictures may be trained on, except one half of the people in `faces_color`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from fer_nb.errors import FerError
from fer_nb.opencv import cv2
from fer_nb.training.common.faces import LabelledFaces
from fer_nb.training.common.ferplus import load_ferplus
from fer_nb.training.common.labels import canonical_emotions, one_hot
from fer_nb.training.common.layouts import unpack

SEVEN = ("anger", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def load_evaluation_sets(folder: str | Path) -> dict[str, LabelledFaces]:
    """Read every evaluation set that lies in `folder`.

    Returns
    -------
    dict of str to LabelledFaces
        `public_test`, `diffusionfer`, `london`, `faces_color`: those whose file is there.

    Raises
    ------
    FerError
        If none is there.
    """
    readers = {
        "public_test": ("ferplus_trainval.npz", public_test),
        "diffusionfer": ("diffusionfer_dev.npz", diffusionfer),
        "london": ("london_dev.npz", london),
        "faces_color": ("faces_color.npz", faces_color),
    }
    found = {
        name: read(Path(folder) / file)
        for name, (file, read) in readers.items()
        if (Path(folder) / file).is_file()
    }
    if not found:
        files = ", ".join(file for file, _ in readers.values())
        raise FerError(f"{folder} holds none of {files}; data/README.md says what they are")
    return found


def public_test(path: str | Path) -> LabelledFaces:
    """Read FER+ PublicTest without the rows that repeat a Training picture."""
    faces = load_ferplus(path).part("test")
    return replace(faces, images=list(faces.images))


def diffusionfer(path: str | Path) -> LabelledFaces:
    """Read DiffusionFER: synthetic faces, seven emotions as annotated, valence and arousal."""
    with np.load(path) as data:
        affect = np.column_stack([data["valence"], data["arousal"]])
        target = one_hot(canonical_emotions(data["emotion_names"][data["emotion"]]))
        return LabelledFaces(unpack(data), target, affect=affect.astype(np.float32))


def london(path: str | Path) -> LabelledFaces:
    """Read the Face Research Lab London Set: neutral and smiling photographs of 102 people."""
    with np.load(path) as data:
        target = one_hot(canonical_emotions(data["expression_names"][data["expression"]]))
        return LabelledFaces(unpack(data), target, data["face_id"].astype(str))


def faces_color(path: str | Path, half: str = "test") -> LabelledFaces:
    """Read one half of the people in `faces_color`, in grey and cut to the pixels that are real.

    Colour and border go with the label there, so both are taken away.

    Parameters
    ----------
    half : {"test", "train"}
        By a hash of the person's name; no one is in both.
    """
    with np.load(path) as data:
        person = np.array([re.sub(r"[_\d]*\.\w+$", "", str(n)) for n in data["source_file"]])
        tested = np.array([is_tested(name) for name in person])
        rows = np.flatnonzero(tested if half == "test" else ~tested)
        crops = unpack(data, rows, cv2.IMREAD_GRAYSCALE)
        valid, target = data["valid"][rows], one_hot(canonical_emotions(data["label"][rows]))
    crops = [c[y0:y1, x0:x1] for c, (x0, y0, x1, y1) in zip(crops, valid.astype(int), strict=True)]
    return LabelledFaces(crops, target, person[rows])


def is_tested(person: str) -> bool:
    """Tell whether a person of `faces_color` is kept for evaluation."""
    return hashlib.md5(person.lower().encode()).digest()[0] % 2 == 0
