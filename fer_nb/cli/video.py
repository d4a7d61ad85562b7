"""`fer-nb video`: annotated copies of videos, and their tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from fer_nb.cli.options import ValenceArousal, Work, analyses, complain
from fer_nb.errors import FerError
from fer_nb.files import printable

if TYPE_CHECKING:
    from fer_nb.videos import Copy

# What of a recording's quality concerns any video, whoever is in it.
TOLD = ("brightness", "contrast", "face_share", "face_px")


@analyses
def video(
    files: Annotated[
        list[str], typer.Argument(help="Videos, folders of videos, or addresses (s3://…).")
    ],
    out: Annotated[
        str | None,
        typer.Option(
            help="Annotated video (.mp4), or a folder for several videos, or its address (s3://…); "
            "by default NAME_emotions.mp4 or the folder emotions, where you are. Each table is "
            "written beside its video."
        ),
    ] = None,
    va: ValenceArousal = False,
    csv: Annotated[bool, typer.Option("--csv", help="Tables as CSV instead of Parquet.")] = False,
    start: Annotated[float, typer.Option(min=0, help="Begin at this second.")] = 0.0,
    end: Annotated[float | None, typer.Option(min=0, help="End at this second.")] = None,
    fps: Annotated[
        float | None, typer.Option(min=0, help="Analyse this many frames per second instead.")
    ] = None,
    clock: Annotated[
        str,
        typer.Option(
            help="What time 0 is: the first picture (picture), or where a player starts, which may "
            "be earlier, with the sound (player)."
        ),
    ] = "picture",
    rest: Annotated[
        str | None,
        typer.Option(
            help="Add columns of the change from each face at rest: auto, or its seconds, "
            "such as 0-5."
        ),
    ] = None,
    *,
    work: Work,
) -> None:
    """Write annotated copies of videos, and their reaction tables."""
    from fer_nb.media import VIDEO_SUFFIXES
    from fer_nb.media.select import Selection
    from fer_nb.person import LIMITS
    from fer_nb.remote import is_folder, left_out, name_of, path_of
    from fer_nb.reports.words import reason_text
    from fer_nb.videos import annotate_recording, copies_at

    Selection(work.every, fps, start, end)  # says what is wrong before a model is loaded
    sources, place = [path_of(file) for file in files], None if out is None else path_of(out)
    for folder in filter(is_folder, sources):
        if note := left_out(folder, VIDEO_SUFFIXES):
            complain(f"warning: {printable(note)}")
    with copies_at(place, sources, ".csv" if csv else ".parquet", work.force) as copies:
        annotate = partial(
            annotate_recording,
            val_ar=va,
            force=work.force,
            fps=fps,
            start_s=start,
            end_s=end,
            clock=clock,
            rest=resting(rest),
            **work.analysis,
        )
        answers = _annotated(annotate, list(copies), work)
    failed, cause = 0, None
    for (copy, results), answer in zip(copies.items(), answers, strict=True):
        name = printable(name_of(copy.video))
        if isinstance(answer, FerError):
            failed, cause = failed + 1, answer
            complain(f"{name}: {printable(str(answer))}")
            continue
        warnings, quality = answer
        told = [reason_text(code, quality, LIMITS) for code in TOLD if code in quality["reasons"]]
        for note in (*warnings, *told):
            complain(f"warning: {name}: {note}")
        typer.echo("\n".join(map(printable, results)))
    if failed:
        raise FerError(f"{failed} of {len(copies)} videos could not be analysed") from cause


def _annotated(annotate: Callable, copies: list[Copy], work: Work) -> list:
    """Make each copy; return what `annotate` has answered."""
    from fer_nb.batch import fitting_workers, map_in_order
    from fer_nb.progress import recordings_bar, video_bar
    from fer_nb.remote import name_of

    limit, where = work.time_limit_s(len(copies)), work.scheduler
    if limit is None and where is None:
        with video_bar(copies[0].video) as advance:
            return [annotate(copies[0], progress=advance)]
    many, answers = work.workers or fitting_workers(len(copies)), []
    with recordings_bar() as advance:
        sent = [copy.everywhere() for copy in copies] if where else copies
        work_done = map_in_order(annotate, sent, workers=many, scheduler=where, time_limit_s=limit)
        for copy, answer in zip(copies, work_done, strict=True):
            answers.append(answer)
            error = printable(str(answer)) if isinstance(answer, FerError) else ""
            advance(len(answers), len(copies), printable(name_of(copy.video)), error)
    return answers


def resting(asked: str | None) -> str | tuple[float, float] | None:
    """Return what `--rest` says, as `analyze_video` takes it."""
    if asked is None or asked == "auto":
        return asked
    begin, _, end = asked.partition("-")
    try:
        seconds = float(begin), float(end)
    except ValueError:
        seconds = 0.0, 0.0
    if not seconds[0] < seconds[1]:
        raise FerError(f"--rest takes auto, or two seconds in order such as 0-5, not {asked}")
    return seconds
