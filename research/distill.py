"""Train a student on targets that raters and teachers made; goes on where it was stopped."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from student import BFLOAT16, DEVICE, Student
from torch.nn import functional as F

from fer_nb.models.preprocess import GREY_WEIGHTS
from fer_nb.opencv import cv2
from fer_nb.training.common.augment import augment
from fer_nb.training.common.faces import LabelledFaces
from fer_nb.training.compact.loop import affect_loss
from fer_nb.training.compact.network import CompactConfig
from fer_nb.training.compact.targets import balance

ACCURATE = {"size": 96, "front": 16, "blocks": (2, 3, 4, 2)}  # the larger network
IN_COLOUR = {**ACCURATE, "size": 128, "colour": "rgb", "batch_size": 96}
PLANS = {
    "first": CompactConfig(**ACCURATE, epochs=4, learning_rate=1e-3, last_rate=0.3),
    "accurate": CompactConfig(**ACCURATE, epochs=10, learning_rate=1e-3, seed=1),
    "compact": CompactConfig(epochs=10, learning_rate=1e-3, seed=1),
    "accurate_2": CompactConfig(**ACCURATE, epochs=12, seed=2),
    "compact_2": CompactConfig(seed=2),  # what ships: the defaults
    "accurate_3": CompactConfig(**IN_COLOUR, epochs=14, learning_rate=6e-4, seed=5),
    "accurate_4": CompactConfig(**IN_COLOUR, epochs=3, learning_rate=1.5e-4, seed=6),
}


def partly_grey(crop: np.ndarray, rng: np.random.Generator, share: float = 0.3) -> np.ndarray:
    """Return a face, at times without its colours."""
    if crop.ndim == 3 and rng.random() < share:
        return cv2.transform(crop, np.array([GREY_WEIGHTS]))
    return crop


def batch(crops: list[np.ndarray], rng: np.random.Generator, plan: CompactConfig) -> torch.Tensor:
    """Return changed copies of faces as the network takes them, float (n, 1 or 3, s, s)."""
    made = [augment(partly_grey(crop, rng), rng, plan.size, plan.augmentation) for crop in crops]
    x = torch.from_numpy(plan.preprocessing.squares(made).astype(np.float32)).permute(0, 3, 1, 2)
    return x.to(DEVICE, memory_format=torch.channels_last)


def learn(
    student: Student,
    faces: LabelledFaces,
    share: np.ndarray,
    plan: CompactConfig,
    folder: Path,
    hours: float = 9.0,
    batch: Callable = batch,
    kind: np.ndarray | None = None,
) -> Student:
    """Train; `folder/state.pt` is all that is needed to go on. Returns the mean of the weights.

    Parameters
    ----------
    faces : LabelledFaces
        With `affect` and `features`: what the teachers saw, NaN where one was not asked.
    share : array (n,)
        How often each face comes in an epoch, on average.
    hours : float
        Stop after the epoch in which these have passed.
    batch : callable
        Makes changed copies of a list of faces, by a source of chance and the plan.
    kind : array (n,), optional
        Of which source each face is; then `frequencies` of the sources are taken out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    student = student.to(DEVICE, memory_format=torch.channels_last)
    weight = balance(faces.target, plan.balance, share)
    known = 0 * faces.target if kind is None else frequencies(faces.target, share * weight, kind)
    target, affect, features, weight, known = (
        torch.tensor(np.asarray(each, np.float32), device=DEVICE)
        for each in (faces.target, faces.affect, faces.features, weight, known)
    )
    of_affect, ema = affect_loss(plan), plan.ema ** (1 / 8)  # every step here
    plain = [p for p in student.parameters() if p.ndim > 1]
    other = [p for p in student.parameters() if p.ndim == 1]
    optimizer = torch.optim.AdamW(
        [
            {"params": plain, "weight_decay": plan.weight_decay},
            {"params": other, "weight_decay": 0.0},
        ],
        plan.learning_rate,
        foreach=True,
    )
    mean = {k: v.clone() for k, v in student.state_dict().items()}
    epoch, step, history = 0, 0, []
    if (folder / "state.pt").exists():
        state = torch.load(folder / "state.pt", map_location=DEVICE)
        student.load_state_dict(state["student"])
        optimizer.load_state_dict(state["optimizer"])
        mean, epoch, step, history = (state[k] for k in ("mean", "epoch", "step", "history"))
    steps = int(0.99 * share.sum()) // plan.batch_size  # chance draws a few fewer at times
    total, began = plan.epochs * steps, time.time()
    while epoch < plan.epochs and time.time() - began < hours * 3600:
        rng = np.random.default_rng([plan.seed, epoch])
        rows = drawn(share, rng)
        losses, start = [], time.time()
        student.train()
        for i in range(steps):
            now = rows[i * plan.batch_size : (i + 1) * plan.batch_size]
            x = batch([faces.images[j] for j in now], rng, plan)
            rise = min(1.0, (step + 1) / max(1, min(steps, total // 10)))
            for group in optimizer.param_groups:
                group["lr"] = plan.learning_rate * rise * cosine(step / total, plan.last_rate)
            with torch.autocast(DEVICE, torch.bfloat16, enabled=BFLOAT16):
                found = student(x)
            loss = -(target[now] * F.log_softmax(found["logits"] + known[now], 1)).sum(1)
            loss = (loss * weight[now] + of_affect(affect[now], found["affect"])).mean()
            if student.features is not None:
                seen = torch.isfinite(features[now])
                missed = F.mse_loss(found["features"][seen], features[now][seen])
                loss = loss + plan.feature_weight * missed
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            keep = min(ema, (1 + step) / (40 + step))
            for name, value in student.state_dict().items():
                if value.is_floating_point():
                    mean[name].lerp_(value, 1 - keep)
            losses.append(loss.item())
            if not np.isfinite(losses[-1]):
                raise FloatingPointError(f"the loss is not a number in step {step}")
        epoch += 1
        history.append(
            {
                "epoch": epoch,
                "loss": round(float(np.mean(losses)), 4),
                "seconds": round(time.time() - start),
            }
        )
        print(json.dumps(history[-1]), flush=True)
        state = {
            "student": student.state_dict(),
            "optimizer": optimizer.state_dict(),
            "mean": mean,
            "epoch": epoch,
            "step": step,
            "history": history,
        }
        torch.save(state, folder / "state.part")
        os.replace(folder / "state.part", folder / "state.pt")
        (folder / "history.json").write_text(json.dumps(history, indent=1) + "\n")
    student.load_state_dict(mean)
    return student.to("cpu")


def frequencies(target: np.ndarray, weight: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Return the logarithm of how often each class comes in each face's source, over the first's.

    Added to the logits in training, it is not learned: else a network that sees by colour or frame
    which source a face is from expects what is frequent there, and another prior counts it twice
    (Menon et al. 2021, *Long-tail learning via logit adjustment*).
    """
    natural = target[kind == 0].mean(axis=0, dtype=float)
    found = np.zeros_like(target)
    for each in np.unique(kind):
        rows = kind == each
        share = (target[rows] * weight[rows, None]).sum(axis=0, dtype=float)
        found[rows] = np.log(0.98 * share / share.sum() + 0.02 / len(share)) - np.log(natural)
    return found


def cosine(done: float, last: float) -> float:
    """Return the share of the highest rate, from 1 to `last`, when a share `done` is done."""
    return last + (1 - last) * 0.5 * (1 + math.cos(math.pi * done))


def drawn(share: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the faces of an epoch: as often as its share says, by chance for the rest."""
    times = np.floor(share).astype(int) + (rng.random(len(share)) < share % 1)
    return rng.permutation(np.repeat(np.arange(len(share)), times))
