"""From camera frames to answers: what the webcam preview does, without the browser."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from fer_nb.errors import FerError
from fer_nb.faces.detectors import Detector, as_detector, load_detector
from fer_nb.reactions import origin
from fer_nb.reader import FaceReader, FrameReadings, Reading, picture_quality
from fer_nb.tables import TableBuilder

CALIBRATION_S = 3.0
LEAST_FRAMES = 5  # fewer say nothing about a neutral face


def live_detector(detector: Detector | str | None) -> Detector:
    """Return a detector for a live picture, where faces are large and time is short."""
    if detector in (None, "face5"):
        return load_detector("face5", long_side=320)
    if detector == "haar":
        return load_detector("haar", max_side=320, min_share=0.12, near_side=140)
    return as_detector(detector)


@dataclass
class Baseline:
    """A person's neutral face: mean probabilities (9,), valence and arousal (1-7)."""

    probs: np.ndarray
    valence: float
    arousal: float
    frames: int


@dataclass
class _Calibration:
    since_s: float
    seen: dict[int, list[np.ndarray]] = field(default_factory=dict)


class LiveSession:
    """Reads faces from frames that come in order, and records them when asked to.

    Safe to call from several threads: a notebook's cells and its messages may run side by side.

    Parameters
    ----------
    model : object with ``predict_batch``
        As from `load_model`.
    detector : Detector
    detect_interval_s, search_interval_s : float
        How often known and new faces are looked for.
    """

    def __init__(
        self,
        model,
        detector: Detector,
        detect_interval_s: float = 0.25,
        search_interval_s: float = 2.0,
    ):
        self.model = model
        self.detector = detector
        self.baselines: dict[int, Baseline] = {}  # by the tracker's number, shown at the face
        self.delays_ms: deque[float] = deque(maxlen=900)
        self.frames_seen = 0
        self._intervals = {
            "detect_interval_s": detect_interval_s,
            "search_interval_s": search_interval_s,
        }
        self._lock = threading.RLock()
        self._table: TableBuilder | None = None
        self._calibration: _Calibration | None = None
        self.recording = False
        self.start()

    def start(self) -> None:
        """Forget who was seen: a new camera, or the old one started again."""
        with self._lock:
            self._reader = FaceReader(
                self.model,
                self.detector,
                max_gap_s=5.0,  # who leans out of the picture for a moment stays the same person
                report_after=2,  # what was found but once may be a false alarm
                **self._intervals,
            )
            self._last_s = -np.inf
            self._times: deque[float] = deque(maxlen=900)
            self._calibration = None
            self.baselines = {}  # a new one, as a recording keeps that of its people
            self.delays_ms.clear()

    def look(self, image: np.ndarray, time_s: float) -> dict:
        """Read one frame.

        Parameters
        ----------
        image : uint8 array (H, W, 3), RGB
        time_s : float
            When it was taken; a time that is not after the last one is moved behind it.

        Returns
        -------
        dict
            ``faces``: a dict per face with `id`, the box `x y w h` as shares of the picture,
            `emotion`, `probs` (9), `valence`, `arousal` and, where set, `baseline`;
            ``calibration``: seconds left, 0 when none is under way;
            ``said``: a sentence, when a calibration has just ended;
            ``recorded``: frames, rows and seconds so far, or None.
        """
        with self._lock:
            time_s = max(time_s, self._last_s + 1e-3)
            self._last_s = time_s
            self._times.append(time_s)
            self.frames_seen += 1
            readings = self._reader.read(image, time_s)
            left, said = self._calibrate(readings, time_s)
            if self.recording:
                self._add(image, time_s, readings)
            return {
                "faces": [self._face(reading, image.shape) for reading in readings],
                "calibration": round(left, 1),
                "said": said,
                "recorded": self.recorded() if self.recording else None,
            }

    def _face(self, reading: Reading, shape: tuple) -> dict:
        height, width = shape[:2]
        face = reading.face
        answer = {
            "id": reading.id,
            "x": round(face.x / width, 4),
            "y": round(face.y / height, 4),
            "w": round(face.width / width, 4),
            "h": round(face.height / height, 4),
            "emotion": reading.emotion,
            "probs": [round(float(p), 4) for p in reading.probs],
            "valence": round(reading.valence, 3),
            "arousal": round(reading.arousal, 3),
        }
        base = self.baselines.get(reading.id)
        if base is not None:
            answer["baseline"] = {
                "probs": [round(float(p), 4) for p in base.probs],
                "valence": round(base.valence, 3),
                "arousal": round(base.arousal, 3),
            }
        return answer

    # --- the person's own neutral ---
    def calibrate(self) -> None:
        """Take the next `CALIBRATION_S` seconds of every face as its neutral."""
        with self._lock:
            self._calibration = _Calibration(self._last_s)

    def _calibrate(self, readings: list[Reading], time_s: float) -> tuple[float, str | None]:
        """Go on with a calibration: seconds left, and a sentence when it is over."""
        if self._calibration is None:
            return 0.0, None
        for reading in readings:
            row = np.array([*reading.probs, reading.valence, reading.arousal])
            self._calibration.seen.setdefault(reading.id, []).append(row)
        left = self._calibration.since_s + CALIBRATION_S - time_s
        if left > 0:
            return left, None
        seen = self._calibration.seen.items()
        enough = {identity: rows for identity, rows in seen if len(rows) >= LEAST_FRAMES}
        self._calibration = None
        for identity, rows in enough.items():
            mean = np.mean(rows, axis=0)
            self.baselines[identity] = Baseline(
                mean[:9], float(mean[9]), float(mean[10]), len(rows)
            )
        if not enough:
            return 0.0, "No face was seen long enough. Face the camera and try again."
        return 0.0, "Neutral is set; the change from it is shown."

    # --- recording ---
    def record(self) -> None:
        """Begin a new table; the one before is dropped."""
        with self._lock:
            self._table = TableBuilder()
            self._people = self._reader.tracker
            self._neutral = self.baselines
            self._origin_s: float | None = None
            self._recorded: dict[str, Any] = {"frames": 0, "rows": 0, "seconds": 0.0}
            self.recording = True

    def stop_recording(self) -> None:
        """End the recording; the table stays."""
        with self._lock:
            self.recording = False

    def recorded(self) -> dict:
        """Frames, rows and seconds in the table."""
        with self._lock:
            empty = {"frames": 0, "rows": 0, "seconds": 0.0}
            return empty if self._table is None else dict(self._recorded)

    def _add(self, image: np.ndarray, time_s: float, readings: list[Reading]) -> None:
        if self._origin_s is None:
            self._origin_s = time_s
            self._shape = image.shape
        since = time_s - self._origin_s
        frame = self._recorded["frames"]
        self._table.add(FrameReadings(frame, since, *picture_quality(image), readings))
        self._recorded["frames"] += 1
        self._recorded["rows"] += max(1, len(readings))
        self._recorded["seconds"] = since

    def neutral(self) -> dict[int, Baseline]:
        """Return each person's neutral face.

        By `face_id` of what was recorded; before that, by the number shown at the face.
        """
        with self._lock:
            if self._table is None:
                return dict(self.baselines)
            ids = self._table.ids(self._people.confirmed)
            return {ids[id_]: base for id_, base in self._neutral.items() if id_ in ids}

    def table(self) -> pd.DataFrame:
        """Return what was recorded, as a reaction table.

        Raises
        ------
        FerError
            If nothing was recorded.
        """
        with self._lock:
            if self._table is None or not self._recorded["frames"]:
                raise FerError("nothing is recorded yet: start the preview and press Record")
            height, width = self._shape[:2]
            count, seconds = self._recorded["frames"], self._recorded["seconds"]
            video = {
                "width": width,
                "height": height,
                "fps": (count - 1) / seconds if seconds else 0.0,
                "duration_s": seconds,
                "frames": count,
                "start_pts_s": 0.0,
            }
            neutral = {
                str(identity): {"valence": base.valence, "arousal": base.arousal}
                for identity, base in self.neutral().items()
            }
            made_by = origin("webcam", None, self.model, self.detector, **self._intervals)
            made_by |= {"video": video, "neutral": neutral, "warnings": []}
            return self._table.table(self._people.confirmed, **made_by)

    def stats(self) -> Mapping[str, float]:
        """Frames a second by the camera's clock, and the browser's delay (camera to screen)."""
        with self._lock:
            times, delays = list(self._times), np.array(self.delays_ms)
        span = times[-1] - times[0] if len(times) > 1 else 0.0
        return {
            "frames": float(self.frames_seen),
            "fps": (len(times) - 1) / span if span else float("nan"),
            "delay_ms_median": float(np.median(delays)) if delays.size else float("nan"),
            "delay_ms_p95": float(np.percentile(delays, 95)) if delays.size else float("nan"),
        }
