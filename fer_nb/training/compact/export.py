"""From a training run to the folder that `fer_nb.load_model` reads."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import ModelError
from fer_nb.models import Crop
from fer_nb.training.common.export import ONNX, WEIGHTS, check_onnx, claim_folder, write_info
from fer_nb.training.common.onnx_graph import FLOAT, UINT8, Graph
from fer_nb.training.compact.network import CompactConfig, build_network, deployable


def export(
    run: str | Path,
    out: str | Path,
    *,
    version: str,
    name: str = "compact",
    license: str = "not stated",
    prior_strength: float = 0.5,
    trained_on: str | None = None,
    force: bool = False,
) -> Path:
    """Write `model.json`, `model.onnx` and `model.weights.h5` from a finished run.

    Parameters
    ----------
    run : path
        Folder that `fer_nb.training.compact.train` filled.
    out : path
        Folder of the model; made where absent. An earlier export of the same version is replaced.
    version : str
        Version of the model.
    name : str
        Name of the model.
    license : str
        Under what terms it may be used.
    prior_strength : float
        How far the default prior goes from natural (0) to balanced (1): it is proportional to
        natural ** (1 - prior_strength).
    trained_on : str, optional
        A line for people: on which data. By default as the run's record has it.
    force : bool
        Also replace another model, or another version.

    Raises
    ------
    ModelError
        If the run is not finished, `out` holds another model, or ONNX and Keras differ by more
        than 1e-4.
    """
    run = Path(run)
    for file in ("run.json", "network.weights.h5"):
        if not (run / file).exists():
            raise ModelError(f"{run / file} is missing; finish the training run first")
    out = claim_folder(out, name, version, force)
    record = json.loads((run / "run.json").read_text())
    config = CompactConfig.from_dict(record["config"])
    network = build_network(config, config.size)
    network.load_weights(run / "network.weights.h5")
    deployed = deployable(network, record["temperature"])
    (out / ONNX).write_bytes(compact_onnx(network, record["temperature"]))
    check_onnx(out / ONNX, *examples(deployed), tolerance=1e-4)
    deployed.save_weights(out / WEIGHTS)
    natural = np.array(record["natural_prior"])
    output = {"emotion": "probs", "softmax": False, "scale": [1, 7]}
    output |= {"valence": "valence", "arousal": "arousal"}
    info = {
        "name": name,
        "version": version,
        "license": license,
        "labels": list(EMOTIONS),
        "input": {"size": config.size, "colour": config.colour, "dtype": "uint8"},
        "output": output,
        "crop": asdict(Crop()),
        "priors": priors(natural, prior_strength),
        "prior_strength": prior_strength,
        "temperature": record["temperature"],
        "ratings": config.ratings,
        "trained_on": trained_on or data_of(record),
        "parameters": network.count_params(),
        "structure": json.loads(deployed.to_json()),
    }
    return write_info(out, {"onnx": ONNX, "weights": WEIGHTS}, info)


def data_of(record: dict) -> str:
    """Say in one line what a run learned from, by its record (`run.json`).

    Examples
    --------
    >>> data_of({"data": {"ferplus": {"file": "ferplus.npz"}, "teacher": {"file": "t.npz"}}})
    'FER+ votes on FER2013 Training, labels of a teacher (t.npz)'
    """
    files = {role: entry["file"] for role, entry in record["data"].items()}
    parts = ["FER+ votes on FER2013 Training"]
    if "teacher" in files:
        parts.append(f"labels of a teacher ({files['teacher']})")
    if "start" in files:
        parts.append(f"begun from earlier weights ({files['start']})")
    if "mean_of" in record:
        parts.append(f"mean of the weights of {len(record['mean_of'])} runs")
    return ", ".join(parts)


def compact_onnx(network: keras.Model, temperature: float) -> bytes:
    """Write a network of `build_network`, at a fixed size, as `deployable` makes it.

    Returns
    -------
    bytes
        An ONNX model from `face` uint8 (n, size, size, 1 or 3) to `probs` (n, 9), `valence` (n,)
        and `arousal` (n,).
    """
    graph, shape = Graph(network), network.input.shape[1:]
    x = graph.node("Cast", ["face"], "face_float", to=FLOAT)
    graph.add_all(graph.node("Transpose", [x], "channels_first", perm=[0, 3, 1, 2]))
    logits, affect = (graph.names[id(network.output[name])] for name in ("logits", "affect"))
    scale = graph.weight("temperature_scale", np.float32(1 / temperature))
    graph.node("Softmax", [graph.node("Mul", [logits, scale], "calibrated")], "probs", axis=1)
    three, four = (graph.weight(n, np.float32(v)) for n, v in (("three", 3), ("four", 4)))
    one, seven = (graph.weight(n, np.float32(v)) for n, v in (("one", 1), ("seven", 7)))
    rating = graph.node("Add", [graph.node("Mul", [affect, three], "spread"), four], "rating")
    rating = graph.node("Clip", [rating, one, seven], "rating_1_to_7")
    for column, name in enumerate(("valence", "arousal")):
        index = graph.weight(f"column_{name}", np.int64(column))
        graph.node("Gather", [rating, index], name, axis=1)
    outputs = {"probs": [9], "valence": [], "arousal": []}
    return graph.model({"face": (UINT8, shape)}, outputs).SerializeToString()


def priors(natural: np.ndarray, strength: float) -> dict[str, list[float]]:
    """Return the three named priors, each nine numbers that sum to 1.

    Examples
    --------
    >>> priors(np.array([0.8, 0.2]), 1.0)["default"]
    [0.5, 0.5]
    """
    natural = np.asarray(natural, float) / np.sum(natural)
    default = natural ** (1 - strength)
    balanced = np.full(len(natural), 1 / len(natural))
    named = {"natural": natural, "default": default / default.sum(), "balanced": balanced}
    return {name: values.round(6).tolist() for name, values in named.items()}


def examples(deployed: keras.Model) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return random faces and what a network of `deployable` says of them, output by output."""
    shape = (4, *deployed.input.shape[1:])
    faces = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    said = deployed.predict(faces.astype(np.float32), verbose=0)
    return faces, [said[name] for name in ("probs", "valence", "arousal")]
