"""What is frozen stays frozen, and the parted network is the whole one."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from fer_nb.errors import FerError, ModelError  # noqa: E402
from fer_nb.training.finetune.config import FineTuneConfig  # noqa: E402
from fer_nb.training.finetune.networks import (  # noqa: E402
    IDENTITY,
    build_network,
    load_backbone,
    split_network,
    trainable_parameters,
)


def test_reference_classification_network():
    network, preprocessing = build_network(FineTuneConfig.preset("reference", weights=None))
    assert trainable_parameters(network) == 5_516_297
    assert network.output.shape == (None, 9)
    assert preprocessing.colour == "bgr"
    names = [layer.name for layer in network.layers[-4:]]
    assert names == ["features", "head_hidden", "head_dropout", "logits"]
    prefix, tail = split_network(network)
    assert [tensor.shape for tensor in prefix.outputs] == [(None, 7, 7, 2048)]
    assert trainable_parameters(tail) == 5_516_297


def test_reference_regression_trains_nothing_of_the_backbone():
    network, _ = build_network(FineTuneConfig.preset("reference", task="va", weights=None))
    assert trainable_parameters(network) == 2048 * 512 + 512 + 512 * 2 + 2
    prefix, _ = split_network(network)
    assert [tensor.shape for tensor in prefix.outputs] == [(None, 2048)]


@pytest.mark.parametrize("unfrozen", [0, 1, 2, 3, 4, 5, 8, 99])
def test_the_two_parts_are_the_whole(config, faces, unfrozen):
    network, preprocessing = build_network(FineTuneConfig(**vars(config) | {"unfrozen": unfrozen}))
    prefix, tail = split_network(network)
    inputs = preprocessing(faces.images[:4])
    parts = tail.predict_on_batch(prefix.predict_on_batch(inputs))
    np.testing.assert_allclose(parts, network.predict_on_batch(inputs), atol=1e-6)
    assert trainable_parameters(prefix) == 0
    assert trainable_parameters(tail) == trainable_parameters(network)


def test_frozen_batch_normalisation_keeps_its_statistics(config, faces):
    network, preprocessing = build_network(config)  # the last 5: conv2, bn2, sum, pool (and relu1)
    before = {layer.name: layer.get_weights() for layer in network.layers}
    network.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True))
    network.fit(preprocessing(faces.images[:32]), faces.target[:32], epochs=2, verbose=0)

    def changed(name):
        after = network.get_layer(name).get_weights()
        return any(not np.array_equal(a, b) for a, b in zip(before[name], after, strict=True))

    assert [name for name in before if changed(name)] == ["conv2", "bn2", "head_hidden", "logits"]


def test_untrained_regression_says_neutral(config, faces):
    changes = {"task": "va", "unfrozen": 0}
    network, preprocessing = build_network(FineTuneConfig(**vars(config) | changes))
    assert np.abs(network.predict_on_batch(preprocessing(faces.images[:8])) - 4).max() < 2


def test_the_backbone_that_knows_people_and_the_same_untrained(faces):
    assert IDENTITY.stat().st_size <= 2e6
    knows, preprocessing = load_backbone(FineTuneConfig(backbone="identity"))
    assert preprocessing.shape == knows.input.shape[1:] == (48, 48, 1)
    features = knows.predict_on_batch(preprocessing(faces.images[:4]))
    assert features.shape == (4, knows.output.shape[-1])
    assert len(np.unique(features.round(4), axis=0)) == 4  # it tells the pictures apart
    new, again = (load_backbone(FineTuneConfig(backbone="untrained"))[0] for _ in range(2))
    assert new.count_params() == knows.count_params()
    convolutions = [name for name in (w.path for w in knows.weights) if name.endswith("kernel")]
    assert len(convolutions) > 10
    for one, other in ((new, knows), (new, again)):
        values = [{w.path: w.numpy() for w in network.weights} for network in (one, other)]
        assert not any(np.array_equal(*(v[name] for v in values)) for name in convolutions)


def test_the_backbone_that_has_learned_emotions():
    network, preprocessing = load_backbone(FineTuneConfig(backbone="compact"))
    assert network.output.shape == (None, 256)
    assert preprocessing.colour == "grey"


def test_configurations_that_cannot_be(backbone):
    with pytest.raises(ModelError, match="untrained, or the path"):
        build_network(FineTuneConfig(backbone="no such file"))
    with pytest.raises(ModelError, match=r"how small\.keras wants its input"):
        build_network(FineTuneConfig(backbone=backbone))
    with pytest.raises(FerError, match="task must be one of emotion, va"):
        FineTuneConfig(task="age")
    with pytest.raises(FerError, match="unknown settings: momentum"):
        FineTuneConfig.from_json({"momentum": 1})


def test_configuration_survives_json(config):
    import json

    assert FineTuneConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
