"""Photos and videos in, videos out. Colour is RGB uint8; time is the video's own."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fer_nb.errors import MediaError
from fer_nb.video_writer import VideoWriter

__all__ = [
    "Frame",
    "VideoInfo",
    "VideoReader",
    "VideoWriter",
    "as_array",
    "keep_source",
    "read_image",
]

MAX_PIXELS = 100_000_000
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
VIDEO_SUFFIXES = (
    *(".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv", ".3gp"),
    *(".ts", ".mts", ".m2ts"),  # camcorders
)
_SEEK_BACK_S = (0.0, 2.0, 10.0)
# Tags need not be UTF-8. PyAV reads any since version 19, which has no such option.
_TAGS = {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}


def _existing(path: str | Path) -> Path:
    path = Path(path)
    if not path.exists():
        raise MediaError(f"there is no file {path}; check the name and the folder")
    if path.is_dir():
        raise MediaError(f"{path} is a folder, not a file")
    if path.stat().st_size == 0:
        raise MediaError(f"{path} is empty; copy or record it again")
    return path


def read_image(path: str | Path) -> np.ndarray:
    """Read a photo upright, as 8-bit RGB.

    EXIF orientation is applied, transparency is laid on white, grey becomes RGB and 16-bit
    values are scaled to 8 bits.

    Parameters
    ----------
    path : str or Path
        Any image that Pillow reads.

    Returns
    -------
    uint8 array (H, W, 3)

    Raises
    ------
    MediaError
        If the file is missing, empty, broken, no image, or larger than `MAX_PIXELS`.

    Examples
    --------
    >>> from matplotlib.cbook import get_sample_data
    >>> read_image(get_sample_data("grace_hopper.jpg", asfileobj=False)).shape
    (600, 512, 3)
    """
    path = _existing(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", Image.DecompressionBombWarning
            )  # our own limit is below
            with Image.open(path) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise Image.DecompressionBombError
                return as_array(image)
    except Image.DecompressionBombError:
        raise MediaError(
            f"{path} has more than {MAX_PIXELS // 1_000_000} million pixels; scale it down first"
        ) from None
    except UnidentifiedImageError:
        raise MediaError(f"{path} is not an image that can be read") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise MediaError(f"{path} cannot be read as an image: {error}") from error


def as_array(image: Image.Image) -> np.ndarray:
    """Return a Pillow image as `read_image` does: upright, uint8 RGB (H, W, 3)."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        values = np.asarray(image, dtype=float)
        if image.mode != "F":
            values = values / 257
        grey = np.clip(np.rint(values), 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image)
    return np.array(image.convert("RGB"))


def keep_source(source: str | Path, out: str | Path) -> None:
    """Make sure that a result does not replace what it is made from.

    Raises
    ------
    MediaError
        If both are one file.
    """
    source, out = Path(source), Path(out)
    if source.exists() and out.exists() and out.samefile(source):
        raise MediaError(f"{out} is the original itself; choose another name or folder")


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says of itself, before any frame is decoded.

    `width` and `height` are as shown, rotation applied. `fps` is the average rate; `frames` and
    `duration_s` are 0 where the container does not tell.
    """

    width: int
    height: int
    fps: float
    duration_s: float
    frames: int
    rotation: int
    codec: str


_Matrix = tuple[int, int, int, int]


@dataclass(frozen=True)
class Frame:
    """One frame: its index, its time in seconds from the first frame, and its picture.

    The picture is converted to RGB when `image` is first asked for.
    """

    index: int
    time_s: float
    _decoded: av.VideoFrame = field(repr=False)
    _matrix: _Matrix = field(repr=False)

    @cached_property
    def image(self) -> np.ndarray:
        """uint8 array (H, W, 3), RGB, upright."""
        return _upright(self._decoded.to_ndarray(format="rgb24"), self._matrix)


def _display_matrix(frame: av.VideoFrame) -> _Matrix:
    """How a pixel (x, y) is shown: at (a x + c y, b x + d y), in units of 1/65536."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return 1, 0, 0, 1
    a, b, _, c, d, *_ = struct.unpack("=9i", bytes(matrix))
    return a, b, c, d


def _upright(image: np.ndarray, matrix: _Matrix) -> np.ndarray:
    a, b, c, d = matrix
    if abs(b) > abs(a):  # a quarter turn
        image, a, d = image.transpose(1, 0, 2), c, b
    image = image[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
    return np.ascontiguousarray(image)


class VideoReader:
    """Frames of a video, all of them, in order, with their true time stamps.

    Use it as a context manager and iterate over it, as often as you like. `warnings` then holds
    what went wrong on the way (a broken or truncated file yields the frames that could be read).

    Parameters
    ----------
    path : str or Path
        Any video that FFmpeg decodes.

    Raises
    ------
    MediaError
        If the file is missing, empty, no video, or holds no picture.

    Examples
    --------
    >>> with VideoReader("clip.mp4") as video:  # doctest: +SKIP
    ...     times = [frame.time_s for frame in video]
    """

    def __init__(self, path: str | Path):
        self.path = _existing(path)
        self.warnings: list[str] = []
        self._container, self._stream = self._open()
        self._scrub: Iterator[Frame] | None = None
        self._shown: Frame | None = None
        self._next: Frame | None = None
        try:
            first = next(self._decode(), None)
        except av.FFmpegError as error:
            self.close()
            raise MediaError(f"{self.path} cannot be decoded: {error.strerror}") from error
        if first is None:
            self.close()
            raise self._no_picture()
        stamp = self._stamp(first)
        self._start = stamp or 0.0
        # Stamps are wrong after a seek in MPEG-PS, and absent from raw streams.
        self._can_seek = stamp is not None and self._container.format.name != "mpeg"
        if stamp is None:
            self._warn("the file has no time stamps; times are counted from its frame rate")
        # Once for all: a frame that was asked for its side data lives until the garbage collection.
        self._matrix = _display_matrix(first)
        self.info = self._describe(first)

    def _open(self):
        try:
            # In a relative name FFmpeg takes what precedes a colon for a protocol.
            container = av.open(str(self.path.absolute()), **_TAGS)
        except av.FFmpegError as error:
            raise MediaError(
                f"{self.path} is not a video that can be read: {error.strerror}"
            ) from error
        # A cover picture in an audio file is a video stream of one frame, but no video.
        streams = [s for s in container.streams.video if not s.disposition & _ATTACHED_PICTURE]
        if not streams:
            container.close()
            raise MediaError(f"{self.path} has no video stream (audio only?)")
        streams[0].thread_type = "AUTO"
        return container, streams[0]

    def _describe(self, first: av.VideoFrame) -> VideoInfo:
        stream = self._stream
        a, b, *_ = self._matrix
        turned = abs(b) > abs(a)
        width, height = (first.height, first.width) if turned else (first.width, first.height)
        if stream.duration:
            duration = float(stream.duration * stream.time_base)
        else:
            duration = (self._container.duration or 0) / av.time_base
        return VideoInfo(
            width=width,
            height=height,
            fps=float(stream.average_rate or 0),
            duration_s=duration,
            frames=stream.frames,
            rotation=int(first.rotation),
            codec=stream.codec_context.name,
        )

    def _decode(self) -> Iterator[av.VideoFrame]:
        """Decoded frames from where the container stands; a broken packet does not end it."""
        broken = 0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except av.FFmpegError as error:
                self._warn(f"reading stopped early: {error.strerror}")
                break
            try:
                yield from packet.decode()
            except av.EOFError:
                break
            except av.FFmpegError:
                broken += 1
        if broken:
            self._warn(f"{broken} broken packets were skipped")

    def _warn(self, message: str) -> None:
        if message not in self.warnings:
            self.warnings.append(message)

    def _no_picture(self) -> MediaError:
        return MediaError(
            f"{self.path} holds no picture that can be decoded; where a player shows one, convert "
            "it: ffmpeg -i VIDEO copy.mp4"
        )

    def _stamp(self, frame: av.VideoFrame) -> float | None:
        # An AVI file states no order of presentation, so what codecs with B-frames pass on as the
        # time of presentation is that of decoding.
        avi = self._container.format.name == "avi"
        unordered = avi and self._stream.codec_context.name in ("h264", "hevc")
        ticks = frame.dts if unordered else frame.pts
        return None if ticks is None else float(ticks * self._stream.time_base)

    def _frames(self, sought: bool = False) -> Iterator[tuple[float, av.VideoFrame]]:
        """Decoded frames, each after its time; one without a stamp follows at the frame rate.

        After a seek the times are NaN up to the first stamp.
        """
        step_s = 1 / (self.info.fps or 25.0)
        time_s = np.nan if sought else -step_s
        for frame in self._decode():
            stamp = self._stamp(frame)
            time_s = time_s + step_s if stamp is None else stamp - self._start
            yield time_s, frame

    def _reopen(self) -> None:
        self._container.close()
        self._container, self._stream = self._open()

    def _seek(self, time_s: float) -> None:
        target = int((time_s + self._start) / self._stream.time_base)
        try:
            self._container.seek(target, stream=self._stream, backward=True)
        except av.FFmpegError:  # a container that cannot seek
            self._reopen()

    def __iter__(self) -> Iterator[Frame]:
        self._scrub = None
        self._reopen()  # a seek to the start may lose the first frames of MPEG-TS and MPEG-PS
        count, last_s = 0, 0.0
        for count, (last_s, frame) in enumerate(self._frames(), start=1):
            yield Frame(count - 1, last_s, frame, self._matrix)
        if not count:
            raise self._no_picture()
        lacking = self.info.frames - count
        # Some containers count their duration from 0, others from the first stamp.
        end_s = last_s + max(0.0, self._start)
        if lacking > max(1, 0.01 * self.info.frames):
            self._warn(f"only {count} of {self.info.frames} frames could be read (truncated?)")
        elif self.info.duration_s - end_s > max(1.0, 0.05 * self.info.duration_s):
            told = f"{last_s:.1f} of {self.info.duration_s:.1f} s"
            self._warn(f"the pictures end at {told} (truncated?)")

    def frame_at(self, time_s: float) -> Frame:
        """Return the frame that is on screen at `time_s`; its `index` is -1, as none was counted.

        Short steps forward decode on from the last call; anything else seeks to the key frame
        before. Times before the first and after the last frame give these.

        Raises
        ------
        MediaError
            If no picture can be decoded.
        """
        time_s = max(time_s, 0.0)
        standing = self._scrub is not None and self._next is not None
        if not (standing and self._shown.time_s <= time_s < self._next.time_s + 1.0):
            self._stand_before(time_s)
        while self._next is not None and self._next.time_s <= time_s + 1e-6:
            self._shown, self._next = self._next, next(self._scrub, None)
        return self._shown

    def _stand_before(self, time_s: float) -> None:
        """Make the next frame one that is shown at `time_s` or before it."""
        # A container without an index may seek too far, or to where nothing can be decoded.
        for back_s in _SEEK_BACK_S if self._can_seek else ():
            self._seek(max(0.0, time_s - back_s))
            if self._start_scrub(sought=True) and self._next.time_s <= time_s + 1e-6:
                return
        self._reopen()
        if not self._start_scrub():
            raise self._no_picture()

    def _start_scrub(self, sought: bool = False) -> bool:
        decoded = self._frames(sought)
        self._scrub = (Frame(-1, time_s, frame, self._matrix) for time_s, frame in decoded)
        self._shown = self._next = next(self._scrub, None)
        return self._next is not None

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *exc) -> None:
        self.close()


_ATTACHED_PICTURE = av.stream.Disposition.attached_pic
