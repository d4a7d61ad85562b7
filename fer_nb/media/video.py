"""Videos in. Colour is RGB uint8; time is the video's own."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np

from fer_nb.errors import MediaError
from fer_nb.files import existing
from fer_nb.media.clock import Clock, lost_between
from fer_nb.media.color import HDR
from fer_nb.media.container import MAX_PIXELS, open_video
from fer_nb.media.frame import Frame
from fer_nb.media.geometry import View, display_matrix
from fer_nb.media.interlace import deinterlaced

_SEEK_BACK_S = (0.0, 2.0, 10.0)
_HOLE_S = 0.5  # shorter gaps are a camera's, where nothing tells how many frames there should be
_LATE_S = 0.1  # what the eye notices between picture and sound
# Streams for broadcasting: no index tells how many frames there should be.
_NO_INDEX = ("mpegts", "mpeg")
_BROKEN = (av.FFmpegError, OSError)
_FASTEST = 1000  # pictures a second that are believed
_RATE = 25.0  # where nothing tells


@dataclass(frozen=True)
class VideoInfo:
    """What a video file says of itself, before any frame but the first is decoded.

    `width` and `height` are as shown: upright, with square pixels. `fps` is the average rate;
    `frames` and `duration_s` are 0 where the container does not tell. `start_s` is the time of the
    first picture on a player's clock, which may start with the sound.
    """

    width: int
    height: int
    fps: float
    duration_s: float
    frames: int
    rotation: int
    codec: str
    start_s: float = 0.0


@dataclass
class _Tally:
    """What became of the packets and frames of one reading."""

    frames: int = 0
    discarded: int = 0
    broken: int = 0
    damaged: int = 0


class VideoReader:
    """Frames of a video, all of them, in order, with their true time stamps.

    Use it as a context manager and iterate over it, as often as you like. `warnings` then holds
    what went wrong on the way (a broken or truncated file yields the frames that could be read),
    `origin_s` the first picture's own stamp, `sizes` the sizes frames were stored in, `damaged` and
    `missing` how many frames were damaged or are lost; `lost` of those missing lay between others,
    and not behind an end that came too early.

    Pictures are as displayed: upright, with square pixels, full range, one field of interlaced
    frames filled up to two, HDR mapped to standard range. If the size changes midway, later frames
    are fitted into the first's.

    Parameters
    ----------
    path : str or Path
        A video file of a usual format (`fer_nb.media.container.FORMATS`).

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
        self.path = existing(path)
        self.warnings: list[str] = []
        self.sizes: list[tuple[int, int]] = []
        self.damaged = self.missing = self.lost = 0
        self._container, self._stream, note = open_video(self.path)
        if note:
            self._warn(note)
        self._tally = _Tally()
        self._joined: bool | None = None
        self._scrub: Iterator[Frame] | None = None
        self._shown: Frame | None = None
        self._next: Frame | None = None
        try:
            first = next(self._decode(), None)
        except _BROKEN as error:
            self.close()
            raise MediaError(f"{self.path} cannot be decoded: {error.strerror}") from error
        if first is None:
            self.close()
            raise self._no_picture()
        stamp = self._stamp(first)
        # Stamps are wrong after a seek in MPEG-PS, and absent from raw streams.
        self._can_seek = stamp is not None and self._format != "mpeg"
        self._start = self.origin_s = self._unstamped_start() if stamp is None else stamp
        # Once for all: a frame that was asked for its side data lives until the garbage collection.
        matrix = display_matrix(first)
        self._view = View.of(first.width, first.height, matrix, self._aspect())
        if self._view.width * self._view.height > MAX_PIXELS:
            self._view = View.of(first.width, first.height, matrix, None)
        self._transfer = int(self._stream.codec_context.color_trc)
        if self._transfer in HDR:
            self._warn(f"HDR ({HDR[self._transfer]}) was mapped to standard range")
        self.info = self._describe(first)
        if self.info.start_s >= _LATE_S:
            self._warn(
                f"the picture starts {self.info.start_s:.2f} s into the file; times count from the "
                "first picture, a player's from the start of the file"
            )

    @property
    def _format(self) -> str:
        return self._container.format.name

    def _aspect(self):
        # The container's word counts, the codec's where it says nothing.
        return self._stream.sample_aspect_ratio or self._stream.codec_context.sample_aspect_ratio

    def _describe(self, first: av.VideoFrame) -> VideoInfo:
        stream, container = self._stream, self._container
        # A player's clock starts with the first of all tracks; that of MP4 at 0 in any case.
        zero_s = (container.start_time or 0) / av.time_base
        if self._format.startswith("mov"):
            zero_s = min(zero_s, 0.0)
        start_s = max(0.0, self._start - zero_s)
        if stream.duration:
            duration = float(stream.duration * stream.time_base)
        elif container.duration:
            # Matroska gives the time of the end, others the length.
            late_s = self._start if self._format.startswith("matroska") else start_s
            duration = max(0.0, container.duration / av.time_base - late_s)
        else:
            duration = 0.0
        return VideoInfo(
            width=self._view.width,
            height=self._view.height,
            fps=_rate(stream),
            duration_s=duration,
            frames=_stored(container, stream),
            rotation=int(first.rotation),
            codec=stream.codec_context.name,
            start_s=start_s,
        )

    def _decode(self) -> Iterator[av.VideoFrame]:
        """Decoded frames from where the container stands; a broken packet does not end it."""
        tally = self._tally = _Tally()
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except _BROKEN as error:
                self._warn(f"reading stopped early: {error.strerror}")
                break
            tally.discarded += packet.is_discard  # not displayed, as where a clip was cut
            try:
                for frame in packet.decode():
                    tally.frames += 1
                    tally.damaged += frame.is_corrupt
                    yield frame
            except av.EOFError:
                break
            except _BROKEN:
                tally.broken += 1

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
        unordered = self._format == "avi" and self._stream.codec_context.name in ("h264", "hevc")
        ticks = frame.dts if unordered else frame.pts
        return None if ticks is None else float(ticks * (frame.time_base or self._stream.time_base))

    def _unstamped_start(self) -> float:
        """When the first picture is shown if it does not tell: as many before the first that does
        (Matroska has no stamps below 0), or at 0."""
        before, stamp = 1, None
        if self._stamps_follow():
            for frame in self._decode():
                if (stamp := self._stamp(frame)) is not None:
                    break
                before += 1
        self._reopen()
        if stamp is None:
            self._warn("the file has no time stamps; times are counted from its frame rate")
            return 0.0
        self._warn(
            f"the first {before} frames have no time stamps; their times are counted from the "
            "frame rate"
        )
        return stamp - before / (_rate(self._stream) or _RATE)

    def _stamps_follow(self, most: int = 2000) -> bool:
        container, stream, _ = open_video(self.path)
        with container:
            try:
                return any(p.pts is not None for p in islice(container.demux(stream), most))
            except _BROKEN:
                return False

    def _frames(self, sought: bool = False) -> Iterator[tuple[float, av.VideoFrame]]:
        """Decoded frames, each after its time; see `Clock`. After a seek it is NaN at first."""
        self._clock = Clock(1 / (self.info.fps or _RATE), np.nan if sought else 0.0)
        stamped = (
            (None if (stamp := self._stamp(frame)) is None else stamp - self._start, frame)
            for frame in deinterlaced(self._decode(), self._stream)
        )
        return self._clock.times(stamped)

    def _framed(self, index: int, time_s: float, frame: av.VideoFrame) -> Frame:
        size = frame.width, frame.height
        if size not in self.sizes:
            self.sizes.append(size)
            if len(self.sizes) > 1:
                first = " by ".join(map(str, self.sizes[0]))
                self._warn(
                    f"the picture's size changes from {first} to {size[0]} by {size[1]} pixels at "
                    f"{time_s:.1f} s; later frames are fitted into the first size"
                )
        view = self._view
        if size != self.sizes[0]:
            view = view.with_aspect(self._aspect())
        return Frame(index, time_s, frame, view, self._transfer)

    def _reopen(self) -> None:
        self._container.close()
        self._container, self._stream, _ = open_video(self.path)

    def _seek(self, time_s: float) -> None:
        target = int((time_s + self._start) / self._stream.time_base)
        try:
            self._container.seek(target, stream=self._stream, backward=True)
        except _BROKEN:  # a container that cannot seek
            self._reopen()

    def __iter__(self) -> Iterator[Frame]:
        self._scrub = None
        self._reopen()  # a seek to the start may lose the first frames of MPEG-TS and MPEG-PS
        times = array("d")
        for time_s, frame in self._frames():
            yield self._framed(len(times), time_s, frame)
            times.append(time_s)
        if not times:
            raise self._no_picture()
        self._take_stock(np.frombuffer(times))

    def _take_stock(self, times: np.ndarray) -> None:
        """Say what was wrong with a video that was read to its end."""
        tally, clock, info = self._tally, self._clock, self.info
        count, last_s = len(times), times[-1]
        self.damaged = tally.damaged
        self.missing = max(0, info.frames - tally.discarded - count)
        if clock.joints:
            self.lost = 0
        elif info.frames:
            self.lost = max(0, min(self.missing, round(last_s * info.fps) + 1 - count))
        else:  # a camera pauses for a moment, and a broadcast stream does not
            self.lost = lost_between(times, 0.0 if self._format in _NO_INDEX else _HOLE_S)
        self.lost = max(self.lost, tally.broken)
        self.missing = max(self.missing, self.lost)
        if tally.broken:
            self._warn(f"{tally.broken} broken packets were skipped")
        if tally.damaged:
            self._warn(f"{tally.damaged} of {count} frames are damaged")
        if clock.misdated:
            self._warn(f"{clock.misdated} of {count} frames have a wrong time stamp")
        if clock.joints:
            self._can_seek = False
            at = ", ".join(f"{joint_s:.1f}" for joint_s in clock.joints)
            self._warn(
                f"recordings were joined in this file, whose clocks begin again (at {at} s); "
                "the clock of the first one is continued"
            )
        whole = info.frames > 0 and count + tally.discarded == info.frames
        usual_s = max(1.0, 1.5 / (info.fps or _RATE), 0.05 * info.duration_s)
        if self.missing > max(1, 0.01 * (count + self.missing)):
            total = count + self.missing
            self._warn(f"only {count} of {total} frames could be read (truncated or damaged?)")
        elif info.duration_s - last_s > usual_s and not whole:  # else the last one stays for long
            self._warn(f"the pictures end at {last_s:.1f} of {info.duration_s:.1f} s (truncated?)")

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
        for back_s in _SEEK_BACK_S if self._can_seek and not self._is_joined() else ():
            self._seek(max(0.0, time_s - back_s))
            if self._start_scrub(sought=True) and self._next.time_s <= time_s + 1e-6:
                return
        self._reopen()
        if not self._start_scrub():
            raise self._no_picture()

    def _is_joined(self) -> bool:
        """Whether its stamps begin again somewhere, so that no time can be sought."""
        if self._joined is None:
            # Only such formats can be joined by putting files behind each other; what a browser
            # recorded does not tell its length.
            joinable = self._format == "mpegts" or not self._container.duration
            self._joined = joinable and self._stamps_run_back()
        return self._joined

    def _stamps_run_back(self) -> bool:
        container, stream, _ = open_video(self.path)
        last_s = -np.inf
        with container:
            try:
                for packet in container.demux(stream):
                    if packet.dts is not None:
                        now_s = float(packet.dts * packet.time_base)
                        if now_s < last_s:
                            return True
                        last_s = now_s
            except _BROKEN:
                return False  # damaged, which a reading of all frames tells
        return False

    def _start_scrub(self, sought: bool = False) -> bool:
        self._scrub = (self._framed(-1, *decoded) for decoded in self._frames(sought))
        self._shown = self._next = next(self._scrub, None)
        return self._next is not None

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *exc) -> None:
        self.close()


def _rate(stream) -> float:
    """Pictures a second on average; 0 where nothing tells. Of DV, FFmpeg tells its clock's rate."""
    rates = stream.average_rate, stream.guessed_rate
    return next((float(rate) for rate in rates if rate and rate <= _FASTEST), 0.0)


def _stored(container, stream) -> int:
    """How many frames a container says it holds; 0 where it does not tell."""
    index: Sequence[Any] = getattr(stream, "index_entries", ())
    # The count of AVI has an empty place for each picture that a camera left out; its index has
    # none. That of a truncated file, which lies at the end, is lost but for what was read already.
    avi = container.format.name == "avi" and len(index) > 0
    return len(index) if avi and index[-1].timestamp >= stream.frames // 2 else stream.frames
