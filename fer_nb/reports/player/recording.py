"""What the player shows of one recording: its own film, blurred, above one person's curves."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.draw import blur_picture
from fer_nb.emotions import EMOTIONS, NEUTRAL
from fer_nb.media import VideoReader, VideoWriter
from fer_nb.opencv import cv2
from fer_nb.person import SIGNALS, holds
from fer_nb.person.time import average_between
from fer_nb.reports.html import file_url
from fer_nb.reports.player.data import MAX_EMBEDDED_S, pack_curves, signal
from fer_nb.reports.player.films import MAX_EMBEDDED_MB

_RATE_HZ = 5.0
_FILM_WIDTH, _FILM_FPS = 400, 12.5
_QUIET = {"crf": "30"}


def recording_data(title: str, rows: pd.DataFrame, curves: pd.DataFrame, film: str | None) -> dict:
    """Return what the player shows of one person.

    Parameters
    ----------
    title : str
    rows, curves : DataFrame
        From `fer_nb.person.person_rows` and `smoothed`.
    film : str or None
        Address of the film, as `recording_film` makes it.
    """
    times = rows["time_s"].to_numpy(float)
    held = holds(times)
    end = float(times[-1] + held[-1])
    bins = max(1, round(end * _RATE_HZ))
    edges = np.arange(bins + 1) / _RATE_HZ
    values, _ = average_between(times, held, curves.to_numpy(float), edges[:-1], edges[1:])
    whole = np.arange(int(np.ceil(bins / _RATE_HZ)))
    _, seen = average_between(times, held, rows[["valence"]].to_numpy(float), whole, whole + 1)
    names = [f"p_{name}" for name in EMOTIONS]
    tops = curves[names].max().drop("p_neutral").sort_values(ascending=False)
    return {
        "title": title,
        "rate_hz": _RATE_HZ,
        "bins": bins,
        "duration_s": bins / _RATE_HZ,
        "signals": [signal(name, change=False) for name in SIGNALS],
        "panels": [
            {"key": "ratings", "label": "Valence and arousal, 1–7, 4 neutral", "middle": NEUTRAL},
            {"key": "emotions", "label": "Emotion scores, 0–100"},
        ],
        "shown": ["valence", "arousal", *tops.index[:3]],
        "groups": ["all"],
        "cuts": [{"id": "recording", "title": title, "film": film, "scenes": [], "moments": []}],
        "curves": [
            {"cut": "recording", "group": "all", "signal": name, "band": _packed(name, column)}
            for name, column in zip(SIGNALS, values.T, strict=True)
        ],
        "strip": {
            "label": f"Share of each second in which the face was measured; {seen.sum():.0f} of "
            f"{end:.0f} seconds",
            "values": [round(float(v), 2) for v in np.clip(seen, 0, 1)],
        },
    }


def _packed(name: str, values: np.ndarray) -> dict:
    scores = name.startswith("p_")
    return pack_curves(values[None] * (100 if scores else 1), 0.01 if scores else 0.001)


def recording_film(
    video: str | Path,
    show_faces: bool = False,
    max_mb: float = MAX_EMBEDDED_MB,
    *,
    start_s: float = 0.0,
    end_s: float = float("inf"),
) -> str | None:
    """Make a small copy of a recording for the page, blurred as a whole unless `show_faces`.

    The copy begins at `start_s` and ends at `end_s`, so that it runs with the stimulus.

    Returns
    -------
    str or None
        A data address; None where the recording is longer than `MAX_EMBEDDED_S` or the copy
        larger than `max_mb`.

    Raises
    ------
    MediaError
        If the recording cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder, VideoReader(video) as source:
        if source.info.duration_s > MAX_EMBEDDED_S:
            return None
        copy = Path(folder) / "recording.mp4"
        due = start_s
        with VideoWriter(copy, fps=_FILM_FPS, options=_QUIET) as writer:
            for frame in source:
                if frame.time_s < due - 1e-6:
                    continue
                if frame.time_s >= end_s:
                    break
                due = max(due, frame.time_s) + 1 / _FILM_FPS
                image = frame.image
                scale = min(1.0, _FILM_WIDTH / image.shape[1])
                size = tuple(max(2, round(side * scale)) for side in image.shape[1::-1])
                image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
                writer.write(image if show_faces else blur_picture(image), frame.time_s - start_s)
        return file_url(copy) if copy.stat().st_size <= max_mb * 1e6 else None
