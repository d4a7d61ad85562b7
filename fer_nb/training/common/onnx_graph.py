"""Keras networks as ONNX graphs, written out layer by layer.

Written by hand because it needs no converter of any backend and little memory (a converter takes
gigabytes for a ResNet-50), keeps channels first (no transposes between layers) and folds each batch
normalisation into the convolution before it.
"""

from __future__ import annotations

from collections import Counter

import keras
import numpy as np
from keras import layers

from fer_nb.errors import MissingExtraError, ModelError

try:
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError as error:
    raise MissingExtraError("export to ONNX", "train") from error

OPSET = 17
FLOAT, UINT8 = TensorProto.FLOAT, TensorProto.UINT8
_ACTIVATIONS = {"linear": None, "relu": "Relu", "sigmoid": "Sigmoid", "softmax": "Softmax"}


class NoTranslationError(ModelError):
    """A network has a layer, or a setting of one, that is not written out here."""


def onnx_model(network: keras.Model) -> onnx.ModelProto:
    """Write a network with one input and one output, channels last as in Keras.

    Returns
    -------
    onnx.ModelProto
        From the Keras input's name, float32 (n, …), to `output` (n, …).

    Raises
    ------
    NoTranslationError
        If a layer has no translation here, or the input no fixed size.
    """
    face = network.input
    if None in face.shape[1:]:
        raise NoTranslationError(f"the input {face.shape} has no fixed size")
    graph = Graph(network)
    first = face.name
    if len(face.shape) == 4:
        first = graph.node("Transpose", [face.name], "channels_first", perm=[0, 3, 1, 2])
    graph.add_all(first)
    output = graph.names[id(network.output)]
    if len(network.output.shape) == 4:
        output = graph.node("Transpose", [output], "channels_last", perm=[0, 2, 3, 1])
    graph.node("Identity", [output], "output")
    return graph.model({face.name: (FLOAT, face.shape[1:])}, {"output": network.output.shape[1:]})


class Graph:
    """Nodes and weights, and which ONNX name each Keras tensor has got."""

    def __init__(self, network: keras.Model):
        self.network = network
        self.nodes, self.weights, self.names, self.unfolded = [], [], {}, {}
        inputs = [t for op in network.operations for t in _inputs(op)]
        self.uses = Counter(map(id, [*inputs, *keras.tree.flatten(network.output)]))
        norms = (op for op in network.operations if isinstance(op, layers.BatchNormalization))
        self.normed = {id(_inputs(norm)[0]) for norm in norms}

    def weight(self, name: str, value) -> str:
        """Add a constant."""
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes) -> str:
        """Add an ONNX operation; return the name of what it gives."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def add_all(self, first: str) -> None:
        """Translate every layer; `first` is what the input, channels first, is called."""
        self.names[id(self.network.input)] = first
        for operation in self.network.operations:
            if not isinstance(operation, layers.InputLayer):
                inputs = [self.names[id(tensor)] for tensor in _inputs(operation)]
                self.names[id(operation.output)] = self.add(operation, inputs)

    def add(self, layer, inputs: list[str]) -> str:
        """Translate one Keras layer; its inputs have been translated before it."""
        name, x = layer.name, inputs[0]
        if getattr(layer, "data_format", "channels_last") != "channels_last":
            raise NoTranslationError(f"layer {name} has its channels first")
        if isinstance(layer, layers.DepthwiseConv2D | layers.Conv2D):
            return self.conv(layer, x)
        if isinstance(layer, layers.BatchNormalization):
            return self.norm(layer, x)
        if isinstance(layer, layers.Dense) and len(layer.output.shape) == 2:
            constants = [self.weight(f"{name}_kernel", _numpy(layer.kernel))]
            if layer.use_bias:
                constants.append(self.weight(f"{name}_bias", _numpy(layer.bias)))
            return self.activated(layer, self.node("Gemm", [x, *constants], f"{name}_sum"))
        if isinstance(layer, layers.ReLU) and not (layer.negative_slope or layer.threshold):
            x = self.node("Relu", [x], name)
            if layer.max_value is None:
                return x
            most = self.weight(f"{name}_most", np.float32(layer.max_value))
            return self.node("Min", [x, most], f"{name}_limited")
        if isinstance(layer, layers.Activation):
            return self.activated(layer, x)
        if isinstance(layer, layers.Add | layers.Multiply) and len(inputs) == 2:
            return self.node("Add" if isinstance(layer, layers.Add) else "Mul", inputs, name)
        if isinstance(layer, layers.MaxPooling2D | layers.AveragePooling2D):
            return self.pool(layer, x)
        if isinstance(layer, layers.GlobalAveragePooling2D):
            x = self.node("GlobalAveragePool", [x], f"{name}_plane")
            return x if layer.keepdims else self.node("Flatten", [x], name)
        if isinstance(layer, layers.ZeroPadding2D):
            (top, bottom), (left, right) = layer.padding
            pads = np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)
            return self.node("Pad", [x, self.weight(f"{name}_pads", pads)], name)
        if isinstance(layer, layers.Flatten):
            if max(_inputs(layer)[0].shape[1:3]) > 1 and len(_inputs(layer)[0].shape) == 4:
                x = self.node("Transpose", [x], f"{name}_last", perm=[0, 2, 3, 1])
            return self.node("Flatten", [x], name)
        if isinstance(layer, layers.Reshape) and layer.output.shape[1:3] == (1, 1):
            shape = np.array([-1, layer.output.shape[3], 1, 1], np.int64)
            return self.node("Reshape", [x, self.weight(f"{name}_shape", shape)], name)
        if isinstance(layer, layers.LayerNormalization):
            return self.standardise(layer, x)
        if isinstance(layer, layers.Dropout):
            return x  # at rest in use
        raise NoTranslationError(f"layer {name} ({type(layer).__name__}) has no ONNX translation")

    def activated(self, layer, x: str) -> str:
        """Apply the activation that a layer ends with."""
        kind = keras.activations.serialize(layer.activation)
        if kind not in _ACTIVATIONS or (kind == "softmax" and len(layer.output.shape) != 2):
            raise NoTranslationError(f"layer {layer.name} has the activation {kind}")
        return self.node(_ACTIVATIONS[kind], [x], layer.name) if _ACTIVATIONS[kind] else x

    def conv(self, layer, x: str) -> str:
        if set(layer.dilation_rate) != {1}:
            raise NoTranslationError(f"layer {layer.name} is dilated")
        if isinstance(layer, layers.DepthwiseConv2D):  # Keras: h, w, in, each
            height, width, channels, each = layer.kernel.shape
            kernel = _numpy(layer.kernel).reshape(height, width, 1, channels * each)
            groups = channels
        else:  # Keras: h, w, in, out
            kernel, groups = _numpy(layer.kernel), layer.groups
        kernel = kernel.transpose(3, 2, 0, 1)
        bias = _numpy(layer.bias) if layer.use_bias else np.zeros(len(kernel), np.float32)
        how = {"pads": _pads(layer, layer.kernel_size), "strides": list(layer.strides)}
        how["group"] = groups
        alone = self.uses[id(layer.output)] == 1 and id(layer.output) in self.normed
        if alone and keras.activations.serialize(layer.activation) == "linear":
            self.unfolded[layer.name] = (x, kernel, bias, how)
            return layer.name  # written by the batch normalisation that follows
        return self.activated(layer, self._conv(f"{layer.name}_sum", x, kernel, bias, how))

    def norm(self, layer: layers.BatchNormalization, x: str) -> str:
        """Write the convolution before it with the normalisation multiplied in."""
        if x not in self.unfolded or layer.axis not in (-1, 3):
            raise NoTranslationError(f"layer {layer.name} follows no convolution")
        source, kernel, bias, how = self.unfolded.pop(x)
        gain = 1 / np.sqrt(_numpy(layer.moving_variance) + layer.epsilon)
        if layer.scale:
            gain = gain * _numpy(layer.gamma)
        bias = (bias - _numpy(layer.moving_mean)) * gain
        if layer.center:
            bias = bias + _numpy(layer.beta)
        kernel = (kernel * gain[:, None, None, None]).astype(np.float32)
        return self._conv(layer.name, source, kernel, bias.astype(np.float32), how)

    def _conv(self, name: str, x: str, kernel, bias, how: dict) -> str:
        constants = [self.weight(f"{name}_kernel", kernel), self.weight(f"{name}_bias", bias)]
        return self.node("Conv", [x, *constants], name, **how)

    def pool(self, layer, x: str) -> str:
        highest = isinstance(layer, layers.MaxPooling2D)
        how = {"kernel_shape": list(layer.pool_size), "strides": list(layer.strides)}
        how["pads"] = _pads(layer, layer.pool_size)
        return self.node("MaxPool" if highest else "AveragePool", [x], layer.name, **how)

    def standardise(self, layer: layers.LayerNormalization, x: str) -> str:
        """Each picture to mean 0 and spread 1, over all its pixels."""
        if list(layer.axis) != [1, 2, 3] or layer.scale or layer.center:
            raise NoTranslationError(f"layer {layer.name} does not normalise by picture")
        name = layer.name
        mean = self.node("ReduceMean", [x], f"{name}_mean", axes=[1, 2, 3])
        x = self.node("Sub", [x, mean], f"{name}_centred")
        square = self.node("Mul", [x, x], f"{name}_square")
        variance = self.node("ReduceMean", [square], f"{name}_variance", axes=[1, 2, 3])
        least = self.weight(f"{name}_epsilon", np.float32(layer.epsilon))
        variance = self.node("Add", [variance, least], f"{name}_floor")
        return self.node("Div", [x, self.node("Sqrt", [variance], f"{name}_spread")], name)

    def model(self, inputs: dict, outputs: dict) -> onnx.ModelProto:
        """Return the finished model.

        Parameters
        ----------
        inputs : dict of str to (type, shape)
            Shape without the batch.
        outputs : dict of str to shape
        """
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes,
            self.network.name,
            [info(name, kind, ["n", *shape]) for name, (kind, shape) in inputs.items()],
            [info(name, FLOAT, ["n", *shape]) for name, shape in outputs.items()],
            self.weights,
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], producer_name="fer_nb")
        model.ir_version = 8  # what every ONNX Runtime since 1.12 reads
        onnx.checker.check_model(model)
        return model


def _inputs(operation) -> list:
    if isinstance(operation, layers.InputLayer):
        return []
    return keras.tree.flatten(operation._inbound_nodes[0].input_tensors)


def _pads(layer, kernel: tuple[int, int]) -> list[int]:
    """Rows and columns of zeros that "same" adds: start y, start x, end y, end x."""
    if layer.padding != "same":
        return [0, 0, 0, 0]
    if isinstance(layer, layers.AveragePooling2D):
        raise NoTranslationError(f"layer {layer.name} pads before it averages")
    before, after = _inputs(layer)[0].shape[1:3], layer.output.shape[1:3]
    starts, ends = [], []
    for b, a, k, stride in zip(before, after, kernel, layer.strides, strict=True):
        total = max((a - 1) * stride + k - b, 0)
        starts.append(total // 2)
        ends.append(total - total // 2)
    return [*starts, *ends]


def _numpy(variable) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)
