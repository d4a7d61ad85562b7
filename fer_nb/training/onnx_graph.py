"""The compact network as an ONNX graph, written out layer by layer.

Written by hand because it is short, needs no converter of any backend, keeps channels first (no
transposes) and folds each batch normalisation into its convolution.
"""

from __future__ import annotations

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


def onnx_model(network: keras.Model, temperature: float) -> onnx.ModelProto:
    """Write a network of `compact_net.build_network`, at a fixed size, as ONNX.

    Returns
    -------
    onnx.ModelProto
        From `face` uint8 (n, size, size, 1) to `probs` (n, 9), `valence` (n,), `arousal` (n,).

    Raises
    ------
    ModelError
        If the network has a layer that has no translation here, or no fixed size.
    """
    size = network.input.shape[1]
    if size is None:
        raise ModelError("the network has no fixed size; build it with build_network(config, size)")
    graph = _Graph()
    graph.names[id(network.input)] = graph.standardise("face", size, network)
    for operation in network.operations:
        graph.add(operation)
    logits, affect = (graph.names[id(network.output[name])] for name in ("logits", "affect"))
    graph.finish(logits, affect, temperature)
    return graph.model(size)


class _Graph:
    """Nodes and weights, and which ONNX name each Keras tensor has got."""

    def __init__(self):
        self.nodes, self.weights, self.names, self.norms = [], [], {}, {}

    def weight(self, name: str, value) -> str:
        self.weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def standardise(self, face: str, size: int, network: keras.Model) -> str:
        epsilon = network.get_layer("standardise").epsilon
        shape = self.weight("shape", np.array([-1, 1, size, size], np.int64))
        x = self.node("Cast", [face], "face_float", to=TensorProto.FLOAT)
        x = self.node("Reshape", [x, shape], "face_plane")
        mean = self.node("ReduceMean", [x], "face_mean", axes=[1, 2, 3])
        x = self.node("Sub", [x, mean], "face_centred")
        square = self.node("Mul", [x, x], "face_square")
        variance = self.node("ReduceMean", [square], "face_variance", axes=[1, 2, 3])
        variance = self.node(
            "Add", [variance, self.weight("epsilon", np.float32(epsilon))], "face_floor"
        )
        return self.node("Div", [x, self.node("Sqrt", [variance], "face_spread")], "face_standard")

    def add(self, layer) -> None:
        """Translate one Keras layer; its inputs have been translated before it."""
        if isinstance(layer, layers.InputLayer):
            return
        keras_inputs = layer._inbound_nodes[0].input_tensors
        inputs = [self.names[id(tensor)] for tensor in keras_inputs]
        name = layer.name
        if isinstance(layer, layers.Conv2D):
            output = self.conv(layer, inputs[0])
        elif isinstance(layer, layers.BatchNormalization):
            output = self.fold(layer, inputs[0])
        elif isinstance(layer, layers.ReLU):
            output = self.node("Relu", inputs, name)
        elif isinstance(layer, layers.Add):
            output = self.node("Add", inputs, name)
        elif isinstance(layer, layers.AveragePooling2D):
            output = self.node("AveragePool", inputs, name, kernel_shape=[2, 2], strides=[2, 2])
        elif isinstance(layer, layers.GlobalAveragePooling2D):
            output = self.node("GlobalAveragePool", inputs, name + "_plane")
            output = self.node("Flatten", [output], name)
        elif isinstance(layer, layers.Dense):
            kernel = self.weight(name + "_kernel", _numpy(layer.kernel))
            bias = self.weight(name + "_bias", _numpy(layer.bias))
            output = self.node("Gemm", [*inputs, kernel, bias], name)
        elif isinstance(layer, layers.Dropout) or name == "standardise":
            output = inputs[0]  # at rest in use; or already written
        else:
            raise ModelError(f"layer {name} ({type(layer).__name__}) has no ONNX translation")
        self.names[id(layer.output)] = output

    def conv(self, layer: layers.Conv2D, source: str) -> str:
        before, after = layer._inbound_nodes[0].input_tensors[0].shape[1], layer.output.shape[1]
        start, end = _same_pads(before, after, layer.kernel_size[0], layer.strides[0])
        kernel = _numpy(layer.kernel).transpose(3, 2, 0, 1)  # Keras: h, w, in, out
        self.norms[layer.name] = (source, kernel, [start, start, end, end], list(layer.strides))
        return layer.name

    def fold(self, norm: layers.BatchNormalization, conv: str) -> str:
        """Write the convolution with its batch normalisation multiplied in."""
        source, kernel, pads, strides = self.norms[conv]
        gain = _numpy(norm.gamma) / np.sqrt(_numpy(norm.moving_variance) + norm.epsilon)
        bias = _numpy(norm.beta) - _numpy(norm.moving_mean) * gain
        names = [
            self.weight(conv + "_kernel", (kernel * gain[:, None, None, None]).astype(np.float32)),
            self.weight(conv + "_bias", bias.astype(np.float32)),
        ]
        return self.node("Conv", [source, *names], norm.name, pads=pads, strides=strides)

    def finish(self, logits: str, affect: str, temperature: float) -> None:
        scale = self.weight("temperature", np.float32(1 / temperature))
        scaled = self.node("Mul", [logits, scale], "calibrated")
        self.node("Softmax", [scaled], "probs", axis=1)
        three, four = (self.weight(n, np.float32(v)) for n, v in (("three", 3), ("four", 4)))
        one, seven = (self.weight(n, np.float32(v)) for n, v in (("one", 1), ("seven", 7)))
        rating = self.node("Add", [self.node("Mul", [affect, three], "spread"), four], "rating")
        rating = self.node("Clip", [rating, one, seven], "rating_1_to_7")
        for column, name in enumerate(("valence", "arousal")):
            index = self.weight(f"column_{name}", np.int64(column))
            self.node("Gather", [rating, index], name, axis=1)

    def model(self, size: int) -> onnx.ModelProto:
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes,
            "fer_nb_compact",
            [info("face", TensorProto.UINT8, ["n", size, size, 1])],
            [
                info("probs", TensorProto.FLOAT, ["n", 9]),
                info("valence", TensorProto.FLOAT, ["n"]),
                info("arousal", TensorProto.FLOAT, ["n"]),
            ],
            self.weights,
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], producer_name="fer_nb")
        model.ir_version = 8  # what every ONNX Runtime since 1.12 reads
        onnx.checker.check_model(model)
        return model


def _same_pads(before: int, after: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((after - 1) * stride + kernel - before, 0)
    return total // 2, total - total // 2


def _numpy(variable) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)
