"""`fer-nb …`: one program, thin; the work is done by the package."""

from __future__ import annotations

import io
import signal
import sys
import threading
from typing import Annotated

import typer

from fer_nb.cli.demo import demo
from fer_nb.cli.image import image
from fer_nb.cli.lab import lab
from fer_nb.cli.models import models_app, train_app
from fer_nb.cli.norms import norms_app
from fer_nb.cli.options import complain
from fer_nb.cli.report import report
from fer_nb.cli.reproduce import reproduce
from fer_nb.cli.study import study
from fer_nb.cli.video import video
from fer_nb.cli.webcam import webcam
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


def _command(function, example: str, **options) -> None:
    app.command(epilog=f"Example: fer-nb {example}", **options)(function)


_command(image, "image party.jpg --va --out annotated")
_command(video, "video viewers/ --va --fps 10 --out annotated")
_command(webcam, "webcam --camera 1 --va")
_command(report, "report viewers/*.mp4 --out reports --stimulus trailer.mp4")
_command(study, "study manifest.csv --out study --title 'Spring campaign'")
_command(reproduce, "reproduce reports/anna.html")
_command(demo, "demo --out reports/demo")
_command(
    lab,
    "lab --folder lessons --no-browser --port 8890",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
app.add_typer(norms_app, name="norms")
app.add_typer(models_app, name="models")
app.add_typer(train_app, name="train")


def _be_robust() -> None:
    """Clean up when a system ends the program, and print on consoles that know few letters."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def main() -> None:
    """Run the program; every error is one line unless ``--debug`` is given."""
    _be_robust()
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        app(arguments, prog_name="fer-nb")
    except FerError as error:
        if debug:
            raise
        complain(str(error))
        sys.exit(1)
    except SystemExit as end:
        if end.code == 130:  # what Typer makes of Ctrl-C
            complain("stopped")
        raise
    except Exception as error:
        if debug:
            raise
        complain(f"unexpected error: {type(error).__name__}: {error} (--debug shows where)")
        sys.exit(1)
