"""Finding faces: three detectors behind one call."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from fer_nb.errors import FerError, ModelError
from fer_nb.faces import Face, check_picture, shrunk
from fer_nb.opencv import cv2

_SMALLEST = 20  # pixels; below that no detector sees a face


class Detector(Protocol):
    """Anything that finds faces in an RGB picture.

    `margin` says how much larger than its boxes the crop must be, so that the crops of all
    detectors show the same part of the head.
    """

    name: str
    margin: float

    def __call__(self, image: np.ndarray) -> list[Face]: ...


class _Settings:
    """A detector whose public attributes are what it was made with."""

    def __reduce__(self):
        """Be copied to another process as these settings: the files are loaded there."""
        settings = {
            key: value.absolute() if isinstance(value, Path) else value
            for key, value in vars(self).items()
            if not key.startswith("_")
        }
        return partial(type(self), **settings), ()


class HaarDetector(_Settings):
    """Viola-Jones cascades, as OpenCV carries them: no download, frontal faces.

    Parameters
    ----------
    cascade : str
        One of OpenCV's files, by its name with or without ``haarcascade_`` and ``.xml`` (such as
        ``"frontalface_alt2"``), or the path of any cascade file.
    scale_factor, min_neighbors
        As in `cv2.CascadeClassifier.detectMultiScale`.
    min_share : float
        Smallest face looked for, as a share of the picture's shorter side.
    max_side : int
        The picture is shrunk to this longer side first.

    Source
    ------
    Viola, P., & Jones, M. (2001). Rapid object detection using a boosted cascade of simple
    features. CVPR.
    """

    name = "haar"
    margin = 0.25  # its boxes end at the chin; the crop shows the head as other detectors frame it

    def __init__(
        self,
        cascade: str = "frontalface_alt2",
        scale_factor: float = 1.1,
        min_neighbors: int = 4,
        min_share: float = 0.08,
        max_side: int = 640,
    ):
        self.cascade = _cascade_path(cascade)
        self._classifier = cv2.CascadeClassifier()
        try:
            loaded = self._classifier.load(str(self.cascade))
        except (cv2.error, SystemError):  # OpenCV raises or not, depending on what is broken
            loaded = False
        if not loaded:
            raise ModelError(f"{self.cascade} is not a cascade file that OpenCV can load")
        self._lock = threading.Lock()  # the classifier keeps state while it works
        self.scale_factor = scale_factor
        self.min_neighbors = min_neighbors
        self.min_share = min_share
        self.max_side = _checked_side(max_side)

    def __call__(self, image: np.ndarray) -> list[Face]:
        """Return the faces in an RGB (or grey) uint8 picture, largest first; refuse any other."""
        image = check_picture(image)
        grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        grey, scale = shrunk(grey, self.max_side)
        smallest = max(_SMALLEST, round(self.min_share * min(grey.shape)))
        if min(grey.shape) < smallest:
            return []
        with self._lock:
            boxes, _, weights = self._classifier.detectMultiScale3(
                cv2.equalizeHist(grey),
                scaleFactor=self.scale_factor,
                minNeighbors=self.min_neighbors,
                minSize=(smallest, smallest),
                outputRejectLevels=True,
            )
        faces = [
            Face(*(float(v) / scale for v in box), score=float(weight))
            for box, weight in zip(boxes, np.ravel(weights), strict=True)
        ]
        return sorted(faces, key=lambda face: -face.area)


def _checked_side(max_side: int) -> int:
    if not max_side >= _SMALLEST:
        raise ModelError(f"max_side must be {_SMALLEST} pixels or more, not {max_side}")
    return max_side


def _cascade_path(cascade: str) -> Path:
    if Path(cascade).is_file():
        return Path(cascade)
    folder = Path(cv2.data.haarcascades)
    for name in (cascade, f"{cascade}.xml", f"haarcascade_{cascade}.xml"):
        if (folder / name).is_file():
            return folder / name
    raise ModelError(f"no cascade {cascade!r}; give a path or one of: {', '.join(cascade_names())}")


def cascade_names() -> list[str]:
    """Return the names of the cascades that OpenCV carries."""
    files = sorted(Path(cv2.data.haarcascades).glob("haarcascade_*.xml"))
    return [file.stem.removeprefix("haarcascade_") for file in files]


class YuNetDetector(_Settings):
    """YuNet through OpenCV: accurate, with landmarks; also turned and partly covered faces.

    Parameters
    ----------
    model : str or Path, optional
        ``face_detection_yunet_2023mar.onnx``; without it the file is taken from the cache or
        downloaded there once.
    score : float
        Least confidence, 0 to 1.
    max_side : int
        The picture is shrunk to this longer side first.

    Source
    ------
    Wu, W., Peng, H., & Yu, S. (2023). YuNet: A tiny millisecond-level face detector. *Machine
    Intelligence Research, 20*, 656-665.
    """

    name = "yunet"
    margin = 0.0

    def __init__(self, model: str | Path | None = None, score: float = 0.7, max_side: int = 640):
        from fer_nb.zoo import fetch

        self.model = Path(model) if model else fetch("yunet")
        if not self.model.is_file():
            raise ModelError(f"there is no YuNet file {self.model}")
        try:
            self._net = cv2.FaceDetectorYN.create(str(self.model), "", (320, 320), score)
            self._net.detect(np.zeros((320, 320, 3), np.uint8))  # other networks load, too
        except cv2.error as error:
            raise ModelError(f"{self.model} is not a YuNet model: {error.err}") from error
        self._lock = threading.Lock()
        self.score = score
        self.max_side = _checked_side(max_side)

    def __call__(self, image: np.ndarray) -> list[Face]:
        """Return the faces in an RGB (or grey) uint8 picture, largest first; refuse any other."""
        image = check_picture(image)
        code = cv2.COLOR_GRAY2BGR if image.ndim == 2 else cv2.COLOR_RGB2BGR
        picture, scale = shrunk(cv2.cvtColor(image, code), self.max_side)
        if min(picture.shape[:2]) < _SMALLEST:
            return []
        with self._lock:
            self._net.setInputSize((picture.shape[1], picture.shape[0]))
            found = self._net.detect(picture)[1]
        faces = []
        for row in [] if found is None else np.asarray(found, dtype=float):
            if not np.isfinite(row).all():
                continue
            row[:14] /= scale
            faces.append(Face(*row[:4], score=float(row[14]), landmarks=row[4:14].reshape(5, 2)))
        return sorted(faces, key=lambda face: -face.area)


class YoloDetector(_Settings):
    """A YOLOv5-face network in ONNX form: letterboxed RGB in, three raw heads out.

    Parameters
    ----------
    model : str or Path
        The ONNX file. None is shipped or downloaded, as those in circulation are GPL-licensed.
    score : float
        Least confidence, 0 to 1.
    overlap : float
        Boxes that overlap a better one by more than this are dropped.

    Source
    ------
    Qi, D., Tan, W., Yao, Q., & Liu, J. (2022). YOLO5Face: Why reinventing a face detector.
    """

    name = "yolo"
    margin = 0.0

    # (width, height) of the three anchors of each head, in pixels of the network's input.
    _ANCHORS = ((4, 5, 8, 10, 13, 16), (23, 29, 43, 55, 73, 105), (146, 217, 231, 300, 335, 433))

    def __init__(self, model: str | Path | None = None, score: float = 0.5, overlap: float = 0.45):
        if model is None:
            raise ModelError(
                "the YOLO detector needs a YOLOv5-face model in ONNX form: "
                "load_detector('yolo', model='yolov5n-face.onnx')"
            )
        from fer_nb.zoo import onnx_session

        self.model = Path(model)
        self._session = onnx_session(self.model)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(outputs) != 3 or len(inputs[0].shape) != 4:
            raise ModelError(f"{self.model} is not a YOLOv5-face model with three raw heads")
        self._input = inputs[0].name
        self._side = int(inputs[0].shape[2])
        self.score = score
        self.overlap = overlap

    def __call__(self, image: np.ndarray) -> list[Face]:
        """Return the faces in an RGB (or grey) uint8 picture, largest first; refuse any other."""
        image = check_picture(image)
        rgb = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image
        height, width = rgb.shape[:2]
        scale = self._side / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(
            rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        )
        board = np.full((self._side, self._side, 3), 114, dtype=np.uint8)
        board[: size[1], : size[0]] = small
        blob = board.transpose(2, 0, 1)[None].astype(np.float32) / 255
        heads = self._session.run(None, {self._input: blob})
        heads.sort(key=lambda head: -head.shape[2])  # finest grid first, as the anchors stand
        rows = np.concatenate(
            [self._decode(h, a) for h, a in zip(heads, self._ANCHORS, strict=True)]
        )
        rows = rows[rows[:, 4] >= self.score]
        rows[:, :4] /= scale
        rows[:, 5:] /= scale
        keep = cv2.dnn.NMSBoxes(rows[:, :4].tolist(), rows[:, 4].tolist(), self.score, self.overlap)
        faces = [
            Face(*map(float, row[:4]), score=float(row[4]), landmarks=row[5:].reshape(5, 2))
            for row in rows[np.ravel(keep).astype(int)]
        ]
        return sorted(faces, key=lambda face: -face.area)

    def _decode(self, head: np.ndarray, anchors: tuple[int, ...]) -> np.ndarray:
        """Rows of x, y, width, height, score and ten landmark coordinates, in input pixels."""
        _, _, rows, columns, values = head.shape
        stride = self._side / rows
        anchor = np.array(anchors, dtype=float).reshape(3, 1, 1, 2)
        grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1)
        raw = head[0].astype(float)
        sigmoid = 1 / (1 + np.exp(-raw))
        centre = (sigmoid[..., :2] * 2 - 0.5 + grid) * stride
        size = (sigmoid[..., 2:4] * 2) ** 2 * anchor
        score = sigmoid[..., 4:5] * sigmoid[..., 15:16]
        points = raw[..., 5:15].reshape(3, rows, columns, 5, 2) * anchor[..., None, :]
        points = (points + grid[..., None, :] * stride).reshape(3, rows, columns, 10)
        flat = np.concatenate([centre - size / 2, size, score, points], axis=-1)
        return flat.reshape(-1, values - 1)


DETECTORS: dict[str, Callable[..., Detector]] = {
    "haar": HaarDetector,
    "yunet": YuNetDetector,
    "yolo": YoloDetector,
}


def load_detector(name: str = "haar", **options) -> Detector:
    """Return a face detector: a callable from an RGB picture to a list of `Face`.

    Parameters
    ----------
    name : {"haar", "yunet", "yolo"}
    **options
        Passed on to `HaarDetector`, `YuNetDetector` or `YoloDetector`.

    Raises
    ------
    ModelError
        If there is no such detector, or its file cannot be had or used.

    Examples
    --------
    >>> import skimage
    >>> detector = load_detector("haar", cascade="frontalface_default")
    >>> len(detector(skimage.data.astronaut()))
    1
    """
    try:
        detector = DETECTORS[name]
    except KeyError:
        raise ModelError(f"no detector {name!r}; choose one of {', '.join(DETECTORS)}") from None
    try:
        made = detector(**options)
        made(np.zeros((320, 320, 3), np.uint8))  # what cannot work is told now, not in a video
    except FerError:
        raise
    except Exception as error:  # OpenCV and ONNX Runtime have errors of their own
        raise ModelError(f"the {name} detector does not take that: {error}") from error
    return made


def as_detector(detector: Detector | str | None) -> Detector:
    """Return a detector from a name or a detector; ``"haar"`` from None."""
    chosen = "haar" if detector is None else detector
    return load_detector(chosen) if isinstance(chosen, str) else chosen


def describe_detector(detector: Detector) -> dict:
    """Return a detector's name and settings as plain values, for provenance."""
    settings = {
        key: plain(value)
        for key, value in getattr(detector, "__dict__", {}).items()
        if not key.startswith("_")
    }
    return {"name": str(getattr(detector, "name", type(detector).__name__))} | settings


def plain(value: object) -> object:
    """Return what JSON can carry of a setting, without addresses in memory, which never recur."""
    if isinstance(value, Path):
        return value.name
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, tuple | list) and len(value) <= 16:
        return [plain(item) for item in value]
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))[:200]


def margin_of(detector: Detector) -> float:
    """Return how much larger than a detector's boxes the crops for a model must be."""
    return getattr(detector, "margin", 0.0)  # a plain function is a detector, too
