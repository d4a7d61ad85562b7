"""`fer-nb reproduce`: the numbers of a report once more, compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fer_nb.errors import FerError


def reproduce(
    page: Annotated[Path, typer.Argument(help="A report: NAME.html or study.html.")],
    source: Annotated[
        str | None,
        typer.Option(help="The recording, or the study's manifest, or its address, if it moved."),
    ] = None,
) -> None:
    """Repeat the analysis behind a report, and say what is the same.

    Writes nothing. The exit status is 0 if all numbers are identical.
    """
    from fer_nb.reports.reproduce import reproduce

    findings = reproduce(page, source)
    for finding in findings:
        typer.echo(str(finding))
    differing = [finding.what for finding in findings if finding.same is False]
    if differing:
        raise FerError(f"not the same: {', '.join(differing)}")
