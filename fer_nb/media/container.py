"""Opening video files: what is read of them is a list of ours, not what the file asks for."""

from __future__ import annotations

from pathlib import Path

import av

from fer_nb.errors import MediaError

# FFmpeg also reads playlists and scripts, which name *other* files, may wait for ever for the
# next part of a broadcast, or take any text for a picture. None of these is here.
FORMATS = (
    *("mov", "matroska", "avi", "mpegts", "mpeg", "asf", "flv", "ogg", "mxf", "dv"),
    *("mpegvideo", "m4v", "h264", "hevc", "ivf", "obu", "mjpeg", "gif", "apng"),
)
MAX_PIXELS = 50_000_000  # of one frame; 8K has 33 million
_WAIT_S = 60.0  # for one read, as from a network drive that does not answer

# Tags need not be UTF-8. PyAV reads any since version 19, which has no such option.
_TAGS = {} if int(av.__version__.split(".")[0]) >= 19 else {"metadata_errors": "replace"}
_ATTACHED_PICTURE = av.stream.Disposition.attached_pic
_DEFAULT = av.stream.Disposition.default


def open_video(path: Path) -> tuple:
    """Open a video file.

    Returns
    -------
    container : av.container.InputContainer
    stream : av.VideoStream
        The track that players show: the first of those flagged as default.
    note : str
        What the reader of the file should know, or nothing.

    Raises
    ------
    MediaError
        If it is no video of a known format, holds no picture track, or one too large.
    """
    options = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "file"}
    try:
        # In a relative name FFmpeg takes what precedes a colon for a protocol.
        container = av.open(str(path.absolute()), options=options, timeout=_WAIT_S, **_TAGS)
    except av.ArgumentError:  # what FFmpeg says of a format that is not on the list
        raise MediaError(
            f"{path} is not a video in one of the formats that are read ({', '.join(FORMATS)}); "
            "convert it: ffmpeg -i VIDEO copy.mp4"
        ) from None
    except (av.FFmpegError, OSError) as error:
        raise MediaError(f"{path} is not a video that can be read: {error.strerror}") from error
    try:
        # A cover picture in an audio file is a video stream of one frame, but no video.
        tracks = [s for s in container.streams.video if not s.disposition & _ATTACHED_PICTURE]
        if not tracks:
            raise MediaError(f"{path} has no video stream (audio only?)")
        stream = next((s for s in tracks if s.disposition & _DEFAULT), tracks[0])
        context = stream.codec_context
        if context is None:
            raise MediaError(
                f"{path} has a codec that is not supported; convert it: ffmpeg -i VIDEO copy.mp4"
            )
        if context.width * context.height > MAX_PIXELS:
            raise MediaError(
                f"{path} has frames of {context.width} by {context.height} pixels, more than "
                f"{MAX_PIXELS // 1_000_000} million; scale it down first: "
                "ffmpeg -i VIDEO -vf scale=1920:-2 copy.mp4"
            )
    except MediaError:
        container.close()
        raise
    context.options = {"max_pixels": str(MAX_PIXELS)}
    stream.thread_type = "AUTO"
    note = ""
    if len(tracks) > 1:
        number = 1 + tracks.index(stream)
        note = f"of {len(tracks)} video tracks the {_ordinal(number)} was read"
    if container.format.name.startswith("mov") and (count := _indexes(path)) > 1:
        note = (
            f"{count} recordings were put one behind the other in this file, and only the first "
            "was read, as players do; cut them apart, or join the originals: "
            "ffmpeg -f concat -i LIST.txt -c copy joined.mp4"
        )
    return container, stream, note


def _indexes(path: Path) -> int:
    """Return how many indexes (``moov``) an MP4 file has: one for each recording in it."""
    count = 0
    with open(path, "rb") as file:
        end = file.seek(0, 2)
        at = 0
        while at + 8 <= end:
            file.seek(at)
            head = file.read(16)
            size = int.from_bytes(head[:4], "big")
            if size == 1:  # a length of 64 bits follows
                size = int.from_bytes(head[8:16], "big")
            count += head[4:8] == b"moov"
            if size < 8:  # to the end of the file, or damaged
                break
            at += size
    return count


def _ordinal(number: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(number, f"{number}th")
