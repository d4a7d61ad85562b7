"""`fer-nb webcam`: the webcam in a window."""

from __future__ import annotations

from typing import Annotated

import typer

from fer_nb.cli.options import Detector, DetectorFile, Model, ValenceArousal, tools


def webcam(
    camera: Annotated[int, typer.Option(help="Number of the camera.")] = 0,
    va: ValenceArousal = False,
    model: Model = "compact",
    detector: Detector = "face5",
    detector_file: DetectorFile = None,
) -> None:
    """Show the webcam with emotions in a window.

    q or Escape closes it.
    """
    from fer_nb.window import show_webcam

    network, finder = tools(model, detector, detector_file)
    show_webcam(camera, network, finder, va)
