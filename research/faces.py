"""Every face that the shipped networks learn from or are judged by, in one form.

A face is an RGB picture (grey ones have three equal channels) with a target over `EMOTIONS`, and a
mask of the classes that its raters could choose from: RAF-DB's had no "contempt" and no way to say
"I can't tell", so nothing is learned of these two from it.

Sources
-------
Li, S., Deng, W., & Du, J. (2017). Reliable crowdsourcing and deep locality-preserving learning for
expression recognition in the wild. *CVPR* (RAF-DB).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_nb.emotions import EMOTIONS
from fer_nb.evaluation.sets import faces_color
from fer_nb.faces.face import shrunk
from fer_nb.opencv import cv2
from fer_nb.training.common.faces import LabelledFaces
from fer_nb.training.common.ferplus import load_ferplus, vote_targets
from fer_nb.training.common.labels import canonical_emotions, one_hot
from fer_nb.training.common.layouts import unpack

SEVEN = np.array([name not in ("contempt", "uncertain") for name in EMOTIONS])
ALIKE = 0.97  # likeness of two pictures, at 20 x 20 grey, from which they count as one
ASIDE = 0.10  # share of RAF-DB's train part that judges


@dataclass(frozen=True)
class FaceSet(LabelledFaces):
    """Faces with targets, of which a row of zeros is a face without a label.

    Attributes
    ----------
    seven : bool (n,)
        True where the raters had only the seven emotions to choose from.
    """

    seven: np.ndarray = None


def join(*sets: FaceSet) -> FaceSet:
    """Return all faces of several sets."""
    return FaceSet(
        [image for each in sets for image in each.images],
        np.concatenate([each.target for each in sets]),
        seven=np.concatenate([each.seven for each in sets]),
    )


def unlabelled(crops: list[np.ndarray]) -> FaceSet:
    """Return faces of which nothing is known."""
    return FaceSet(crops, np.zeros((len(crops), 9), np.float32), seven=np.zeros(len(crops), bool))


def ferplus(folder: Path, split: str) -> FaceSet:
    """Return FER+ faces; `split` is "train", "val" or "test" (PublicTest)."""
    data = load_ferplus(folder / "ferplus_trainval.npz", held_out=0.08, seed=0).part(split)
    return FaceSet(list(data.images), vote_targets(data.votes), seven=np.zeros(len(data), bool))


def rafdb(folder: Path, split: str, smooth: float = 0.0) -> FaceSet:
    """Return RAF-DB faces: "train", "aside" (a tenth of the train part, which judges) or "test".

    Pictures that resemble each other are on one side.
    """
    with np.load(folder / f"rafdb_{'test' if split == 'test' else 'train'}.npz") as data:
        crops = unpack(data)
        target = one_hot(canonical_emotions(data["label_names"][data["label"]]))
    target = (1 - smooth) * target + smooth * SEVEN / 7
    faces = FaceSet(crops, target.astype(np.float32), seven=np.ones(len(crops), bool))
    if split == "test":
        return faces
    group = alike(crops)
    groups = np.unique(group)
    chosen = np.random.default_rng(0).permutation(groups)[: round(ASIDE * len(groups))]
    return faces.rows(np.isin(group, chosen) == (split == "aside"))


def coloured(folder: Path, half: str, smooth: float = 0.0) -> FaceSet:
    """Return the half "train" or "test" of `faces_color`, in grey and cut to its real pixels."""
    found = faces_color(folder / "faces_color.npz", half)
    target = (1 - smooth) * found.target + smooth * SEVEN / 7
    return FaceSet(found.images, target.astype(np.float32), seven=np.ones(len(found), bool))


def grey(crop: np.ndarray, limit: int) -> np.ndarray:
    """Return a crop in grey, no larger than `limit`, so that turning it doesn't alias."""
    if crop.ndim == 3:
        crop = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    return shrunk(crop, limit)[0]


def tiny(crops: list[np.ndarray]) -> np.ndarray:
    """Return pictures as unit vectors, float32 (n, 400), whose products are their likeness."""
    greys = [c if c.ndim == 2 else cv2.cvtColor(c, cv2.COLOR_RGB2GRAY) for c in crops]
    small = [cv2.resize(g, (20, 20), interpolation=cv2.INTER_AREA) for g in greys]
    flat = np.stack(small).reshape(len(crops), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)


def alike(crops: list[np.ndarray]) -> np.ndarray:
    """Number pictures so that near-duplicates, also by way of a third one, share a number."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    vectors = tiny(crops)
    pairs = []
    for start in range(0, len(vectors), 1000):
        rows, columns = np.nonzero(vectors[start : start + 1000] @ vectors.T >= ALIKE)
        pairs.append((rows + start, columns))
    rows, columns = (np.concatenate(each) for each in zip(*pairs, strict=True))
    graph = coo_array((np.ones(len(rows)), (rows, columns)), (len(vectors), len(vectors)))
    return connected_components(graph)[1]


def clips_and_photos(folder: Path, detector: Path, every: int = 8) -> list[np.ndarray]:
    """Return faces without labels: every eighth frame of the clips, and GENKI-4K's pictures.

    Cut as `faces_color` is: a square of 1.2 times the longer side of YuNet's box.
    """
    finder = cv2.FaceDetectorYN.create(str(detector), "", (320, 320), 0.6)
    with np.load(folder / "genki4k_dev.npz") as data:
        found = [_largest(finder, picture) for picture in unpack(data)]
    for path in sorted((folder / "videos").glob("*.mp4")):
        video, number = cv2.VideoCapture(str(path)), 0
        while video.grab():
            if number % every == 0:
                found.append(_largest(finder, cv2.cvtColor(video.retrieve()[1], cv2.COLOR_BGR2RGB)))
            number += 1
    return [face for face in found if face is not None]


def _largest(finder, picture: np.ndarray) -> np.ndarray | None:
    """Return the largest face at up to 128 px, or None."""
    height, width = picture.shape[:2]
    scale = 320 / max(height, width)
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    finder.setInputSize(small.shape[1::-1])
    boxes = finder.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1]
    if boxes is None:
        return None
    x, y, w, h = max(boxes[:, :4], key=lambda box: box[2] * box[3]) / scale
    side = min(1.2 * max(w, h), height, width)
    if side < 40:
        return None
    left = int(np.clip(x + w / 2 - side / 2, 0, width - side))
    top = int(np.clip(y + h / 2 - side / 2, 0, height - side))
    face = picture[top : top + int(side), left : left + int(side)]
    if len(face) > 128:
        face = cv2.resize(face, (128, 128), interpolation=cv2.INTER_AREA)
    return face
