"""The folder of a trained model: its files, and `model.json`, which `fer_nb.load_model` reads."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from pathlib import Path

import numpy as np

from fer_nb.errors import ModelError
from fer_nb.files import make_folder, sha256
from fer_nb.models import Preprocessing
from fer_nb.models.info import FORMAT
from fer_nb.weights import onnx_session

WEIGHTS, KERAS, ONNX = "model.weights.h5", "model.keras", "model.onnx"


def claim_folder(folder: str | Path, name: str, version: str, force: bool = False) -> Path:
    """Return the folder for a model's files, made if need be, and without its `model.json`.

    That file comes last: with it, all the rest is there.

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
    path.unlink(missing_ok=True)
    return folder


def write_info(folder: Path, files: dict[str, str], info: dict) -> Path:
    """Write `model.json` beside the files that it describes, and return the folder.

    Parameters
    ----------
    folder : path
    files : dict of str to str
        File names by role: "onnx", "weights", "keras".
    info : dict
        All else; see `fer_nb.models.info`.
    """
    info = {"format": FORMAT, **info, "files": files}
    info["sha256"] = {name: sha256(folder / name) for name in files.values()}
    # One entry a line: a network's structure is long, and nobody reads it. It comes last.
    info["structure"] = info.pop("structure")
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in info.items())
    (folder / "model.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    return folder


def export_onnx(network, path: str | Path, preprocessing: Preprocessing) -> float:
    """Export a Keras network with one output to ONNX and compare the two on noise.

    Returns
    -------
    float
        The largest difference between the two outputs.

    Raises
    ------
    ModelError
        If they differ by more than a thousandth of the outputs' size.
    """
    from fer_nb.training.common.onnx_graph import NoTranslationError, onnx_model

    noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    inputs = preprocessing(list(noise))
    expected = np.asarray(network.predict_on_batch(inputs))
    try:
        Path(path).write_bytes(onnx_model(network).SerializeToString())
    except NoTranslationError:  # Keras' own converter knows every layer, but takes gigabytes
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # of the converter, about itself
            network.export(str(path), format="onnx", verbose=False)
    return check_onnx(path, inputs, [expected])


def check_onnx(
    path: str | Path, inputs: np.ndarray, expected: list[np.ndarray], tolerance: float = 1e-3
) -> float:
    """Compare an ONNX file's outputs, in their order, with what Keras gave for the same inputs.

    Returns
    -------
    float
        The largest difference.

    Raises
    ------
    ModelError
        If it is more than `tolerance`, as a share of the outputs' size where that is above 1.
    """
    session = onnx_session(path)
    found = session.run(None, {session.get_inputs()[0].name: inputs})
    difference, size = 0.0, 1.0
    for ours, theirs in zip(found, expected, strict=True):
        difference = max(difference, float(np.abs(ours - theirs).max()))
        size = max(size, float(np.abs(theirs).max()))
    if difference > tolerance * size:
        raise ModelError(f"{path}: ONNX and Keras differ by {difference:.2g}; use it without ONNX")
    return difference
