"""`fer-nb …`: one program, thin; the work is done by the package."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from fer_nb.cli_models import Force, models_app, settings, train_app
from fer_nb.errors import FerError

app = typer.Typer(
    name="fer-nb",
    help="Read emotion from faces: photos, videos, webcam, and whole audiences.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Add --debug to any command to see the whole traceback of an error.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from fer_nb import __version__

        typer.echo(f"fer_nb {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    pass


app.add_typer(models_app, name="models")
app.add_typer(train_app, name="train")

Model = Annotated[str, typer.Option(help="Name or folder of the model.")]
Detector = Annotated[str, typer.Option(help="Face detector: haar, yunet or yolo.")]
DetectorFile = Annotated[
    str | None,
    typer.Option(
        "--detector-file", "--cascade", help="A cascade's name or file; for yunet, yolo the ONNX."
    ),
]
ValenceArousal = Annotated[bool, typer.Option("--va", help="Show valence and arousal, too.")]


def _tools(model: str, detector: str, file: str | None):
    from fer_nb.detectors import load_detector
    from fer_nb.models import load_model

    options = {"cascade" if detector == "haar" else "model": file} if file else {}
    return load_model(model), load_detector(detector, **options)


@app.command(epilog="Example: fer-nb image party.jpg --va --out annotated")
def image(
    files: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the results; without it they are only printed."),
    ] = None,
    va: ValenceArousal = False,
    model: Model = "compact",
    detector: Detector = "haar",
    detector_file: DetectorFile = None,
    force: Force = False,
) -> None:
    """Read emotions in photos.

    With --out each photo gets an annotated copy and a table. Folders give one table of all their
    photos, a row each: emotions.csv.
    """
    from fer_nb.photos import annotate_photo, photo_folders

    folders = [path for path in files if path.is_dir()]
    photos = [path for path in files if not path.is_dir()]
    twice = [name for name, n in Counter(path.stem for path in photos).items() if n > 1]
    if out is not None and twice:
        raise FerError(f"several photos are called {twice[0]}; give each of them another --out")
    if out is not None and folders and "emotions" in (path.stem.casefold() for path in photos):
        raise FerError(
            "a photo called emotions and the folders would both write emotions.csv; give the photo "
            "another --out"
        )
    network, finder = _tools(model, detector, detector_file)
    failed = 0
    for path in photos:
        try:
            annotate_photo(path, network, finder, out, va, force)
        except FerError as error:
            failed += 1
            _complain(str(error))
    if folders:
        failed += photo_folders(folders, network, finder, out, force)
    if failed:
        raise FerError(f"{failed} of the files could not be read")


@app.command(epilog="Example: fer-nb video viewer.mp4 --va --out viewer_annotated.mp4")
def video(
    file: Annotated[Path, typer.Argument(help="The video.")],
    out: Annotated[
        Path | None, typer.Option(help="Annotated video (.mp4); its table goes beside it.")
    ] = None,
    va: ValenceArousal = False,
    every: Annotated[int, typer.Option(min=1, help="Analyse each n-th frame.")] = 1,
    model: Model = "compact",
    detector: Detector = "haar",
    detector_file: DetectorFile = None,
    force: Force = False,
) -> None:
    """Write an annotated copy of a video, and its reaction table."""
    from fer_nb.draw import annotate_video
    from fer_nb.files import check_free
    from fer_nb.media import keep_source
    from fer_nb.progress import video_bar
    from fer_nb.reactions import analyze_video, write_table

    out = out or Path(f"{file.stem}_emotions.mp4")
    if out.suffix.lower() != ".mp4":
        raise FerError(f"the annotated video is an MP4 file; name it .mp4, not {out.name}")
    keep_source(file, out)
    table_path = out.with_suffix(".parquet")
    check_free(out, force)
    check_free(table_path, force)
    network, finder = _tools(model, detector, detector_file)
    with video_bar(file) as advance:
        table = analyze_video(file, model=network, detector=finder, every=every, progress=advance)
    with video_bar(file, "drawing") as advance:
        annotate_video(file, table, out, val_ar=va, force=force, progress=advance)
    write_table(table, table_path, force)  # last, as a table alone would be in the way next time
    for warning in table.attrs["warnings"]:
        _complain(f"warning: {file.name}: {warning}")
    typer.echo(f"{out}\n{table_path}")


@app.command(epilog="Example: fer-nb webcam --camera 1 --va")
def webcam(
    camera: Annotated[int, typer.Option(help="Number of the camera.")] = 0,
    va: ValenceArousal = False,
    model: Model = "compact",
    detector: Detector = "haar",
    detector_file: DetectorFile = None,
) -> None:
    """Show the webcam with emotions in a window; q or Escape closes it."""
    from fer_nb.window import show_webcam

    network, finder = _tools(model, detector, detector_file)
    show_webcam(camera, network, finder, va)


@app.command(epilog="Example: fer-nb report viewers/*.mp4 --out reports --stimulus trailer.mp4")
def report(
    videos: Annotated[list[Path], typer.Argument(help="Recordings of viewers.")],
    out: Annotated[Path, typer.Option(help="Folder for the reports.")],
    stimulus: Annotated[Path | None, typer.Option(help="The video that was watched.")] = None,
    start_s: Annotated[
        float, typer.Option(min=0, help="When the stimulus begins in the recordings.")
    ] = 0.0,
    every: Annotated[int, typer.Option(min=1, help="Analyse each n-th frame.")] = 1,
    smoothing_s: Annotated[
        float, typer.Option(min=0, help="Window of the moving average, in seconds.")
    ] = 1.0,
    show_faces: Annotated[
        bool, typer.Option("--show-faces", help="Do not blur faces in the report.")
    ] = False,
    model: Model = "compact",
    detector: Detector = "haar",
    detector_file: DetectorFile = None,
    force: Force = False,
) -> None:
    """Make a report of each recording, and an index of all."""
    from fer_nb.reports import report_videos

    network, finder = _tools(model, detector, detector_file)
    done = report_videos(
        videos,
        out,
        force=force,
        progress=True,
        stimulus=stimulus,
        start_s=start_s,
        every=every,
        smoothing_s=smoothing_s,
        show_faces=show_faces,
        model=network,
        detector=finder,
    )
    if any(item.ok for item in done):
        typer.echo(out / "index.html")
    _all_made(done)


def _all_made(reports) -> None:
    failed = [report for report in reports if not report.ok]
    for item in failed:
        _complain(f"{Path(item.source).name}: {item.error}")
    if failed:
        raise FerError(f"{len(failed)} of {len(reports)} recordings could not be analysed")


@app.command(epilog="Example: fer-nb study manifest.csv --out study --title 'Spring campaign'")
def study(
    manifest: Annotated[
        Path, typer.Argument(help="CSV of recordings, or a folder STIMULUS/RESPONDENT.mp4.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the report and its tables.")],
    stimuli: Annotated[
        Path | None, typer.Option(help="CSV of stimuli; by default stimuli.csv beside MANIFEST.")
    ] = None,
    tables: Annotated[
        Path | None, typer.Option(help="Folder of ready reaction tables instead of videos.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title of the report.")] = None,
    norms: Annotated[Path | None, typer.Option(help="Folder of past studies to compare with.")] = (
        None
    ),
    category: Annotated[str, typer.Option(help="Only norms of this kind of stimulus.")] = "",
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="A parameter of the study, such as --set min_face_share=0.6."),
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Analyse each n-th frame.")] = 1,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that analyse recordings side by side.")
    ] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask cluster that does so instead.")
    ] = None,
    model: Model = "compact",
    detector: Detector = "haar",
    detector_file: DetectorFile = None,
    force: Force = False,
) -> None:
    """Report on an audience: curves, moments, comparisons."""
    from fer_nb.progress import recordings_bar
    from fer_nb.reports import report_study
    from fer_nb.study import StudyConfig, load_study

    config = StudyConfig().with_(**settings(setting))
    network, finder = _tools(model, detector, detector_file)
    with recordings_bar() as advance:
        page = report_study(
            manifest,
            out,
            stimuli=stimuli,
            tables=tables,
            title=title,
            norms=norms,
            category=category,
            config=config,
            force=force,
            every=every,
            workers=workers,
            scheduler=scheduler,
            model=network,
            detector=finder,
            progress=advance,
        )
    typer.echo(page)
    quality = load_study(out).quality
    unread = quality[quality["status"] == "failed"]
    for row in unread.itertuples():
        _complain(f"{row.recording}: {row.reasons}")
    if len(unread):
        raise FerError(f"{len(unread)} of {len(quality)} recordings could not be analysed")


@app.command(epilog="Example: fer-nb norms study past-studies --category trailer")
def norms(
    study: Annotated[Path, typer.Argument(help="Folder of a finished study.")],
    library: Annotated[Path, typer.Argument(help="Folder of past studies; made where absent.")],
    category: Annotated[str, typer.Option(help="The kind of its stimuli.")] = "",
    force: Force = False,
) -> None:
    """Add a finished study to those that `study --norms` compares with."""
    from fer_nb.study import add_to_norms, load_study

    for path in add_to_norms(load_study(study), library, category=category, force=force):
        typer.echo(path)


@app.command(epilog="Example: fer-nb demo --out reports/demo")
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the study and its reports.")] = Path(
        "reports/demo"
    ),
    force: Force = False,
) -> None:
    """Make the demo study: a trailer, six viewers, reports."""
    from fer_nb.demo import run_demo

    index = run_demo(out, force=force)
    typer.echo(f"\nOpen this page in a browser:\n{index.resolve()}")


@app.command(
    epilog="Example: fer-nb lab --no-browser --port 8890",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def lab(context: typer.Context) -> None:
    """Open JupyterLab on the notebooks; it takes JupyterLab's own options."""
    import subprocess

    from fer_nb.zoo import notebooks_folder

    command = [sys.executable, "-m", "jupyterlab", str(notebooks_folder()), *context.args]
    raise typer.Exit(subprocess.call(command))


def _complain(message: str) -> None:
    typer.echo(f"fer-nb: {message}", err=True)


def main() -> None:
    """Run the program; every error is one line unless ``--debug`` is given."""
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        app(arguments, prog_name="fer-nb")
    except FerError as error:
        if debug:
            raise
        _complain(str(error))
        sys.exit(1)
    except SystemExit as end:
        if end.code == 130:  # what Typer makes of Ctrl-C
            _complain("stopped")
        raise
    except Exception as error:
        if debug:
            raise
        _complain(f"unexpected error: {type(error).__name__}: {error} (--debug shows where)")
        sys.exit(1)


if __name__ == "__main__":
    main()
