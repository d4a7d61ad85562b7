"""Networks written out as ONNX give the numbers that Keras gives."""

import numpy as np
import pytest

pytest.importorskip("keras", reason="export needs the [train] extra")

import keras
from keras import layers

from fer_nb.models import Preprocessing
from fer_nb.training.common.onnx_graph import NoTranslationError, onnx_model
from fer_nb.training.finetune.config import FineTuneConfig
from fer_nb.training.finetune.export import export_onnx
from fer_nb.training.finetune.networks import build_network
from fer_nb.weights import onnx_session


def shaken(network):
    """Give every weight a value of its own: a forgotten bias or statistic then shows."""
    rng = np.random.default_rng(0)
    for weight in network.weights:
        noise = rng.normal(0, 0.1, weight.shape)
        weight.assign(np.abs(noise) + 0.5 if "variance" in weight.path else weight + noise)
    return network


def same(network, tmp_path, shape, tolerance=1e-4):
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_model(network).SerializeToString())
    face = np.random.default_rng(1).normal(0, 1, (3, *shape)).astype(np.float32)
    session = onnx_session(path)
    ours = session.run(None, {session.get_inputs()[0].name: face})[0]
    theirs = np.asarray(network.predict_on_batch(face))
    assert np.ptp(theirs) > 0.01
    np.testing.assert_allclose(ours, theirs, atol=tolerance * max(1, np.abs(theirs).max()))


def test_every_kind_of_layer(tmp_path):
    face = keras.Input((23, 20, 3), name="face")
    x = layers.LayerNormalization(axis=[1, 2, 3], center=False, scale=False, epsilon=1.0)(face)
    x = layers.ZeroPadding2D(((0, 1), (2, 1)))(x)
    x = layers.Conv2D(6, (5, 3), 2, "same", use_bias=False)(x)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.ReLU(6.0)(x)
    x = layers.DepthwiseConv2D(3, 1, "same", depth_multiplier=2)(x)
    x = layers.BatchNormalization(center=False)(x)
    y = layers.Conv2D(12, 3, 1, "same", groups=3, activation="relu")(x)
    x = layers.Add()([x, y])
    x = layers.MaxPooling2D(3, 2, "same")(x)
    gate = layers.GlobalAveragePooling2D()(x)
    gate = layers.Dense(12, activation="sigmoid")(layers.Dropout(0.5)(gate))
    x = layers.Multiply()([x, layers.Reshape((1, 1, 12))(gate)])
    x = layers.AveragePooling2D(2)(x)
    x = layers.Activation("relu")(x)
    x = layers.Dense(5, use_bias=False)(layers.Flatten()(x))
    network = keras.Model(face, layers.Activation("softmax")(x))
    same(shaken(network), tmp_path, (23, 20, 3))


def test_a_convolution_that_two_layers_read_is_not_folded_away(tmp_path):
    face = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3)(face)
    network = keras.Model(face, layers.Add()([x, layers.Activation("sigmoid")(x)]))
    same(shaken(network), tmp_path, (8, 8, 3))


@pytest.mark.parametrize("backbone", ["resnet50", "senet50", "vgg16", "compact"])
def test_backbones_of_notebook_1(backbone, tmp_path):
    config = FineTuneConfig.preset(backbone=backbone, weights=None)
    network, preprocessing = build_network(config)
    assert export_onnx(network, tmp_path / "model.onnx", preprocessing) < 1e-3
    onnx_model(network)  # by our own hand, not by the converter that stands in


@pytest.mark.parametrize(
    "layer",
    [
        layers.GlobalMaxPooling2D(name="odd_one"),
        layers.Conv2D(2, 3, dilation_rate=2, name="odd_one"),
        layers.Activation("gelu", name="odd_one"),
        layers.AveragePooling2D(2, padding="same", name="odd_one"),
        layers.BatchNormalization(name="odd_one"),
        layers.LayerNormalization(name="odd_one"),
    ],
)
def test_what_has_no_translation_is_named(layer):
    face = keras.Input((8, 8, 3))
    with pytest.raises(NoTranslationError, match="odd_one"):
        onnx_model(keras.Model(face, layer(face)))


def test_an_odd_layer_goes_through_keras_own_converter(tmp_path):
    face = keras.Input((16, 16, 3))
    x = layers.GlobalMaxPooling2D()(layers.Conv2D(4, 3)(face))
    network = keras.Model(face, layers.Dense(9)(x))
    assert export_onnx(network, tmp_path / "model.onnx", Preprocessing(16, "rgb")) < 1e-4
