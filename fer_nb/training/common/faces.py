"""Labelled faces: the one container that training and evaluation share, and how it is split."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import FerError
from fer_nb.media import read_image


class ImageFiles(Sequence):
    """Pictures that stay on disk until they are asked for: uint8 RGB arrays by number."""

    def __init__(self, paths: Sequence[Path]):
        self.paths = list(paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: int) -> np.ndarray:
        return read_image(self.paths[i])


@dataclass(frozen=True)
class LabelledFaces:
    """Faces, what they show, who they are, and on which side of a split they belong.

    Attributes
    ----------
    images : sequence of uint8 arrays (H, W) or (H, W, 3) RGB
        Each of any size, in memory or on disk (`ImageFiles`).
    target : float32 (n, 9)
        Distribution over `EMOTIONS`: one-hot, the share of votes, or what a network is to say.
    group : array of str or int (n,), optional
        Rows that must not be parted: the same person, or the same pixels. By default each face is
        a group of its own.
    split : array of str (n,), optional
        "train", "val" or "test"; "" where nobody has decided yet or a row is left out.
    votes : float32 (n, 9), optional
        Number of raters for each of `EMOTIONS`.
    affect : float32 (n, 2), optional
        Valence and arousal in [-1, 1] units.
    weight : float32 (n,), optional
        How much each face counts in training; 1 by default.
    features : float32 (n, k), optional
        What a teacher saw in each face, to be guessed in training.
    skipped : tuple of str
        Files that could not be read.
    """

    images: Sequence[np.ndarray]
    target: np.ndarray
    group: np.ndarray = None
    split: np.ndarray = None
    votes: np.ndarray | None = None
    affect: np.ndarray | None = None
    weight: np.ndarray | None = None
    features: np.ndarray | None = None
    skipped: tuple[str, ...] = ()

    def __post_init__(self):
        if self.group is None:
            object.__setattr__(self, "group", np.arange(len(self.target)))
        if self.split is None:
            object.__setattr__(self, "split", np.full(len(self.target), "", "<U5"))

    def __len__(self) -> int:
        return len(self.target)

    @property
    def label(self) -> np.ndarray:
        """Index into `EMOTIONS` of the likeliest emotion of each face, (n,)."""
        return self.target.argmax(axis=1)

    @property
    def emotion(self) -> list[str]:
        """The likeliest emotion of each face."""
        return [EMOTIONS[i] for i in self.label]

    def rows(self, rows: np.ndarray) -> LabelledFaces:
        """Return some of the faces, by a mask or by numbers."""
        rows = np.arange(len(self))[rows]
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        chosen = {k: v[rows] for k, v in columns.items() if isinstance(v, np.ndarray)}
        if isinstance(self.images, ImageFiles):
            chosen["images"] = ImageFiles([self.images.paths[i] for i in rows])
        elif "images" not in chosen:
            chosen["images"] = [self.images[i] for i in rows]
        return replace(self, **chosen)

    def part(self, split: str) -> LabelledFaces:
        """Return the faces of one split."""
        chosen = self.split == split
        if not chosen.any():
            there = ", ".join(sorted({name for name in self.split.tolist() if name})) or "none"
            raise FerError(
                f"no face is in the split {split!r} (there are: {there}); see split_faces"
            )
        return self.rows(chosen)

    def counts(self) -> pd.DataFrame:
        """Count faces by emotion (rows, all nine) and split (columns)."""
        table = pd.crosstab(pd.Series(self.emotion), pd.Series(self.split.astype(str)))
        return table.reindex(EMOTIONS, fill_value=0).rename_axis(index="emotion", columns="split")


def split_faces(
    faces: LabelledFaces, val: float = 0.2, test: float = 0.0, seed: int = 0
) -> LabelledFaces:
    """Give every face a side, classes evenly, groups whole.

    Splits that the data came with are kept; a missing "test" or "val" is taken out of "train".

    Parameters
    ----------
    faces : LabelledFaces
    val, test : float
        Shares of the faces, or of "train" where the data came with splits.
    seed : int

    Raises
    ------
    FerError
        If the shares leave nothing for training, or there are fewer groups than sides.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    if min(val, test) < 0 or val + test >= 1:
        raise FerError(f"val ({val}) and test ({test}) must leave something for training")
    there = set(faces.split.tolist()) - {""}
    missing = [
        (name, share)
        for name, share in (("test", test), ("val", val))
        if share and name not in there
    ]
    if there and not (missing and "train" in there):
        return faces
    split = faces.split.astype("<U5")
    split[split == ""] = "" if there else "train"
    label, group = faces.target.argmax(axis=1), faces.group.astype(str)
    left = np.flatnonzero(split == "train")
    whole = len(left)
    for name, share in missing:
        folds = max(2, round(len(left) / (share * whole)))
        if len(np.unique(group[left])) < folds:
            raise FerError(
                f"{len(np.unique(group[left]))} groups are too few to set {share:.0%} aside for "
                f"{name!r} without parting a group; add people or ask for a larger share"
            )
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        with warnings.catch_warnings():
            # Fewer members of a class than folds: it can't be spread evenly, which is no error.
            warnings.filterwarnings("ignore", message="The least populated class")
            _, chosen = next(splitter.split(left, label[left], group[left]))
        split[left[chosen]] = name
        left = np.delete(left, chosen)
    return replace(faces, split=split)


def drop_duplicates_across_splits(faces: LabelledFaces) -> tuple[LabelledFaces, int]:
    """Leave out val and test rows whose group is also in train (or, for test, in val).

    Returns
    -------
    LabelledFaces, int
        The rest, and how many were left out.
    """
    group = faces.group.astype(str)
    train, val = (set(group[faces.split == name].tolist()) for name in ("train", "val"))
    seen_before = {"val": train, "test": train | val}
    repeat = np.array(
        [g in seen_before.get(s, ()) for g, s in zip(group, faces.split, strict=True)], bool
    )
    return faces.rows(~repeat), int(repeat.sum())
