"""What worker processes do in tests: read at once, so that short time limits are about the work."""

import os
import time

from fer_nb.errors import FerError


def half(number):
    if number % 2:
        raise FerError(f"{number} is odd")
    return number // 2, os.getpid()


def end_at_two(number):
    if number == 2:
        os._exit(3)
    return number


def die_of_two(number):
    if number == 2:
        os._exit(3)
    if number == 4:
        raise MemoryError("a huge picture")
    if number == 6:
        time.sleep(300)
    return number


def threads(_):
    from fer_nb.opencv import cv2

    return cv2.getNumThreads(), os.environ["FER_NB_THREADS"]
