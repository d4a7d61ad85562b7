"""`fer-nb demo`: the synthetic study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fer_nb.cli.options import Force


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
