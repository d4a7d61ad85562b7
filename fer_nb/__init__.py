"""fer_nb reads emotion from faces: photos, videos, webcam, and whole audiences.

Everything below is loaded when it is first used, so that ``import fer_nb`` costs next to nothing.
"""

from importlib import import_module
from importlib.metadata import version as _version

__version__ = _version("fer_nb")

_HOME = {
    "emotions": (
        "EMOTIONS",
        "COLORS",
        "RATINGS",
        "to_unit",
        "from_unit",
        "expected_valence_arousal",
        "nearest_emotion",
    ),
    "errors": ("FerError",),
    "media": ("read_image", "VideoReader", "VideoWriter"),
    "detectors": ("load_detector",),
    "faces": ("Face", "crop_face"),
    "tracking": ("Tracker",),
    "models": ("FerModel", "Predictions", "load_model"),
    "vggfer": ("VGGFerModel",),
    "reactions": (
        "analyze_image",
        "analyze_video",
        "analyze_frames",
        "read_table",
        "write_table",
    ),
    "draw": ("draw_bbox_with_emotion", "draw_reactions"),
    "widgets": ("WebcamPreview", "PhotoExplorer", "VideoExplorer"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str):
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'fer_nb' has no attribute {name!r}")
    value = getattr(import_module(f"fer_nb.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
