"""`fer-nb report`: a report of each recording."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from fer_nb.cli.options import Work, analyses, complain
from fer_nb.errors import FerError


@analyses
def report(
    videos: Annotated[
        list[str], typer.Argument(help="Recordings of viewers, or addresses (s3://…).")
    ],
    out: Annotated[str, typer.Option(help="Folder for the reports, or an address.")],
    stimulus: Annotated[
        str | None, typer.Option(help="The video that the viewers watched, or its address.")
    ] = None,
    start_s: Annotated[
        float, typer.Option(min=0, help="Second at which the stimulus begins in the recordings.")
    ] = 0.0,
    smoothing_s: Annotated[
        float, typer.Option(min=0, help="Width of the moving average, in seconds.")
    ] = 1.0,
    show_faces: Annotated[
        bool, typer.Option("--show-faces", help="Do not blur faces in the report.")
    ] = False,
    *,
    work: Work,
) -> None:
    """Make a report of each recording, and an index of all."""
    from fer_nb.remote import below, fetched, mirrored, path_of
    from fer_nb.reports import report_videos

    shown = nullcontext() if stimulus is None else fetched(path_of(stimulus))
    with mirrored(path_of(out)) as folder, shown as film:
        done = report_videos(
            [path_of(video) for video in videos],
            folder,
            force=work.force,
            progress=True,
            workers=work.workers,
            time_limit_s=work.time_limit_s(len(videos)),
            scheduler=work.scheduler,
            stimulus=film,
            start_s=start_s,
            smoothing_s=smoothing_s,
            show_faces=show_faces,
            **work.analysis,
        )
    if any(item.ok for item in done):
        typer.echo(below(out, "index.html"))
    _all_made(done)


def _all_made(reports) -> None:
    failed = [report for report in reports if not report.ok]
    for item in failed:
        complain(f"{Path(item.source).name}: {item.error}")
    if failed:
        raise FerError(f"{len(failed)} of {len(reports)} recordings could not be analysed")
