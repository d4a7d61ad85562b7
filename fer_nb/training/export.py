"""From a training run to the folder that `fer_nb.load_model` reads."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import ModelError
from fer_nb.files import sha256
from fer_nb.training.compact_net import CompactConfig, build_network, deployable
from fer_nb.training.onnx_graph import FLOAT, UINT8, Graph
from fer_nb.training.saving import claim_folder

FORMAT = 1
TOLERANCE = 1e-4


def export(
    run: str | Path,
    out: str | Path,
    *,
    version: str,
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
    for name in ("run.json", "network.weights.h5"):
        if not (run / name).exists():
            raise ModelError(f"{run / name} is missing; finish the training run first")
    out = claim_folder(out, "compact", version, force)
    record = json.loads((run / "run.json").read_text())
    config = CompactConfig.from_dict(record["config"])
    network = build_network(config, config.size)
    network.load_weights(run / "network.weights.h5")
    deployed = deployable(network, record["temperature"])
    graph = compact_onnx(network, record["temperature"])
    difference = largest_difference(graph, deployed, config.size)
    if difference > TOLERANCE:
        raise ModelError(f"ONNX and Keras differ by {difference:.1e}; report this as a bug")
    (out / "model.onnx").write_bytes(graph)
    deployed.save_weights(out / "model.weights.h5")
    natural = np.array(record["natural_prior"])
    info = {
        "name": "compact",
        "version": version,
        "format": FORMAT,
        "input": {"size": config.size, "channels": 1},
        "emotions": list(EMOTIONS),
        "priors": priors(natural, prior_strength),
        "prior_strength": prior_strength,
        "temperature": record["temperature"],
        "ratings": config.affect_table,
        "files": {
            "onnx": "model.onnx",
            "onnx_sha256": sha256(out / "model.onnx"),
            "weights": "model.weights.h5",
            "weights_sha256": sha256(out / "model.weights.h5"),
        },
        "trained_on": trained_on or data_of(record),
        "parameters": network.count_params(),
        "structure": json.loads(deployed.to_json()),
    }
    # One entry a line: the structure is long, and nobody reads it.
    lines = ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in info.items())
    (out / "model.json").write_text(f"{{\n{lines}\n}}\n")
    return out


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
    """Write a network of `compact_net.build_network`, at a fixed size, as `deployable` makes it.

    Returns
    -------
    bytes
        An ONNX model from `face` uint8 (n, size, size, 1) to `probs` (n, 9), `valence` (n,) and
        `arousal` (n,).
    """
    graph, size = Graph(network), network.input.shape[1]
    plane = graph.weight("shape", np.array([-1, 1, size, size], np.int64))
    x = graph.node("Cast", ["face"], "face_float", to=FLOAT)
    graph.add_all(graph.node("Reshape", [x, plane], "face_plane"))
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
    return graph.model({"face": (UINT8, [size, size, 1])}, outputs).SerializeToString()


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


def largest_difference(graph: bytes, deployed: keras.Model, size: int) -> float:
    """Return the largest difference between ONNX Runtime's and Keras's outputs on random faces."""
    import onnxruntime

    faces = np.random.default_rng(0).integers(0, 256, (4, size, size, 1), dtype=np.uint8)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    ours = dict(zip(names, session.run(names, {"face": faces}), strict=True))
    theirs = deployed.predict(faces.astype(np.float32), verbose=0)
    return max(float(np.abs(ours[name] - theirs[name]).max()) for name in names)
