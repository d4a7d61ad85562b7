"""Store what was trained so that `VGGFerModel` finds it: structure, weights, Keras and ONNX files.

No file holds code: the structure is JSON, the weights are plain arrays.
"""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from pathlib import Path

import numpy as np

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import ModelError
from fer_nb.files import make_folder, sha256
from fer_nb.training.finetune import Run
from fer_nb.training.networks import import_keras
from fer_nb.vggfer import Preprocessing, preprocessing_json
from fer_nb.zoo import onnx_session

WEIGHTS, KERAS, ONNX = "model.weights.h5", "model.keras", "model.onnx"


def save_model(
    run: Run,
    folder: str | Path,
    *,
    trained_on: str,
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
    (folder / "model.json").unlink(missing_ok=True)  # comes last: with it, all the rest is there
    (folder / ONNX).unlink(missing_ok=True)
    run.network.save_weights(folder / WEIGHTS)
    run.network.save(folder / KERAS)
    files = {"weights": WEIGHTS, "keras": KERAS}
    if onnx:
        export_onnx(run.network, folder / ONNX, run.preprocessing)
        files["onnx"] = ONNX
    share = np.clip(run.class_share or np.full(len(EMOTIONS), 1 / len(EMOTIONS)), 1e-4, None)
    height, _, channels = run.preprocessing.shape
    info = {
        "name": name,
        "version": version,
        "format": 1,
        "task": run.config.task,
        "output": "logits" if run.config.task == "emotion" else "valence and arousal, 1-7",
        "emotions": list(EMOTIONS),
        "priors": {"natural": (share / share.sum()).tolist()},
        "input": {"size": height, "channels": channels},
        "preprocessing": preprocessing_json(run.preprocessing),
        "files": files,
        "sha256": {name: sha256(folder / name) for name in files.values()},
        "trained_on": trained_on,
        "scores": scores or {},
        "config": run.config.to_json(),
        "history": run.history,
        "structure": keras.saving.serialize_keras_object(run.network),
    }
    (folder / "model.json").write_text(json.dumps(info, indent=1) + "\n", encoding="utf-8")
    return folder


def claim_folder(folder: str | Path, name: str, version: str, force: bool = False) -> Path:
    """Return the folder for a model's files, made if need be.

    Raises
    ------
    ModelError
        If it holds a model of another name or version, and `force` is false.
    """
    folder = make_folder(folder)
    path = folder / "model.json"
    if path.is_file() and not force:
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            held = {}
        if (held.get("name"), held.get("version")) != (name, version):
            raise ModelError(
                f"{path} describes another model ({held.get('name')}, version "
                f"{held.get('version')}); choose another folder, or replace it with force=True"
            )
    return folder


def export_onnx(network, path: str | Path, preprocessing: Preprocessing) -> float:
    """Export a Keras network to ONNX and compare the two on noise.

    Returns
    -------
    float
        The largest difference between the two outputs.

    Raises
    ------
    ModelError
        If they differ by more than a thousandth of the outputs' size.
    """
    from fer_nb.training.onnx_graph import NoTranslationError, onnx_model

    noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    inputs = preprocessing(list(noise))
    expected = np.asarray(network.predict_on_batch(inputs))
    try:
        Path(path).write_bytes(onnx_model(network).SerializeToString())
    except NoTranslationError:  # Keras' own converter knows every layer, but takes gigabytes
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # of the converter, about itself
            network.export(str(path), format="onnx", verbose=False)
    session = onnx_session(path)
    exported = session.run(None, {session.get_inputs()[0].name: inputs})[0]
    difference = float(np.abs(exported - expected).max())
    if difference > 1e-3 * max(1.0, float(np.abs(expected).max())):
        raise ModelError(f"{path}: ONNX and Keras differ by {difference:.2g}; use it without ONNX")
    return difference
