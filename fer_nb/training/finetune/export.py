"""Store what was trained so that `VGGFerModel` finds it: structure, weights, Keras and ONNX files.

No file holds code: the structure is JSON, the weights are plain arrays.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from fer_nb.emotions import EMOTIONS
from fer_nb.models import Crop
from fer_nb.training.common.export import (
    KERAS,
    ONNX,
    WEIGHTS,
    claim_folder,
    export_onnx,
    write_info,
)
from fer_nb.training.finetune.networks import import_keras
from fer_nb.training.finetune.train import Run


def save_model(
    run: Run,
    folder: str | Path,
    *,
    trained_on: str,
    license: str = "not stated",
    scores: dict | None = None,
    onnx: bool = True,
    force: bool = False,
) -> Path:
    """Write a trained network into a folder from which it can be used.

    Parameters
    ----------
    run : Run
        What `fine_tune` gave.
    folder : path
        For `VGGFerModel`, `<models_dir>/emotion` or `<models_dir>/va`. An earlier network for the
        same task is replaced.
    trained_on : str
        A line for people: which data, how many pictures.
    license : str
        Under what terms the network may be used.
    scores : dict, optional
        How good it is, and on what.
    onnx : bool
        Also export to ONNX, and check that both give the same.
    force : bool
        Also replace another model, such as a network for the other task.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ModelError
        If the folder holds another model, or ONNX and Keras differ.
    """
    keras = import_keras()
    name, version = f"vggfer-{run.config.task}", "1"
    folder = claim_folder(folder, name, version, force)
    (folder / ONNX).unlink(missing_ok=True)
    run.network.save_weights(folder / WEIGHTS)
    run.network.save(folder / KERAS)
    files = {"weights": WEIGHTS, "keras": KERAS}
    if onnx:
        export_onnx(run.network, folder / ONNX, run.preprocessing)
        files["onnx"] = ONNX
    share = np.clip(run.class_share or np.full(len(EMOTIONS), 1 / len(EMOTIONS)), 1e-4, None)
    emotion = run.config.task == "emotion"
    info = {
        "name": name,
        "version": version,
        "license": license,
        "labels": list(EMOTIONS) if emotion else [],
        "input": asdict(run.preprocessing),
        "output": {} if emotion else {"valence": 0, "arousal": 1},
        "crop": asdict(Crop()),
        "priors": {"natural": (share / share.sum()).tolist()},
        "ratings": run.config.ratings,
        "trained_on": trained_on,
        "scores": scores or {},
        "config": run.config.to_json(),
        "history": run.history,
        "structure": keras.saving.serialize_keras_object(run.network),
    }
    return write_info(folder, files, info)
