"""What the model makes of the same two faces under harder and harder conditions, as one picture.

    python research/failures.py --out models/compact/failures.png

The two photographs are those that scikit-image and matplotlib carry (public domain).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from fer_nb import load_model
from fer_nb.emotions import COLORS
from fer_nb.faces import crop_face
from fer_nb.faces.detectors import load_detector, margin_of
from fer_nb.widgets.samples import sample

FACES = {"astronaut": "smiling", "grace hopper": "serious"}


def turned(face: np.ndarray, degrees: float) -> np.ndarray:
    """Turn a face in its picture."""
    middle = (face.shape[1] / 2, face.shape[0] / 2)
    turn = cv2.getRotationMatrix2D(middle, degrees, 1)
    return cv2.warpAffine(face, turn, face.shape[1::-1], borderMode=cv2.BORDER_REFLECT_101)


def tiny(face: np.ndarray, side: int) -> np.ndarray:
    """Shrink a face to `side` pixels, and enlarge it again."""
    small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, face.shape[1::-1], interpolation=cv2.INTER_NEAREST)


def covered(face: np.ndarray) -> np.ndarray:
    """Cover the mouth, as a hand or a mask does."""
    face = face.copy()
    face[int(0.62 * len(face)) :, :] = (120, 130, 140)
    return face


def noisy(face: np.ndarray) -> np.ndarray:
    """Darken a face to a tenth, as a cheap camera at night sees it."""
    grain = np.random.default_rng(0).normal(0, 6, face.shape)
    return np.clip(face * 0.1 + grain, 0, 255).astype(np.uint8)


CONDITIONS = {
    "as it is": lambda face: face,
    "turned by 30°": lambda face: turned(face, 30),
    "turned by 90°": lambda face: turned(face, 90),
    "16 pixels": lambda face: tiny(face, 16),
    "10 pixels": lambda face: tiny(face, 10),
    "a tenth of the light": noisy,
    "mouth covered": covered,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="compact")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    model, detector = load_model(options.model), load_detector()
    figure, axes = plt.subplots(len(FACES), len(CONDITIONS), figsize=(11, 4.1), squeeze=False)
    for row, (name, truth) in zip(axes, FACES.items(), strict=True):
        picture = sample(name)
        face = crop_face(picture, detector(picture)[0], margin_of(detector))
        row[0].set_ylabel(truth, fontsize=11)
        for axis, (condition, change) in zip(row, CONDITIONS.items(), strict=True):
            seen = change(face)
            read = model.predict_batch([seen])
            emotion, share = read.emotion[0], read.probs[0].max()
            axis.imshow(seen)
            axis.set(xticks=[], yticks=[])
            for spine in axis.spines.values():
                spine.set(color=COLORS[emotion], linewidth=3)
            axis.set_xlabel(f"{emotion} {share:.0%}\nvalence {read.valence[0]:.1f}", fontsize=9)
            if axis in axes[0]:
                axis.set_title(condition, fontsize=9)
            print(f"{truth:8} {condition:22} {emotion} {share:.2f}")
    figure.tight_layout()
    figure.savefig(options.out, dpi=100)
    # A palette makes the picture a quarter of its size, and nobody sees it.
    Image.open(options.out).convert("RGB").quantize(160).save(options.out, optimize=True)


if __name__ == "__main__":
    main()
