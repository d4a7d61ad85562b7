"""fer_nb reads emotion from faces: photos, videos, webcam, and whole audiences.

Everything below is loaded when it is first used, so that ``import fer_nb`` costs next to nothing.
``__init__.pyi`` beside this file tells editors and type checkers the same.
"""

from importlib import import_module
from importlib.metadata import version as _version

__version__ = _version("fer_nb")

_HOME = {
    "emotions": ("EMOTIONS", "to_unit", "from_unit"),
    "errors": ("FerError",),
    "media": ("read_image", "VideoReader", "VideoWriter"),
    "faces": ("Face", "crop_face", "load_detector"),
    "models": ("FerModel", "Predictions", "load_model"),
    "models.vggfer": ("VGGFerModel",),
    "reactions": ("analyze_image", "analyze_video", "analyze_frames"),
    "tables": ("read_table", "write_table"),
    "draw": ("draw_bbox_with_emotion", "draw_reactions"),
    "reports": ("report_videos",),
    "study": ("run_study",),
    "widgets": ("WebcamPreview", "PhotoExplorer", "VideoExplorer"),
}
# Part of the public face once, and still answered for; new code takes them from their modules.
_FORMER = {
    "emotions": ("COLORS", "RATINGS", "expected_valence_arousal", "nearest_emotion"),
    "faces": ("Tracker",),
}
_MODULE_OF = {
    name: module for part in (_HOME, _FORMER) for module, names in part.items() for name in names
}

__all__ = sorted(name for names in _HOME.values() for name in names)


def __getattr__(name: str):
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'fer_nb' has no attribute {name!r}")
    value = getattr(import_module(f"fer_nb.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
