"""From photos and videos to the table: one row per face per analysed frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
from PIL import Image

from fer_nb.errors import FerError
from fer_nb.faces import check_picture
from fer_nb.faces.detectors import Detector, as_detector, describe_detector, plain
from fer_nb.files import existing, sha256, unchanged
from fer_nb.media import Frame, VideoReader, as_array, count_pictures, read_image
from fer_nb.media.select import Selection
from fer_nb.models import Model, as_model, describe_model
from fer_nb.person.rest import relative_to_rest
from fer_nb.reader import FaceReader, FrameReadings, picture_quality
from fer_nb.tables import TableBuilder


def origin(source: str, digest: str | None, model: Model, detector: Detector, **parameters) -> dict:
    """Return the attrs of a reaction table that say what it was made from, and with what.

    `model` and `detector` may be any that answer like ours; what they do not tell is None.
    """
    from fer_nb import __version__

    return {
        "source": source,
        "sha256": digest,
        **describe_model(model),
        "package_version": __version__,
        "parameters": {"detector": describe_detector(detector)}
        | {name: plain(value) for name, value in parameters.items()},
    }


def analyze_image(
    image: np.ndarray | Image.Image | str | Path | bytes | BinaryIO,
    *,
    model: Model | str | None = None,
    detector: Detector | str | None = None,
) -> pd.DataFrame:
    """Read the emotions in a photo.

    Parameters
    ----------
    image : uint8 array (H, W, 3) RGB, PIL image, path, bytes or binary file
    model : FerModel or str, optional
        A model or its name; ``"compact"`` by default.
    detector : Detector or str, optional
        A detector or its name; ``"face5"`` by default.

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
    source, digest, notes = "array", None, []
    if isinstance(image, Image.Image):
        image = as_array(image)
    elif isinstance(image, str | Path | bytes | bytearray | memoryview) or hasattr(image, "read"):
        path = image.read() if hasattr(image, "read") else image
        count, image = count_pictures(path), read_image(path)
        if isinstance(path, str | Path):
            source, digest = Path(path).name, sha256(path)
        if count > 1:
            notes = [
                f"the first of {count} pictures was read; analyze_video reads animated GIF and PNG"
            ]
    image = check_picture(image)
    builder = TableBuilder()
    readings = FaceReader(model, detector).read(image)
    builder.add(FrameReadings(0, 0.0, *picture_quality(image), readings))
    height, width = image.shape[:2]
    provenance = origin(source, digest, model, detector)
    return builder.table(**provenance, image={"width": width, "height": height}, warnings=notes)


def analyze_frames(
    frames: Iterable[Frame | tuple[float, np.ndarray]],
    *,
    model: Model | str | None = None,
    detector: Detector | str | None = None,
    detect_interval_s: float = 0.2,
    max_gap_s: float = 1.0,
    min_detections: int = 3,
    rest: str | tuple[float, float] | None = None,
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
        See `Track.confirmed`.
    rest : "auto" or (begin_s, end_s), optional
        Also give each signal less what it is on this face at rest, as columns ``d_valence``, …; see
        `fer_nb.person.relative_to_rest`.
    progress : callable, optional
        Called with the time of each frame that is done; an exception it raises ends the work.

    Returns
    -------
    DataFrame
        The reaction table.

    Raises
    ------
    FerError
        If a time is before the one that precedes it, or a picture comes without its time.
    """
    model, detector = as_model(model), as_detector(detector)
    parameters = {
        "detect_interval_s": detect_interval_s,
        "max_gap_s": max_gap_s,
        "min_detections": min_detections,
    }
    reader = FaceReader(model, detector, **parameters)
    builder = TableBuilder()
    with closing(reader.read_frames(_pairs(frames))) as read:
        for frame in read:
            builder.add(frame)
            if progress is not None:
                progress(frame.time_s)
    provenance = origin("frames", None, model, detector, **parameters)
    table = builder.table(reader.tracker.confirmed, **provenance, warnings=[])
    return table if rest is None else relative_to_rest(table, rest)


def _pairs(frames: Iterable) -> Iterator:
    """The same frames, having made sure that each has its time."""
    for frame in frames:
        pair = isinstance(frame, tuple | list) and len(frame) == 2
        if not (pair or isinstance(frame, Frame)):
            raise FerError(
                "each frame must be a Frame, or (time_s, picture): "
                "analyze_frames((i / 25, picture) for i, picture in enumerate(pictures))"
            )
        yield frame


def analyze_video(
    path: str | Path,
    *,
    model: Model | str | None = None,
    detector: Detector | str | None = None,
    every: int = 1,
    fps: float | None = None,
    start_s: float = 0.0,
    end_s: float | None = None,
    clock: str = "picture",
    detect_interval_s: float = 0.2,
    max_gap_s: float = 1.0,
    min_detections: int = 3,
    rest: str | tuple[float, float] | None = None,
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
    fps : float, optional
        Analyse so many frames per second of the video's time at most; instead of `every`.
    start_s, end_s : float, optional
        Analyse this stretch only, in seconds of the clock.
    clock : {"picture", "player"}
        Where ``time_s`` counts from: the first picture, or where a player's clock starts, which is
        earlier where the sound begins before the picture.
    detect_interval_s, max_gap_s, min_detections, rest, progress
        As in `analyze_frames`; a stretch of rest is in seconds of the clock.

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
    wanted = Selection(every, fps, start_s, end_s)
    if clock not in ("picture", "player"):
        raise FerError(f'clock must be "picture" or "player", not {clock!r}')
    model, detector = as_model(model), as_detector(detector)
    path = Path(path)
    existing(path)
    with unchanged(path), VideoReader(path) as video:
        seen, info = _Counter(), video.info
        shift_s = info.start_s if clock == "player" else 0.0
        table = analyze_frames(
            wanted.of(seen(video), shift_s),
            model=model,
            detector=detector,
            detect_interval_s=detect_interval_s,
            max_gap_s=max_gap_s,
            min_detections=min_detections,
            progress=progress,
        )
        table["time_s"] += shift_s
        table["source"] = pd.Categorical([path.name] * len(table))
        table.attrs |= {
            "source": path.name,
            "sha256": sha256(path),
            "video": {
                "width": info.width,
                "height": info.height,
                "fps": info.fps,
                "duration_s": max(info.duration_s, seen.last_s),
                "frames": seen.frames,
                "damaged_frames": video.damaged,
                "missing_frames": video.missing,
                "lost_frames": video.lost,
                "start_s": info.start_s,
                "sizes": [list(size) for size in video.sizes],
                "rotation": info.rotation,
                "codec": info.codec,
            },
            "warnings": list(video.warnings),
        }
        asked = {"every": every, "fps": fps, "start_s": start_s, "end_s": end_s, "clock": clock}
        asked["rest"] = rest
        table.attrs["parameters"] |= {name: plain(value) for name, value in asked.items()}
    return table if rest is None else relative_to_rest(table, rest)


class _Counter:
    """Counts the frames that pass through it."""

    frames = 0
    last_s = 0.0

    def __call__(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            self.frames += 1
            self.last_s = frame.time_s
            yield frame
