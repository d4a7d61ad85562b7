"""`model.json`: what a model's folder says about the network in it.

Format 2, for every network, ours or anybody's. Only `name`, `labels`, `input` and `files` must be
there; docs/own_model.md explains each entry with an example.

============ =======================================================================================
format       2
name         name of the model; `version` may say which state of it
license      under what terms it may be used; `source` may say where it comes from
labels       the classes in the network's order, in our words or common ones (happiness, angry, …);
             null for a class to leave out; empty for a network of valence and arousal only
input        size, colour (rgb, bgr, grey, grey3), mean, scale, layout (NHWC, NCHW), dtype: see
             `fer_nb.models.Preprocessing`
output       emotion: name of the ONNX output with the classes (default: the first); softmax: true
             (default) for logits, false for probabilities; valence, arousal: each a column of that
             output or the name of another; scale: their range, such as [-1, 1] (default [1, 7])
crop         margin (0.1 adds 10 % to the frame of the head), align ("eyes" or null)
priors       class frequencies in the order of `EMOTIONS`: natural (of the training data), perhaps
             default (what we recommend) and others by name
mirror       true: each face is read as it is and mirrored, and the mean counts; twice the time
ratings      which rating table valence and arousal follow: see `fer_nb.emotions.RATINGS`
files        onnx, tflite, weights (Keras): names of files in the same folder
package      the installed package in which the tflite file lies, if it is not in the folder
sha256       of each of these files, by file name
url          where the ONNX file can be downloaded, if it does not ship
============ =======================================================================================

Anything else (trained_on, scores, structure, history, …) is kept and not looked at.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fer_nb.emotions import EMOTIONS, rating_table
from fer_nb.errors import FerError, ModelError
from fer_nb.models.preprocess import Preprocessing
from fer_nb.models.protocol import Crop

FORMAT = 2

# Words that others use for our nine; everything is compared in lower case.
SYNONYMS = {
    "angry": "anger",
    "contemptuous": "contempt",
    "disgusted": "disgust",
    "fearful": "fear",
    "afraid": "fear",
    "happiness": "happy",
    "joy": "happy",
    "sadness": "sad",
    "surprised": "surprise",
    "unknown": "uncertain",
}


def read_info(place: str | Path) -> dict[str, Any]:
    """Return what a model's folder says about it, in format 2, with all entries filled in.

    Parameters
    ----------
    place : path
        The folder, or the path of the .json file in it. Format 1 is read, too.

    Raises
    ------
    ModelError
        If there is none, or it describes no model.
    """
    path = Path(place)
    if path.suffix != ".json":
        path = path / "model.json"
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ModelError(
            f"{path.parent} holds no {path.name}; is this the folder of a model?"
        ) from None
    except (OSError, RecursionError, ValueError) as error:  # nested a thousand deep
        raise ModelError(f"{path} cannot be read: {error}") from error
    if not isinstance(read, dict):
        raise ModelError(f"{path} does not describe a model; get it again")
    if (found := read.get("format", FORMAT)) not in (1, FORMAT):
        raise ModelError(f"{path} is of format {found!r}, which needs a newer fer_nb; update it")
    try:
        return _complete(_from_format_1(read) if found == 1 else read)
    except FerError as error:
        raise ModelError(f"{path}: {error}") from None


def _complete(info: dict) -> dict:
    info = {"format": FORMAT, "version": "1", "license": "not stated", "mirror": False, **info}
    _need(info, {"name": str, "labels": list, "input": dict, "files": dict, "mirror": bool})
    _need(info["input"], {"size": int}, "input.")
    for part in ("output", "crop", "priors", "sha256"):
        info[part] = info.get(part, {})
        _need(info, {part: dict})
    info["labels"] = [label if label is None else _emotion(label) for label in info["labels"]]
    try:
        Preprocessing.from_json(info["input"])
        Crop(**info["crop"])
    except TypeError as error:
        raise ModelError(f"input or crop has an unknown entry: {error}") from None
    output = {"emotion": None, "softmax": True, "valence": None, "arousal": None, "scale": [1, 7]}
    info["output"] = {**output, **info["output"]}
    if unknown := set(info["output"]) - set(output):
        raise ModelError(f"output has unknown entries: {', '.join(sorted(unknown))}")
    if not info["labels"] and info["output"]["valence"] is None:
        raise ModelError("a network needs labels, or valence and arousal in its output")
    info["ratings"] = rating_table(str(info.get("ratings") or "adfes2011")).name
    return info


def _need(info: dict, wanted: dict[str, type], where: str = "") -> None:
    absent = [f"{where}{key}" for key in wanted if key not in info]
    if absent:
        raise ModelError(f"it lacks {', '.join(absent)}; docs/own_model.md shows a whole one")
    for key, kind in wanted.items():
        if not isinstance(info[key], kind):
            raise ModelError(f"{where}{key} is not valid: {str(info[key])[:60]!r}")


def _emotion(label: object) -> str:
    word = str(label).strip().lower()
    word = SYNONYMS.get(word, word)
    if word not in EMOTIONS:
        raise ModelError(
            f"no emotion is called {label!r}; use {', '.join(EMOTIONS)}, or null for a class to "
            "leave out"
        )
    return word


def _from_format_1(old: dict) -> dict:
    """Return the description in format 2 of a network that was written before it."""
    _need(old, {"name": str, "files": dict})
    info = {key: value for key, value in old.items() if key not in ("emotions", "preprocessing")}
    info["format"] = FORMAT
    if "task" in old:  # a fine-tuned network: one output, of one kind
        _need(old, {"preprocessing": dict, "sha256": dict, "structure": dict, "priors": dict})
        info["input"] = old["preprocessing"]
        emotion = info.pop("task") == "emotion"
        info["labels"] = list(EMOTIONS) if emotion else []
        info["output"] = {} if emotion else {"valence": 0, "arousal": 1}
        info["ratings"] = old.get("config", {}).get("va_table", "adfes2011")
        return info
    _need(old, {"emotions": list, "input": dict, "priors": dict})
    info["labels"] = old["emotions"]
    info["input"] = {"size": old["input"].get("size"), "colour": "grey", "dtype": "uint8"}
    info["output"] = {"emotion": "probs", "softmax": False}
    info["output"] |= {"valence": "valence", "arousal": "arousal"}
    files = {key: name for key, name in old["files"].items() if not key.endswith("_sha256")}
    known = {key: old["files"].get(f"{key}_sha256") for key in files}
    info["files"] = files
    info["sha256"] = {files[key]: digest for key, digest in known.items() if digest}
    return info
