"""Activations kept on disk: right, resumed, bounded, and found again."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("keras")

from fer_nb.errors import FerError
from fer_nb.training.common.augment import view_of
from fer_nb.training.finetune.features import FeatureStore, features_bytes
from fer_nb.training.finetune.networks import build_network, split_network


@pytest.fixture
def prefix_of(config):
    def make(**changes):
        network, preprocessing = build_network(replace(config, **changes))
        return split_network(network)[0], preprocessing

    return make


def test_equal_to_the_frozen_part(prefix_of, faces, tmp_path):
    prefix, preprocessing = prefix_of()
    store = FeatureStore(tmp_path, prefix, preprocessing, "standard", seed=3)
    rows = store.view(faces.images, 1, progress=False)
    views = [view_of(image, i, 1, "standard", 3) for i, image in enumerate(faces.images)]
    expected = np.asarray(prefix.predict_on_batch(preprocessing(views)))
    np.testing.assert_allclose(store.batch(rows), expected, rtol=2e-3, atol=2e-3)
    assert rows.nbytes == features_bytes(prefix, len(faces))


def test_several_outputs_come_back_apart(prefix_of, faces, tmp_path):
    import keras

    prefix, preprocessing = prefix_of()
    both = keras.Model(prefix.input, [prefix.get_layer("relu0").output, prefix.output])
    store = FeatureStore(tmp_path, both, preprocessing)
    first, second = store.batch(store.view(faces.images[:10], 0, progress=False))
    assert first.shape == (10, 16, 16, 8)
    expected = np.asarray(prefix.predict_on_batch(preprocessing(faces.images[:10])))
    np.testing.assert_allclose(second, expected, rtol=2e-3, atol=2e-3)


def test_computed_once(prefix_of, faces, tmp_path, monkeypatch):
    prefix, preprocessing = prefix_of()
    first = np.array(FeatureStore(tmp_path, prefix, preprocessing).view(faces.images, 0, False))
    store = FeatureStore(tmp_path, prefix, preprocessing)
    monkeypatch.setattr(prefix, "predict_on_batch", None)
    assert np.array_equal(store.view(faces.images, 0, False), first)


@pytest.mark.parametrize("what", ["pictures", "weights", "preprocessing", "seed", "view"])
def test_anything_else_is_computed_anew(prefix_of, faces, tmp_path, what):
    prefix, preprocessing = prefix_of()
    FeatureStore(tmp_path, prefix, preprocessing, "mirror", 0).view(faces.images, 1, False)
    images, seed, view = faces.images, 0, 1
    if what == "pictures":
        images = 255 - images
    elif what == "weights":
        prefix.get_layer("conv0").set_weights(
            [w + 1 for w in prefix.get_layer("conv0").get_weights()]
        )
    elif what == "preprocessing":
        preprocessing = replace(preprocessing, colour="rgb")
    elif what == "seed":
        seed = 1
    else:
        view = 2
    FeatureStore(tmp_path, prefix, preprocessing, "mirror", seed).view(images, view, False)
    assert len(list(tmp_path.glob("*.f16"))) == 2


def test_goes_on_after_an_interruption(prefix_of, faces, tmp_path, monkeypatch):
    prefix, preprocessing = prefix_of()
    images = np.concatenate([faces.images] * 6)  # 720 pictures: 23 batches, progress kept after 16
    whole = np.array(FeatureStore(tmp_path / "a", prefix, preprocessing).view(images, 0, False))
    predict, calls = prefix.predict_on_batch, []

    def breaks(inputs):
        calls.append(len(inputs))
        if len(calls) == 20:
            raise KeyboardInterrupt
        return predict(inputs)

    monkeypatch.setattr(prefix, "predict_on_batch", breaks)
    store = FeatureStore(tmp_path / "b", prefix, preprocessing)
    with pytest.raises(KeyboardInterrupt):
        store.view(images, 0, False)
    [state] = (tmp_path / "b").glob("*.json")
    assert json.loads(state.read_text()) == {"done": 512}
    calls.clear()
    resumed = store.view(images, 0, False)
    assert sum(calls) == 720 - 512
    assert np.array_equal(resumed, whole)
    assert [file.suffix for file in (tmp_path / "b").iterdir()] == [".f16"]


def test_size_is_said_and_bounded(prefix_of, faces, tmp_path):
    prefix, preprocessing = prefix_of()
    store = FeatureStore(tmp_path, prefix, preprocessing)
    assert "480 views: 1 MB" in store.make_room(480, max_gb=1)
    with pytest.raises(FerError, match=r"need .* GB .*fewer views"):
        store.make_room(4 * 10**6, max_gb=1)


def test_numbers_too_large_for_float16(prefix_of, faces, tmp_path):
    prefix, preprocessing = prefix_of()
    loud = replace(preprocessing, scale=1e9)
    with pytest.raises(FerError, match="too large for float16"):
        FeatureStore(tmp_path, prefix, loud).view(faces.images, 0, False)
