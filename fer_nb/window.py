"""The webcam in a window of its own, for machines with a display."""

from __future__ import annotations

import os
import sys
import time

from fer_nb.draw import draw_readings
from fer_nb.errors import MediaError
from fer_nb.faces.detectors import Detector
from fer_nb.models import FerModel
from fer_nb.opencv import cv2
from fer_nb.reader import FaceReader

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
        reader, start = FaceReader(model, detector), time.monotonic()
        title = "fer_nb - q closes"
        while True:
            there, frame = capture.read()
            if not there:
                raise MediaError(
                    f"camera {camera} stopped giving pictures; is it still plugged in?"
                )
            image = cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            time_s = time.monotonic() - start
            picture = draw_readings(image, reader.read(image, time_s), val_ar)
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
