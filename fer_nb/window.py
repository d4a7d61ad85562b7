"""The webcam in a window of its own, for machines with a display."""

from __future__ import annotations

import os
import sys
import time

import numpy as np

from fer_nb.detectors import Detector, margin_of
from fer_nb.draw import draw_reactions
from fer_nb.errors import MediaError
from fer_nb.faces import crop_face
from fer_nb.models import FerModel
from fer_nb.opencv import cv2
from fer_nb.reactions import TableBuilder
from fer_nb.tracking import Tracker

_NOTEBOOK = "for a preview in the browser run: fer-nb lab, and open 04_interactive_inference.ipynb"


def show_webcam(camera: int, model: FerModel, detector: Detector, val_ar: bool = False) -> None:
    """Show the camera's picture with boxes and emotions until q, Escape or the window's cross.

    Raises
    ------
    MediaError
        If there is no display, OpenCV has no windows, or the camera gives no picture.
    """
    on_linux = sys.platform.startswith("linux")
    if on_linux and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise MediaError(f"there is no display to open a window on; {_NOTEBOOK}")
    capture = cv2.VideoCapture(camera)
    try:
        if not capture.isOpened():
            raise MediaError(f"camera {camera} cannot be opened; try --camera 1, or {_NOTEBOOK}")
        tracker, start = Tracker(detector), time.monotonic()
        title = "fer_nb - q closes"
        while True:
            there, frame = capture.read()
            if not there:
                raise MediaError(
                    f"camera {camera} stopped giving pictures; is it still plugged in?"
                )
            image = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            time_s = time.monotonic() - start
            picture = _annotated(image, time_s, tracker, model, val_ar)
            try:
                cv2.imshow(title, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
            except cv2.error as error:
                raise MediaError(f"this OpenCV cannot open windows; {_NOTEBOOK}") from error
            key = cv2.waitKey(1) & 0xFF
            closed = cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) < 1
            if key in (ord("q"), 27) or closed:
                return
    finally:
        capture.release()
        cv2.destroyAllWindows()


def _annotated(
    image: np.ndarray, time_s: float, tracker: Tracker, model: FerModel, val_ar: bool
) -> np.ndarray:
    tracks = tracker.update(image, time_s)
    margin = margin_of(tracker.detector)
    read = model.predict_batch([crop_face(image, track.face, margin) for track in tracks])
    builder = TableBuilder(min_detections=1)
    builder.add(0, time_s, image, tracks, read)
    return draw_reactions(image, builder.table(), val_ar)
