"""Pictures and videos in, with the video's own time stamps; annotated videos out."""

from fer_nb.files import IMAGE_SUFFIXES, VIDEO_SUFFIXES, keep_source
from fer_nb.media.frame import Frame
from fer_nb.media.image import as_array, count_pictures, read_image
from fer_nb.media.sound import Sound, sound_note
from fer_nb.media.video import VideoReader
from fer_nb.media.writer import VideoWriter

__all__ = [
    "IMAGE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "Frame",
    "Sound",
    "VideoReader",
    "VideoWriter",
    "as_array",
    "count_pictures",
    "keep_source",
    "read_image",
    "sound_note",
]
