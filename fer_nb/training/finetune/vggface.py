"""The VGGFace networks as Keras 3 models, with the weights that were learned on faces.

Sources
-------
Cao, Q., Shen, L., Xie, W., Parkhi, O. M., & Zisserman, A. (2018). VGGFace2: A dataset for
recognising faces across pose and age. *IEEE FG*. arXiv:1710.08092 (ResNet-50, SENet-50).
Parkhi, O. M., Vedaldi, A., & Zisserman, A. (2015). Deep face recognition. *BMVC* (VGG-16).
Malli, R. C. keras-vggface 0.6 (the networks' code and the converted weights).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fer_nb.errors import ModelError
from fer_nb.models import Preprocessing
from fer_nb.training.finetune import keras2
from fer_nb.training.finetune.vggface_weights import fetch_vggface

if TYPE_CHECKING:
    import keras

_FUNCTIONS = {"resnet50": "RESNET50", "senet50": "SENET50", "vgg16": "VGG16"}

# Mean colours of the pictures each network was trained on, blue first.
PREPROCESSING = {
    "resnet50": Preprocessing(size=224, colour="bgr", mean=(91.4953, 103.8827, 131.0912)),
    "senet50": Preprocessing(size=224, colour="bgr", mean=(91.4953, 103.8827, 131.0912)),
    "vgg16": Preprocessing(size=224, colour="bgr", mean=(93.5940, 104.7624, 129.1863)),
}


def build_backbone(
    name: str = "resnet50", weights: str | Path | None = "vggface", size: int = 224
) -> keras.Model:
    """Return a VGGFace network without its top.

    Parameters
    ----------
    name : {"resnet50", "senet50", "vgg16"}
    weights : "vggface", path or None
        The published weights (downloaded once, about 90 MB), an old-style .h5 file of the same
        network, or random numbers.
    size : int
        Side of the square input in pixels; 224 unless you know that you want another.

    Returns
    -------
    keras.Model
        From float32 (n, size, size, 3), prepared by `PREPROCESSING[name]`, to (n, 1, 1, 2048) for
        the two ResNets and (n, 7, 7, 512) for VGG-16, at 224 pixels.

    Raises
    ------
    ModelError
        If there is no such network, or the weights can't be had or don't fit.

    Examples
    --------
    >>> network = build_backbone("resnet50", weights=None)
    >>> network.count_params(), len(network.layers)
    (23561152, 174)
    """
    if name not in _FUNCTIONS:
        raise ModelError(f"no backbone {name!r}; choose one of {', '.join(_FUNCTIONS)}")
    network = keras2.build(
        _FUNCTIONS[name], include_top=False, weights=None, input_shape=(size, size, 3)
    )
    if weights is not None:
        load_old_weights(network, fetch_vggface(name) if weights == "vggface" else weights)
    return network


def load_old_weights(network: keras.Model, path: str | Path) -> None:
    """Fill a network from an .h5 file of the layout that Keras 1 and 2 wrote.

    Layers are matched by name ("/" in the file is "_" here). A file whose layers have other names
    is read in order, as Keras itself did, provided that every shape fits.

    Raises
    ------
    ModelError
        If the file can't be read, or lacks a layer, or a shape differs; nothing is changed then.
    """
    import h5py
    import numpy as np

    path = Path(path)
    if not path.is_file():
        raise ModelError(f"there is no weights file {path}")
    try:
        with h5py.File(path, "r") as file:
            root = file.get("model_weights", file)
            stored = {
                keras2.layer_name(name): [
                    np.asarray(root[name][weight]) for weight in _texts(root[name], "weight_names")
                ]
                for name in _texts(root, "layer_names")
            }
    except (OSError, KeyError) as error:
        raise ModelError(
            f"{path.name} is not a weights file in the old Keras layout: {error}"
        ) from None
    stored = {name: arrays for name, arrays in stored.items() if arrays}
    layers = [layer for layer in network.layers if layer.weights]
    if not all(layer.name in stored for layer in layers):
        if len(stored) != len(layers):
            raise ModelError(
                f"{path.name} has {len(stored)} layers with weights, {network.name} {len(layers)}: "
                "is it the file of another network, or one with the top?"
            )
        stored = dict(zip((layer.name for layer in layers), stored.values(), strict=True))
    wrong = [
        layer.name
        for layer in layers
        if [tuple(w.shape) for w in layer.weights] != [array.shape for array in stored[layer.name]]
    ]
    if wrong:
        raise ModelError(
            f"{path.name} doesn't fit {network.name}: shapes differ in {', '.join(wrong[:5])}"
            f"{' and more' if len(wrong) > 5 else ''}"
        )
    for layer in layers:
        layer.set_weights(stored[layer.name])


def _texts(group, attribute: str) -> list[str]:
    values = group.attrs[attribute]
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]
