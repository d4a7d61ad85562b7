"""The faces that detectors are judged by: made by machine, then looked at, one by one.

The boxes are YuNet's, the landmarks those of MediaPipe's face mesh (``mesh.py`` says why). Writes
``truth.csv`` (source, picture or frame, box, five landmarks, in the picture's own pixels) and
contact sheets to look at. The sheets show people and are not kept.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np
from sources import ASIDE_GENKI, Teacher, packed

CLIPS = ("liveportrait_d6", "liveportrait_d14", "liveportrait_d20", "liveportrait_s18",
         "liveportrait_s32", "fer_test")  # fmt: skip
FRAMES = 12  # of each clip
FILE = Path(__file__).with_name("truth.csv")


def clip_frames(path: Path):
    """Yield the number and the picture, BGR, of some frames of a clip, evenly."""
    video = cv2.VideoCapture(str(path))
    last = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) - 1
    wanted = set(np.linspace(0, last, FRAMES).astype(int).tolist())
    for at in range(last + 1):
        read, frame = video.read()
        if read and at in wanted:
            yield at, frame


def judged(data: Path):
    """Yield source, number and picture of everything that is kept for judging, BGR."""
    genki = list(packed(data / "genki4k_dev.npz"))
    for at in range(len(genki) - ASIDE_GENKI, len(genki)):
        yield "genki4k", at, genki[at]
    for clip in CLIPS:
        for at, frame in clip_frames(data / "videos" / f"{clip}.mp4"):
            yield clip, at, frame


def read() -> dict[tuple[str, int], np.ndarray]:
    """Return the true face (14,) of each picture: x, y, width, height, landmarks."""
    with FILE.open() as file:
        rows = list(csv.reader(file))[1:]
    return {(row[0], int(row[1])): np.array(row[2:], float) for row in rows}


def main(data: Path, teacher_file: Path, task: Path, sheets: Path) -> None:
    """Write the truth, and the sheets to check it by: the mesh yellow, YuNet's landmarks red."""
    from mesh import Mesh

    cv2.setNumThreads(1)
    teacher, mesh = Teacher(teacher_file), Mesh(task)
    rows, tiles = [], []
    for source, at, bgr in judged(data):
        faces, _ = teacher(bgr, (180, 260) if max(bgr.shape) < 300 else (240, 360))
        scale = 240 / max(bgr.shape)
        tile = cv2.resize(bgr, None, fx=scale, fy=scale)
        if len(faces):
            face = max(faces, key=lambda face: face[2] * face[3])
            yunet = face[4:].reshape(5, 2).copy()
            seen = mesh(np.ascontiguousarray(bgr[..., ::-1]), face)
            if seen is None:
                print(f"{source} {at}: the mesh sees no face, or another; YuNet's landmarks stay")
            else:
                face[4:] = seen[0].ravel()
            rows.append([source, at, *face.round(1)])
            x, y, w, h = (face[:4] * scale).astype(int)
            cv2.rectangle(tile, (x, y), (x + w, y + h), (0, 255, 0), 1)
            for points, colour in ((yunet, (0, 0, 255)), (face[4:].reshape(5, 2), (0, 255, 255))):
                for point in (points * scale).astype(int):
                    cv2.circle(tile, tuple(map(int, point)), 2, colour, -1)
        cv2.putText(tile, f"{source[-4:]} {at}", (2, 12), 0, 0.4, (255, 255, 0), 1)
        tiles.append(cv2.copyMakeBorder(
            tile, 0, 240 - tile.shape[0], 0, 240 - tile.shape[1], cv2.BORDER_CONSTANT))  # fmt: skip
    sheets.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(tiles), 64):
        part = tiles[start : start + 64] + [np.zeros((240, 240, 3), np.uint8)] * 64
        sheet = np.vstack([np.hstack(part[i : i + 8]) for i in range(0, 64, 8)])
        cv2.imwrite(str(sheets / f"{start:03}.png"), sheet)
    with FILE.open("w", newline="") as file:
        names = ["right_eye", "left_eye", "nose", "right_mouth", "left_mouth"]
        points = [f"{name}_{axis}" for name in names for axis in "xy"]
        csv.writer(file, lineterminator="\n").writerows(
            [["source", "number", "x", "y", "width", "height", *points], *rows]
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument(
        "--teacher",
        type=Path,
        default=Path("../shared/weights/det/face_detection_yunet_2023mar.onnx"),
    )
    parser.add_argument(
        "--task", type=Path, default=Path("../shared/weights/det/face_landmarker.task")
    )
    parser.add_argument("--sheets", type=Path, required=True)
    options = parser.parse_args()
    main(options.data, options.teacher, options.task, options.sheets)
