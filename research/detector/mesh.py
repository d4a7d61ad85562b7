"""Landmarks and head pose of the faces to learn from, as MediaPipe's face mesh sees them.

YuNet's landmarks lean towards upright: the line through its eyes shows a third to two thirds of the
tilt of a head. The mesh follows it, and gives the turn of the head, too. Each face is kept as a
cut, turned upright by the eyes of its mesh, with its landmarks there, and the pose of the head.

    pip install mediapipe opencv-python-headless
    python mesh.py --task ../shared/weights/det/face_landmarker.task --out mesh.npz
"""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import mediapipe
import numpy as np
from mediapipe.tasks import python as tasks
from mediapipe.tasks.python import vision
from sources import Picture, Teacher, learned

STORED = 96  # pixels, side of the cut that is kept; more is kept than is shown, to turn and shift
FACE = 32  # pixels, longer side of the face's box there
SHOWN = 256  # pixels, side of what the mesh is shown: twice the box
# Vertices whose mean lies where YuNet sees the middle of an eye, the tip of the nose and the
# corners of the mouth in level faces.
VERTICES = ((33, 133, 159, 145), (263, 362, 386, 374), (4, 2), (61, 78), (291, 308))
RAISED = 5.3  # degrees: so that the median pitch of GENKI-4K's first 1,700 is that of its labels
OURS = np.diag([1.0, -1.0, -1.0])  # the mesh has y up and z to the camera; we, down and away


class Mesh:
    """MediaPipe's face landmarker, for one face in a cut.

    Source
    ------
    Kartynnik, Y., Ablavatski, A., Grishchenko, I., & Grundmann, M. (2019). Real-time facial surface
    geometry from monocular video on mobile GPUs. *CVPR Workshop on Computer Vision for AR/VR*.
    """

    def __init__(self, task: Path):
        self._look = vision.FaceLandmarker.create_from_options(
            vision.FaceLandmarkerOptions(
                base_options=tasks.BaseOptions(model_asset_path=str(task)),
                output_facial_transformation_matrixes=True,
                min_face_detection_confidence=0.3,
            )
        )

    def __call__(self, picture: np.ndarray, face: np.ndarray):
        """Return five landmarks (5, 2) and yaw, pitch and roll in degrees, or None.

        `picture` is RGB or grey; `face` is x, y, width, height and five rough landmarks in it.
        """
        scale = SHOWN / (2 * max(face[2:4]))
        middle = face[:2] + face[2:4] / 2
        matrix = np.hstack([np.eye(2) * scale, (SHOWN / 2 - scale * middle)[:, None]])
        cut = cv2.warpAffine(
            picture, matrix, (SHOWN, SHOWN), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
        )
        if cut.ndim == 2:
            cut = cv2.cvtColor(cut, cv2.COLOR_GRAY2RGB)
        seen = self._look.detect(
            mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(cut))
        )
        if not seen.face_landmarks:
            return None
        mesh = np.array([(point.x, point.y) for point in seen.face_landmarks[0]]) * SHOWN
        points = np.stack([mesh[list(some)].mean(axis=0) for some in VERTICES])
        points = (points - matrix[:, 2]) / scale
        away = np.abs((points - face[4:].reshape(5, 2)).mean(axis=0)).max() / max(face[2:4])
        if away > 0.12:
            return None
        return points, pose(np.asarray(seen.facial_transformation_matrixes[0]))


def pose(matrix: np.ndarray) -> np.ndarray:
    """Return yaw, pitch and roll in degrees, as `fer_nb.faces.pose.Pose` has them.

    The mesh's angles are to the camera's axis; these are to the line of sight to the face.
    """
    sight = matrix[:3, 3] / -np.linalg.norm(matrix[:3, 3])  # to the camera
    axis = np.cross([0, 0, 1.0], sight)
    turn, _ = cv2.Rodrigues(axis * (math.asin(np.linalg.norm(axis)) / np.linalg.norm(axis)))
    axes = OURS @ turn.T @ matrix[:3, :3] @ OURS
    angles = [
        math.asin(np.clip(axes[2, 0], -1, 1)),
        math.atan2(-axes[2, 1], axes[2, 2]),
        math.atan2(axes[1, 0], axes[0, 0]),
    ]
    return np.add(np.degrees(angles), (0, RAISED, 0))


def upright_cut(picture: Picture, face: np.ndarray, points: np.ndarray):
    """Return what lies around a face, turned upright, the landmarks there, and the turn."""
    scale = FACE / max(face[2:4])
    angle = math.atan2(*(points[1] - points[0])[::-1])
    turn = scale * np.array(
        [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
    )
    matrix = np.hstack([turn, (STORED / 2 - turn @ (face[:2] + face[2:4] / 2))[:, None]])
    grey, first = picture.grey, 1.0
    if scale < 0.7:  # shrink by area first, or fine structure turns to noise
        first = max(scale, 4 / min(grey.shape))
        grey = cv2.resize(grey, None, fx=first, fy=first, interpolation=cv2.INTER_AREA)
    inner = np.hstack([turn / first, matrix[:, 2:]])
    border = cv2.BORDER_CONSTANT if picture.whole else cv2.BORDER_REPLICATE
    cut = cv2.warpAffine(np.ascontiguousarray(grey), inner, (STORED, STORED), borderMode=border)
    return cut, points @ turn.T + matrix[:, 2], math.degrees(angle)


def main(data: Path, teacher_file: Path, task: Path, crops: int, out: Path) -> None:
    """Label the faces once; of the pictures that are mere crops, every n-th."""
    cv2.setNumThreads(1)
    mesh, kept, missed = Mesh(task), [], 0
    for picture in learned(data, Teacher(teacher_file), crops=crops):
        for face in picture.faces:
            if max(face[2:4]) < 40:
                continue
            found = mesh(picture.grey, face)
            if found is None:
                missed += 1
                continue
            cut, points, angle = upright_cut(picture, face, found[0])
            kept.append((cut, points, found[1] - (0, 0, angle)))
            if len(kept) % 1000 == 0:
                write(out, kept)
                print(len(kept), missed, flush=True)
    write(out, kept)
    print(f"{len(kept)} faces; in {missed} the mesh saw none, or another")


def write(out: Path, kept: list) -> None:
    """Write the cuts (n, STORED, STORED), landmarks (n, 5, 2) and poses in the cut (n, 3)."""
    cuts, points, poses = (np.stack(part) for part in zip(*kept, strict=True))
    partial = out.with_suffix(".part.npz")
    np.savez(partial, cuts=cuts, points=points.astype(np.float32), poses=poses.astype(np.float32))
    partial.replace(out)


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    weights = Path("../shared/weights/det")
    yunet = weights / "face_detection_yunet_2023mar.onnx"
    parser.add_argument("--teacher", type=Path, default=yunet)
    parser.add_argument("--task", type=Path, default=weights / "face_landmarker.task")
    parser.add_argument("--crops", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    main(options.data, options.teacher, options.task, options.crops, options.out)
