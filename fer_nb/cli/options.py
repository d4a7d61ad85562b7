"""What several commands share: their options, and how they speak."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from inspect import signature
from typing import Annotated

import typer

from fer_nb.errors import FerError

Model = Annotated[str, typer.Option(help="Name or folder of the model.")]
Detector = Annotated[
    str, typer.Option(help="Face detector: face5, haar, yunet, yolo; a file of yours as NAME/FILE.")
]
DetectorFile = Annotated[
    str | None,
    typer.Option(
        "--detector-file", "--cascade", hidden=True, help="Older form of --detector NAME/FILE."
    ),
]
MinFace = Annotated[
    float, typer.Option("--min-face", min=0, help="Leave out faces smaller than this many pixels.")
]
ValenceArousal = Annotated[bool, typer.Option("--va", help="Also show valence and arousal.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what exists.")]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Number of recordings analysed in parallel; by default as many as fit the machine.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(help="Address of a Dask cluster to analyse on, whose machines see the files."),
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        min=1,
        help="Seconds after which the analysis of a recording is abandoned and reported as failed; "
        "four hours by default if there are several recordings.",
    ),
]


def tools(model: str, detector: str, file: str | None, min_face: float = 0.0):
    """Return the model and the detector that were asked for."""
    from fer_nb.faces.detectors import load_detector
    from fer_nb.models import load_model

    name = f"{detector}/{file}" if file else detector
    return load_model(model), load_detector(name, **({"min_size": min_face} if min_face else {}))


@dataclass(frozen=True)
class Work:
    """The options of every command that analyses recordings; `analyses` adds them."""

    every: Annotated[int, typer.Option(min=1, help="Analyse every n-th frame.")] = 1
    workers: Workers = None
    time_limit: TimeLimit = None
    scheduler: Scheduler = None
    model: Model = "compact"
    detector: Detector = "face5"
    detector_file: DetectorFile = None
    min_face: MinFace = 0.0
    force: Force = False

    @cached_property
    def analysis(self) -> dict:
        """Keywords of every function that analyses recordings; loads the model."""
        model, detector = tools(self.model, self.detector, self.detector_file, self.min_face)
        return {"model": model, "detector": detector, "every": self.every}

    def time_limit_s(self, recordings: int) -> float | None:
        """How long one of so many recordings may take; a single one as long as it likes."""
        from fer_nb.batch import TIME_LIMIT_S

        return self.time_limit or (TIME_LIMIT_S if recordings > 1 else None)


def analyses(command: Callable) -> Callable:
    """Give a command the options of `Work` after its own; it takes them as its argument `work`."""
    own, shared = signature(command, eval_str=True), signature(Work, eval_str=True).parameters
    taken = [p for p in own.parameters.values() if p.name != "work"] + list(shared.values())

    @wraps(command)
    def run(**values):
        work = Work(**{name: values.pop(name) for name in shared})
        return command(**values, work=work)

    run.__signature__ = own.replace(parameters=taken)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in taken}
    return run


def settings(pairs: list[str] | None) -> dict:
    """Return NAME=VALUE pairs as a dict; values are read as JSON where they are JSON."""
    values = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise FerError(f"--set takes NAME=VALUE, not {pair!r}")
        try:
            values[name] = json.loads(value)
        except (RecursionError, ValueError):
            values[name] = value
    return values


def complain(message: str) -> None:
    """Say what went wrong, on stderr."""
    typer.echo(f"fer-nb: {message}", err=True)
