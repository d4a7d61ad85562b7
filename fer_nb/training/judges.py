"""The sets a model is judged by, all as RGB or grey crops with a label; see docs/model_protocol.md.

None of their pictures may be trained on, except one half of the people in `faces_color`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import FerError
from fer_nb.opencv import cv2
from fer_nb.training.datasets import load_ferplus, most_voted

SEVEN = ("anger", "disgust", "fear", "happy", "neutral", "sad", "surprise")
_NAMES = {"angry": "anger", "happiness": "happy", "sadness": "sad", "smiling": "happy"}


@dataclass(frozen=True)
class Judge:
    """Pictures with what is known of them.

    Attributes
    ----------
    crops : list of uint8 (h, w, 3) RGB or (h, w) grey
    label : int64 (n,)
        Index into `EMOTIONS`.
    votes : float32 (n, 9), optional
        Raters' votes.
    affect : float32 (n, 2), optional
        Rated valence and arousal in [-1, 1].
    person : array of str (n,), optional
        Who is shown, where that is known.
    """

    crops: list[np.ndarray]
    label: np.ndarray
    votes: np.ndarray | None = None
    affect: np.ndarray | None = None
    person: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.crops)


def load_judges(folder: str | Path) -> dict[str, Judge]:
    """Read every judging set that lies in `folder`.

    Returns
    -------
    dict of str to Judge
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


def public_test(path: str | Path) -> Judge:
    """Read FER+ PublicTest without the rows that repeat a Training picture."""
    data = load_ferplus(path).part("test")
    return Judge(list(data.images), most_voted(data.votes), votes=data.votes)


def diffusionfer(path: str | Path) -> Judge:
    """Read DiffusionFER: synthetic faces, seven emotions as annotated, valence and arousal."""
    with np.load(path) as data:
        affect = np.column_stack([data["valence"], data["arousal"]])
        label = _indices(data["emotion_names"][data["emotion"]])
        return Judge(_unpack(data), label, affect=affect)


def london(path: str | Path) -> Judge:
    """Read the Face Research Lab London Set: neutral and smiling photographs of 102 people."""
    with np.load(path) as data:
        label = _indices(data["expression_names"][data["expression"]])
        return Judge(_unpack(data), label, person=data["face_id"].astype(str))


def faces_color(path: str | Path, half: str = "judge") -> Judge:
    """Read one half of the people in `faces_color`, in grey and cut to the pixels that are real.

    Colour and border go with the label there, so both are taken away.

    Parameters
    ----------
    half : {"judge", "train"}
        By a hash of the person's name; no one is in both.
    """
    with np.load(path) as data:
        person = np.array([re.sub(r"[_\d]*\.\w+$", "", str(n)) for n in data["source_file"]])
        judged = np.array([is_judged(name) for name in person])
        rows = np.flatnonzero(judged if half == "judge" else ~judged)
        crops = _unpack(data, rows, cv2.IMREAD_GRAYSCALE)
        valid, label = data["valid"][rows], _indices(data["label"][rows])
    crops = [c[y0:y1, x0:x1] for c, (x0, y0, x1, y1) in zip(crops, valid.astype(int), strict=True)]
    return Judge(crops, label, person=person[rows])


def is_judged(person: str) -> bool:
    """Tell whether a person of `faces_color` is kept for judging."""
    return hashlib.md5(person.lower().encode()).digest()[0] % 2 == 0


def _indices(names) -> np.ndarray:
    return np.array([EMOTIONS.index(_NAMES.get(str(name), str(name))) for name in names])


def _unpack(data, rows=None, mode: int = cv2.IMREAD_COLOR_RGB) -> list[np.ndarray]:
    jpeg, offsets = data["jpeg"], data["offsets"]
    rows = range(len(offsets) - 1) if rows is None else rows
    return [cv2.imdecode(jpeg[offsets[i] : offsets[i + 1]], mode) for i in rows]
