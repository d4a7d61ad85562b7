"""Export: ONNX answers what Keras answers, and the model that ships keeps its promises."""

import json
import shutil

import numpy as np
import pytest

from fer_nb.errors import ModelError
from fer_nb.models import load_model
from fer_nb.models.info import read_info


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Make a finished run whose batch normalisations are not at rest."""
    keras = pytest.importorskip("keras", reason="export needs the [train] extra")
    from fer_nb.training.common.records import write_run
    from fer_nb.training.compact.network import CompactConfig, build_network

    keras.utils.set_random_seed(0)
    config = CompactConfig(size=24, stem=4, widths=(4, 8, 8), blocks=(1, 2, 1))
    network = build_network(config)
    rng = np.random.default_rng(0)
    # Means, gains and offsets as training leaves them, so that folding them in is put to work.
    network.set_weights(
        [w if w.ndim > 1 else w + rng.uniform(0.05, 0.5, w.shape) for w in network.get_weights()]
    )
    folder = tmp_path_factory.mktemp("run")
    network.save_weights(folder / "network.weights.h5")
    natural = [0.1, 0.02, 0.02, 0.03, 0.25, 0.3, 0.12, 0.1, 0.06]
    fields = {"config": config.to_dict(), "temperature": 0.8, "natural_prior": natural}
    write_run(folder / "run.json", data={}, **fields)
    return folder


def test_onnx_equals_keras_and_loads(run, tmp_path):
    from fer_nb.training.compact.export import export

    folder = export(run, tmp_path / "model", version="9.9", prior_strength=1.0)
    written = json.loads((folder / "model.json").read_text())
    assert {**read_info(folder), **written} == read_info(folder)  # nothing was left to be guessed
    model = load_model(folder, prior="natural")
    faces = list(np.random.default_rng(1).integers(0, 256, (5, 24, 24), dtype=np.uint8))
    answer = model.predict_batch(faces)

    import keras

    network = keras.models.model_from_json(json.dumps(model.info["structure"]))
    network.load_weights(folder / "model.weights.h5")
    theirs = network.predict(np.stack(faces)[..., None].astype(np.float32), verbose=0)
    np.testing.assert_allclose(answer.probs, theirs["probs"], atol=1e-4)
    np.testing.assert_allclose(answer.valence, theirs["valence"], atol=1e-4)
    np.testing.assert_allclose(answer.arousal, theirs["arousal"], atol=1e-4)
    assert np.ptp(answer.probs, axis=0).max() > 1e-3  # the faces are told apart at all
    assert model.info["priors"]["default"] == model.info["priors"]["balanced"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "FER+ votes on FER2013 Training"),
        (
            {"data": {"teacher": {"file": "t.npz"}, "start": {"file": "first.weights.h5"}}},
            "FER+ votes on FER2013 Training, labels of a teacher (t.npz), "
            "begun from earlier weights (first.weights.h5)",
        ),
        (
            {"mean_of": ["a", "b"]},
            "FER+ votes on FER2013 Training, mean of the weights of 2 runs",
        ),
    ],
)
def test_model_says_what_it_learned_from(run, tmp_path, changes, said):
    from fer_nb.training.compact.export import export

    shutil.copytree(run, tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    (tmp_path / "run" / "run.json").write_text(json.dumps({**record, **changes}))
    model = load_model(export(tmp_path / "run", tmp_path / "model", version="1"))
    assert model.info["trained_on"] == said


def test_export_replaces_only_its_own_version(run, tmp_path):
    from fer_nb.training.compact.export import export

    export(run, tmp_path, version="1")
    export(run, tmp_path, version="1", prior_strength=1.0)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(ModelError, match=r"compact, version 1\).*force=True"):
        export(run, tmp_path, version="2")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    assert load_model(export(run, tmp_path, version="2", force=True)).info["version"] == "2"


def test_unfinished_run_is_refused(tmp_path):
    from fer_nb.training.compact.export import export

    with pytest.raises(ModelError, match="finish the training run"):
        export(tmp_path, tmp_path / "out", version="1")


def test_priors_lie_between_natural_and_balanced():
    pytest.importorskip("keras", reason="export needs the [train] extra")
    from fer_nb.training.compact.export import priors

    natural = np.array([0.5, 0.3, 0.2])
    half = priors(natural, 0.5)["default"]
    assert sum(half) == pytest.approx(1)
    assert 1 / 3 < half[0] < 0.5
    np.testing.assert_allclose(priors(natural, 0.0)["default"], natural)
    np.testing.assert_allclose(priors(natural, 1.0)["default"], 1 / 3, atol=1e-6)


def test_shipped_weights_give_what_the_shipped_onnx_gives():
    keras = pytest.importorskip("keras", reason="needs the [train] extra")
    model = load_model("compact", prior="natural")
    network = keras.models.model_from_json(json.dumps(model.info["structure"]))
    network.load_weights(model.network.file("weights"))
    faces = np.random.default_rng(3).integers(0, 256, (4, model.size, model.size), dtype=np.uint8)
    theirs = network.predict(faces[..., None].astype(np.float32), verbose=0)
    ours = model.predict_batch(list(faces))
    np.testing.assert_allclose(ours.probs, theirs["probs"], atol=1e-3)
    np.testing.assert_allclose(ours.valence, theirs["valence"], atol=1e-3)


@pytest.fixture(scope="module")
def astronaut():
    from skimage.data import astronaut

    return np.ascontiguousarray(astronaut()[70:190, 170:275])


@pytest.mark.parametrize("prior", ["natural", "default", "balanced"])
def test_shipped_model_sees_a_smile(astronaut, prior):
    model = load_model("compact", prior=prior)
    answer = model.predict_batch(
        [astronaut, astronaut[..., ::-1].copy(), astronaut[:, ::-1].copy()]
    )
    assert answer.emotion == ["happy"] * 3
    np.testing.assert_allclose(answer.probs.sum(1), 1, atol=1e-5)
    np.testing.assert_array_equal(answer.probs[0], answer.probs[1])  # swapped red and blue
    assert (answer.valence > 4.5).all()
    assert (answer.arousal > 4).all()


def test_shipped_model_tolerates_a_worse_camera(astronaut):
    from fer_nb.evaluation.evaluate import CORRUPTIONS

    model = load_model("compact")
    changed = [change(astronaut) for change in CORRUPTIONS.values()]
    happy = model.predict_batch(changed).emotion.count("happy")
    assert happy >= len(changed) - 1


@pytest.mark.parametrize("colour", ["grey", "rgb"])
def test_onnx_equals_keras_with_a_front_for_larger_pictures(tmp_path, colour):
    keras = pytest.importorskip("keras", reason="export needs the [train] extra")
    from fer_nb.training.common.export import check_onnx
    from fer_nb.training.compact.export import compact_onnx, examples
    from fer_nb.training.compact.network import CompactConfig, build_network, deployable

    keras.utils.set_random_seed(0)
    config = CompactConfig(size=32, colour=colour, front=2, stem=4, widths=(4, 8), blocks=(1, 1))
    network = build_network(config, config.size)
    assert network.get_layer("stem_conv").output.shape[1] == 8  # a quarter: front and stem
    path = tmp_path / "model.onnx"
    path.write_bytes(compact_onnx(network, 0.8))
    faces, said = examples(deployable(network, 0.8))
    assert check_onnx(path, faces, said) < 1e-4
    with pytest.raises(ModelError, match="differ by"):
        check_onnx(path, faces, [each + 0.1 for each in said])
