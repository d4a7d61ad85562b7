"""The network of `face5`: grey in; score, box and five landmarks out, at strides 8, 16 and 32."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from fer_nb.faces.face5 import STRIDES

VALUES = 15  # score, four distances to the sides of the box, five landmarks


def conv(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1):
    """Return convolution, batch normalisation and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def separable(inputs: int, outputs: int, stride: int = 1):
    """Return a depthwise 3x3 and a pointwise convolution (Howard et al. 2017, MobileNets)."""
    return nn.Sequential(conv(inputs, inputs, 3, stride, groups=inputs), conv(inputs, outputs))


class Face5(nn.Module):
    """An anchor-free detector, one cell one face (Tian et al. 2019, FCOS), with thin layers.

    The input is (n, 1, height, width) of grey values 0 to 255, sides multiples of 32. The output is
    (n, cells, 15), the cells of stride 8 first, row by row: the score before the sigmoid; the
    distances from the cell's centre to left, top, right and bottom, in strides; the landmarks
    relative to the cell's centre, in strides.
    """

    def __init__(self, width: int = 64, deep: int = 96):
        super().__init__()
        self.stem = nn.Sequential(conv(1, 16, 3, 2), separable(16, 32, 2), separable(32, 32))
        self.stage8 = nn.Sequential(
            separable(32, width, 2), separable(width, width), separable(width, width)
        )
        self.stage16 = nn.Sequential(
            separable(width, deep, 2), separable(deep, deep), separable(deep, deep)
        )
        self.stage32 = nn.Sequential(
            separable(deep, deep, 2), separable(deep, deep), separable(deep, deep)
        )
        self.across = nn.ModuleList([conv(width, width), conv(deep, width), conv(deep, width)])
        self.merge = nn.ModuleList([separable(width, width) for _ in STRIDES])
        self.heads = nn.ModuleList([nn.Conv2d(width, VALUES, 1) for _ in STRIDES])
        for head in self.heads:
            nn.init.normal_(head.weight, std=0.01)
            nn.init.zeros_(head.bias)
            head.bias.data[0] = -4.6  # at first, one cell in a hundred is a face
            head.bias.data[1:5] = 1.0  # softplus of it, times two: a box of about five strides

    def forward(self, grey: torch.Tensor) -> torch.Tensor:
        """Return the values of all cells."""
        eighth = self.stage8(self.stem((grey - 127.5) / 64))
        sixteenth = self.stage16(eighth)
        last = self.stage32(sixteenth)
        levels = [to(x) for to, x in zip(self.across, (eighth, sixteenth, last), strict=True)]
        for fine in (1, 0):
            levels[fine] = levels[fine] + functional.interpolate(
                levels[fine + 1], scale_factor=2, mode="nearest"
            )
        rows = []
        for level, merge, head in zip(levels, self.merge, self.heads, strict=True):
            values = head(merge(level)).flatten(2).transpose(1, 2)
            score, sides, points = values.split([1, 4, 10], dim=2)
            rows.append(torch.cat([score, 2 * functional.softplus(sides), 2 * points], dim=2))
        return torch.cat(rows, dim=1)


class Shipped(nn.Module):
    """The network as it ships: uint8 in, the score as a probability."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, grey: torch.Tensor) -> torch.Tensor:
        """Return the values (n, cells, 15) of all cells."""
        score, places = self.network(grey.float()).split([1, VALUES - 1], dim=2)
        return torch.cat([score.sigmoid(), places], dim=2)


def export(network: nn.Module, path) -> None:
    """Write the network as ONNX for any number of pictures of one size, multiples of 32."""
    torch.onnx.export(
        Shipped(network).eval(),
        (torch.zeros(1, 1, 256, 320, dtype=torch.uint8),),
        path,
        dynamo=False,
        input_names=["grey"],
        output_names=["cells"],
        dynamic_axes={
            "grey": {0: "pictures", 2: "height", 3: "width"},
            "cells": {0: "pictures", 1: "cells"},
        },
        opset_version=17,
    )
