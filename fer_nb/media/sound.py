"""The sound of a video, copied as it is into another."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import av

from fer_nb.media.container import open_video

# What an MP4 file carries and players play.
KEPT = ("aac", "mp3", "opus", "ac3", "eac3", "alac", "flac")


class Sound:
    """The first sound track of a video; use it as a context manager.

    Parameters
    ----------
    path : str or Path
    origin_s : float
        Stamp of the first picture, from which the other times count; see `VideoReader.origin_s`.
    from_s, to_s : float
        The stretch that is copied; it starts at 0 in the copy.

    Attributes
    ----------
    note : str
        Why there is no sound to be copied, if there is some; or nothing.
    """

    def __init__(self, path: str | Path, origin_s=0.0, from_s=0.0, to_s=math.inf):
        self._container, *_ = open_video(Path(path))
        tracks = self._container.streams.audio
        codecs = [track.codec_context.name if track.codec_context else "?" for track in tracks]
        self._track = next((t for t, c in zip(tracks, codecs, strict=True) if c in KEPT), None)
        lost = bool(codecs) and self._track is None
        self.note = f"the copy has no sound, as MP4 cannot carry this ({codecs[0]})" if lost else ""
        self._zero_s, self._end_s = origin_s + from_s, to_s - from_s
        self._packets: Any = None
        self._waiting, self._last = None, -1

    def attach(self, container: av.container.OutputContainer) -> None:
        """Give the copy a sound track, before its first packet."""
        if self._track is not None:
            self._out, self._copy = container, container.add_stream_from_template(self._track)
            self._packets = self._container.demux(self._track)

    def copy_until(self, time_s: float) -> None:
        """Copy what sounds up to a time of the copy; inf for all of it."""
        while self._packets is not None:
            packet = self._waiting or self._following()
            if packet is None:
                self._packets = None
                return
            self._waiting = packet
            at_s = float(packet.pts * packet.time_base) - self._zero_s
            if at_s > min(time_s, self._end_s):
                return
            self._waiting = None
            shift = round(self._zero_s / packet.time_base)
            # Before the first picture there is no copy, and a clock that begins again is none.
            if at_s >= 0 and packet.dts - shift > self._last:
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                self._last = packet.dts
                packet.stream = self._copy
                self._out.mux(packet)

    def _following(self) -> av.Packet | None:
        try:
            return next((p for p in self._packets if p.dts is not None and p.pts is not None), None)
        except (av.FFmpegError, OSError):  # damaged: the copy goes on without
            return None

    def __enter__(self) -> Sound:
        return self

    def __exit__(self, *exc) -> None:
        self._container.close()


def sound_note(path: str | Path) -> str:
    """Say that a copy of a video will lack its sound, if so."""
    with Sound(path) as sound:
        return sound.note
