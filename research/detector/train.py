"""Train `face5` from random weights on made scenes, for a given time on one CPU core."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import torch
from learner import Learner
from network import Face5, export
from scenes import Scenes, answers
from sources import load
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from fer_nb.faces.face5 import Face5Detector

BATCH = 32
PEAK = 3e-3  # learning rate
LEAST = 0.42  # score of what is worth learning that it is no face


class Stream(IterableDataset):
    """Batches of made scenes, in a process of their own."""

    def __init__(self, path: Path, seed: int):
        self.path, self.seed = path, seed

    def __iter__(self):
        cv2.setNumThreads(1)
        pictures, bare = load(self.path)
        scenes = Scenes(pictures, bare, mistaken(bare), seed=self.seed)
        while True:
            batch = []
            for _ in range(BATCH):
                grey, faces, unsure = scenes.scene()
                batch.append((grey[None], *answers(faces, unsure)))
            yield tuple(torch.from_numpy(np.stack(part)) for part in zip(*batch, strict=True))


def mistaken(bare: list[np.ndarray]) -> list[tuple]:
    """Return what the detector that ships nearly takes for a face: background and box."""
    detector = Face5Detector(min_score=LEAST)
    return [
        (grey, (face.x, face.y, face.width, face.height))
        for grey in bare
        for face in detector(grey)
    ]


def losses(found: torch.Tensor, kind: torch.Tensor, place: torch.Tensor) -> tuple:
    """Return the losses of score, box and landmarks, each per cell with a face.

    The score learns how well the box fits: quality focal loss (Li et al. 2020), the target the
    square root of the overlap. The box learns by generalised overlap (Rezatofighi et al. 2019).
    """
    face = kind == 1
    count = max(int(face.sum()), 1)
    got, wanted = found[face], place[face]
    sides, true = got[:, 1:5], wanted[:, :4]
    shared = torch.minimum(sides, true)
    around = torch.maximum(sides, true)
    overlap = (shared[:, 0] + shared[:, 2]).clamp(min=0) * (shared[:, 1] + shared[:, 3]).clamp(
        min=0
    )
    union = area(sides) + area(true) - overlap + 1e-6
    hull = area(around) + 1e-6
    iou = overlap / union
    box = (1 - iou + (hull - union) / hull).sum() / count
    unit = area(true).sqrt()[:, None]
    points = functional.smooth_l1_loss(
        got[:, 5:] / unit, wanted[:, 4:] / unit, beta=0.02, reduction="sum"
    )
    target = torch.zeros_like(found[..., 0])
    target[face] = iou.detach().clamp(min=0).sqrt()
    raw = found[..., 0]
    weight = (target - raw.sigmoid()).abs() ** 2 * (kind >= 0)
    score = (
        weight * functional.binary_cross_entropy_with_logits(raw, target, reduction="none")
    ).sum()
    return score / count, box, points / count / 10


def area(sides: torch.Tensor) -> torch.Tensor:
    """Return the area of boxes given by their distances from a cell."""
    return (sides[:, 0] + sides[:, 2]) * (sides[:, 1] + sides[:, 3])


def main() -> None:
    """Train, and write weights, ONNX and the curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sources", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=75)
    parser.add_argument("--start", type=Path, help="weights of an earlier run of this recipe")
    parser.add_argument("--peak", type=float, default=PEAK)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    warm = 100 if options.start else 300
    learner = Learner(Face5(), options.peak, options.minutes, warm, options.start)
    curve, recent, saved = [], [], 0.0  # a run that goes on has its own curve
    for grey, kind, place in DataLoader(
        Stream(options.sources, options.seed), batch_size=None, num_workers=1, prefetch_factor=8
    ):
        if learner.done >= 1:
            break
        score, box, points = losses(learner.answer(grey.float()), kind, place)
        learner.learn(score + 2 * box + 5 * points, clip=5.0)
        recent.append([score.item(), box.item(), points.item()])
        if learner.steps % 50 == 0:
            curve.append([learner.steps, round(learner.minutes, 2), *np.mean(recent, 0).round(4)])
            recent = []
            print(*curve[-1], flush=True)
        if learner.minutes - saved > 3:
            saved = learner.minutes
            torch.save(learner.mean.state_dict(), options.out / "face5.pt")
    torch.save(learner.mean.state_dict(), options.out / "face5.pt")
    export(learner.mean, options.out / "face5.onnx")
    columns = ("step", "minutes", "score", "box", "landmarks")
    record = {"batch": BATCH, "steps": learner.steps, "peak": options.peak, "seed": options.seed,
              "curve": [dict(zip(columns, map(float, r), strict=True)) for r in curve]}  # fmt: skip
    (options.out / "curve.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
