"""The webcam preview: live emotions in JupyterLab."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pandas as pd
import traitlets

from fer_nb.errors import FerError
from fer_nb.faces.detectors import Detector
from fer_nb.spreadsheets import harmless
from fer_nb.widgets import assets, pictures
from fer_nb.widgets.base import FerWidget
from fer_nb.widgets.live import Baseline, LiveSession, live_detector

# Sent along where the browser finds that it speeds the answer up; see `ballast` in webcam.js.
_BALLAST = bytes(1 << 17)


class WebcamPreview(FerWidget):
    """The webcam, with boxes, emotions, valence and arousal drawn over the live picture.

    Show it as the last line of a cell and press Start. Frames go to this kernel only, one at a
    time; no picture is kept. "Record" collects measurements, which `reactions` then returns.

    Parameters
    ----------
    model : FerModel, str or None
        A model or its name; None takes the more accurate of those that ship, where this machine
        answers fast enough with it.
    detector : Detector, str or None
        A detector or its name; None takes ``"face5"``.
    mirror : bool
        Show the picture as a mirror does. The table always has the camera's own coordinates.
    size : str
        Wanted size of the camera's picture: ``"320x240"``, ``"640x480"`` or ``"1280x720"``.
    detect_interval_s : float
        How often faces are detected; in between they are tracked.

    Examples
    --------
    >>> preview = WebcamPreview()  # doctest: +SKIP
    >>> preview  # doctest: +SKIP
    >>> preview.reactions.groupby("emotion").size()  # doctest: +SKIP
    """

    _esm = assets.script("webcam")
    _again = "press Start to go on"
    mirror = traitlets.Bool(True).tag(sync=True)
    size = traitlets.Enum(("320x240", "640x480", "1280x720"), "640x480").tag(sync=True)
    camera = traitlets.Unicode("").tag(sync=True)
    recording = traitlets.Bool(False).tag(sync=True)
    rows = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        model=None,
        detector: Detector | str | None = None,
        *,
        mirror: bool = True,
        size: str = "640x480",
        detect_interval_s: float = 0.25,
    ):
        from fer_nb.models import as_model
        from fer_nb.models.choice import fast_enough

        # One face is too little to share out among threads.
        chosen = as_model("accurate" if model is None else model, threads=1)
        if model is None and not fast_enough(chosen, live=True):
            chosen = as_model(None, threads=1)
        self._session = LiveSession(chosen, live_detector(detector), detect_interval_s)
        self._view: str | None = None
        super().__init__(chosen, mirror=mirror, size=size)

    # --- what the notebook can ask and do ---
    @property
    def running(self) -> bool:
        """Whether a browser shows the camera."""
        return self._view is not None

    @property
    def reactions(self) -> pd.DataFrame:
        """The recorded reaction table: the columns of `analyze_video`, time from the start."""
        return self._session.table()

    @property
    def stats(self) -> Mapping[str, float]:
        """Frames so far, frames a second, and median and 95th percentile of the delay in ms."""
        return self._session.stats()

    def record(self) -> None:
        """Begin to record, as the Record button does; an earlier recording is dropped.

        Raises
        ------
        FerError
            If the preview is not running.
        """
        if not self.running:
            raise FerError("start the preview first, then record")
        self._session.record()
        self.rows = 0
        self.recording = True

    def stop_recording(self) -> None:
        """End the recording; `reactions` keeps it."""
        self._session.stop_recording()
        self.rows = self._session.recorded()["rows"]
        self.recording = False

    def stop(self) -> None:
        """Switch the camera off."""
        self.send({"type": "stop"})
        self._ended()

    @property
    def baselines(self) -> Mapping[int, Baseline]:
        """Each person's neutral face, where "Set neutral" has taken it.

        By `face_id` of `reactions`; while nothing is recorded, by the number shown at the face.
        """
        return self._session.neutral()

    # --- messages ---
    def _on_start(self, message: Mapping, buffers: list) -> None:
        if self.recording:  # another camera, or the same one anew, starts another clock
            self.stop_recording()
        self._session.start()
        self._view = message["view"]
        self.send({"type": "taken", "view": self._view})

    def _on_frame(self, message: Mapping, buffers: list) -> None:
        answer = {"type": "answer", "seq": message["seq"], "faces": [], "ms": 0}
        if message["view"] != self._view:  # it was under way when the camera went off
            self._reply(message, answer)
            return
        if message.get("delay") is not None:
            self._session.delays_ms.append(float(message["delay"]))
        started = time.perf_counter()
        answer |= self._session.look(pictures.decode(buffers[0]), float(message["t"]))
        answer["ms"] = round(1000 * (time.perf_counter() - started), 1)
        ballast = [_BALLAST[: int(message["pad"])]] if message.get("pad") else None
        self._reply(message, answer, ballast)

    def _on_stop(self, message: Mapping, buffers: list) -> None:
        if message["view"] == self._view:
            self._ended()

    def _on_record(self, message: Mapping, buffers: list) -> None:
        if message["on"]:
            self.record()
        else:
            self.stop_recording()

    def _on_calibrate(self, message: Mapping, buffers: list) -> None:
        self._session.calibrate()

    def _on_csv(self, message: Mapping, buffers: list) -> None:
        data = harmless(self.reactions).to_csv(index=False).encode()
        self._offer(message, "reactions.csv", "text/csv", data)

    def _fail(self, text: str, message: Mapping) -> None:
        if message.get("type") in ("start", "frame"):
            self._ended()  # the browser switches the camera off on hearing of it
        super()._fail(text, message)

    def _ended(self) -> None:
        self._view = None
        if self.recording:
            self.stop_recording()

    # --- without a browser ---
    def _sentence(self) -> str:
        return (
            "The live webcam preview needs a browser: open this notebook in JupyterLab (fer-nb "
            "lab) and run the cell there. The picture shows a sample photo instead."
        )

    def _picture(self) -> bytes:
        from fer_nb.reactions import analyze_image
        from fer_nb.widgets.samples import sample
        from fer_nb.widgets.still import photo_still

        image = sample("astronaut")
        session = self._session
        return photo_still(
            image, analyze_image(image, model=session.model, detector=session.detector)
        )
