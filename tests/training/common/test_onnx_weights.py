"""The way back from ONNX to Keras, which an installed package needs to train from what ships."""

import json

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs the [train] extra")

from fer_nb.errors import ModelError  # noqa: E402
from fer_nb.models import load_model  # noqa: E402
from fer_nb.training.common.onnx_weights import load_onnx_weights  # noqa: E402


@pytest.fixture
def shipped():
    model = load_model("compact", prior="natural")
    return model, keras.models.model_from_json(json.dumps(model.info["structure"]))


def test_shipped_network_answers_as_its_onnx_file(shipped):
    model, network = shipped
    load_onnx_weights(network, model.network.file("onnx"))
    faces = np.random.default_rng(0).integers(0, 256, (4, model.size, model.size), np.uint8)
    theirs = network.predict(faces[..., None].astype(np.float32), verbose=0)
    ours = model.predict_batch(list(faces))
    np.testing.assert_allclose(theirs["probs"], ours.probs, atol=1e-4)
    np.testing.assert_allclose(theirs["valence"], ours.valence, atol=1e-3)


def test_backbone_without_the_weights_of_a_checkout(monkeypatch, tmp_path):
    from fer_nb import weights
    from fer_nb.training.finetune.config import FineTuneConfig
    from fer_nb.training.finetune.networks import load_backbone

    face = np.random.default_rng(0).integers(0, 256, (1, 48, 48, 1)).astype(np.float32)
    network, preprocessing = load_backbone(FineTuneConfig(backbone="compact"))
    expected = network.predict(face, verbose=0)
    monkeypatch.setattr(weights, "_CHECKOUT", tmp_path)  # as if it were installed
    network, again = load_backbone(FineTuneConfig(backbone="compact"))
    assert again == preprocessing
    np.testing.assert_allclose(network.predict(face, verbose=0), expected, rtol=1e-3, atol=1e-4)


def test_file_of_another_network_is_refused(shipped):
    model, _ = shipped
    small = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(ModelError, match="not made of this network"):
        load_onnx_weights(small, model.network.file("onnx"))
