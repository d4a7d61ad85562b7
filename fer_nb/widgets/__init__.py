"""Photo, video and webcam in JupyterLab: three widgets, loaded when they are first used."""

from importlib import import_module

_HOME = {"WebcamPreview": "webcam", "PhotoExplorer": "photo", "VideoExplorer": "video"}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'fer_nb.widgets' has no attribute {name!r}")
    return getattr(import_module(f"fer_nb.widgets.{_HOME[name]}"), name)
