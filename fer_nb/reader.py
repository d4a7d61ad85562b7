"""One frame in, readings out: who is in it, and what their faces show.

Analysis, webcam, window and photo all read faces here, so that they give the same answer.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import FerError
from fer_nb.faces import Face, crop_face
from fer_nb.faces.closer import upright
from fer_nb.faces.detectors import Detector, as_detector, margin_of, nearby
from fer_nb.faces.face import InParts, Picture, luma
from fer_nb.faces.tracking import Tracker
from fer_nb.media import Frame
from fer_nb.models import Model, Predictions, as_model, crop_of
from fer_nb.models.preprocess import GREY_WEIGHTS
from fer_nb.opencv import cv2, one_thread
from fer_nb.pipeline import ahead, beside

# Faces are classified this many at a time; large enough to be fast, small enough to stay live.
BATCH = 16
# A crop that waits for its batch is no larger than this, or than what its network looks at; no full
# picture waits.
CROP_SIDE = 128


@dataclass(frozen=True, slots=True)
class Reading:
    """What one face shows at one moment.

    `id` is the tracker's number of the person, `probs` (9,) are in the order of `EMOTIONS`;
    valence and arousal are on the 1-7 scale.
    """

    id: int
    face: Face
    probs: np.ndarray
    valence: float
    arousal: float

    @property
    def emotion(self) -> str:
        """The most probable emotion."""
        return EMOTIONS[int(np.argmax(self.probs))]


@dataclass(frozen=True, slots=True)
class FrameReadings:
    """The readings of one frame, with the mean and the deviation of its luma (0-255)."""

    frame: int
    time_s: float
    brightness: float
    contrast: float
    readings: list[Reading]


class FaceReader:
    """Finds the faces of a picture, follows them through a video, and reads their expression.

    Parameters
    ----------
    model : FerModel or str, optional
        A model or its name; ``"compact"`` by default.
    detector : Detector or str, optional
        A detector or its name; the default of `load_detector`.
    **tracking
        Passed on to `Tracker`: intervals, gaps, and how often a face must be found.

    Examples
    --------
    >>> import skimage
    >>> [reading.emotion for reading in FaceReader().read(skimage.data.astronaut())]
    ['happy']
    """

    def __init__(
        self,
        model: Model | str | None = None,
        detector: Detector | str | None = None,
        **tracking,
    ):
        self.model, self.detector = as_model(model), as_detector(detector)
        self.tracker = Tracker(self.detector, **tracking)
        crop = crop_of(self.model)
        self._margin = (1 + margin_of(self.detector)) * (1 + crop.margin) - 1
        self._upright = crop.align == "eyes"
        # A network that looks at more pixels gets them.
        prepared = getattr(self.model, "preprocessing", None)
        self._crop_side = max(CROP_SIDE, getattr(prepared, "size", CROP_SIDE))
        self._grey = getattr(prepared, "colour", None) == "grey"

    def read(self, image: Picture, time_s: float | None = None) -> list[Reading]:
        """Read one picture.

        Parameters
        ----------
        image : uint8 array (H, W, 3), RGB, or Frame
        time_s : float, optional
            Its time in a video or from a camera; must not run backwards. Without it the picture
            stands for itself: every face the detector finds counts, numbered from the largest.

        Returns
        -------
        list of Reading
            Ordered by `id`.
        """
        faces = self._faces(image, time_s)
        return _readings(faces, self.model.predict_batch([self._crop(image, f) for _, f in faces]))

    def read_frames(
        self, frames: Iterable[Frame | tuple[float, np.ndarray]]
    ) -> Generator[FrameReadings, None, None]:
        """Read frames in order of time.

        They are decoded, followed and classified in three threads, several faces at once; the
        result is the same as if this was done one after the other.

        Parameters
        ----------
        frames : iterable of Frame, or of (time_s, uint8 array (H, W, 3) RGB)
            Frames that were not counted (those of `VideoReader.frame_at`) are numbered here.

        Raises
        ------
        FerError
            If a time is before the one that precedes it.
        """
        with (
            one_thread(),
            closing(ahead(_prepared(frames))) as decoded,
            closing(beside(self._classified, self._batches(decoded))) as classified,
        ):
            for batch in classified:
                yield from batch

    def _batches(self, frames: Iterable) -> Iterator[tuple[list[tuple], list[np.ndarray]]]:
        """Frames with the faces found in them, and the crops of these faces, some at a time."""
        waiting: list[tuple] = []
        crops: list[np.ndarray] = []
        for index, time_s, image, quality in _in_order(frames):
            faces = self._faces(image, time_s)
            crops += [self._crop(image, face) for _, face in faces]
            waiting.append((index, time_s, *quality, faces))
            if len(crops) >= BATCH or len(waiting) >= 4 * BATCH:
                yield waiting, crops
                waiting, crops = [], []
        yield waiting, crops

    def _faces(self, image: Picture, time_s: float | None) -> list[tuple[int, Face]]:
        if time_s is None:
            whole = image.image if isinstance(image, Frame) else image
            near = nearby(self.detector)
            return list(enumerate(upright(whole, face, near) for face in self.detector(whole)))
        return [(track.id, track.face) for track in self.tracker.update(image, time_s)]

    def _crop(self, image: Picture, face: Face) -> np.ndarray:
        parts: InParts = image
        if self._grey and isinstance(image, Frame):  # a network that sees no colour needs none
            parts = image.grey(GREY_WEIGHTS)
        crop = crop_face(parts, face, self._margin, upright=self._upright, max_side=self._crop_side)
        return crop if crop.base is None else crop.copy()  # a view would hold the whole picture

    def _classified(self, batch: tuple[list[tuple], list[np.ndarray]]) -> list[FrameReadings]:
        waiting, crops = batch
        faces = [face for *_, faces in waiting for face in faces]
        readings = iter(_readings(faces, self.model.predict_batch(crops)))
        return [
            FrameReadings(index, time_s, brightness, contrast, [next(readings) for _ in faces])
            for index, time_s, brightness, contrast, faces in waiting
        ]


def picture_quality(image: Picture) -> tuple[float, float]:
    """Return the mean and the standard deviation of a picture's luma, 0-255."""
    if isinstance(image, Frame):
        sample = image.small_luma
    else:
        sample = luma(np.ascontiguousarray(image[::4, ::4]))
    mean, deviation = cv2.meanStdDev(sample)
    return float(mean[0, 0]), float(deviation[0, 0])


def _readings(faces: list[tuple[int, Face]], read: Predictions) -> list[Reading]:
    return [
        Reading(number, face, read.probs[i], float(read.valence[i]), float(read.arousal[i]))
        for i, (number, face) in enumerate(faces)
    ]


def _prepared(frames: Iterable) -> Iterator[tuple]:
    """Each frame with what can be made of it before its turn: luma, brightness and contrast."""
    for frame in frames:
        yield frame, picture_quality(frame if isinstance(frame, Frame) else frame[1])


def _in_order(frames: Iterable) -> Iterator[tuple[int, float, Picture, tuple[float, float]]]:
    """Index, time, picture and quality of each frame, having checked the order of time."""
    index, before_s = -1, -np.inf
    for frame, quality in frames:
        if isinstance(frame, Frame):
            index, time_s, image = max(frame.index, index + 1), frame.time_s, frame
        else:
            index, (time_s, image) = index + 1, frame
        if not time_s >= before_s:
            raise FerError(
                f"pictures must be in order of time, but one at {time_s} s follows one at "
                f"{before_s} s; if this is a file of joined recordings, ffmpeg -i VIDEO copy.mp4 "
                "gives it one clock"
            )
        before_s = time_s
        yield index, time_s, image, quality
