import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import FerError, ModelError
from fer_nb.models import FerModel, load_model, preprocess
from fer_nb.weights import model_folders

pictures = st.tuples(st.integers(1, 90), st.integers(1, 90)).flatmap(
    lambda size: st.one_of(arrays(np.uint8, size), arrays(np.uint8, (*size, 3)))
)


@pytest.fixture(scope="module")
def model() -> FerModel:
    return load_model()


@settings(max_examples=25, deadline=None)
@given(st.lists(pictures, max_size=4))
def test_answers_are_probabilities_and_ratings(faces):
    read = load_cached().predict_batch(faces)
    assert read.probs.shape == (len(faces), 9)
    assert read.probs.dtype == read.valence.dtype == read.arousal.dtype == np.float32
    np.testing.assert_allclose(read.probs.sum(axis=1), 1, atol=1e-5)
    for values in (read.valence, read.arousal):
        assert values.shape == (len(faces),)
        assert ((values >= 1) & (values <= 7)).all()
    assert read.emotion == [EMOTIONS[i] for i in read.probs.argmax(axis=1)]


def load_cached(cache=[]) -> FerModel:  # noqa: B006  hypothesis takes no module fixtures
    if not cache:
        cache.append(load_model())
    return cache[0]


def test_smile_is_happy_and_pleasant(model, astronaut, hopper):
    smile, serious = astronaut[50:190, 155:295], hopper[60:330, 120:390]
    read = model.predict_batch([smile, serious])
    assert read.emotion[0] == "happy"
    assert read.emotion[1] != "happy"
    assert read.valence[0] > 5 > 4.7 > read.valence[1]
    assert model.predict(smile) == "happy"
    name, valence, arousal = model.predict(smile, val_ar=True)
    assert name == "happy"
    assert valence == pytest.approx(read.valence[0], abs=1e-5)
    assert arousal == pytest.approx(read.arousal[0], abs=1e-5)


def test_batch_size_changes_nothing(model, astronaut):
    crops = [astronaut[40 + i : 200 + i, 140 + i : 300] for i in range(70)]
    together = model.predict_batch(crops)
    single = [model.predict_batch([crop]) for crop in crops[::23]]
    np.testing.assert_allclose(
        together.probs[::23], np.concatenate([s.probs for s in single]), atol=1e-4
    )


def test_swapped_channels_change_nothing(model, astronaut):
    crop = astronaut[50:190, 155:295]
    rgb, bgr = model.predict_batch([crop, crop[..., ::-1]]).probs
    np.testing.assert_allclose(rgb, bgr, atol=1e-6)


def test_preprocess_is_one_way_for_all(astronaut):
    crop = astronaut[50:190, 155:295]
    squares = preprocess([crop, crop[..., 1], crop[:3, :2]], 48)
    assert squares.shape == (3, 48, 48, 1)
    assert squares.dtype == np.uint8
    grey = np.repeat(crop[..., :1], 3, axis=2)
    np.testing.assert_allclose(
        preprocess([grey], 48).astype(int), preprocess([crop[..., 0]], 48).astype(int), atol=1
    )


@pytest.mark.parametrize(
    "face",
    [
        np.zeros((5, 5, 4), np.uint8),
        np.zeros((5, 5, 3), np.float32),
        np.zeros((0, 5, 3), np.uint8),
        np.zeros(5, np.uint8),
    ],
)
def test_what_is_no_crop_is_refused(model, face):
    with pytest.raises(FerError, match="uint8 array"):
        model.predict_batch([face])


def test_one_picture_is_not_taken_for_many(model):
    with pytest.raises(FerError, match=r"\[face\]"):
        model.predict_batch(np.zeros((48, 40, 3), np.uint8))
    assert len(model.predict_batch(np.zeros((5, 48, 40), np.uint8))) == 5
    assert len(model.predict_batch(np.zeros((5, 48, 40, 3), np.uint8))) == 5


positive = st.lists(st.floats(0.01, 10), min_size=9, max_size=9)


@settings(max_examples=20, deadline=None)
@given(positive)
def test_prior_follows_bayes_rule(weights):
    """Under any prior the odds change by the ratio of the priors, and nothing else does."""
    face = np.random.default_rng(0).integers(0, 255, (48, 48), dtype=np.uint8)
    folder = model_folders()["compact"]
    natural = FerModel(folder, prior="natural").predict_batch([face])
    chosen = FerModel(folder, prior=dict(zip(EMOTIONS, weights, strict=True)))
    read = chosen.predict_batch([face])
    expected = natural.probs[0] * np.array(weights) / list(natural.prior.values())
    np.testing.assert_allclose(read.probs[0], expected / expected.sum(), rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(read.valence, natural.valence)
    assert sum(read.prior.values()) == pytest.approx(1)
    assert list(read.prior) == list(EMOTIONS)


def test_balanced_prior_is_even(model):
    balanced = load_model(prior="balanced").prior
    assert balanced == pytest.approx(dict.fromkeys(EMOTIONS, 1 / 9))
    assert model.prior == load_model(prior="default").prior


def test_unusable_priors_are_refused():
    with pytest.raises(ModelError, match="natural"):
        load_model(prior="flat")
    with pytest.raises(ModelError, match="exactly these"):
        load_model(prior={"happy": 1.0})
    with pytest.raises(ModelError, match="positive"):
        load_model(prior=dict.fromkeys(EMOTIONS, 0.0))
    with pytest.raises(ModelError, match="positive"):
        load_model(prior=dict.fromkeys(EMOTIONS, "often"))
    with pytest.raises(ModelError, match="exactly these"):
        load_model(prior=None)


@pytest.mark.parametrize("rest", [1e308, 1e-300])
def test_extreme_priors_still_give_probabilities(rest):
    prior = dict.fromkeys(EMOTIONS, rest) | {"fear": 1e308}
    read = load_model(prior=prior).predict_batch([np.zeros((48, 48), np.uint8)])
    assert read.probs.sum() == pytest.approx(1)
    assert sum(read.prior.values()) == pytest.approx(1)


def test_damaged_models_are_refused(tmp_path):
    with pytest.raises(ModelError, match=r"there are: .*compact"):
        load_model("large")
    copy = tmp_path / "copy"
    shutil.copytree(model_folders()["compact"], copy)
    assert load_model(copy).sha256 == load_model().sha256
    assert load_model(copy).ratings == "circumplex"
    (copy / "model.onnx").write_bytes((copy / "model.onnx").read_bytes() + b"\0")
    with pytest.raises(ModelError, match=r"not the file that model\.json describes"):
        load_model(copy)
    (copy / "model.onnx").unlink()
    with pytest.raises(ModelError, match="is missing"):
        load_model(copy)


def test_what_is_no_name_is_refused():
    with pytest.raises(ModelError, match="name or path, not by None"):
        load_model(None)
