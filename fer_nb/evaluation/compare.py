"""Several models on the same labelled faces: one table and one picture."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import FerError
from fer_nb.evaluation import metrics
from fer_nb.faces import Face, crop_face, load_detector
from fer_nb.media import VideoReader
from fer_nb.models import Model
from fer_nb.training.common.faces import LabelledFaces

ENOUGH = 20  # faces below which a class's recall is left out
AT_ONCE = 256  # pictures in memory at a time


def compare(
    models: Mapping[str, Model], faces: LabelledFaces, frames: Sequence[np.ndarray] = ()
) -> pd.DataFrame:
    """Judge models by the faces whose emotion all of them know.

    Each model's probabilities are cut down to the emotions that all models and the faces know, so
    that none gains by knowing fewer. Classes of fewer than 20 faces are counted, but their recall
    is not told, nor is it in the means.

    Parameters
    ----------
    models : mapping of str to Model
    faces : LabelledFaces
        See `fer_nb.training.common.layouts.read_faces`.
    frames : sequence of uint8 (H, W, 3), optional
        The face in successive frames of a video, for the flicker.

    Returns
    -------
    DataFrame
        One row a model: `faces`, `accuracy` with its 95 % bootstrap interval `low` and `high`,
        `macro_f1`, `macro_recall`, `calibration_error` (15 bins, against the label), `ms` (one face
        a call, resizing included: the median), `flicker` (share of neighbouring frames with
        another decision; NaN without frames), and `recall_…` of each emotion.

    Raises
    ------
    FerError
        If there is no model, or no face has an emotion that all know.
    """
    if not models:
        raise FerError("no model to compare; name one or more")
    known = np.ones(len(EMOTIONS), bool)
    for model in models.values():
        known &= ~np.isin(EMOTIONS, getattr(model, "missing", ()))
    label = faces.target.argmax(axis=1)
    known &= np.isin(np.arange(len(EMOTIONS)), label)
    columns = np.flatnonzero(known)
    rows = np.flatnonzero(known[label])
    if not len(rows):
        raise FerError("no face has an emotion that all these models know; check the labels")
    truth = np.searchsorted(columns, label[rows])
    return pd.DataFrame(
        {
            name: {
                **_scores(truth, _answers(model, faces.images, rows)[:, columns], columns),
                "ms": _milliseconds(model, [faces.images[row] for row in rows[:30]]),
                "flicker": _flicker(model, frames, columns),
            }
            for name, model in models.items()
        }
    ).T.rename_axis("model")


def _answers(model: Model, images: Sequence[np.ndarray], rows: np.ndarray) -> np.ndarray:
    parts = [rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE)]
    read = [model.predict_batch([images[row] for row in part]).probs for part in parts]
    return np.concatenate(read)


def _scores(truth: np.ndarray, probs: np.ndarray, columns: np.ndarray) -> dict[str, float]:
    probs = probs / np.maximum(probs.sum(axis=1, keepdims=True), 1e-12)
    said, classes = probs.argmax(axis=1), len(columns)
    accuracy, low, high = metrics.interval(lambda a, b: float(np.mean(a == b)), truth, said)
    enough = np.bincount(truth, minlength=classes) >= ENOUGH
    found = np.where(enough, metrics.recalls(metrics.confusion(truth, said, classes)), np.nan)
    frequent = enough[truth]
    none = not frequent.any()
    return {
        "faces": len(truth),
        "accuracy": accuracy,
        "low": low,
        "high": high,
        "macro_f1": np.nan if none else metrics.macro_f1(truth[frequent], said[frequent], classes),
        "macro_recall": np.nan if none else float(np.nanmean(found)),
        "calibration_error": metrics.calibration_error(np.eye(classes)[truth], probs),
        **{f"recall_{EMOTIONS[c]}": float(r) for c, r in zip(columns, found, strict=True)},
    }


def _milliseconds(model: Model, crops: Sequence[np.ndarray]) -> float:
    model.predict_batch(crops[:1])
    spent = []
    for crop in crops:
        began = time.perf_counter()
        model.predict_batch([crop])
        spent.append(time.perf_counter() - began)
    return float(np.median(spent) * 1000)


def _flicker(model: Model, frames: Sequence[np.ndarray], columns: np.ndarray) -> float:
    if len(frames) < 2:
        return float("nan")
    said = model.predict_batch(frames).probs[:, columns].argmax(axis=1)
    return float(np.mean(said[1:] != said[:-1]))


def steady_crops(path: str | Path, frames: int = 100, detector=None) -> list[np.ndarray]:
    """Return the face of the first frames, its box a running mean (0.7 old, 0.3 new).

    All models then get the same crops, and a restless detector is not held against them. Frames
    without exactly one face are left out.

    Raises
    ------
    FerError
        If fewer than two frames show exactly one face.
    """
    detector = detector or load_detector()
    crops, box = [], None
    with VideoReader(path) as video:
        for frame in video:
            if frame.index >= frames:
                break
            faces = detector(frame.image)
            if len(faces) != 1:
                continue
            new = np.array([faces[0].x, faces[0].y, faces[0].width, faces[0].height], float)
            box = new if box is None else 0.7 * box + 0.3 * new
            x, y, width, height = box.tolist()
            crops.append(crop_face(frame.image, Face(x, y, width, height, score=1.0)))
    if len(crops) < 2:
        raise FerError(f"{Path(path).name} shows one face in fewer than two frames; take another")
    return crops


def plot_comparison(table: pd.DataFrame) -> Figure:
    """Draw accuracy with its interval, and each emotion's recall, of the rows of `compare`."""
    recalls = [name for name in table if name.startswith("recall_") and table[name].notna().any()]
    figure, (left, right) = plt.subplots(
        1,
        2,
        figsize=(10, 1.6 + 0.42 * len(table)),
        width_ratios=(2, max(2, 0.55 * len(recalls))),
        sharey=True,
        layout="constrained",
    )
    place = np.arange(len(table))
    values = table.astype(float)
    reach = np.abs(values[["low", "high"]].to_numpy().T - values["accuracy"].to_numpy())
    left.barh(place, values["accuracy"], xerr=reach, color="#8FB8B5", ecolor="#2B2F36", height=0.6)
    left.set(xlim=(0, 1), xlabel="accuracy, 95 % interval", yticks=place)
    left.set_yticklabels(table.index)
    left.invert_yaxis()
    right.set_title("Share found, of each emotion")
    plt.close(figure)
    if not recalls:
        middle = {"transform": right.transAxes, "ha": "center", "va": "center"}
        right.text(0.5, 0.5, f"no emotion has {ENOUGH} faces", **middle)
        right.set_axis_off()
        return figure
    shades = values[recalls].to_numpy()
    right.imshow(shades, vmin=0, vmax=1, cmap="YlGnBu", aspect="auto")
    right.set_xticks(range(len(recalls)), [name.removeprefix("recall_") for name in recalls])
    right.grid(False)
    for (row, column), value in np.ndenumerate(shades):
        if np.isfinite(value):
            ink = "white" if value > 0.6 else "#2B2F36"
            right.text(column, row, f"{value:.2f}", ha="center", va="center", color=ink, fontsize=9)
    return figure
