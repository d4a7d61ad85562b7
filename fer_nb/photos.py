"""Many photos: each annotated, or whole folders in one table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.batch import map_in_order
from fer_nb.draw import draw_reactions
from fer_nb.errors import FerError
from fer_nb.faces.detectors import Detector
from fer_nb.files import (
    check_free,
    new_file,
    printable,
    told_path,
    without_folders,
)
from fer_nb.media import IMAGE_SUFFIXES, keep_source, read_image
from fer_nb.models import FerModel
from fer_nb.reactions import analyze_image
from fer_nb.remote import everywhere, fetched, files_at, is_address, name_of
from fer_nb.spreadsheets import harmless
from fer_nb.tables import write_table

REMEDY = "if there is one, cut it out larger, or try another detector (--detector yunet)"


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
    """Read a photo; with `out` also write ``NAME.png`` and ``NAME.csv`` there.

    Returns
    -------
    DataFrame
        The reaction table.
    """
    if out is not None:
        stem = Path(name_of(path)).stem
        picture, csv = (Path(out) / f"{stem}{suffix}" for suffix in (".png", ".csv"))
        check_free(picture, force)
        check_free(csv, force)
    with fetched(path) as photo:
        if out is not None:
            keep_source(photo, picture)
        table = analyze_image(photo, model=model, detector=detector)
        if out is not None:
            write_image(draw_reactions(read_image(photo), table, val_ar), picture, force)
            write_table(table, csv, force)
    return table


def photo_lines(name: str | Path, table: pd.DataFrame, val_ar: bool = False) -> list[str]:
    """Return a line about each face in a photo's table, for reading; or one that there is none."""
    lines = []
    for face in table[table["face_id"].notna()].to_dict("records"):
        emotion = face["emotion"]
        line = f"{printable(name)}: {emotion} {face[f'p_{emotion}']:.0%}"
        if val_ar:
            line += f", valence {face['valence']:.2f}, arousal {face['arousal']:.2f}"
        at = f"at x {face['x']:.0f} y {face['y']:.0f}, {face['width']:.0f} px wide"
        lines.append(f"{line}, {at}")
    lines = lines or [f"{printable(name)}: no face was found; {REMEDY}"]
    return lines + [f"{printable(name)}: {note}" for note in table.attrs.get("warnings", [])]


def photo_folders(
    folders: Sequence[str | Path],
    model: FerModel,
    detector: Detector,
    out: str | Path | None = None,
    force: bool = False,
    all_faces: bool = False,
    **side_by_side,
) -> pd.DataFrame:
    """Read all photos in folders; with `out` also write ``emotions.csv`` there.

    Parameters
    ----------
    folders : sequence of path
        Or addresses (``s3://…``).
    model, detector
        As in `fer_nb.analyze_image`.
    out, force
        Where the table goes, and whether it may replace one.
    all_faces : bool
        Give a row to each face.
    **side_by_side
        ``workers``, ``time_limit_s`` and ``scheduler``, as in `fer_nb.batch.map_in_order`.

    Returns
    -------
    DataFrame
        One row per photo, which tells the largest face, or with `all_faces` one per face. A photo
        without a face has no emotion; one that cannot be read has the reason in the column
        ``error``.

    Raises
    ------
    FerError
        If a folder has no photo, or the file exists and `force` is false.
    """
    photos = []
    for folder in folders:
        found = files_at(folder, IMAGE_SUFFIXES)
        if not found:
            raise FerError(f"{folder} has no photo ({', '.join(IMAGE_SUFFIXES)})")
        photos += [(folder, name, path) for name, path in found.items()]
    csv = check_free(Path(out) / "emotions.csv", force) if out is not None else None
    read = partial(_photo_rows, model=model, detector=detector, all_faces=all_faces)
    paths = [path for *_, path in photos]
    if side_by_side.get("scheduler"):
        paths = [everywhere(path) for path in paths]
    answers = map_in_order(read, paths, **side_by_side)
    rows = []
    for (folder, name, path), answer in zip(photos, answers, strict=True):
        if isinstance(answer, FerError):
            answer = [{"error": printable(without_folders(str(answer), path))}]
        here = out is None or is_address(folder) or not Path(folder).is_absolute()
        at = folder if here else told_path(folder, out)
        row = {"folder": printable(at), "file": printable(name)}
        rows += [row | found for found in answer]
    columns = ["folder", "file", "faces", "emotion", "p", *_NUMBERS, "error"]
    table = pd.DataFrame(rows, columns=columns)
    table["faces"] = table["faces"].astype("Int64")
    if csv is not None:
        with new_file(csv, force) as part:
            harmless(table).to_csv(part, index=False)
    return table


_NUMBERS = ("valence", "arousal", "x", "y", "width", "height")


def _photo_rows(
    path: str | Path, model: FerModel, detector: Detector, all_faces: bool
) -> list[dict]:
    with fetched(path) as photo:
        table = analyze_image(photo, model=model, detector=detector)
    faces = table[table["face_id"].notna()].to_dict("records")
    count = {"faces": len(faces)}
    if not faces:
        return [count]
    return [
        count
        | {"emotion": face["emotion"], "p": face[f"p_{face['emotion']}"]}
        | {name: face[name] for name in _NUMBERS}
        for face in (faces if all_faces else faces[:1])
    ]
