"""Fine-tune HSEmotion's mobilenet_7 to nine classes: the teacher. It is never shipped.

Blocks 1 to 6 stay as they are. The nine-class head begins with the seven rows of the old one, so
that the weights before and after may be mixed (Wortsman et al. 2022, *Robust fine-tuning of
zero-shot models*), and part of each target is what the untouched network says of the face (Li &
Hoiem 2016, *Learning without forgetting*).
"""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path

import numpy as np
import torch
from student import BFLOAT16, DEVICE
from torch import nn
from torch.nn import functional as F

from fer_nb.emotions import EMOTIONS
from fer_nb.faces.face import shrunk
from fer_nb.opencv import cv2
from fer_nb.training.common.augment import Augmentation, augment
from fer_nb.training.compact.targets import balance

MEANS = np.array([103.939, 116.779, 123.68], np.float32)
PEER = ("anger", "disgust", "fear", "happy", "neutral", "sad", "surprise")
COLUMNS = [EMOTIONS.index(name) for name in PEER]
VIEWS = Augmentation(
    shift=0.06,
    scale=(0.78, 1.2),
    stretch=0,
    light=0.4,
    p_light=0.5,
    p_small=0,
    p_blur=0.15,
    p_noise=0,
    p_jpeg=0,
    p_erase=0.25,
    rotation=16.0,
)
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)


class Conv(nn.Conv2d):
    """A convolution with Keras's padding for stride 2 (right and below), then ReLU6."""

    def forward(self, x):
        if self.stride[0] == 2:
            x = F.pad(x, (0, 1, 0, 1))
        return F.relu6(super().forward(x))


class MobileNet(nn.Module):
    """MobileNet v1 with its batch normalisation folded, 9 logits."""

    def __init__(self):
        super().__init__()
        self.first = Conv(3, 32, 3, 2)
        blocks, width = [], 32
        for stride, out in zip(
            STRIDES, (64, 128, 128, 256, 256, *[512] * 6, 1024, 1024), strict=True
        ):
            pad = 1 if stride == 1 else 0
            blocks.append(
                nn.Sequential(Conv(width, width, 3, stride, pad, groups=width), Conv(width, out, 1))
            )
            width = out
        self.blocks = nn.Sequential(*blocks)
        self.feats = nn.Linear(1024, 256)
        self.logits = nn.Linear(256, 9)

    def early(self, x):
        """The part that is not trained."""
        return self.blocks[:6](self.first(x))

    def late(self, x):
        """From `early` to 256 features and 9 logits."""
        x = self.blocks[6:](x).float().mean(dim=(2, 3))
        x = F.relu(self.feats(x))
        return x, self.logits(x)

    def forward(self, x):
        return self.late(self.early(x))


def load_peer(path: Path) -> MobileNet:
    """Read the .keras file; the rows of contempt and uncertain begin at nearly nothing."""
    import h5py

    with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as file:
        tree = h5py.File(file, "r")
        found = _variables(tree, json.loads(archive.read("config.json")))
    net = MobileNet()
    names = {"conv1": net.first, "feats": net.feats}
    for i, block in enumerate(net.blocks, 1):
        names |= {f"conv_dw_{i}": block[0], f"conv_pw_{i}": block[1]}
    with torch.no_grad():
        for name, layer in names.items():
            kernel, bias = found[name]
            kernel = torch.tensor(kernel)
            if kernel.ndim == 2:
                kernel = kernel.T
            elif "dw" in name:
                kernel = kernel.permute(2, 3, 0, 1)
            else:
                kernel = kernel.permute(3, 2, 0, 1)
            layer.weight.copy_(kernel)
            layer.bias.copy_(torch.tensor(bias))
        kernel, bias = (torch.tensor(each) for each in found["emotion_preds"])
        net.logits.weight.zero_()
        net.logits.bias.fill_(-4.0)
        net.logits.weight[COLUMNS] = kernel.T
        net.logits.bias[COLUMNS] = bias
    return net


def _variables(tree, config: dict) -> dict:
    """Return kernel and bias of each layer by its name; the file numbers layers by their kind."""
    count: dict[str, int] = {}
    found = {}
    kinds = {"Conv2D": "conv2d", "DepthwiseConv2D": "depthwise_conv2d", "Dense": "dense"}
    for layer in config["config"]["layers"]:
        kind = kinds.get(layer["class_name"])
        if kind:
            number = count.get(kind, 0)
            count[kind] = number + 1
            group = tree["layers"][kind + (f"_{number}" if number else "")]["vars"]
            found[layer["config"]["name"]] = (group["0"][()], group["1"][()])
    return found


def pictures(crops: list[np.ndarray], size: int) -> torch.Tensor:
    """Return crops as the network wants them, float32 (n, 3, size, size)."""
    made = []
    for crop in crops:
        crop = crop if crop.ndim == 3 else np.repeat(crop[..., None], 3, axis=2)
        shrinks = crop.shape[0] > size
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        made.append(cv2.resize(crop, (size, size), interpolation=how))
    return tensor(np.stack(made))


def tensor(images: np.ndarray) -> torch.Tensor:
    """uint8 (n, s, s, 3) to a float tensor laid out channels last."""
    x = torch.from_numpy(images.astype(np.float32) - MEANS).permute(0, 3, 1, 2)
    return x.to(DEVICE, memory_format=torch.channels_last)


def view(crop: np.ndarray, rng: np.random.Generator, size: int) -> np.ndarray:
    """Return a changed copy of a face in three equal or different channels, one in five in grey."""
    crop = crop if crop.ndim == 3 else np.repeat(crop[..., None], 3, axis=2)
    image = augment(shrunk(crop, 3 * size // 2)[0], rng, size, VIEWS)
    if rng.random() < 0.2:
        image = np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    return image


@torch.no_grad()
def answers(net: MobileNet, crops: list[np.ndarray], size: int, batch: int = 64):
    """Return features (n, 256) and logits (n, 9)."""
    net = net.to(DEVICE, memory_format=torch.channels_last).eval()
    features, logits = [], []
    for start in range(0, len(crops), batch):
        with torch.autocast(DEVICE, torch.bfloat16, enabled=BFLOAT16):
            f, z = net(pictures(crops[start : start + batch], size))
        features.append(f.float().cpu().numpy())
        logits.append(z.float().cpu().numpy())
    return np.concatenate(features), np.concatenate(logits)


def fine_tune(
    net: MobileNet, faces, out: Path, per_epoch, *, size=128, epochs=3, rate=2e-4, batch=64, seed=0
) -> None:
    """Train blocks 7 to 13 and the head on a FaceSet; keep a running mean of the weights.

    `per_epoch(epoch, rng)` gives the rows of an epoch. `out` holds the mean after each epoch.
    """
    net = net.to(DEVICE, memory_format=torch.channels_last)
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    learned = [*net.blocks[6:].parameters(), *net.feats.parameters(), *net.logits.parameters()]
    for parameter in learned:
        parameter.requires_grad_(True)
    mean = {name: value.clone() for name, value in net.state_dict().items()}
    optimizer = torch.optim.AdamW(learned, rate, weight_decay=0.01)
    weight = balance(faces.target, 0.5)
    hidden = [name in ("contempt", "uncertain") for name in EMOTIONS]
    weight, target, seven, hidden = (
        torch.tensor(each, device=DEVICE) for each in (weight, faces.target, faces.seven, hidden)
    )
    rows_of = [per_epoch(epoch, np.random.default_rng([seed, epoch])) for epoch in range(epochs)]
    total, step = sum(len(rows) // batch for rows in rows_of), 0
    for epoch, rows in enumerate(rows_of):
        rng, losses = np.random.default_rng([seed, 1, epoch]), []
        for start in range(0, len(rows) - batch + 1, batch):
            now = rows[start : start + batch]
            x = tensor(np.stack([view(faces.images[i], rng, size) for i in now]))
            part = min(1.0, (step + 1) / 60) * (0.51 + 0.49 * math.cos(math.pi * step / total))
            for group in optimizer.param_groups:
                group["lr"] = rate * part
            with torch.autocast(DEVICE, torch.bfloat16, enabled=BFLOAT16):
                with torch.no_grad():
                    x = net.early(x)
                logits = net.late(x)[1].float()
            logits = logits.masked_fill(seven[now][:, None] & hidden, -30.0)
            loss = -(target[now] * F.log_softmax(logits, 1)).sum(1)
            loss = (loss * weight[now]).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(learned, 2.0)
            optimizer.step()
            step += 1
            keep = min(0.997, (1 + step) / (20 + step))
            for name, value in net.state_dict().items():
                mean[name].lerp_(value, 1 - keep)
            losses.append(loss.item())
        print(epoch + 1, round(float(np.mean(losses)), 4), flush=True)
        torch.save(mean, out / f"teacher_{epoch + 1}.pt")
