"""The student in PyTorch, twin of `fer_nb`'s Keras network: half the time of a step, in bfloat16.

Weights go from and to Keras by the names of its layers; both give the same answers.

Sources
-------
Chen, T., Goodfellow, I., & Shlens, J. (2016). Net2Net: Accelerating learning via knowledge
transfer. *ICLR* (a larger network that begins by answering as a smaller one).
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from fer_nb.models.preprocess import GREY_WEIGHTS
from fer_nb.training.compact.network import CompactConfig

CLASSES = 9
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
# Where a processor has no instructions for it, bfloat16 takes fifteen times as long as float32.
BFLOAT16 = DEVICE == "cuda" or "AVX512" in torch.backends.cpu.get_cpu_capability()


class Conv(nn.Module):
    """Convolution with Keras's "same" padding, normalisation, ReLU if asked for."""

    def __init__(
        self, before: int, width: int, kernel: int = 3, stride: int = 1, relu: bool = True
    ):
        super().__init__()
        self.conv = nn.Conv2d(before, width, kernel, stride, bias=False)
        self.norm = nn.BatchNorm2d(width, eps=1e-3, momentum=0.02)
        all_of_it = kernel - stride
        self.pad = (all_of_it // 2, all_of_it - all_of_it // 2) * 2
        self.relu = relu

    def forward(self, x):
        if self.pad[0] == self.pad[1]:
            x = F.conv2d(x, self.conv.weight, None, self.conv.stride, self.pad[0])
        else:
            x = self.conv(F.pad(x, self.pad))
        x = self.norm(x)
        return F.relu(x) if self.relu else x


class Residual(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, before: int, width: int, stride: int):
        super().__init__()
        self.a = Conv(before, width, 3, stride)
        self.b = Conv(width, width, relu=False)
        self.stride = stride
        self.widen = Conv(before, width, 1, relu=False) if before != width else None

    def forward(self, x):
        y = self.b(self.a(x))
        if self.stride > 1:
            x = F.avg_pool2d(x, 2)
        if self.widen is not None:
            x = self.widen(x)
        return F.relu(x + y)


class Student(nn.Module):
    """The network of `fer_nb.training…network.build_network`, and features to guess."""

    def __init__(self, shape: CompactConfig, features: int = 0):
        super().__init__()
        channels = shape.preprocessing.channels
        self.front = Conv(channels, shape.front, 3, 2) if shape.front else None
        self.stem = Conv(shape.front or channels, shape.stem, 5, 2)
        self.blocks = nn.ModuleDict()
        before = shape.stem
        for stage, (width, count) in enumerate(zip(shape.widths, shape.blocks, strict=True)):
            for block in range(count):
                stride = 2 if stage and not block else 1
                self.blocks[f"stage{stage}_block{block}"] = Residual(before, width, stride)
                before = width
        self.logits = nn.Linear(before, CLASSES)
        self.affect = nn.Linear(before, 2)
        self.features = nn.Linear(before, features) if features else None

    def forward(self, x):
        """From faces 0-255, float (n, 1 or 3, s, s), to a dict of float32 answers."""
        mean = x.mean(dim=(1, 2, 3), keepdim=True)
        x = (x - mean) / (x.var(dim=(1, 2, 3), keepdim=True, correction=0) + 1.0).sqrt()
        if self.front is not None:
            x = self.front(x)
        x = self.stem(x)
        for block in self.blocks.values():
            x = block(x)
        x = x.mean(dim=(2, 3)).float()
        with torch.autocast(x.device.type, enabled=False):
            found = {"logits": self.logits(x), "affect": self.affect(x), "pool": x}
            if self.features is not None:
                found["features"] = self.features(x)
        return found

    def layers(self) -> dict[str, nn.Module]:
        """Return convolutions, normalisations and dense layers by their names in Keras."""
        convs = {"front": self.front, "stem": self.stem}
        for name, block in self.blocks.items():
            convs |= {f"{name}_{part}": getattr(block, part) for part in ("a", "b", "widen")}
        found = {"logits": self.logits, "affect": self.affect}
        for name, conv in convs.items():
            if conv is not None:
                found |= {f"{name}_conv": conv.conv, f"{name}_norm": conv.norm}
        return found


def arrays(layer: nn.Module) -> list[np.ndarray]:
    """Return a layer's weights as Keras holds them."""
    number = [t.detach().float().numpy() for t in (layer.weight, layer.bias) if t is not None]
    if isinstance(layer, nn.Conv2d):
        return [number[0].transpose(2, 3, 1, 0)]
    if isinstance(layer, nn.Linear):
        return [number[0].T, number[1]]
    return [*number, layer.running_mean.numpy(), layer.running_var.numpy()]


def to_keras(student: Student, network) -> None:
    """Copy the student's weights into a Keras network of `build_network`."""
    for name, layer in student.layers().items():
        network.get_layer(name).set_weights(arrays(layer))


@torch.no_grad()
def from_keras(student: Student, network) -> None:
    """Copy a Keras network into the student; layers that only the student has stay.

    A block that is new begins with nothing to add, so the student answers as the network.
    """
    have = {layer.name: layer.get_weights() for layer in network.layers}
    for name, layer in student.layers().items():
        if name not in have:
            if name.endswith("_b_norm"):
                nn.init.zeros_(layer.weight)
            continue
        values = [torch.tensor(value) for value in have[name]]
        if isinstance(layer, nn.Conv2d):
            kernel = values[0].permute(3, 2, 0, 1)
            if name == "stem_conv" and student.front is not None:
                widened = torch.randn(layer.weight.shape) * kernel.std() * 0.1
                widened[:, 0:1], widened[:, 1:2] = kernel, -kernel
                kernel = widened
            layer.weight.copy_(kernel)
        elif isinstance(layer, nn.Linear):
            layer.weight.copy_(values[0].T)
            layer.bias.copy_(values[1])
        else:
            places = (layer.weight, layer.bias, layer.running_mean, layer.running_var)
            for into, value in zip(places, values, strict=True):
                into.copy_(value)
    if student.front is not None:
        _halve(student.front)


@torch.no_grad()
def _halve(front: Conv) -> None:
    """Let the first two channels be the picture at half its size, and its negative."""
    box = torch.zeros(3, 3)
    box[:2, :2] = 0.25
    front.conv.weight[0, 0], front.conv.weight[1, 0] = box, -box
    spread = 0.96  # of a standardised picture, halved
    for i in (0, 1):
        front.norm.weight[i], front.norm.bias[i] = spread, 0
        front.norm.running_mean[i], front.norm.running_var[i] = 0, spread**2


def in_colour(known: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights of a grey network for one that sees colours, which it ignores at first."""
    share = torch.tensor(GREY_WEIGHTS).reshape(1, 3, 1, 1) / sum(GREY_WEIGHTS)
    return {**known, "front.conv.weight": known["front.conv.weight"] * share}


@torch.no_grad()
def answer(student: Student, crops: list[np.ndarray], plan: CompactConfig, many: int = 128) -> dict:
    """Return what the student says of faces prepared as in use, as numpy arrays."""
    student.eval()
    parts = []
    for start in range(0, len(crops), many):
        x = plan.preprocessing.squares(crops[start : start + many]).astype(np.float32)
        x = torch.from_numpy(x).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
        parts.append(student(x))
    return {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]}
