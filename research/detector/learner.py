"""What both networks of `face5` share in learning: time, rate, and the mean of the weights."""

from __future__ import annotations

import copy
import math
import time
from pathlib import Path

import torch
from torch import nn


class Learner:
    """A network that learns for a given time, and the running mean of its weights.

    Parameters
    ----------
    network : nn.Module
    peak : float
        The highest learning rate; it falls along half a cosine to a hundredth.
    minutes : float
    warm : int
        Steps in which the rate rises.
    start : path, optional
        Weights of an earlier run.
    """

    def __init__(
        self, network: nn.Module, peak: float, minutes: float, warm: int, start: Path | None = None
    ):
        if start:
            network.load_state_dict(torch.load(start))
        self.network = network.to(memory_format=torch.channels_last)
        self.mean = copy.deepcopy(network).eval()
        self.optimizer = torch.optim.AdamW(network.parameters(), lr=peak, weight_decay=0.02)
        self.peak, self.warm, self.length = peak, warm, minutes
        self.started, self.steps = time.monotonic(), 0

    @property
    def minutes(self) -> float:
        """Minutes since it began."""
        return (time.monotonic() - self.started) / 60

    @property
    def done(self) -> float:
        """Share of its time that has passed."""
        return self.minutes / self.length

    def answer(self, grey: torch.Tensor) -> torch.Tensor:
        """Return what the network, in training, says of grey pictures."""
        self.network.train()
        return self.network(grey.contiguous(memory_format=torch.channels_last))

    def learn(self, loss: torch.Tensor, clip: float = math.inf) -> None:
        """Take one step down `loss`, gradients no longer than `clip`, and move the mean."""
        warm = min(1.0, (self.steps + 1) / self.warm)
        for group in self.optimizer.param_groups:
            group["lr"] = self.peak * warm * (0.505 + 0.495 * math.cos(math.pi * self.done))
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.steps += 1
        keep = min(0.998, self.steps / (self.steps + 20))
        now = self.network.state_dict()
        for name, old in self.mean.state_dict().items():
            if old.is_floating_point():
                old.lerp_(now[name], 1 - keep)
            else:
                old.copy_(now[name])
