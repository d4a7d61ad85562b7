"""The networks that are fine-tuned: a backbone that knows faces, and a small head on top.

A backbone is one of the VGGFace networks, one that ships, or any Keras file. All but its last
layers are frozen; `split_network` parts the result at that border.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fer_nb.emotions import EMOTIONS, NEUTRAL
from fer_nb.errors import MissingExtraError, ModelError
from fer_nb.models import Preprocessing, load_model

if TYPE_CHECKING:
    import keras

    from fer_nb.models import FerModel
    from fer_nb.training.finetune.config import FineTuneConfig

VGGFACE = ("resnet50", "senet50", "vgg16")
# Learned who is who, from pictures of LFW: for research and teaching. See models/identity/card.md.
IDENTITY = Path(__file__).with_name("identity.keras")


def import_keras():
    """Return the module keras, or say which extra brings it.

    TensorFlow writes a page about processors to stderr when it starts; that page is left out.
    """
    try:
        with _silent() if "keras" not in sys.modules else contextlib.nullcontext():
            import keras

            keras.ops.zeros(1)
            # Keras traces anew for each network; TensorFlow would warn of that every time.
            logging.getLogger("tensorflow").setLevel(logging.ERROR)
    except ImportError:
        raise MissingExtraError("training", "train") from None
    return keras


@contextlib.contextmanager
def _silent():
    """Drop what C++ code writes to stderr."""
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def load_backbone(config: FineTuneConfig) -> tuple[keras.Model, Preprocessing]:
    """Return the backbone that a configuration names, and how its input is prepared.

    Raises
    ------
    ModelError
        If there is none of that name, or a Keras file comes without its preprocessing.
    """
    keras = import_keras()
    if config.backbone in VGGFACE:
        from fer_nb.training.finetune.vggface import PREPROCESSING, build_backbone

        network = build_backbone(config.backbone, config.weights, config.size)
        return network, replace(PREPROCESSING[config.backbone], size=config.size)
    if config.backbone == "compact":
        return _compact(keras)
    if config.backbone in ("identity", "untrained"):
        network = keras.saving.load_model(IDENTITY, compile=False, safe_mode=True)
        if config.backbone == "untrained":
            network = keras.models.clone_model(network)  # with weights of its own, drawn at random
        return network, Preprocessing(network.input.shape[1], "grey")
    path = Path(config.backbone)
    if not path.is_file():
        raise ModelError(
            f"no backbone {config.backbone!r}; choose one of {', '.join(VGGFACE)}, identity, "
            "compact, untrained, or the path of a .keras file"
        )
    if config.preprocessing is None:
        raise ModelError(f"say how {path.name} wants its input: FineTuneConfig(preprocessing=…)")
    network = keras.saving.load_model(path, compile=False, safe_mode=True)
    if config.cut:
        names = [layer.name for layer in network.layers]
        if config.cut not in names:
            raise ModelError(f"{path.name} has no layer {config.cut!r}; its last: {names[-5:]}")
        network = keras.Model(network.input, network.get_layer(config.cut).output)
    if network.input.shape[1:] != config.preprocessing.shape:
        network = _resized(keras, network, config.preprocessing.shape)
    return network, config.preprocessing


def _resized(keras, network: keras.Model, shape: tuple[int, int, int]) -> keras.Model:
    """The same network for pictures of another size; convolutions don't mind."""
    try:
        other = keras.models.clone_model(network, input_tensors=keras.Input(shape, name="image"))
        other.set_weights(network.get_weights())
    except ValueError as error:
        raise ModelError(
            f"the backbone takes {network.input.shape[1:]}, not {shape}: {error}"
        ) from None
    return other


def _compact(keras) -> tuple[keras.Model, Preprocessing]:
    """The shipped network up to its last vector of features, before any head."""
    model = load_model("compact")
    network = keras.saving.deserialize_keras_object(model.info["structure"], safe_mode=True)
    _load_weights(network, model)
    pools = [
        layer for layer in network.layers if isinstance(layer, keras.layers.GlobalAveragePooling2D)
    ]
    if not pools:
        raise ModelError("the compact model has no global pooling to cut at")
    backbone = keras.Model(network.input, pools[-1].output)
    return backbone, Preprocessing(model.size, "grey")


def _load_weights(network: keras.Model, model: FerModel) -> None:
    try:
        network.load_weights(model.network.file("weights"))
    except ModelError:  # an installed package carries no weights for Keras
        from fer_nb.training.common.onnx_weights import load_onnx_weights

        load_onnx_weights(network, model.network.file("onnx"))


def build_network(config: FineTuneConfig) -> tuple[keras.Model, Preprocessing]:
    """Return backbone and head in one network, frozen as configured, and the preprocessing.

    The head is the reference's: Flatten, Dense (relu), Dropout, Dense. It gives nine logits for the
    task "emotion", and valence and arousal on the 1-7 scale for "va".
    """
    keras = import_keras()
    keras.utils.set_random_seed(config.seed)
    backbone, preprocessing = load_backbone(config)
    freeze(backbone, config.unfrozen)
    x = keras.layers.Flatten(name="features")(backbone.output)
    x = keras.layers.Dense(config.hidden, activation="relu", name="head_hidden")(x)
    x = keras.layers.Dropout(config.dropout, name="head_dropout", seed=config.seed)(x)
    if config.task == "va":
        start = keras.initializers.Constant(NEUTRAL)  # an untrained network then says "neutral"
        x = keras.layers.Dense(2, bias_initializer=start, name="valence_arousal")(x)
    else:
        x = keras.layers.Dense(len(EMOTIONS), name="logits")(x)
    return keras.Model(backbone.input, x, name=f"vggfer_{config.task}"), preprocessing


def freeze(backbone: keras.Model, unfrozen: int) -> None:
    """Leave only the last `unfrozen` layers of a network trainable.

    A frozen batch normalisation keeps its statistics too: Keras runs it as in use, not as in
    training.
    """
    border = len(backbone.layers) - unfrozen
    for i, layer in enumerate(backbone.layers):
        layer.trainable = i >= border


def trainable_parameters(network: keras.Model) -> int:
    """Count the numbers that training will change."""
    return sum(math.prod(weight.shape) for weight in network.trainable_weights)


def split_network(network: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Part a network where training begins to matter.

    Returns
    -------
    prefix : keras.Model
        From the input to all that training never changes. Its outputs for a picture are constant.
    tail : keras.Model
        From those outputs to the network's. It shares its layers with `network`, so that training
        the one trains the other.
    """
    keras = import_keras()
    random = (keras.layers.Dropout, keras.layers.GaussianNoise, keras.layers.GaussianDropout)
    constant, border = set(), {}
    for layer in network.layers:  # parents come before their children
        inputs = [] if isinstance(layer, keras.layers.InputLayer) else _tensors(keras, layer.input)
        parents = [tensor._keras_history.operation for tensor in inputs]
        learns = layer.trainable and layer.weights
        if not learns and not isinstance(layer, random) and all(p in constant for p in parents):
            constant.add(layer)
            continue
        for tensor, parent in zip(inputs, parents, strict=True):
            if parent in constant:
                border[id(tensor)] = tensor
    tensors = list(border.values())
    return keras.Model(network.input, tensors), keras.Model(tensors, network.output)


def _tensors(keras, structure) -> list:
    return keras.tree.flatten(structure)
