"""Labelled faces in the layouts that people have: folders, CSV files, FER2013, an npz file.

`read_faces` recognises the layout; all readers return `LabelledFaces`.

Sources
-------
Goodfellow, I. J., et al. (2013). Challenges in representation learning. *ICONIP* (fer2013.csv).
Barsoum, E., et al. (2016). *ICMI*. arXiv:1608.01041 (fer2013new.csv).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.emotions import from_unit
from fer_nb.errors import FerError, MediaError
from fer_nb.files import files_in
from fer_nb.media import IMAGE_SUFFIXES, read_image
from fer_nb.opencv import cv2
from fer_nb.training.common.faces import ImageFiles, LabelledFaces
from fer_nb.training.common.ferplus import load_ferplus, nine_votes, pixel_groups
from fer_nb.training.common.labels import canonical_emotions, one_hot

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
        return load_ferplus(path)
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
        found = files_in(inner, IMAGE_SUFFIXES)
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
            unit = np.column_stack([data["valence"], data["arousal"]])
            return unpack(data), from_unit(unit).astype(np.float32)
    table = pd.read_csv(path).rename(columns=lambda name: name.strip().lower())
    missing = {"image_path", "valence", "arousal"} - set(table)
    if missing:
        raise FerError(f"{path.name} lacks the columns {', '.join(sorted(missing))}")
    images = ImageFiles([path.parent / name for name in table["image_path"]])
    return images, from_unit(table[["valence", "arousal"]].to_numpy(np.float32))


def unpack(data, rows=None, mode: int = cv2.IMREAD_COLOR_RGB) -> list[np.ndarray]:
    """Return pictures of an npz file that holds them as JPEG, back to back (`jpeg`, `offsets`)."""
    jpeg, offsets = data["jpeg"], data["offsets"]
    rows = range(len(offsets) - 1) if rows is None else rows
    return [cv2.imdecode(jpeg[offsets[i] : offsets[i + 1]], mode) for i in rows]


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
        skipped=tuple(skipped),
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
