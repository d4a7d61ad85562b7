"""From photos and videos to the table: one row per face per analysed frame."""

from __future__ import annotations

import operator
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from fer_nb.detectors import Detector, as_detector, describe_detector, margin_of, plain
from fer_nb.errors import FerError
from fer_nb.faces import check_picture, crop_face
from fer_nb.files import sha256
from fer_nb.media import Frame, VideoReader, as_array, read_image
from fer_nb.models import FerModel, Predictions, as_model
from fer_nb.opencv import cv2
from fer_nb.tables import (
    COLUMNS,
    TableBuilder,
    check_table,
    picture_quality,
    read_table,
    write_table,
)
from fer_nb.tracking import Track, Tracker

# The table's own module belongs to this one's public face.
__all__ = [
    "COLUMNS",
    "TableBuilder",
    "analyze_frames",
    "analyze_image",
    "analyze_video",
    "check_table",
    "origin",
    "picture_quality",
    "read_table",
    "write_table",
]

# Faces are classified this many at a time; large enough to be fast, small enough to stay live.
BATCH = 16


def origin(
    source: str, digest: str | None, model: FerModel, detector: Detector, **parameters
) -> dict:
    """Return the attrs of a reaction table that say what it was made from, and with what.

    `model` and `detector` may be any that answer like ours; what they do not tell is None.
    """
    from fer_nb import __version__

    return {
        "source": source,
        "sha256": digest,
        "model": getattr(model, "name", type(model).__name__),
        "model_version": str(getattr(model, "info", {}).get("version", "")),
        "model_sha256": getattr(model, "sha256", None),
        "prior": getattr(model, "prior", None),
        "ratings": getattr(model, "ratings", None),
        "package_version": __version__,
        "parameters": {"detector": describe_detector(detector)}
        | {name: plain(value) for name, value in parameters.items()},
    }


def analyze_image(
    image: np.ndarray | Image.Image | str | Path,
    *,
    model: FerModel | str | None = None,
    detector: Detector | str | None = None,
) -> pd.DataFrame:
    """Read the emotions in a photo.

    Parameters
    ----------
    image : uint8 array (H, W, 3) RGB, PIL image, or path
    model : FerModel or str, optional
        A model or its name; ``"compact"`` by default.
    detector : Detector or str, optional
        A detector or its name; ``"haar"`` by default.

    Returns
    -------
    DataFrame
        The reaction table with ``frame`` 0: one row per face, largest first; one row without
        measurement if there is no face.

    Raises
    ------
    FerError
        If the photo, model or detector cannot be used.

    Examples
    --------
    >>> import skimage
    >>> analyze_image(skimage.data.astronaut())["emotion"].tolist()
    ['happy']
    """
    model, detector = as_model(model), as_detector(detector)
    source, digest = "array", None
    if isinstance(image, str | Path):
        path = Path(image)
        image = read_image(path)
        source, digest = path.name, sha256(path)
    elif isinstance(image, Image.Image):
        image = as_array(image)
    image = check_picture(image)
    faces = detector(image)
    crops = [crop_face(image, face, margin_of(detector)) for face in faces]
    tracks = [Track(i, face, True, 0.0, 0.0) for i, face in enumerate(faces)]
    builder = TableBuilder(min_detections=1)
    builder.add(0, 0.0, image, tracks, model.predict_batch(crops))
    height, width = image.shape[:2]
    provenance = origin(source, digest, model, detector)
    return builder.table(**provenance, image={"width": width, "height": height}, warnings=[])


def analyze_frames(
    frames: Iterable[Frame | tuple[float, np.ndarray]],
    *,
    model: FerModel | str | None = None,
    detector: Detector | str | None = None,
    detect_interval_s: float = 0.2,
    max_gap_s: float = 1.0,
    min_detections: int = 3,
    progress: Callable[[float], None] | None = None,
) -> pd.DataFrame:
    """Read the emotions in a sequence of pictures, from wherever they come.

    Parameters
    ----------
    frames : iterable of Frame, or of (time_s, uint8 array (H, W, 3) RGB)
        In order of time. Frames that were not counted (those of `VideoReader.frame_at`) are
        numbered here.
    model, detector
        As in `analyze_image`.
    detect_interval_s, max_gap_s : float
        See `Tracker`.
    min_detections : int
        See `TableBuilder`.
    progress : callable, optional
        Called with the time of each frame that is done; an exception it raises ends the work.

    Returns
    -------
    DataFrame
        The reaction table.

    Raises
    ------
    FerError
        If a time is before the one that precedes it.
    """
    model, detector = as_model(model), as_detector(detector)
    tracker = Tracker(detector, detect_interval_s=detect_interval_s, max_gap_s=max_gap_s)
    builder = TableBuilder(min_detections)
    waiting: list[tuple] = []  # frames whose faces are not classified yet
    crops: list[np.ndarray] = []

    def flush() -> None:
        read = model.predict_batch(crops)
        start = 0
        for index, time_s, quality, seen in waiting:
            part = slice(start, start + len(seen))
            start = part.stop
            one = Predictions(read.probs[part], read.valence[part], read.arousal[part], read.prior)
            builder._add(index, time_s, quality, seen, one)
        waiting.clear()
        crops.clear()

    index, before_s = -1, -np.inf
    for frame in frames:
        if isinstance(frame, Frame):
            index, time_s, image = max(frame.index, index + 1), frame.time_s, frame.image
        else:
            index, (time_s, image) = index + 1, frame
        if not time_s >= before_s:
            raise FerError(
                f"pictures must be in order of time, but one at {time_s} s follows one at "
                f"{before_s} s; if this is a file of joined recordings, ffmpeg -i VIDEO copy.mp4 "
                "gives it one clock"
            )
        before_s = time_s
        seen = [(track, track.face) for track in tracker.update(image, time_s)]
        # Crops are shrunk at once, so that no full picture waits.
        crops += [_small(crop_face(image, face, margin_of(detector))) for _, face in seen]
        waiting.append((index, time_s, picture_quality(image), seen))
        if len(crops) >= BATCH or len(waiting) >= 4 * BATCH:
            flush()
        if progress is not None:
            progress(time_s)
    flush()
    parameters = {
        "detect_interval_s": detect_interval_s,
        "max_gap_s": max_gap_s,
        "min_detections": min_detections,
    }
    return builder.table(**origin("frames", None, model, detector, **parameters), warnings=[])


def _small(crop: np.ndarray, side: int = 128) -> np.ndarray:
    if len(crop) <= side:
        return crop.copy()
    return cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)


def analyze_video(
    path: str | Path,
    *,
    model: FerModel | str | None = None,
    detector: Detector | str | None = None,
    every: int = 1,
    detect_interval_s: float = 0.2,
    max_gap_s: float = 1.0,
    min_detections: int = 3,
    progress: Callable[[float], None] | None = None,
) -> pd.DataFrame:
    """Read the emotions in a video.

    Parameters
    ----------
    path : str or Path
    model, detector
        As in `analyze_image`.
    every : int
        Analyse each n-th frame, the first one always.
    detect_interval_s, max_gap_s, min_detections, progress
        As in `analyze_frames`.

    Returns
    -------
    DataFrame
        The reaction table: one row per face per analysed frame, ordered by time. ``time_s`` is the
        frame's own time stamp, counted from the first frame. ``attrs`` carries provenance, what the
        container says of the video, and warnings (a truncated file gives what could be read).

    Raises
    ------
    FerError
        If the video, model or detector cannot be used.

    Examples
    --------
    >>> table = analyze_video("viewer.mp4", every=2)  # doctest: +SKIP
    >>> table.groupby("face_id")["valence"].mean()  # doctest: +SKIP
    """
    try:
        every = operator.index(every)
    except TypeError:
        raise FerError(f"every must be a whole number, not {every!r}") from None
    if every < 1:
        raise FerError(f"every must be 1 or more, not {every}")
    model, detector = as_model(model), as_detector(detector)
    path = Path(path)
    with VideoReader(path) as video:
        seen = _Counter()
        with closing(_decoded_ahead(seen(video), every)) as frames:
            table = analyze_frames(
                frames,
                model=model,
                detector=detector,
                detect_interval_s=detect_interval_s,
                max_gap_s=max_gap_s,
                min_detections=min_detections,
                progress=progress,
            )
        info = video.info
        table.attrs |= {
            "source": path.name,
            "sha256": sha256(path),
            "video": {
                "width": info.width,
                "height": info.height,
                "fps": info.fps,
                "duration_s": info.duration_s or seen.last_s,
                "frames": seen.frames,
                "rotation": info.rotation,
                "codec": info.codec,
            },
            "warnings": list(video.warnings),
        }
        table.attrs["parameters"] |= {"every": every}
    return table


class _Counter:
    """Counts the frames that pass through it."""

    frames = 0
    last_s = 0.0

    def __call__(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            self.frames += 1
            self.last_s = frame.time_s
            yield frame


def _decoded_ahead(video: Iterable[Frame], every: int) -> Iterator[tuple]:
    """Decode in a thread of its own, a few frames ahead; decoding and analysis each fill a core."""
    ready: queue.Queue = queue.Queue(maxsize=8)
    stop = threading.Event()
    end = object()

    def put(item) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def decode() -> None:
        try:
            for frame in video:
                if frame.index % every:
                    continue
                frame.image  # noqa: B018  converted here, where it costs the analysis no time
                if not put(frame):
                    return
            put(end)
        except Exception as error:  # carried over to the thread that waits for frames
            put(error)

    worker = threading.Thread(target=decode, name="decode", daemon=True)
    worker.start()
    try:
        while (item := ready.get()) is not end:
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        stop.set()
        worker.join()
