"""`fer-nb study`: audiences."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from fer_nb.cli.norms import Category, Length, Market, span
from fer_nb.cli.options import Work, analyses, complain, settings
from fer_nb.errors import FerError
from fer_nb.files import printable


@analyses
def study(
    manifest: Annotated[
        str,
        typer.Argument(
            help="CSV of recordings, or a folder STIMULUS/RESPONDENT.mp4; or its address (s3://…)."
        ),
    ],
    out: Annotated[
        str, typer.Option(help="Folder for the report and its tables, or an address (s3://…).")
    ],
    stimuli: Annotated[
        str | None, typer.Option(help="CSV of stimuli; by default stimuli.csv beside MANIFEST.")
    ] = None,
    tables: Annotated[
        str | None,
        typer.Option(help="Folder, or address, of ready reaction tables instead of videos."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title of the report.")] = None,
    norms: Annotated[Path | None, typer.Option(help="Folder of past studies to compare with.")] = (
        None
    ),
    category: Category = "",
    market: Market = "",
    length: Length = None,
    brand: Annotated[
        Path | None, typer.Option(help="brand.toml with name, logo, colours and footer.")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Also study.pdf; needs Chromium.")] = False,
    full_pdf: Annotated[
        bool, typer.Option("--full-pdf", help="Also study_full.pdf, with the appendix.")
    ] = False,
    pptx: Annotated[bool, typer.Option("--pptx", help="Also slides, study.pptx.")] = False,
    xlsx: Annotated[bool, typer.Option("--xlsx", help="Also a workbook, study.xlsx.")] = False,
    open_: Annotated[
        bool, typer.Option("--open", help="Show the finished report in the browser.")
    ] = False,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="A parameter of the study, such as --set min_face_share=0.6."),
    ] = None,
    *,
    work: Work,
) -> None:
    """Report on an audience: curves, moments, comparisons."""
    from fer_nb.batch import sole_writer
    from fer_nb.progress import recordings_bar
    from fer_nb.remote import below, is_address, mirrored, path_of
    from fer_nb.reports import report_study
    from fer_nb.reports.export import export_study
    from fer_nb.study import StudyConfig, load_study, read_manifest
    from fer_nb.study.storage import films_here

    if open_ and is_address(out):
        raise FerError(
            "--open shows a page of this computer; leave it out with an address as --out"
        )
    config = StudyConfig().with_(**settings(setting))
    described = read_manifest(manifest, stimuli, need_videos=tables is None)
    if described.left_out:
        complain(f"warning: {printable(described.left_out)}")
    with mirrored(path_of(out)) as folder, sole_writer(folder):
        with recordings_bar() as advance:
            page = report_study(
                described,
                folder,
                tables=tables,
                title=title,
                norms=norms,
                category=category,
                market=market,
                length_s=span(length),
                brand=brand,
                config=config,
                force=work.force,
                workers=work.workers,
                scheduler=work.scheduler,
                time_limit_s=work.time_limit_s(len(described.recordings)),
                progress=advance,
                **work.analysis,
            )
        typer.echo(below(out, page.name))
        shown: dict[str, Any] = {
            "title": title,
            "norms": norms,
            "category": category,
            "market": market,
            "length_s": span(length),
            "brand": brand,
            "force": work.force,
        }
        with films_here(described.stimuli.values()) as films:
            for kind in filter(None, ("short" if pdf else "", "full" if full_pdf else "")):
                typer.echo(below(out, export_study(folder, pdf=kind, **shown)[0].name))
            for file in export_study(folder, pptx=pptx, xlsx=xlsx, films=films, **shown):
                typer.echo(below(out, file.name))
        if open_:
            typer.launch(str(page))
        quality = load_study(folder).quality
    unread = quality[quality["status"] == "failed"]
    for row in unread.itertuples():
        complain(f"{row.recording}: {row.messages}")
    if len(unread):
        raise FerError(f"{len(unread)} of {len(quality)} recordings could not be analysed")
