"""A teacher made from a backbone: it is fine-tuned, and its labels reach the compact network."""

import numpy as np
import pytest

pytest.importorskip("keras", reason="training needs the [train] extra")

import keras
from tiny import TINY

from fer_nb.errors import FerError
from fer_nb.training import compact, teacher
from fer_nb.training.compact_net import CompactConfig

CONFIG = CompactConfig.from_dict({**TINY.to_dict(), "size": 32, "epochs": 1})


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    image = keras.Input((64, 64, 3))
    x = keras.layers.Conv2D(6, 3, strides=4, activation="relu")(image)
    x = keras.layers.GlobalAveragePooling2D(keepdims=True, name="global_pooling")(x)
    x = keras.layers.Flatten()(x)
    path = tmp_path_factory.mktemp("backbone") / "faces.keras"
    keras.Model(image, keras.layers.Dense(3)(x)).save(path)
    return path


def test_teacher_keeps_what_the_backbone_knows(backbone):
    built = teacher.build_teacher(backbone, CONFIG)
    whole = keras.saving.load_model(backbone)
    kernels = [w for w in built.get_weights() if w.ndim == 4]
    np.testing.assert_array_equal(kernels[0], whole.get_weights()[0])
    assert built.input_shape == (None, 32, 32, 1)
    # A grey face reaches the backbone as colour, less the mean colour.
    face = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 1)).astype(np.float32)
    first = keras.Model(built.input, built.get_layer("mean_colour").output)
    colour = np.repeat(face, 3, 3) - np.array(teacher.MEAN_COLOUR, np.float32)
    np.testing.assert_allclose(first.predict(face, verbose=0), colour, rtol=1e-5)


def test_labels_reach_the_compact_network(backbone, ferplus, tmp_path):
    trained = teacher.train_teacher(ferplus, backbone, tmp_path / "t", CONFIG, progress=False)
    assert (tmp_path / "t" / "run.json").is_file()
    strangers = np.random.default_rng(1).integers(0, 256, (5, 40, 40), dtype=np.uint8)
    said = np.array([0, 1, 2, 3, 4])
    path = tmp_path / "labels.npz"
    teacher.write_labels(trained, ferplus, path, CONFIG, others=strangers, said=said)
    with np.load(path) as held:
        np.testing.assert_allclose(held["probs"].sum(axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(held["other_probs"].sum(axis=1), 1, atol=1e-5)
        assert (held["other_probs"][np.arange(5), said] > 0.399).all()
    run = compact.train(ferplus, tmp_path / "run", TINY, teacher=path, progress=False)
    assert (run / "network.weights.h5").is_file()


def test_answers_do_not_depend_on_the_side(backbone):
    built = teacher.build_teacher(backbone, CONFIG)
    faces = np.random.default_rng(0).integers(0, 256, (4, 50, 50), dtype=np.uint8)
    probs, affect = teacher.answers(built, faces, 32)
    mirrored = teacher.answers(built, faces[:, :, ::-1], 32)
    np.testing.assert_allclose(probs, mirrored[0], atol=1e-4)
    np.testing.assert_allclose(affect, mirrored[1], atol=1e-4)


def test_unfit_backbones_are_refused(tmp_path):
    with pytest.raises(FerError, match="no file"):
        teacher.build_teacher(tmp_path / "absent.keras", CONFIG)
    path = tmp_path / "plain.keras"
    image = keras.Input((8, 8, 3))
    keras.Model(image, keras.layers.Flatten()(image)).save(path)
    with pytest.raises(FerError, match="no layer named global_pooling"):
        teacher.build_teacher(path, CONFIG)
