"""Harder backgrounds for the first network: pages of documents, and sheets of cut-out drawings.

    python bare.py sources.npz --teacher YUNET --pages OPENCV_DOC --stamps TUXPAINT_STAMPS --out OUT

Photographs without people (``sources.py --backgrounds``) teach little about what is nearly a face:
pages, screenshots, animals and things do. The photographs stay, four times, the sheets come twice.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from sources import Teacher, load, save

GREY = 200  # what cut-outs lie on while the teacher looks at them
SHEET = (540, 720)
# Drawings of people, of faces, and of what may bear one.
PEOPLE = (
    "/people", "/faces", "/symbols/alphabets", "/chess", "halloween", "christmas", "/money",
    "flags", "medical", "/asl", "mirror", "hobbies",
)  # fmt: skip


def pages(folder: Path, teacher: Teacher) -> list[np.ndarray]:
    """Return the pictures of a documentation in which the teacher sees nobody, in grey."""
    found = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in (".jpg", ".jpeg", ".png") or path.stat().st_size < 15000:
            continue
        bgr = cv2.imread(str(path))
        if bgr is None or min(bgr.shape[:2]) < 200:
            continue
        bgr = shrunk(bgr, 720)
        if not any(map(len, teacher(bgr, (320, 640)))):
            found.append(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY))
    return found


def stamps(folder: Path, teacher: Teacher) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return cut-outs without a face: grey pictures, and how opaque each pixel is."""
    found = []
    for path in sorted(folder.rglob("*.png")):
        if any(word in str(path) for word in PEOPLE):
            continue
        bgra = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if bgra is None or bgra.ndim < 3 or bgra.shape[2] < 4 or min(bgra.shape[:2]) < 60:
            continue
        bgra = shrunk(bgra, 240)
        opaque = bgra[..., 3:] / 255.0
        flat = (bgra[..., :3] * opaque + GREY * (1 - opaque)).astype(np.uint8)
        wide = cv2.copyMakeBorder(flat, 60, 60, 60, 60, cv2.BORDER_CONSTANT, value=(GREY,) * 3)
        if not any(map(len, teacher(wide, (260, 360)))):
            found.append((cv2.cvtColor(flat, cv2.COLOR_BGR2GRAY), opaque[..., 0]))
    return found


def sheets(cut_outs: list, photographs: list[np.ndarray]) -> list[np.ndarray]:
    """Return sheets of six cut-outs each, on plain grey or on a photograph."""
    random, made = np.random.default_rng(0), []
    order = random.permutation(len(cut_outs))
    for start in range(0, len(order), 6):
        if random.random() < 0.6:
            ground = photographs[random.integers(len(photographs))]
        else:
            ground = np.full(SHEET, random.integers(256), np.uint8)
        ground = cv2.resize(ground, SHEET[::-1]).copy()
        for place, i in enumerate(order[start : start + 6]):
            grey, opaque = cut_outs[i]
            y, x = (place // 3) * 260 + 8, (place % 3) * 240
            part = ground[y : y + grey.shape[0], x : x + grey.shape[1]]
            height, width = part.shape
            opaque, grey = opaque[:height, :width], grey[:height, :width]
            part[:] = part * (1 - opaque) + grey * opaque
        made.append(ground)
    return made


def shrunk(picture: np.ndarray, side: int) -> np.ndarray:
    """Return a picture whose longer side is at most `side`."""
    scale = min(1.0, side / max(picture.shape[:2]))
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def main() -> None:
    """Add the backgrounds to what sources.py wrote."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", type=Path)
    for name in ("teacher", "pages", "stamps", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    teacher = Teacher(options.teacher)
    pictures, photographs = load(options.sources)
    hard = pages(options.pages, teacher)
    drawn = sheets(stamps(options.stamps, teacher), photographs)
    save(options.out, pictures, photographs * 4 + hard + drawn * 2)
    print(len(photographs), "photographs,", len(hard), "pages,", len(drawn), "sheets")


if __name__ == "__main__":
    main()
