"""The third teacher: HSEmotion's mobilenet_7, which learns on at 160 pixels. It is never shipped.

Blocks 1 to 6 stay as they are. The targets are those of raters, of `accurate` 0.13.0, and of the
untouched network at its own 224 pixels: what that knew of faces from the web is not forgotten so
(Li & Hoiem 2016, *Learning without forgetting*). Nine classes, valence and arousal.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from distill import partly_grey
from student import DEVICE
from teacher import MobileNet, load_peer, pictures, tensor
from torch import nn

from fer_nb.faces.face import shrunk
from fer_nb.training.common.augment import Augmentation, augment
from fer_nb.training.compact.network import CompactConfig

PLAN = CompactConfig(
    size=160,
    colour="rgb",
    epochs=10,
    batch_size=64,
    learning_rate=4e-4,
    last_rate=0.01,
    ema=0.988,
    seed=3,
    augmentation=Augmentation(p_erase=0.2),
)


class Mobile(MobileNet):
    """mobilenet_7 with nine classes, and valence and arousal from -1 to 1."""

    features = None  # guesses none

    def __init__(self):
        super().__init__()
        self.affect = nn.Linear(256, 2)
        for parameter in [*self.first.parameters(), *self.blocks[:6].parameters()]:
            parameter.requires_grad_(False)

    def forward(self, x):
        """From pictures of `tensor` to a dict of float32 answers."""
        with torch.no_grad():
            x = self.early(x)
        features, logits = self.late(x)
        with torch.autocast(x.device.type, enabled=False):
            affect = self.affect(features.float())
        return {"logits": logits.float(), "affect": affect, "pool": features.float()}


def begin(path: Path) -> Mobile:
    """Return the network as it is before it learns."""
    net = Mobile()
    net.load_state_dict(load_peer(path).state_dict(), strict=False)
    return net


def batch(crops: list[np.ndarray], rng: np.random.Generator, plan: CompactConfig) -> torch.Tensor:
    """Return changed copies of faces, a third of them in grey, as the network takes them."""
    small = (shrunk(crop, 3 * plan.size // 2)[0] for crop in crops)
    made = [augment(partly_grey(crop, rng), rng, plan.size, plan.augmentation) for crop in small]
    return tensor(plan.preprocessing.squares(made))


@torch.no_grad()
def answer(net: Mobile, crops: list[np.ndarray], size: int = PLAN.size, many: int = 64) -> dict:
    """Return what the network says of faces prepared as in use, as numpy arrays."""
    net = net.to(DEVICE, memory_format=torch.channels_last).eval()
    parts = []
    for start in range(0, len(crops), many):
        parts.append(net(pictures(crops[start : start + many], size)))
    return {name: torch.cat([part[name] for part in parts]).cpu().numpy() for name in parts[0]}
