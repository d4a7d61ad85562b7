"""Labelled faces in the layouts that people have: folders, CSV files, FER2013, an npz file.

`read_faces` recognises the layout; the readers give one type, `LabelledFaces`. Splits are made so
that classes are spread evenly, while rows of one group (a person, or pictures with equal pixels)
stay on one side.

Sources
-------
Goodfellow, I. J., et al. (2013). Challenges in representation learning. *ICONIP* (fer2013.csv).
Barsoum, E., et al. (2016). *ICMI*. arXiv:1608.01041 (fer2013new.csv).
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.emotions import EMOTIONS, from_unit
from fer_nb.errors import FerError, MediaError
from fer_nb.media import IMAGE_SUFFIXES, read_image
from fer_nb.opencv import cv2
from fer_nb.training.datasets import load_ferplus, nine_votes, pixel_groups
from fer_nb.training.labels import canonical_emotions, one_hot

FER2013_NAMES = ("anger", "disgust", "fear", "happy", "sad", "surprise", "neutral")
_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
    "": "",
}


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
        In memory or on disk, see `ImageFiles`.
    target : float32 (n, 9)
        Distribution over `EMOTIONS`: one-hot, or the share of votes.
    group : array of str or int (n,)
        Rows that must not be parted: the same person, or the same pixels.
    split : array of str (n,)
        "train", "val" or "test"; "" where nobody has decided yet or a row is left out.
    skipped : tuple of str
        Files that could not be read.
    """

    images: Sequence[np.ndarray]
    target: np.ndarray
    group: np.ndarray
    split: np.ndarray
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def emotion(self) -> list[str]:
        """The most voted emotion of each face."""
        return [EMOTIONS[i] for i in self.target.argmax(axis=1)]

    def rows(self, rows: np.ndarray) -> LabelledFaces:
        """Return some of the faces, by a mask or by numbers."""
        rows = np.arange(len(self))[rows]
        if isinstance(self.images, np.ndarray):
            images = self.images[rows]
        elif isinstance(self.images, ImageFiles):
            images = ImageFiles([self.images.paths[i] for i in rows])
        else:
            images = [self.images[i] for i in rows]
        return replace(
            self,
            images=images,
            target=self.target[rows],
            group=self.group[rows],
            split=self.split[rows],
        )

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


def read_faces(path: str | Path) -> LabelledFaces:
    """Read labelled faces, recognising the layout.

    Parameters
    ----------
    path : path
        A folder with one folder per emotion (perhaps inside `train`, `val`, `test`); a CSV with the
        columns `image_path,emotion` (and perhaps `split`, `group`); `fer2013.csv`, or a folder that
        holds it, perhaps beside `fer2013new.csv`; an npz file with FER+ votes.

    Raises
    ------
    FerError
        If there is nothing of the kind, or class names are not known (all are listed at once).
    """
    path = Path(path)
    if path.is_dir():
        if (path / "fer2013.csv").is_file():
            return read_fer2013(path / "fer2013.csv")
        return read_folder(path)
    if not path.is_file():
        raise FerError(
            f"there is no file or folder {path}; data/README.md shows the layouts we read"
        )
    if path.suffix == ".npz":
        return read_npz(path)
    if path.suffix.lower() == ".csv":
        columns = set(pd.read_csv(path, nrows=0).columns.str.strip().str.lower())
        return read_fer2013(path) if "pixels" in columns else read_csv(path)
    raise FerError(f"{path.name} is neither a folder nor .csv nor .npz; see data/README.md")


def read_folder(folder: str | Path) -> LabelledFaces:
    """Read `folder/happy/1.jpg` …, or `folder/train/happy/1.jpg` … with splits."""
    folder = Path(folder)
    children = sorted(child for child in folder.iterdir() if child.is_dir())
    if not children:
        raise FerError(f"{folder} holds no folders; one folder per emotion is expected")
    by_split = {child: _SPLIT_NAMES.get(child.name.lower()) for child in children}
    if all(by_split.values()):
        classes = [
            (inner, split)
            for child, split in by_split.items()
            for inner in sorted(child.iterdir())
            if inner.is_dir()
        ]
    else:
        classes = [(child, "") for child in children]
    emotions = canonical_emotions(inner.name for inner, _ in classes)
    files, names, splits = [], [], []
    for (inner, split), emotion in zip(classes, emotions, strict=True):
        found = sorted(f for f in inner.rglob("*") if f.suffix.lower() in IMAGE_SUFFIXES)
        files += found
        names += [emotion] * len(found)
        splits += [split] * len(found)
    return _from_files(files, names, splits, [None] * len(files), folder)


def read_csv(path: str | Path) -> LabelledFaces:
    """Read a CSV with `image_path,emotion`, perhaps `split` and `group`.

    Paths are relative to the CSV's folder. `group` (or `person`, `subject`) is who is to be seen.
    """
    path = Path(path)
    table = pd.read_csv(path, dtype=str, keep_default_na=False).rename(
        columns=lambda name: name.strip().lower()
    )
    missing = {"image_path", "emotion"} - set(table)
    if missing:
        raise FerError(f"{path.name} lacks the columns {', '.join(sorted(missing))}")
    emotions = canonical_emotions(table["emotion"])
    files = [path.parent / name for name in table["image_path"]]
    splits = _known_splits(table["split"], path) if "split" in table else [""] * len(table)
    who = next((name for name in ("group", "person", "subject") if name in table), None)
    groups = [name or None for name in table[who]] if who else [None] * len(table)
    return _from_files(files, emotions, splits, groups, path)


def read_fer2013(path: str | Path) -> LabelledFaces:
    """Read `fer2013.csv` (emotion, pixels, Usage), with the votes of `fer2013new.csv` beside it.

    Training becomes "train", PublicTest "val" and PrivateTest "test". With the votes, `target` is
    their share ("unknown" and "not a face" count as uncertain), else FER2013's single label.
    """
    path = Path(path)
    table = pd.read_csv(path).rename(columns=lambda name: name.strip().lower())
    missing = {"emotion", "pixels", "usage"} - set(table)
    if missing:
        raise FerError(f"{path.name} lacks the columns {', '.join(sorted(missing))}")
    try:
        images = np.array([np.array(row.split(), np.uint8) for row in table["pixels"]])
        images = images.reshape(len(table), 48, 48)
    except ValueError as error:
        raise FerError(f"{path.name}: a row of pixels is not 48 x 48 numbers ({error})") from None
    votes_file = path.with_name("fer2013new.csv")
    if votes_file.is_file():
        target = _read_votes(votes_file, len(table))
    else:
        target = one_hot(FER2013_NAMES[i] for i in table["emotion"])
    usage = {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}
    split = table["usage"].str.strip().map(usage).fillna("").to_numpy(str)
    # Rows on which no vote was cast are no use for training or test.
    keep = target.sum(axis=1) > 0
    faces = LabelledFaces(images, target, pixel_groups(images), split).rows(keep)
    return replace(faces, target=faces.target / faces.target.sum(axis=1, keepdims=True))


def read_npz(path: str | Path) -> LabelledFaces:
    """Read an npz file with FER+ votes (see `fer_nb.training.datasets.load_ferplus`).

    Its "held_out" part becomes "val", PublicTest "test"; repeats across the two are left out.
    """
    data = load_ferplus(path)
    split = np.where(data.split == "held_out", "val", data.split).astype(str)
    target = data.votes / data.votes.sum(axis=1, keepdims=True)
    return LabelledFaces(data.images, target.astype(np.float32), data.group, split)


def read_affect(path: str | Path) -> tuple[Sequence[np.ndarray], np.ndarray]:
    """Read faces that people rated for valence and arousal.

    Parameters
    ----------
    path : path
        A CSV with `image_path,valence,arousal`, or an npz file with JPEG pictures back to back
        (`jpeg`, `offsets`) and `valence`, `arousal`. Ratings are from -1 to 1.

    Returns
    -------
    images : sequence of uint8 arrays (H, W, 3) RGB
    va : float32 (n, 2)
        Valence and arousal on the 1-7 scale.
    """
    path = Path(path)
    if not path.is_file():
        raise FerError(f"there is no file {path} with rated faces")
    if path.suffix == ".npz":
        with np.load(path) as data:
            missing = {"jpeg", "offsets", "valence", "arousal"} - set(data.files)
            if missing:
                raise FerError(f"{path.name} lacks {', '.join(sorted(missing))}")
            jpeg, offsets = data["jpeg"], data["offsets"]
            unit = np.column_stack([data["valence"], data["arousal"]])
        coded = [cv2.imdecode(jpeg[a:b], cv2.IMREAD_COLOR) for a, b in pairwise(offsets)]
        return [image[..., ::-1] for image in coded], from_unit(unit).astype(np.float32)
    table = pd.read_csv(path).rename(columns=lambda name: name.strip().lower())
    missing = {"image_path", "valence", "arousal"} - set(table)
    if missing:
        raise FerError(f"{path.name} lacks the columns {', '.join(sorted(missing))}")
    images = ImageFiles([path.parent / name for name in table["image_path"]])
    return images, from_unit(table[["valence", "arousal"]].to_numpy(np.float32))


def unlabelled(images: Sequence[np.ndarray]) -> LabelledFaces:
    """Wrap pictures of which no emotion is known, all on the side "test"."""
    n = len(images)
    target = np.full((n, len(EMOTIONS)), 1 / len(EMOTIONS), np.float32)
    return LabelledFaces(images, target, np.arange(n), np.full(n, "test"))


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


def _from_files(files, emotions, splits, groups, source: Path) -> LabelledFaces:
    kept, keys, skipped = [], [], []
    for i, file in enumerate(files):
        try:
            image = read_image(file)
        except (MediaError, OSError):
            skipped.append(str(file))
            continue
        kept.append(i)
        # A picture with no named person belongs with its exact repeats.
        keys.append(groups[i] or hashlib.sha256(image.tobytes()).hexdigest()[:16])
    if not kept:
        raise FerError(f"{source} holds no picture that can be read ({len(skipped)} tried)")
    return LabelledFaces(
        ImageFiles([files[i] for i in kept]),
        one_hot(emotions[i] for i in kept),
        np.array(keys),
        np.array([splits[i] for i in kept], dtype="<U5"),
        tuple(skipped),
    )


def _known_splits(names: pd.Series, path: Path) -> list[str]:
    found = [_SPLIT_NAMES.get(name.strip().lower()) for name in names]
    unknown = sorted({n for n, split in zip(names, found, strict=True) if split is None})
    if unknown:
        raise FerError(f"{path.name}: unknown split {', '.join(unknown)}; use train, val or test")
    return found


def _read_votes(path: Path, rows: int) -> np.ndarray:
    table = pd.read_csv(path)
    votes = table.drop(columns=["Usage", "Image name"], errors="ignore")
    if len(votes) != rows:
        raise FerError(f"{path.name} has {len(votes)} rows, fer2013.csv {rows}: not the same set")
    return nine_votes(votes.to_numpy(), list(votes.columns))
