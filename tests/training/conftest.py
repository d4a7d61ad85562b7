"""A backbone small enough for tests, and faces that a network can learn to tell apart."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest

from fer_nb.emotions import EMOTIONS
from fer_nb.models import Preprocessing
from fer_nb.training.common.faces import LabelledFaces, split_faces
from fer_nb.training.common.ferplus import VOTE_EMOTIONS
from fer_nb.training.common.labels import one_hot
from fer_nb.training.finetune.config import FineTuneConfig


@pytest.fixture(scope="session")
def backbone(tmp_path_factory):
    """A .keras file: four convolutions with batch normalisation and a shortcut, 32 pixels."""
    keras = pytest.importorskip("keras")
    layers = keras.layers
    keras.utils.set_random_seed(1)
    x = image = keras.Input((32, 32, 3), name="image")
    for i, width in enumerate((8, 16)):
        x = layers.Conv2D(width, 3, strides=2, padding="same", name=f"conv{i}")(x)
        x = layers.BatchNormalization(name=f"bn{i}")(x)
        x = layers.ReLU(name=f"relu{i}")(x)
    shortcut = x
    x = layers.Conv2D(16, 3, padding="same", name="conv2")(x)
    x = layers.BatchNormalization(name="bn2")(x)
    x = layers.Add(name="sum")([x, shortcut])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(5, name="people")(x)
    path = tmp_path_factory.mktemp("backbone") / "small.keras"
    keras.Model(image, x).save(path)
    return str(path)


@pytest.fixture
def config(backbone):
    return FineTuneConfig(
        backbone=backbone,
        cut="pool",
        preprocessing=Preprocessing(32, "bgr", (100.0, 110.0, 120.0), 1 / 128),
        unfrozen=5,
        hidden=16,
        views=2,
        batch=16,
        epochs=4,
        learning_rate=3e-3,
    )


@pytest.fixture(scope="session")
def faces():
    """120 pictures, in which the place of a bright square says which of three emotions it is."""
    rng = np.random.default_rng(0)
    names = [EMOTIONS[i] for i in rng.integers(0, 3, 120)]
    images = rng.integers(0, 120, (120, 32, 32, 3), np.uint8)
    for image, name in zip(images, names, strict=True):
        start = 2 + 10 * EMOTIONS.index(name)
        image[start : start + 8, 8:24] = 220
    group = np.arange(120)
    return split_faces(LabelledFaces(images, one_hot(names), group))


@pytest.fixture(scope="session")
def ferplus(tmp_path_factory):
    """Write 40 made faces: bright ones got votes for happiness, dark ones for sadness."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 48, 48), dtype=np.uint8)
    names = list(VOTE_EMOTIONS)
    votes = np.zeros((40, 10), np.uint8)
    votes[::2, names.index("happiness")] = 10
    votes[1::2, names.index("sadness")] = 10
    images[::2, 24:] //= 4
    path = tmp_path_factory.mktemp("ferplus") / "ferplus.npz"
    usage = np.r_[np.zeros(36), np.ones(4)].astype(np.uint8)
    np.savez(
        path,
        images=images,
        votes=votes,
        vote_names=names,
        usage=usage,
        usage_names=["Training", "PublicTest"],
    )
    return path
