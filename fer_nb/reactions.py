"""The table: one row per face per analysed frame. Everything makes it or reads it."""

from __future__ import annotations

import json
import queue
import threading
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.emotions import EMOTIONS, PROBABILITY_COLUMNS
from fer_nb.errors import FerError, TableError
from fer_nb.faces import Detector, Face, crop_face, cv2, load_detector
from fer_nb.files import new_file, sha256
from fer_nb.media import Frame, VideoReader, read_image
from fer_nb.models import FerModel, Predictions, load_model
from fer_nb.tracking import Track, Tracker

BOX_COLUMNS = ("x", "y", "width", "height", "score")
COLUMNS = (
    "frame",
    "time_s",
    "face_id",
    *BOX_COLUMNS,
    "emotion",
    *PROBABILITY_COLUMNS,
    "valence",
    "arousal",
    "brightness",
    "contrast",
    "yaw_ratio",
)
_MEASURED = (*BOX_COLUMNS, "yaw_ratio", *PROBABILITY_COLUMNS, "valence", "arousal")
_DTYPES = {name: "float32" for name in COLUMNS} | {
    "frame": "int64",
    "time_s": "float64",
    "face_id": "Int64",
    "emotion": pd.CategoricalDtype(list(EMOTIONS)),
}

# Faces are classified this many at a time; large enough to be fast, small enough to stay live.
BATCH = 16


class TableBuilder:
    """Collects readings frame by frame, in compact form, and makes the table of them.

    Parameters
    ----------
    min_detections : int
        A track that the detector found fewer times than this, although it looked at least as
        often, is taken for a false alarm and left out.
    """

    def __init__(self, min_detections: int = 2):
        self.min_detections = min_detections
        self._frames = array("d")  # frame, time_s, brightness, contrast
        self._faces = array("d")  # frame, track id, then _MEASURED
        self._tracks: dict[int, Track] = {}

    def __len__(self) -> int:
        return len(self._frames) // 4

    def add(
        self,
        frame: int,
        time_s: float,
        image: np.ndarray,
        tracks: list[Track],
        predictions: Predictions,
    ) -> None:
        """Add one frame: its picture (for brightness and contrast), its tracks, their readings."""
        seen = [(track, track.face) for track in tracks]
        self._add(frame, time_s, picture_quality(image), seen, predictions)

    def _add(self, frame, time_s, quality, seen: list[tuple[Track, Face]], read: Predictions):
        self._frames.extend((frame, time_s, *quality))
        for i, (track, face) in enumerate(seen):
            self._tracks[track.id] = track
            box = (face.x, face.y, face.width, face.height, face.score, face.yaw_ratio)
            self._faces.extend((frame, track.id, *box))
            self._faces.extend(read.probs[i].tolist())
            self._faces.extend((read.valence[i], read.arousal[i]))

    def table(self, **attrs) -> pd.DataFrame:
        """Return the reaction table of what was added so far, with `attrs` as its provenance."""
        frames = np.frombuffer(self._frames).reshape(-1, 4) if self._frames else np.empty((0, 4))
        width = 2 + len(_MEASURED)
        faces = np.frombuffer(self._faces) if self._faces else np.empty(0)
        faces = faces.reshape(-1, width)
        alarms = [
            id_
            for id_, track in self._tracks.items()
            if track.hits < self.min_detections <= track.rounds
        ]
        faces = faces[~np.isin(faces[:, 1], alarms)]
        # Identities count from 0 in order of appearance, with no number missing.
        ids = {id_: i for i, id_ in enumerate(dict.fromkeys(faces[:, 1]))}
        right = pd.DataFrame(faces, columns=["frame", "face_id", *_MEASURED])
        right["face_id"] = right["face_id"].map(ids).astype("Int64")
        left = pd.DataFrame(frames, columns=["frame", "time_s", "brightness", "contrast"])
        table = left.merge(right, on="frame", how="left")
        table = table.sort_values(["frame", "face_id"], kind="stable", ignore_index=True)
        table["emotion"] = _most_probable(table)
        table = table[list(COLUMNS)].astype(_DTYPES)
        table.attrs = attrs
        return table


def _most_probable(table: pd.DataFrame) -> pd.Categorical:
    probs = table[list(PROBABILITY_COLUMNS)].to_numpy(dtype=float)
    absent = np.isnan(probs).any(axis=1)
    codes = np.where(absent, -1, np.nan_to_num(probs).argmax(axis=1)) if len(probs) else []
    return pd.Categorical.from_codes(np.asarray(codes, dtype=int), dtype=_DTYPES["emotion"])


def picture_quality(image: np.ndarray) -> tuple[float, float]:
    """Return the mean and the standard deviation of a picture's luma, 0-255."""
    sample = np.ascontiguousarray(image[::4, ::4])
    if sample.ndim == 3:
        sample = cv2.cvtColor(sample, cv2.COLOR_RGB2GRAY)
    mean, deviation = cv2.meanStdDev(sample)
    return float(mean[0, 0]), float(deviation[0, 0])


def _model(model: FerModel | str | None) -> FerModel:
    return load_model(model or "compact") if model is None or isinstance(model, str) else model


def _detector(detector: Detector | str | None) -> Detector:
    chosen = "haar" if detector is None else detector
    return load_detector(chosen) if isinstance(chosen, str) else chosen


def describe_detector(detector: Detector) -> dict:
    """Return a detector's name and settings as plain values, for provenance."""
    settings = {
        key: value.name if isinstance(value, Path) else value
        for key, value in vars(detector).items()
        if not key.startswith("_")
    }
    return {"name": getattr(detector, "name", type(detector).__name__)} | settings


def margin_of(detector: Detector) -> float:
    """Return how much larger than a detector's boxes the crops for a model must be."""
    return getattr(detector, "margin", 0.0)  # a plain function is a detector, too


def _provenance(source: str, digest: str | None, model: FerModel, detector: Detector, **parameters):
    from fer_nb import __version__

    return {
        "source": source,
        "sha256": digest,
        "model": model.name,
        "model_version": str(model.info["version"]),
        "model_sha256": model.sha256,
        "prior": model.prior,
        "package_version": __version__,
        "parameters": {"detector": describe_detector(detector), **parameters},
    }


def analyze_image(
    image: np.ndarray | str | Path,
    *,
    model: FerModel | str | None = None,
    detector: Detector | str | None = None,
) -> pd.DataFrame:
    """Read the emotions in a photo.

    Parameters
    ----------
    image : uint8 array (H, W, 3) RGB, or path
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
    model, detector = _model(model), _detector(detector)
    source, digest = "array", None
    if not isinstance(image, np.ndarray):
        path = Path(image)
        image = read_image(path)
        source, digest = path.name, sha256(path)
    faces = detector(image)
    crops = [crop_face(image, face, margin_of(detector)) for face in faces]
    tracks = [Track(i, face, True, 0.0, 0.0) for i, face in enumerate(faces)]
    builder = TableBuilder(min_detections=1)
    builder.add(0, 0.0, image, tracks, model.predict_batch(crops))
    height, width = image.shape[:2]
    provenance = _provenance(source, digest, model, detector)
    return builder.table(**provenance, image={"width": width, "height": height}, warnings=[])


def analyze_frames(
    frames: Iterable[Frame | tuple[float, np.ndarray]],
    *,
    model: FerModel | str | None = None,
    detector: Detector | str | None = None,
    detect_interval_s: float = 0.2,
    max_gap_s: float = 1.0,
    min_detections: int = 2,
    progress: Callable[[float], None] | None = None,
) -> pd.DataFrame:
    """Read the emotions in a sequence of pictures, from wherever they come.

    Parameters
    ----------
    frames : iterable of Frame, or of (time_s, uint8 array (H, W, 3) RGB)
        In order of time.
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
    """
    model, detector = _model(model), _detector(detector)
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

    for count, frame in enumerate(frames):
        if isinstance(frame, Frame):
            index, time_s, image = frame.index, frame.time_s, frame.image
        else:
            index, (time_s, image) = count, frame
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
    return builder.table(**_provenance("frames", None, model, detector, **parameters), warnings=[])


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
    min_detections: int = 2,
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
    if every < 1:
        raise FerError(f"every must be 1 or more, not {every}")
    model, detector = _model(model), _detector(detector)
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


def check_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return a reaction table with its proper column types, having checked its content.

    Raises
    ------
    TableError
        Naming everything that is wrong: missing columns, values that cannot be, disorder in time.
    """
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise TableError(f"not a reaction table: it lacks {', '.join(missing)}")
    attrs = table.attrs
    try:
        table = table.astype(_DTYPES)
    except (TypeError, ValueError) as error:
        raise TableError(f"a column of the reaction table has a wrong type: {error}") from error
    table.attrs = attrs
    seen = table[table["face_id"].notna()]
    probs = seen[list(PROBABILITY_COLUMNS)].to_numpy(dtype=float)
    problems = []
    if not table["time_s"].is_monotonic_increasing:
        problems.append("time_s runs backwards")
    if len(probs) and not np.allclose(probs.sum(axis=1), 1, atol=1e-3):
        problems.append("probabilities that do not sum to 1")
    for name in ("valence", "arousal"):
        if not seen[name].between(1, 7).all():
            problems.append(f"{name} outside 1-7")
    if seen.duplicated(["frame", "face_id"]).any():
        problems.append("the same face twice in one frame")
    if problems:
        raise TableError("the reaction table has " + "; ".join(problems))
    return table


def write_table(table: pd.DataFrame, path: str | Path, force: bool = False) -> Path:
    """Write a reaction table as Parquet or CSV, by the suffix, with no loss.

    Provenance (``table.attrs``) goes into the Parquet metadata, or beside the CSV into a file with
    ``.json`` added to its name.

    Raises
    ------
    FerError
        If the suffix is neither, or the file exists and `force` is false.
    """
    path = Path(path)
    if path.suffix not in (".parquet", ".csv"):
        raise TableError(f"cannot write a table as {path.suffix or path}; use .parquet or .csv")
    with new_file(path, force) as part:
        if path.suffix == ".parquet":
            table.to_parquet(part, index=False)
            return path
        table.to_csv(part, index=False)
        with new_file(path.with_name(path.name + ".json"), force) as beside:
            beside.write_text(json.dumps(table.attrs, indent=1), encoding="utf-8")
    return path


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a reaction table that `write_table` wrote, and check it.

    Raises
    ------
    TableError
        If the file is missing or holds no reaction table.
    """
    path = Path(path)
    if not path.is_file():
        raise TableError(f"there is no table {path}")
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
        else:
            table = pd.read_csv(path, float_precision="round_trip", dtype={"face_id": "Int64"})
            beside = path.with_name(path.name + ".json")
            if beside.is_file():
                table.attrs = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TableError(f"{path} cannot be read as a table: {error}") from error
    return check_table(table)
