"""Faces: what one is and how it is cut out, the detectors, and the tracker."""

from fer_nb.faces.detectors import Detector, as_detector, load_detector
from fer_nb.faces.face import Face, check_picture, crop_face
from fer_nb.faces.tracking import Track, Tracker

__all__ = [
    "Detector",
    "Face",
    "Track",
    "Tracker",
    "as_detector",
    "check_picture",
    "crop_face",
    "load_detector",
]
