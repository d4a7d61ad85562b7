"""Other people's networks, on made ONNX files with the inputs and outputs of theirs."""

import json
import subprocess
import sys

import numpy as np
import pytest
from scipy.special import softmax

from fer_nb.emotions import EMOTIONS, expected_valence_arousal
from fer_nb.errors import ModelError
from fer_nb.models import crop_of, load_model
from fer_nb.weights import shipped_models

onnx = pytest.importorskip("onnx", reason="the made networks need the [train] extra")

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(3, 12)).astype(np.float32)
BIAS = RNG.normal(size=12).astype(np.float32)
FACES = [
    RNG.integers(0, 256, (90, 70, 3), np.uint8),
    np.full((50, 50, 3), (250, 20, 60), np.uint8),
    RNG.integers(0, 256, (300, 300), np.uint8),
]


def linear(path, shape, columns, *, names=("output",), layout="NCHW", scale=1.0, left=None):
    """Write a network that gives `columns` sums of its input's mean colour.

    `left` is how many columns of pixels it looks at; all by default.
    """
    from onnx import TensorProto, helper, numpy_helper

    axes = [2, 3] if layout == "NCHW" else [1, 2]
    channels = shape[1] if layout == "NCHW" else shape[3]
    constants = {
        "axes": np.array(axes, np.int64),
        "w": scale * WEIGHTS[:channels, :columns],
        "b": scale * BIAS[:columns],
        "first": np.array([0], np.int64),
        "last": np.array([left or 10_000], np.int64),
        "across": np.array(axes[1:], np.int64),
    }
    nodes = [
        helper.make_node("Slice", ["input", "first", "last", "across"], ["part"]),
        helper.make_node("ReduceMean", ["part", "axes"], ["mean"], keepdims=0),
        helper.make_node("Gemm", ["mean", "w", "b"], ["all"]),
    ]
    if len(names) == 1:
        nodes.append(helper.make_node("Identity", ["all"], list(names)))
        widths = [columns]
    else:  # the classes in one output, then a column for each of the others
        widths = [columns - len(names) + 1] + [1] * (len(names) - 1)
        constants["widths"] = np.array(widths, np.int64)
        nodes.append(helper.make_node("Split", ["all", "widths"], list(names), axis=1))
    value = helper.make_tensor_value_info
    outputs = [
        value(name, TensorProto.FLOAT, [shape[0], width])
        for name, width in zip(names, widths, strict=True)
    ]
    graph = helper.make_graph(
        nodes,
        "made",
        [value("input", TensorProto.FLOAT, shape)],
        outputs,
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path


def expected(model, columns):
    """What such a network answers, computed without it."""
    prepared = model.preprocessing(FACES)
    axes = (2, 3) if model.preprocessing.layout == "NCHW" else (1, 2)
    mean = prepared.mean(axes, dtype=np.float64)
    return mean @ WEIGHTS[: mean.shape[1], :columns] + BIAS[:columns]


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Return a function that puts a made network in the place of a known one."""
    monkeypatch.setenv("FER_NB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FER_NB_MODELS", str(tmp_path / "models"))

    def put(name, shape, columns):
        info = json.loads((shipped_models() / name / "model.json").read_text())
        folder = tmp_path / "models" / name
        linear(folder / info["files"]["onnx"], shape, columns)
        (folder / "model.json").write_text(json.dumps({**info, "sha256": {}}))
        return load_model(name)

    return put


def column(read, name):
    return read.probs[:, EMOTIONS.index(name)]


def test_eight_classes_with_valence_and_arousal(mine):
    model = mine("hsemotion/enet_b0_8_va_mtl", [None, 3, 224, 224], 10)
    assert model.missing == ("uncertain",)
    read, raw = model.predict_batch(FACES), expected(model, 10)
    probs = softmax(raw[:, :8], axis=1)
    for i, name in enumerate(EMOTIONS[:8]):  # theirs are in the same order
        np.testing.assert_allclose(column(read, name), probs[:, i], rtol=1e-4, atol=1e-6)
    assert (column(read, "uncertain") == 0).all()
    np.testing.assert_allclose(read.valence, np.clip(4 + 3 * raw[:, 8], 1, 7), rtol=1e-3)
    np.testing.assert_allclose(read.arousal, np.clip(4 + 3 * raw[:, 9], 1, 7), rtol=1e-3)


def test_eight_classes_alone_give_the_mean_rating(mine):
    model = mine("hsemotion/enet_b2_8", [None, 3, 260, 260], 8)
    read = model.predict_batch(FACES)
    ratings = expected_valence_arousal(read.probs, "circumplex")
    np.testing.assert_allclose(np.column_stack([read.valence, read.arousal]), ratings, rtol=1e-5)
    assert model.ratings == "circumplex"


def test_seven_classes_one_face_at_a_time(mine):
    model = mine("opencv/fer_mobilefacenet", [1, 3, 112, 112], 7)
    assert model.missing == ("contempt", "uncertain")
    assert (crop_of(model).margin, crop_of(model).align) == (0.05, "eyes")
    read, probs = model.predict_batch(FACES), softmax(expected(model, 7), axis=1)
    theirs = ("anger", "disgust", "fear", "happy", "neutral", "sad", "surprise")
    for i, name in enumerate(theirs):
        np.testing.assert_allclose(column(read, name), probs[:, i], rtol=1e-4, atol=1e-6)
    assert read.probs.sum(axis=1) == pytest.approx(1)
    assert (read.probs[:, [EMOTIONS.index(name) for name in model.missing]] == 0).all()
    assert sum(model.prior.values()) == pytest.approx(1)
    assert len(model.predict_batch([])) == 0


def test_prior_of_a_network_that_lacks_classes(mine):
    mine("opencv/fer_mobilefacenet", [1, 3, 112, 112], 7)
    natural, even = (
        load_model("opencv/fer_mobilefacenet", prior=prior) for prior in ("natural", "balanced")
    )
    assert even.prior["contempt"] == 0
    assert even.prior["fear"] == pytest.approx(1 / 7)
    odds = [column(m.predict_batch(FACES), "fear") / column(m.predict_batch(FACES), "happy")
            for m in (natural, even)]  # fmt: skip
    ratio = natural.prior["happy"] / natural.prior["fear"]
    np.testing.assert_allclose(odds[1] / odds[0], ratio, rtol=1e-4)


@pytest.mark.parametrize(
    "name", ["hsemotion/enet_b0_8_va_mtl", "hsemotion/enet_b2_8", "opencv/fer_mobilefacenet"]
)
def test_offline_it_says_which_file_to_put_where(name, tmp_path, monkeypatch):
    monkeypatch.setenv("FER_NB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FER_NB_MODELS", str(tmp_path / "models"))
    info = json.loads((shipped_models() / name / "model.json").read_text())
    nowhere = "http://127.0.0.1:9/x.onnx"
    (tmp_path / "models" / name).mkdir(parents=True)
    (tmp_path / "models" / name / "model.json").write_text(json.dumps({**info, "url": nowhere}))
    with pytest.raises(ModelError) as caught:
        load_model(name)
    [(file, digest)] = info["sha256"].items()
    for part in (nowhere, str(tmp_path / "cache"), file, digest):
        assert part in str(caught.value)


def test_file_from_the_cache_must_be_the_one_that_was_pinned(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_NB_CACHE", str(tmp_path))
    monkeypatch.setenv("FER_NB_MODELS", str(tmp_path / "models"))
    info = json.loads((shipped_models() / "hsemotion/enet_b2_8/model.json").read_text())
    folder = tmp_path / "models" / "mine"
    linear(folder / "net.onnx", [None, 3, 260, 260], 8)
    info |= {"files": {"onnx": "net.onnx"}, "sha256": {"net.onnx": "0" * 64}}
    (folder / "model.json").write_text(json.dumps(info))
    with pytest.raises(ModelError, match="not the file that"):
        load_model("mine")


TEN_LINES = {
    "name": "mine",
    "labels": ["happy", "sad", None, "angry"],
    "input": {"size": 32, "colour": "bgr", "mean": [10, 20, 30], "scale": 0.01, "layout": "NHWC"},
    "output": {"emotion": "classes", "valence": "v", "arousal": "a", "scale": [-2, 2]},
    "files": {"onnx": "mine.onnx"},
}


@pytest.fixture
def own(tmp_path):
    """Return a function that writes a network and its description, and returns the file."""

    def write(shape=(None, 32, 32, 3), columns=6, names=("classes", "v", "a"), **changes):
        path = linear(tmp_path / "mine.onnx", list(shape), columns, names=names, layout="NHWC")
        (tmp_path / "mine.json").write_text(json.dumps(TEN_LINES | changes))
        return path

    return write


def test_own_onnx_file_with_ten_lines_beside_it(own):
    model = load_model(own())
    assert set(model.missing) == set(EMOTIONS) - {"happy", "sad", "anger"}
    raw = expected(model, 6)
    probs = softmax(raw[:, :4], axis=1)[:, [0, 1, 3]]
    probs /= probs.sum(axis=1, keepdims=True)  # the class without a name is left out
    read = model.predict_batch(FACES)
    for i, name in enumerate(("happy", "sad", "anger")):
        np.testing.assert_allclose(column(read, name), probs[:, i], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(read.valence, np.clip(4 + 1.5 * raw[:, 4], 1, 7), rtol=1e-4)
    red = model.preprocessing([FACES[1]])[0, 0, 0]
    np.testing.assert_allclose(red, [0.5, 0.0, 2.2], atol=1e-6)  # blue 60, green 20, red 250
    model.predict(FACES[0], val_ar=True)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_a_mirrored_network_gives_the_mean_of_both_sides(tmp_path, layout):
    shape = [None, 32, 32, 3] if layout == "NHWC" else [None, 3, 32, 32]
    names = ("classes", "v", "a")
    linear(tmp_path / "mine.onnx", shape, 6, names=names, layout=layout, left=16, scale=0.01)
    told = TEN_LINES | {
        "input": {"size": 32, "layout": layout},
        "labels": ["happy", "sad", "anger", "fear"],
    }
    face = np.full((32, 32, 3), 90, np.uint8)
    face[:, :16] = (200, 30, 120)  # its sides differ

    def read(mirror, *faces):
        (tmp_path / "mine.json").write_text(json.dumps(told | {"mirror": mirror}))
        model = load_model(tmp_path / "mine.onnx", prior="natural")
        return model, model.predict_batch(faces)

    plain, apart = read(False, face, face[:, ::-1].copy())
    one, other = apart.probs
    model, both = read(True, face, face[:, ::-1].copy())
    assert np.abs(one - other).max() > 0.05
    mean = np.sqrt(one * other)
    np.testing.assert_allclose(both.probs[0], mean / mean.sum(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(both.probs[0], both.probs[1], rtol=1e-4, atol=1e-6)
    assert both.valence[0] == pytest.approx(both.valence[1], rel=1e-5)
    assert model.sha256 != plain.sha256  # a stored table of the one is none of the other


def test_the_accurate_network_gives_a_face_and_its_mirror_image_the_same(head):
    model = load_model("accurate")
    read = model.predict_batch([head, head[:, ::-1].copy()])
    np.testing.assert_allclose(read.probs[0], read.probs[1], atol=2e-3)


def test_onnx_file_in_a_folder_with_model_json(own, tmp_path):
    path = own()
    (tmp_path / "mine.json").rename(tmp_path / "model.json")
    assert load_model(path).name == load_model(tmp_path).name == "mine"
    (tmp_path / "model.json").unlink()
    with pytest.raises(ModelError, match=r"mine\.json beside it.*own_model\.md"):
        load_model(path)


def test_two_words_for_one_emotion_are_added(own):
    model = load_model(own(labels=["happy", "joy", "sad", "anger"]))
    probs = softmax(expected(model, 6)[:, :4], axis=1)
    read = model.predict_batch(FACES)
    np.testing.assert_allclose(column(read, "happy"), probs[:, :2].sum(axis=1), rtol=1e-4)


@pytest.mark.parametrize(
    ("network", "changes", "said"),
    [
        ({"shape": (None, 32, 32, 1)}, {}, r"takes .*32, 32, 1.*correct input"),
        ({"shape": (None, 48, 48, 3)}, {}, "correct input"),
        ({}, {"input": TEN_LINES["input"] | {"layout": "NCHW"}}, "correct input"),
        ({}, {"input": {"size": 32, "layout": "NHWC", "dtype": "uint8"}}, "correct input"),
        ({"shape": (4, 32, 32, 3)}, {}, "4 faces at a time"),
        ({}, {"output": {"emotion": "logits"}}, "gives classes, v, a, not 'logits'"),
    ],
)
def test_description_that_does_not_fit_says_what_to_correct(own, network, changes, said):
    with pytest.raises(ModelError, match=said):
        load_model(own(**network, **changes))


def test_more_labels_than_columns(own):
    model = load_model(own(labels=["happy", "sad", "angry", "fear", "disgust"]))
    with pytest.raises(ModelError, match="expects 5"):
        model.predict_batch(FACES)


def test_end_to_end_on_a_public_network(shared, tmp_path, astronaut):
    """HSEmotion's MobileNet, from its TFLite file; a test only, nothing of it ships."""
    pytest.importorskip("tf2onnx")
    tflite = shared / "weights" / "fer" / "mobilenet_7_quant.tflite"
    if not tflite.is_file():
        pytest.skip("the network is not beside this checkout")
    path = tmp_path / "mobilenet_7.onnx"
    convert = ("tf2onnx.convert", "--tflite", tflite, "--output", path, "--opset", "17")
    subprocess.run([sys.executable, "-m", *convert], check=True, capture_output=True)
    description = {
        "name": "mobilenet_7",
        "labels": ["anger", "disgust", "fear", "happy", "neutral", "sad", "surprise"],
        "input": {"size": 224, "mean": [103.939, 116.779, 123.68]},
        "output": {"softmax": False},
        "crop": {"margin": 0.1},
        "files": {"onnx": path.name},
    }
    path.with_suffix(".json").write_text(json.dumps(description))
    from fer_nb import analyze_image

    table = analyze_image(astronaut, model=str(path))
    assert table["emotion"].tolist() == ["happy"]
    assert table["p_happy"][0] > 0.9
    assert table["p_contempt"][0] == table["p_uncertain"][0] == 0
    assert table["valence"][0] > 5
    assert table.attrs["model"] == "mobilenet_7"
