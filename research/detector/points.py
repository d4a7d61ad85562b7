"""Train the network of `face5` that sees one face, in a cut turned upright: landmarks and pose.

The landmarks of the first network follow box and tilt, and hardly the turn of the head: it learns
them last. This one sees nothing but faces, and learns from `mesh.py`'s, for a given time.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
from pathlib import Path

import cv2
import numpy as np
import torch
from learner import Learner
from network import conv, separable
from sources import MIRRORED
from torch import nn
from torch.nn import functional

from fer_nb.faces.face5 import AROUND, DEGREES, SEEN

BATCH = 64
PEAK = 3e-3  # learning rate
FACE = SEEN / AROUND  # pixels, longer side of the face's box in the network's picture
ALIKE = np.array([-1, 1, -1])  # what a mirror does to yaw, pitch and roll


class Points(nn.Module):
    """Grey (n, 1, SEEN, SEEN) in; landmarks (n, 10) and pose (n, 3) out.

    The landmarks are from the middle, in face sizes; yaw, pitch and roll in units of DEGREES.
    """

    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(
            conv(1, 16, 3, 2),
            conv(16, 32, 3, 2),
            separable(32, 32),
            conv(32, 48, 3, 2),
            separable(48, 64),
            separable(64, 64),
            separable(64, 64, 2),
            conv(64, 32),
        )
        seen = 32 * (SEEN // 16) ** 2
        self.head, self.pose = nn.Linear(seen, 10), nn.Linear(seen, 3)
        for head in (self.head, self.pose):
            nn.init.zeros_(head.bias)
            nn.init.normal_(head.weight, std=0.01)

    def forward(self, grey: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the landmarks and the pose."""
        seen = self.trunk((grey.float() - 127.5) / 64).flatten(1)
        return self.head(seen), self.pose(seen)


def varied(
    cut: np.ndarray, points: np.ndarray, pose: np.ndarray, random: np.random.Generator
) -> tuple:
    """Return a cut (SEEN, SEEN) framed as carelessly as the first look frames, points and pose."""
    degrees = random.normal(0, 9) if random.random() < 0.85 else random.uniform(-35, 35)
    angle = math.radians(degrees)
    scale = float(np.exp(random.normal(0, 0.13)))
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    turn = scale * turn @ np.diag(np.exp(random.normal(0, 0.04, 2)))
    mirrored = random.random() < 0.5
    if mirrored:
        turn = turn @ np.diag([-1.0, 1.0])
        points, pose = points[MIRRORED], pose * ALIKE
    middle = len(cut) / 2
    shift = SEEN / 2 + random.normal(0, 0.06 * FACE, 2)
    matrix = np.hstack([turn, (shift - turn @ (middle, middle))[:, None]])
    place = points @ turn.T + matrix[:, 2]
    picture = cv2.warpAffine(cut, matrix, (SEEN, SEEN)).astype(np.float32)
    if random.random() < 0.25:  # as it is in a small picture
        small = int(random.uniform(14, 40))
        picture = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
        picture = cv2.resize(picture, (SEEN, SEEN), interpolation=cv2.INTER_LINEAR)
    if random.random() < 0.2:  # something before it
        x, y = random.integers(0, SEEN, 2)
        w, h = random.integers(6, 24, 2)
        picture[y : y + h, x : x + w] = random.integers(256)
    return picture, place, pose - (0, 0, degrees)


def lit(pictures: np.ndarray, random: np.random.Generator) -> torch.Tensor:
    """Return pictures (n, 1, SEEN, SEEN) under other lights, through other cameras."""

    def each(values) -> np.ndarray:
        return np.asarray(values, np.float32)[:, None, None]

    n = len(pictures)
    light = (pictures / np.float32(255)) ** each(np.exp(random.normal(0, 0.35, n)))
    ramp = np.linspace(-1, 1, SEEN, dtype=np.float32)
    slope = each(random.normal(0, 0.25, n)) * ramp + each(random.normal(0, 0.2, n)) * ramp[:, None]
    middle = light.mean(axis=(1, 2), keepdims=True) + each(random.normal(0, 0.08, n))
    light = (light - light.mean(axis=(1, 2), keepdims=True)) * each(random.uniform(0.4, 1.3, n))
    night = np.where(random.random(n) < 0.25, random.uniform(0.1, 0.5, n), 1.0)
    light = (light + middle) * (1 + slope) * each(night)
    light += each(random.uniform(0, 0.04, n)) * random.standard_normal(light.shape, np.float32)
    return torch.from_numpy(np.clip(light * 255, 0, 255)[:, None])


def main() -> None:
    """Train, and write weights, ONNX and the curve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=Path, required=True, help="what mesh.py wrote")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--start", type=Path, help="weights of an earlier run of this recipe")
    parser.add_argument("--peak", type=float, default=PEAK)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    random = np.random.default_rng(options.seed)
    faces = np.load(options.faces)
    cuts, points, poses = (faces[name] for name in ("cuts", "points", "poses"))
    # Turned, raised and lowered heads are few: each is drawn as often as three others.
    share = np.where((np.abs(poses[:, :2] - np.median(poses[:, :2], 0)) > 15).any(1), 3.0, 1.0)
    share /= share.sum()
    learner = Learner(Points(), options.peak, options.minutes, 200, options.start)
    curve, recent = [], []
    while learner.done < 1:
        rows = [
            varied(cuts[i], points[i], poses[i], random)
            for i in random.choice(len(cuts), BATCH, p=share)
        ]
        pictures, places, turns = (np.stack(part) for part in zip(*rows, strict=True))
        places = torch.from_numpy((places - SEEN / 2) / FACE).float().flatten(1)
        turns = torch.from_numpy(turns / DEGREES).float()
        found, pose = learner.answer(lit(pictures, random))
        learner.learn(
            functional.smooth_l1_loss(found, places, beta=0.02)
            + 0.1 * functional.smooth_l1_loss(pose, turns, beta=0.1)
        )
        away = (found.detach() - places).reshape(-1, 5, 2).norm(dim=2).mean()
        recent.append([away, *(pose.detach() - turns).abs().mean(dim=0) * DEGREES])
        if learner.steps % 100 == 0:
            row = [learner.steps, round(learner.minutes, 2), *np.mean(recent, 0).round(4).tolist()]
            curve.append(
                dict(zip(("step", "minutes", "away", "yaw", "pitch", "roll"), row, strict=True))
            )
            recent = []
            print(*row, flush=True)
        if learner.steps % 500 == 0:
            write(learner.mean, options, curve, learner.steps)
    write(learner.mean, options, curve, learner.steps)


def write(network: Points, options: argparse.Namespace, curve: list, steps: int) -> None:
    """Write what was learned so far."""
    torch.save(network.state_dict(), options.out / "points.pt")
    torch.onnx.export(
        copy.deepcopy(network).to(memory_format=torch.contiguous_format).eval(),
        (torch.zeros(1, 1, SEEN, SEEN, dtype=torch.uint8),),
        options.out / "face5_points.onnx",
        dynamo=False,
        input_names=["grey"],
        output_names=["points", "pose"],
        dynamic_axes={name: {0: "faces"} for name in ("grey", "points", "pose")},
        opset_version=17,
    )
    record = {"batch": BATCH, "steps": steps, "peak": options.peak, "seed": options.seed,
              "curve": curve}  # fmt: skip
    (options.out / "points_curve.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
