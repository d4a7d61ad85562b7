"""Photos from the command line: one by one, or whole folders."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.detectors import Detector
from fer_nb.draw import draw_reactions
from fer_nb.errors import FerError
from fer_nb.files import check_free, new_file, printable
from fer_nb.media import IMAGE_SUFFIXES, keep_source, read_image
from fer_nb.models import FerModel
from fer_nb.reactions import analyze_image, write_table


def write_image(image: np.ndarray, path: str | Path, force: bool = False) -> Path:
    """Write a picture (uint8 RGB) in the format of the suffix.

    Raises
    ------
    FerError
        If the file exists and `force` is false, or cannot be written.
    """
    from PIL import Image

    with new_file(path, force) as part:
        Image.fromarray(image).save(part)
    return Path(path)


def annotate_photo(
    path: str | Path,
    model: FerModel,
    detector: Detector,
    out: str | Path | None = None,
    val_ar: bool = False,
    force: bool = False,
) -> pd.DataFrame:
    """Print a photo's faces; with `out` also write ``NAME.png`` and ``NAME.csv`` there.

    Returns
    -------
    DataFrame
        The reaction table.
    """
    path = Path(path)
    if out is not None:
        picture, csv = (Path(out) / f"{path.stem}{suffix}" for suffix in (".png", ".csv"))
        keep_source(path, picture)
        check_free(picture, force)
        check_free(csv, force)
    table = analyze_image(path, model=model, detector=detector)
    faces = table[table["face_id"].notna()]
    if faces.empty:
        print(f"{printable(path)}: no face")
    for face in faces.to_dict("records"):
        name = face["emotion"]
        line = f"{printable(path)}: {name} {face[f'p_{name}']:.0%}"
        if val_ar:
            line += f", valence {face['valence']:.2f}, arousal {face['arousal']:.2f}"
        print(f"{line}, at x {face['x']:.0f} y {face['y']:.0f}, {face['width']:.0f} px wide")
    if out is not None:
        write_image(draw_reactions(read_image(path), table, val_ar), picture, force)
        write_table(table, csv, force)
    return table


def photo_folders(
    folders: Sequence[str | Path],
    model: FerModel,
    detector: Detector,
    out: str | Path | None = None,
    force: bool = False,
) -> int:
    """Write one row per photo in folders: ``emotions.csv`` in `out`, or to the standard output.

    The row tells the largest face. A photo without a face has no emotion; one that cannot be read
    has the reason in the column ``error``.

    Returns
    -------
    int
        How many photos could not be read.

    Raises
    ------
    FerError
        If a folder has no photo, or the file exists and `force` is false.
    """
    photos = []
    for folder in map(Path, folders):
        found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
        if not found:
            raise FerError(f"{folder} has no photo ({', '.join(IMAGE_SUFFIXES)})")
        photos += [(folder, path) for path in found]
    csv = check_free(Path(out) / "emotions.csv", force) if out is not None else None
    rows = [_photo_row(path, folder, model, detector) for folder, path in photos]
    columns = ["folder", "file", "faces", "emotion", "p", *_NUMBERS, "error"]
    table = pd.DataFrame(rows, columns=columns)
    table["faces"] = table["faces"].astype("Int64")
    if csv is None:
        table.to_csv(sys.stdout, index=False)
    else:
        with new_file(csv, force) as part:
            table.to_csv(part, index=False)
        print(printable(csv))
    return int(table["error"].notna().sum())


_NUMBERS = ("valence", "arousal", "x", "y", "width", "height")


def _photo_row(path: Path, folder: Path, model: FerModel, detector: Detector) -> dict:
    file = path.relative_to(folder).as_posix()
    row: dict = {"folder": printable(folder), "file": printable(file)}
    try:
        table = analyze_image(path, model=model, detector=detector)
    except FerError as error:
        return row | {"error": printable(str(error))}
    faces = table[table["face_id"].notna()].to_dict("records")
    row["faces"] = len(faces)
    if faces:
        face = faces[0]
        row |= {"emotion": face["emotion"], "p": face[f"p_{face['emotion']}"]}
        row |= {name: face[name] for name in _NUMBERS}
    return row
