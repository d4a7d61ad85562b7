"""OpenCV, or a clear word on how to get it to run."""

from collections.abc import Iterator
from contextlib import contextmanager

from fer_nb.errors import FerError

try:
    import cv2
except ImportError as error:  # OpenCV's Qt build needs libGL, which a bare server lacks
    raise FerError(
        f"OpenCV cannot be imported ({error}). If a system library such as libGL is missing, "
        "either install it (Debian/Ubuntu: apt-get install libgl1 libglib2.0-0) or replace the "
        "package: pip uninstall opencv-python && pip install 'opencv-python-headless<5'"
    ) from error

__all__ = ["cv2", "one_thread"]


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep OpenCV to one thread meanwhile: its own wait for each other where ours fill the cores.

    Its number of threads is one for the whole process.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
