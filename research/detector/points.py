"""Train the network of `face5` that places the landmarks of one face, in a cut turned upright.

The landmarks of the first network follow box and tilt, and hardly the turn of the head: it learns
them last. This one sees nothing but faces, and learns from the same pictures, for a given time.
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
from sources import MIRRORED, load
from torch import nn
from torch.nn import functional

from fer_nb.faces.face5 import AROUND, SEEN

BATCH = 64
PEAK = 3e-3  # learning rate
STORED = 96  # pixels, side of the cut that is kept; more is kept than is shown, to turn and shift
FACE = SEEN / AROUND  # pixels, longer side of the face's box in the network's picture


class Points(nn.Module):
    """Grey (n, 1, SEEN, SEEN) in; five landmarks (n, 10) out, from the middle, in face sizes."""

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
        self.head = nn.Linear(32 * (SEEN // 16) ** 2, 10)
        nn.init.zeros_(self.head.bias)
        nn.init.normal_(self.head.weight, std=0.01)

    def forward(self, grey: torch.Tensor) -> torch.Tensor:
        """Return the landmarks."""
        return self.head(self.trunk((grey.float() - 127.5) / 64).flatten(1))


def cut(grey: np.ndarray, box: np.ndarray, angle: float, border: int) -> tuple:
    """Return what lies around a box (x, y, width, height), turned by an angle, and the map."""
    scale = FACE / max(box[2:4])
    turn = scale * np.array(
        [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
    )
    matrix = np.hstack([turn, (STORED / 2 - turn @ (box[:2] + box[2:4] / 2))[:, None]])
    first = 1.0
    if scale < 0.7:  # shrink by area first, or fine structure turns to noise
        first = max(scale, 4 / min(grey.shape))
        grey = cv2.resize(grey, None, fx=first, fy=first, interpolation=cv2.INTER_AREA)
    inner = np.hstack([turn / first, matrix[:, 2:]])
    grey = np.ascontiguousarray(grey)
    return cv2.warpAffine(grey, inner, (STORED, STORED), borderMode=border), matrix


def faces_of(pictures: list) -> tuple[np.ndarray, np.ndarray]:
    """Return a cut (n, STORED, STORED) of each face, turned upright, and its landmarks there."""
    cuts, points = [], []
    for picture in pictures:
        border = cv2.BORDER_CONSTANT if picture.whole else cv2.BORDER_REPLICATE
        for face in picture.faces:
            if max(face[2:4]) < 24:
                continue
            right, left = face[4:8].reshape(2, 2)
            one, matrix = cut(picture.grey, face, math.atan2(*(left - right)[::-1]), border)
            cuts.append(one)
            points.append(face[4:].reshape(5, 2) @ matrix[:, :2].T + matrix[:, 2])
    return np.stack(cuts), np.stack(points).astype(np.float32)


def varied(cut: np.ndarray, points: np.ndarray, random: np.random.Generator) -> tuple:
    """Return a cut (SEEN, SEEN) framed as carelessly as the first look frames, and its points."""
    angle = np.deg2rad(random.normal(0, 9) if random.random() < 0.85 else random.uniform(-35, 35))
    scale = float(np.exp(random.normal(0, 0.13)))
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    turn = scale * turn @ np.diag(np.exp(random.normal(0, 0.04, 2)))
    mirrored = random.random() < 0.5
    if mirrored:
        turn = turn @ np.diag([-1.0, 1.0])
    shift = SEEN / 2 + random.normal(0, 0.06 * FACE, 2)
    matrix = np.hstack([turn, (shift - turn @ (STORED / 2, STORED / 2))[:, None]])
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
    return picture, place[MIRRORED] if mirrored else place


def lit(pictures: np.ndarray, random: np.random.Generator) -> torch.Tensor:
    """Return pictures (n, 1, SEEN, SEEN) under other lights, through other cameras."""
    n = (len(pictures), 1, 1)
    light = (pictures / 255) ** np.exp(random.normal(0, 0.35, n))
    ramp = np.linspace(-1, 1, SEEN)
    slope = random.normal(0, 0.25, n) * ramp + random.normal(0, 0.2, n) * ramp[:, None]
    middle = light.mean(axis=(1, 2), keepdims=True)
    light = (light - middle) * random.uniform(0.4, 1.3, n) + middle + random.normal(0, 0.08, n)
    light *= (1 + slope) * np.where(random.random(n) < 0.25, random.uniform(0.1, 0.5, n), 1.0)
    light += random.uniform(0, 0.04, n) * random.standard_normal(light.shape, dtype=np.float32)
    return torch.from_numpy(np.clip(light * 255, 0, 255).astype(np.float32)[:, None])


def main() -> None:
    """Train, and write weights, ONNX and the curve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--start", type=Path, help="weights of an earlier run of this recipe")
    parser.add_argument("--peak", type=float, default=PEAK)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    torch.manual_seed(1)
    random = np.random.default_rng(1)
    cuts, points = faces_of(load(options.sources)[0])
    # Turned heads are few: each is drawn as often as three others.
    across = points[:, 1] - points[:, 0]
    nose = ((points[:, 2] - points[:, :2].mean(axis=1)) * across).sum(1) / (across**2).sum(1)
    share = np.where(np.abs(nose) > 0.15, 3.0, 1.0)
    share /= share.sum()
    learner = Learner(Points(), options.peak, options.minutes, 200, options.start)
    curve, recent = [], []
    while learner.done < 1:
        rows = [
            varied(cuts[i], points[i], random) for i in random.choice(len(cuts), BATCH, p=share)
        ]
        wanted = np.stack([place for _, place in rows])
        grey = lit(np.stack([picture for picture, _ in rows]), random)
        places = torch.from_numpy((wanted - SEEN / 2) / FACE).float().flatten(1)
        found = learner.answer(grey)
        learner.learn(functional.smooth_l1_loss(found, places, beta=0.02))
        recent.append((found.detach() - places).reshape(-1, 5, 2).norm(dim=2).mean().item())
        if learner.steps % 100 == 0:
            minutes, away = round(learner.minutes, 2), round(float(np.mean(recent)), 4)
            curve.append({"step": learner.steps, "minutes": minutes, "away": away})
            recent = []
            print(learner.steps, minutes, away, flush=True)
        if learner.steps % 500 == 0:
            write(learner.mean, options.out, curve, learner.steps)
    write(learner.mean, options.out, curve, learner.steps)


def write(network: Points, out: Path, curve: list, step: int) -> None:
    """Write what was learned so far."""
    torch.save(network.state_dict(), out / "points.pt")
    torch.onnx.export(
        copy.deepcopy(network).to(memory_format=torch.contiguous_format).eval(),
        (torch.zeros(1, 1, SEEN, SEEN, dtype=torch.uint8),),
        out / "face5_points.onnx",
        dynamo=False,
        input_names=["grey"],
        output_names=["points"],
        dynamic_axes={"grey": {0: "faces"}, "points": {0: "faces"}},
        opset_version=17,
    )
    record = {"batch": BATCH, "steps": step, "curve": curve}
    (out / "points_curve.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
