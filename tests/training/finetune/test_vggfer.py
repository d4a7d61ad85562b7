"""The reference class: the same answers from ONNX and Keras, and from training to use."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

keras = pytest.importorskip("keras")

from fer_nb.emotions import EMOTIONS, expected_valence_arousal  # noqa: E402
from fer_nb.errors import FerError, ModelError  # noqa: E402
from fer_nb.models import Network, Preprocessing, load_model, read_info  # noqa: E402
from fer_nb.models.vggfer import VGGFerModel  # noqa: E402
from fer_nb.training.finetune.config import FineTuneConfig  # noqa: E402
from fer_nb.training.finetune.export import save_model  # noqa: E402
from fer_nb.training.finetune.networks import build_network  # noqa: E402
from fer_nb.training.finetune.train import Run, fine_tune  # noqa: E402


@pytest.fixture(scope="module")
def models_dir(backbone, faces, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    config = FineTuneConfig(
        backbone=backbone,
        cut="pool",
        preprocessing=Preprocessing(32, "bgr", (100.0, 110.0, 120.0), 1 / 128),
        unfrozen=5,
        hidden=16,
        views=1,
        batch=16,
        epochs=8,
        learning_rate=3e-3,
    )
    for task in ("emotion", "va"):
        run = fine_tune(replace(config, task=task), faces, folder / f"run-{task}", progress=False)
        save_model(run, folder / task, trained_on="bright squares", scores={"accuracy": 0.9})
        np.save(folder / f"{task}.npy", run.predict(faces.images))
    return folder


def test_onnx_and_keras_answer_alike(models_dir, faces):
    onnx = VGGFerModel(val_ar=True, models_dir=models_dir)
    with_keras = VGGFerModel(val_ar=True, models_dir=models_dir, runtime="keras")
    assert onnx.ratings == onnx.va.info["ratings"] == onnx.va.info["config"]["ratings"]
    assert VGGFerModel(models_dir=models_dir).ratings == "adfes2011"
    assert (onnx.emotion.runtime, with_keras.emotion.runtime) == ("onnx", "keras")
    a, b = onnx.predict_batch(faces.images), with_keras.predict_batch(faces.images)
    np.testing.assert_allclose(a.probs, b.probs, atol=1e-4)
    np.testing.assert_allclose(a.valence, b.valence, atol=1e-3)
    np.testing.assert_allclose(a.arousal, b.arousal, atol=1e-3)


def test_in_use_it_answers_as_in_training(models_dir, faces):
    for task in ("emotion", "va"):
        in_training = np.load(models_dir / f"{task}.npy")
        probs, ratings = Network(models_dir / task)(faces.images)
        if task == "emotion":
            np.testing.assert_allclose(probs, softmax(in_training, axis=1), atol=1e-3)
            assert ratings is None
        else:
            np.testing.assert_allclose(ratings, np.clip(in_training, 1, 7), atol=1e-3)
            assert probs.shape == (len(faces), 0)


def test_same_crop_gives_the_same_input_in_training_and_in_use(models_dir, faces, config):
    in_use = VGGFerModel(models_dir=models_dir).emotion.preprocessing
    assert in_use == config.preprocessing
    crop = faces.images[3]
    assert np.array_equal(in_use([crop]), config.preprocessing([crop]))
    assert not np.array_equal(in_use([crop]), in_use([crop[..., ::-1]]))  # colour order matters


def test_predict_gives_a_name_or_a_list(models_dir, faces):
    image = faces.images[0]
    name = VGGFerModel(models_dir=models_dir).predict(image)
    assert name in EMOTIONS
    answer = VGGFerModel(val_ar=True, models_dir=models_dir).predict(image)
    assert answer[0] == name
    assert all(isinstance(value, float) and 1 <= value <= 7 for value in answer[1:])


def test_pictures_of_any_size_and_grey(models_dir):
    model = VGGFerModel(models_dir=models_dir)
    rng = np.random.default_rng(0)
    odd = [rng.integers(0, 255, shape, np.uint8) for shape in [(7, 90, 3), (300, 200), (32, 32, 3)]]
    predictions = model.predict_batch(odd)
    assert predictions.probs.shape == (3, 9)
    assert predictions.probs.sum(axis=1) == pytest.approx(1)
    assert len(model.predict_batch([])) == 0
    with pytest.raises(FerError, match="uint8"):
        model.predict(odd[0].astype(float))


def test_without_the_second_network_ratings_are_expected_under_the_first(models_dir, faces):
    predictions = VGGFerModel(models_dir=models_dir).predict_batch(faces.images[:5])
    expected = expected_valence_arousal(predictions.probs)
    np.testing.assert_allclose(predictions.valence, expected[:, 0], rtol=1e-5)


def test_a_picture_is_analysed_with_it(models_dir):
    import skimage

    from fer_nb import analyze_image

    model = VGGFerModel(val_ar=True, models_dir=models_dir)
    table = analyze_image(skimage.data.astronaut(), model=model)
    assert table["emotion"].notna().any()
    assert table.attrs["model"] == "vggfer"
    assert table.attrs["model_sha256"] == model.sha256 != model.emotion.sha256


def test_missing_network_says_what_to_do(tmp_path, models_dir):
    with pytest.raises(ModelError) as caught:
        VGGFerModel(models_dir=tmp_path)
    for part in (str(tmp_path / "emotion"), "Notebook 1", 'load_model("compact")', "fer-nb train"):
        assert part in str(caught.value)
    (tmp_path / "emotion").symlink_to(models_dir / "emotion")
    VGGFerModel(models_dir=tmp_path)
    with pytest.raises(ModelError, match="Notebook 3"):
        VGGFerModel(val_ar=True, models_dir=tmp_path)
    (tmp_path / "va").symlink_to(models_dir / "emotion")
    with pytest.raises(ModelError, match="for emotions, not for 'va'"):
        VGGFerModel(val_ar=True, models_dir=tmp_path)


def test_default_folder_is_that_of_the_models(models_dir, tmp_path, monkeypatch):
    (tmp_path / "vggfer").symlink_to(models_dir)
    monkeypatch.setenv("FER_NB_MODELS", str(tmp_path))
    assert VGGFerModel().predict(np.zeros((9, 9), np.uint8)) in EMOTIONS


def copy_of(folder, target):
    import shutil

    shutil.copytree(folder, target)
    return target


def test_keras_is_used_where_no_onnx_file_is(models_dir, faces, tmp_path):
    folder = copy_of(models_dir / "emotion", tmp_path / "emotion")
    (folder / "model.onnx").unlink()
    network = Network(folder)
    assert network.runtime == "keras"
    expected, _ = Network(models_dir / "emotion")(faces.images[:4])
    np.testing.assert_allclose(network(faces.images[:4])[0], expected, atol=1e-3)


def test_changed_file_is_refused(models_dir, tmp_path):
    folder = copy_of(models_dir / "emotion", tmp_path / "emotion")
    with open(folder / "model.onnx", "ab") as file:
        file.write(b"x")
    with pytest.raises(ModelError, match=r"not the file that model\.json describes"):
        Network(folder)


def test_structure_that_carries_code_is_refused(models_dir, tmp_path):
    folder = copy_of(models_dir / "emotion", tmp_path / "emotion")
    info = read_info(folder)
    image = keras.Input((2,))
    evil = keras.Model(image, keras.layers.Lambda(lambda x: x + 1)(image))
    info["structure"] = keras.saving.serialize_keras_object(evil)
    (folder / "model.json").write_text(json.dumps(info))
    with pytest.raises(ValueError, match=r"[Uu]nsafe|safe_mode|Lambda"):
        Network(folder, runtime="keras")


def test_no_pickle_and_no_keras_needed(models_dir):
    code = f"""
import sys
sys.modules["keras"] = sys.modules["tensorflow"] = sys.modules["pickle5"] = None
import numpy as np
from fer_nb.models.vggfer import VGGFerModel
model = VGGFerModel(val_ar=True, models_dir={str(models_dir)!r})
print(model.predict(np.full((50, 40, 3), 90, np.uint8)))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.startswith("['")
    names = {file.suffix for file in (models_dir / "emotion").iterdir()}
    assert names == {".json", ".h5", ".keras", ".onnx"}


def test_only_a_network_for_the_same_task_is_replaced(tmp_path):
    def network(task):
        config = FineTuneConfig(task=task, backbone="compact", weights=None, hidden=8)
        return Run(config, *build_network(config))

    folder = save_model(network("va"), tmp_path / "va", trained_on="nothing", onnx=False)
    save_model(network("va"), folder, trained_on="nothing again", onnx=False)
    assert read_info(folder)["trained_on"] == "nothing again"
    emotion = network("emotion")
    with pytest.raises(ModelError, match=r"vggfer-va.*force=True"):
        save_model(emotion, folder, trained_on="", onnx=False)
    assert Network(folder).info["labels"] == []
    save_model(emotion, folder, trained_on="", onnx=False, force=True)
    assert Network(folder).info["labels"] == list(EMOTIONS)
    (folder / "model.json").write_text("{")  # cut off while it was written
    with pytest.raises(ModelError, match="another model"):
        save_model(emotion, folder, trained_on="", onnx=False)


def test_kept_facts(models_dir):
    info = read_info(models_dir / "emotion")
    assert info["trained_on"] == "bright squares"
    assert info["scores"] == {"accuracy": 0.9}
    assert len(info["history"]) == 8
    assert VGGFerModel(models_dir=models_dir).info["name"] == "vggfer"
    saved = keras.saving.load_model(models_dir / "emotion" / "model.keras")
    assert saved.output.shape == (None, 9)


def test_a_network_for_ratings_alone_is_no_model(models_dir):
    assert load_model(models_dir / "emotion").name == "vggfer-emotion"
    with pytest.raises(ModelError, match=r"VGGFerModel\(val_ar=True\)"):
        load_model(models_dir / "va")


def test_format_1_is_read(models_dir, faces, tmp_path):
    """What notebooks 1 and 3 wrote before format 2 reads as what they write now."""
    for task in ("emotion", "va"):
        folder = copy_of(models_dir / task, tmp_path / task)
        new = json.loads((folder / "model.json").read_text())
        kept = ("name", "version", "priors", "files", "sha256", "config", "structure")
        old = {key: new[key] for key in kept} | {"format": 1, "task": task}
        old |= {"emotions": list(EMOTIONS), "input": {"size": 32, "channels": 3}}
        old["preprocessing"] = {k: new["input"][k] for k in ("size", "colour", "mean", "scale")}
        (folder / "model.json").write_text(json.dumps(old))
    before = VGGFerModel(val_ar=True, models_dir=tmp_path)
    now = VGGFerModel(val_ar=True, models_dir=models_dir)
    assert (before.ratings, before.prior, before.sha256) == (now.ratings, now.prior, now.sha256)
    a, b = before.predict_batch(faces.images), now.predict_batch(faces.images)
    for column in ("probs", "valence", "arousal"):
        np.testing.assert_array_equal(getattr(a, column), getattr(b, column))
    del old["structure"]
    (folder / "model.json").write_text(json.dumps(old))
    with pytest.raises(ModelError, match="lacks structure"):
        Network(folder)


def test_grey_preprocessing_is_that_of_the_compact_model():
    from fer_nb.models import preprocess

    face = np.random.default_rng(0).integers(0, 255, (60, 50, 3), np.uint8)
    assert np.array_equal(Preprocessing(32, "grey")([face]), preprocess([face], 32))


def test_resizing_averages_instead_of_picking_neighbours():
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 200
    assert np.unique(Preprocessing(32, "rgb")([stripes])).tolist() == [100.0]


def test_configuration_from_an_earlier_record():
    assert FineTuneConfig.from_json({"va_table": "reference"}).ratings == "reference"
