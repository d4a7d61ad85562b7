"""`fer-nb image`: emotions in photos."""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from fer_nb.cli.options import (
    Detector,
    DetectorFile,
    Force,
    MinFace,
    Model,
    Scheduler,
    ValenceArousal,
    complain,
    tools,
)
from fer_nb.errors import FerError
from fer_nb.files import printable
from fer_nb.spreadsheets import harmless


def image(
    files: Annotated[
        list[str], typer.Argument(help="Photos, folders of photos, or addresses (s3://…).")
    ],
    out: Annotated[
        str | None,
        typer.Option(
            help="Folder for the results, or an address; without it they are only printed."
        ),
    ] = None,
    va: ValenceArousal = False,
    all_faces: Annotated[
        bool,
        typer.Option(
            "--all-faces", help="List every face in a folder's table, not only the largest."
        ),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Number of photos read in parallel; one if not given."),
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            min=1, help="Seconds after which a photo is abandoned and reported as failed."
        ),
    ] = None,
    scheduler: Scheduler = None,
    model: Model = "compact",
    detector: Detector = "face5",
    detector_file: DetectorFile = None,
    min_face: MinFace = 0.0,
    force: Force = False,
) -> None:
    """Read emotions in photos.

    With --out each photo gets an annotated copy and a table. Folders give one table of all their
    photos, a row each: emotions.csv.
    """
    from fer_nb.batch import map_in_order
    from fer_nb.media import IMAGE_SUFFIXES
    from fer_nb.photos import annotate_photo, photo_folders, photo_lines
    from fer_nb.remote import below, everywhere, is_folder, left_out, mirrored, name_of, path_of

    given = [path_of(file) for file in files]
    folders = [path for path in given if is_folder(path)]
    photos = [path for path in given if path not in folders]
    stems = [Path(name_of(path)).stem for path in photos]
    twice = [name for name, n in Counter(stems).items() if n > 1]
    if out is not None and twice:
        raise FerError(f"several photos are called {twice[0]}; give each of them another --out")
    if out is not None and folders and "emotions" in map(str.casefold, stems):
        raise FerError(
            "a photo called emotions and the folders would both write emotions.csv; give the photo "
            "another --out"
        )
    network, finder = tools(model, detector, detector_file, min_face)
    side_by_side: dict[str, Any] = {"workers": workers or 1, "time_limit_s": time_limit}
    side_by_side["scheduler"] = scheduler
    failed, cause = 0, None
    with nullcontext() if out is None else mirrored(path_of(out)) as folder:
        annotate = partial(
            annotate_photo,
            model=network,
            detector=finder,
            out=None if folder is None else Path(folder).absolute(),
            val_ar=va,
            force=force,
        )
        answers = map_in_order(
            annotate, map(everywhere, photos) if scheduler else photos, **side_by_side
        )
        for path, answer in zip(photos, answers, strict=True):
            if isinstance(answer, FerError):
                failed, cause = failed + 1, answer
                complain(str(answer))
            else:
                typer.echo("\n".join(photo_lines(path, answer, va)))
        for place in folders:
            if note := left_out(place, IMAGE_SUFFIXES):
                complain(f"warning: {printable(note)}")
        if folders:
            rows = photo_folders(folders, network, finder, folder, force, all_faces, **side_by_side)
            failed += int(rows["error"].notna().sum())
            if out is None:
                typer.echo(harmless(rows).to_csv(index=False).rstrip())
            else:
                typer.echo(printable(below(out, "emotions.csv")))
    if failed:
        raise FerError(f"{failed} of the photos failed") from cause
