"""`model.json`: what is read, what is filled in, and what is refused with which words."""

import json

import pytest

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import ModelError
from fer_nb.models import read_info
from fer_nb.weights import shipped_models

SEVEN = {
    "name": "mine",
    "labels": ["angry", "Disgust", "fear", "happiness", "neutral", "sadness", "surprised"],
    "input": {"size": 64},
    "files": {"onnx": "mine.onnx"},
}
FORMAT_1 = {
    "name": "compact",
    "version": "0.9",
    "format": 1,
    "input": {"size": 48, "channels": 1},
    "emotions": list(EMOTIONS),
    "priors": {"natural": [1 / 9] * 9},
    "ratings": "circumplex",
    "files": {"onnx": "model.onnx", "onnx_sha256": "ab", "weights": "w.h5"},
}


@pytest.fixture
def write(tmp_path):
    def write(content):
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / "model.json").write_text(text)
        return tmp_path

    return write


def test_four_entries_are_enough(write):
    info = read_info(write(SEVEN))
    assert info["labels"] == ["anger", "disgust", "fear", "happy", "neutral", "sad", "surprise"]
    assert (info["format"], info["version"], info["license"]) == (2, "1", "not stated")
    assert info["output"]["softmax"] is True
    assert info["output"]["valence"] is None
    assert info["ratings"] == "adfes2011"
    assert info["crop"] == info["priors"] == info["sha256"] == {}


def test_what_is_not_known_is_kept(write):
    assert read_info(write(SEVEN | {"scores": {"accuracy": 0.7}}))["scores"] == {"accuracy": 0.7}


def test_format_1_of_the_compact_network(write):
    info = read_info(write(FORMAT_1))
    assert info["labels"] == list(EMOTIONS)
    assert info["input"] == {"size": 48, "colour": "grey", "dtype": "uint8"}
    assert info["output"]["emotion"] == "probs"
    assert info["files"] == {"onnx": "model.onnx", "weights": "w.h5"}
    assert info["sha256"] == {"model.onnx": "ab"}
    assert info["ratings"] == "circumplex"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read"),
        ("5", "does not describe a model"),
        ({}, "lacks name, labels, input, files"),
        (SEVEN | {"format": 3}, "newer fer_nb"),
        (SEVEN | {"input": {}}, r"lacks input\.size"),
        (SEVEN | {"input": {"size": "big"}}, r"input\.size is not valid"),
        (SEVEN | {"input": {"size": 64, "color": "rgb"}}, "input or crop has an unknown entry"),
        (SEVEN | {"input": {"size": 64, "colour": "red"}}, "colour must be one of rgb, bgr, grey"),
        (SEVEN | {"input": {"size": 64, "mean": [1, 2]}}, "mean needs one number"),
        (SEVEN | {"input": {"size": 64, "dtype": "uint8", "scale": 2}}, "neither mean nor scale"),
        (SEVEN | {"labels": ["joyful"]}, "no emotion is called 'joyful'"),
        (SEVEN | {"labels": []}, "needs labels, or valence and arousal"),
        (SEVEN | {"labels": "happy"}, "labels is not valid"),
        (SEVEN | {"output": {"probs": "x"}}, "output has unknown entries: probs"),
        (SEVEN | {"files": []}, "files is not valid"),
        (SEVEN | {"priors": 5}, "priors is not valid"),
        (SEVEN | {"ratings": ["circumplex"]}, "no rating table"),
        (FORMAT_1 | {"emotions": ["joyful"]}, "no emotion is called 'joyful'"),
        ({"format": 1, "name": "x", "files": {}}, "lacks emotions, input, priors"),
        ({"format": 1, "name": "x", "files": {}, "task": "va"}, "lacks preprocessing"),
    ],
)
def test_what_cannot_be_used_says_why(write, content, said):
    with pytest.raises(ModelError, match=said) as caught:
        read_info(write(content))
    assert "model.json" in str(caught.value)


def test_a_description_nested_too_deeply_is_refused(tmp_path):
    (tmp_path / "model.json").write_text(9999 * "[")
    with pytest.raises(ModelError, match=r"model\.json cannot be read"):
        read_info(tmp_path)


def test_folder_without_description(tmp_path):
    with pytest.raises(ModelError, match=r"holds no model\.json"):
        read_info(tmp_path)


@pytest.mark.parametrize(
    "folder", sorted(shipped_models().rglob("model.json")), ids=lambda p: p.parent.name
)
def test_those_that_ship_are_whole(folder):
    info = read_info(folder)
    assert info["license"] != "not stated"
    assert info["name"] == folder.parent.relative_to(shipped_models()).as_posix()
    file = info["files"].get("onnx") or info["files"]["tflite"]
    assert len(info["sha256"][file]) == 64
    here = (folder.parent / file).is_file()
    assert here or "package" in info or info["url"].startswith("https://")
