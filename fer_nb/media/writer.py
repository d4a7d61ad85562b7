"""Writing video: H.264 in MP4, each frame at its own time."""

from __future__ import annotations

import math
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np

from fer_nb.errors import MediaError
from fer_nb.files import new_file
from fer_nb.media.sound import Sound

_TICK = Fraction(1, 90_000)


class VideoWriter:
    """An H.264 video in an MP4 file, with the time stamps you give.

    Use it as a context manager: the file appears under its name only when the block has ended
    well. Odd sizes are cropped by one pixel, as the codec needs even ones.

    Parameters
    ----------
    path : str or Path
        Where the video goes.
    fps : float
        Nominal rate; also the spacing of frames written without a time.
    force : bool
        Overwrite an existing file.
    metadata : dict of str, optional
        Container tags, such as ``title`` and ``comment``.
    options : dict of str, optional
        Settings of the encoder (x264), such as ``crf``.
    sound : Sound, optional
        What is to be heard.

    Raises
    ------
    FerError
        If the file exists and `force` is false, or cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        fps: float = 25,
        force: bool = False,
        metadata: dict[str, str] | None = None,
        options: dict[str, str] | None = None,
        sound: Sound | None = None,
    ):
        self._stack = ExitStack()
        part = self._stack.enter_context(new_file(path, force))
        self._fps, self._sound = fps, sound
        self._options = {"crf": "21", "preset": "veryfast"} | (options or {})
        try:
            self._container = av.open(str(part.absolute()), "w", format="mp4")
        except (OSError, av.FFmpegError) as error:
            self._stack.close()
            raise MediaError(f"cannot write the video {path}: {error}") from error
        self._container.metadata.update(metadata or {})
        self._stream: Any = None
        self._last = -1

    def write(self, image: np.ndarray, time_s: float | None = None) -> None:
        """Add a picture, uint8 RGB (H, W, 3), shown from `time_s` on (must increase)."""
        height, width = (side - side % 2 for side in image.shape[:2])
        if not (height and width):
            size = f"{image.shape[1]} by {image.shape[0]}"
            raise MediaError(f"a video needs pictures of at least 2 by 2 pixels, not {size}")
        if self._stream is None:
            rate = Fraction(self._fps).limit_denominator(1001)
            self._stream = self._container.add_stream("libx264", rate=rate, options=self._options)
            self._stream.width, self._stream.height = width, height
            self._stream.pix_fmt = "yuv420p"
            self._stream.codec_context.time_base = _TICK
            if self._sound is not None:
                self._sound.attach(self._container)
        ticks = self._last + round(1 / (self._fps * _TICK)) if time_s is None else None
        if self._last < 0 and time_s is None:
            ticks = 0
        ticks = round(time_s / _TICK) if ticks is None else ticks
        if ticks <= self._last:
            raise MediaError(f"frame times must increase; {time_s} s does not follow the last one")
        frame = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(image[:height, :width]), format="rgb24"
        )
        frame.pts, frame.time_base = ticks, _TICK
        self._container.mux(self._stream.encode(frame))
        self._last = ticks
        if self._sound is not None:
            self._sound.copy_until(float(ticks * _TICK))

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                if self._stream is None:
                    raise MediaError("no frame was written; a video needs at least one")
                self._container.mux(self._stream.encode())
                if self._sound is not None:
                    self._sound.copy_until(math.inf)
            self._container.close()
        except BaseException as failure:
            self._stack.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._stack.__exit__(kind, error, trace)
