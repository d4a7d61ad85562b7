"""Back from ONNX to Keras: the weights of a network that `onnx_graph` wrote.

An installed package carries the shipped networks as ONNX only. Convolutions there hold their batch
normalisation; here it becomes one that changes nothing but adds the bias.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from keras import layers
from onnx import numpy_helper

from fer_nb.errors import ModelError


def load_onnx_weights(network, path: str | Path) -> None:
    """Set the weights of a Keras network from the ONNX file that was made of it.

    The outputs are the same. A batch normalisation that is trained further starts from another
    scale than it had when the network was trained.

    Parameters
    ----------
    network : keras.Model
        Of the same structure; its weights are replaced.
    path : path
        The ONNX file.

    Raises
    ------
    ModelError
        If the file lacks a layer's weights, or they have another shape.
    """
    found = {w.name: numpy_helper.to_array(w) for w in onnx.load(path).graph.initializer}

    def take(name: str) -> np.ndarray:
        if name not in found:
            raise ModelError(f"{path} holds no {name}: it was not made of this network")
        return found[name]

    kernels = {}
    for layer in network.layers:
        try:
            if isinstance(layer, layers.Conv2D) and not layer.use_bias:
                kernels[id(layer.output)] = layer  # its numbers stand with the normalisation
            elif isinstance(layer, layers.Conv2D):
                kernel = take(f"{layer.name}_sum_kernel").transpose(2, 3, 1, 0)
                layer.set_weights([kernel, take(f"{layer.name}_sum_bias")])
            elif isinstance(layer, layers.BatchNormalization):
                convolution = kernels[id(layer.input)]
                convolution.set_weights([take(f"{layer.name}_kernel").transpose(2, 3, 1, 0)])
                bias = take(f"{layer.name}_bias")
                one, none = np.ones_like(bias), np.zeros_like(bias)
                layer.set_weights([one, bias, none, one - layer.epsilon])
            elif isinstance(layer, layers.Dense):
                layer.set_weights([take(f"{layer.name}_kernel"), take(f"{layer.name}_bias")])
            elif layer.weights:
                raise ModelError(f"layer {layer.name} cannot be read back from ONNX")
        except (ValueError, KeyError) as error:
            raise ModelError(f"{path} does not fit layer {layer.name}: {error}") from error
