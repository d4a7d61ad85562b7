"""VGGFace on Keras 3: the same numbers as keras-vggface on the Keras it was written for."""

import importlib.util
import math
import subprocess
import sys

import numpy as np
import pytest

keras = pytest.importorskip("keras")
if importlib.util.find_spec("keras_vggface") is None:
    pytest.skip("keras-vggface is not installed", allow_module_level=True)

from fer_nb.errors import ModelError  # noqa: E402
from fer_nb.training.finetune.vggface import build_backbone, load_old_weights  # noqa: E402

# keras-vggface against the Keras it was written for: builds each network with random weights (also
# of the running means, which are 0 and 1 when fresh), writes them in the old layout, and predicts.
LEGACY = """
import sys, types
import numpy as np
import tf_keras

def module(name, **members):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(members)

sys.modules.update({"keras": tf_keras, "keras.layers": tf_keras.layers,
    "keras.models": tf_keras.models, "keras.backend": tf_keras.backend,
    "keras.utils": tf_keras.utils})
module("keras.engine")
module("keras.engine.topology", get_source_inputs=tf_keras.utils.get_source_inputs)
module("keras.utils.layer_utils")
module("keras.utils.data_utils", get_file=None)
tf_keras.utils.layer_utils = sys.modules["keras.utils.layer_utils"]
from keras_vggface.vggface import VGGFace

folder, names = sys.argv[1], sys.argv[2:]
rng = np.random.default_rng(0)
image = rng.uniform(-120, 130, (2, 224, 224, 3)).astype("float32")
for name in names:
    network = VGGFace(model=name, include_top=False, weights=None, input_shape=(224, 224, 3))
    for weight in network.weights:
        value = weight.numpy()
        if "moving_variance" in weight.name or "gamma" in weight.name:
            value = rng.uniform(0.7, 1.3, value.shape)
        elif value.ndim == 1:
            value = rng.normal(0, 0.1, value.shape)
        weight.assign(value)
    network.save_weights(f"{folder}/{name}.h5")
    np.savez(f"{folder}/{name}.npz", image=image, output=network(image).numpy())
"""


@pytest.fixture(scope="module")
def legacy(tmp_path_factory):
    pytest.importorskip("tf_keras")
    folder = tmp_path_factory.mktemp("legacy")
    subprocess.run([sys.executable, "-c", LEGACY, str(folder), "resnet50", "senet50"], check=True)
    return folder


@pytest.mark.parametrize("name", ["resnet50", "senet50"])
def test_equals_keras_vggface_on_legacy_keras(legacy, name):
    saved = np.load(legacy / f"{name}.npz")
    network = build_backbone(name, weights=legacy / f"{name}.h5")
    output = network.predict_on_batch(saved["image"])
    assert np.std(saved["output"]) > 1e-3  # random weights that let something through
    np.testing.assert_allclose(output, saved["output"], atol=1e-4, rtol=1e-4)


def test_resnet50_has_the_published_size():
    network = build_backbone("resnet50", weights=None)
    assert (network.count_params(), len(network.layers)) == (23_561_152, 174)
    assert network.output.shape == (None, 1, 1, 2048)
    assert build_backbone("resnet50", weights=None).layers[100].name == network.layers[100].name


def test_nothing_of_the_shim_stays():
    code = """
import sys, keras
def loaded():
    return {name: sys.modules[name] for name in list(sys.modules) if name.split(".")[0] == "keras"}
before = loaded()
from fer_nb.training.finetune.vggface import build_backbone
build_backbone("vgg16", weights=None, size=64)
after = loaded()
assert all(after[name] is module for name, module in before.items())
assert not [name for name in after if name not in before and not name.startswith("keras.src")]
assert not [name for name in sys.modules if name.startswith("keras_vggface")]
assert sys.modules["keras"] is keras and not hasattr(keras, "engine")
dense = keras.layers.Dense(2)
assert dense(keras.ops.ones((1, 3))).shape == (1, 2)
try:
    keras.layers.Dense(2, name="a/b")
except ValueError:
    pass
else:
    raise AssertionError("keras.layers was changed")
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_weights_by_order_when_names_differ(tmp_path):
    h5py = pytest.importorskip("h5py")
    network = build_backbone("vgg16", weights=None, size=64)
    layers = [layer for layer in network.layers if layer.weights]
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file.attrs["layer_names"] = [f"block{i}".encode() for i in range(len(layers))]
        for i, layer in enumerate(layers):
            group = file.create_group(f"block{i}")
            group.attrs["weight_names"] = [b"kernel", b"bias"]
            group["kernel"], group["bias"] = layer.get_weights()
    other = build_backbone("vgg16", weights=tmp_path / "other.h5", size=64)
    assert all(
        np.array_equal(a, b)
        for a, b in zip(network.get_weights(), other.get_weights(), strict=True)
    )


def test_wrong_file_changes_nothing(tmp_path):
    h5py = pytest.importorskip("h5py")
    network = build_backbone("vgg16", weights=None, size=64)
    before = network.get_weights()
    with h5py.File(tmp_path / "wrong.h5", "w") as file:
        names = [layer.name for layer in network.layers if layer.weights]
        file.attrs["layer_names"] = names
        for name in names:
            file.create_group(name).attrs["weight_names"] = ["kernel"]
            file[name]["kernel"] = np.zeros(3)
    with pytest.raises(ModelError, match="shapes differ in conv1_1"):
        load_old_weights(network, tmp_path / "wrong.h5")
    (tmp_path / "page.h5").write_text("<html>")
    with pytest.raises(ModelError, match="old Keras layout"):
        load_old_weights(network, tmp_path / "page.h5")
    with pytest.raises(ModelError, match="no weights file"):
        load_old_weights(network, tmp_path / "absent.h5")
    assert all(np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True))


def test_unknown_backbone_lists_the_known():
    with pytest.raises(ModelError, match="resnet50, senet50, vgg16"):
        build_backbone("resnet51")


def test_reference_counts_trainable_parameters():
    network = build_backbone("resnet50", weights=None)
    for layer in network.layers[:-13]:
        layer.trainable = False
    backbone = sum(math.prod(weight.shape) for weight in network.trainable_weights)
    head = 2048 * 512 + 512 + 512 * 9 + 9
    assert backbone + head == 5_516_297
