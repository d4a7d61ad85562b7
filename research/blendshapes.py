"""What MediaPipe's face landmarker says of how a face moves: 52 blendshapes (Apache 2.0).

It finds smiles by geometry, and so is less led by beards and sex than a classifier: targets for the
students to guess beside the teacher's features. It is a teacher only; nothing of it ships.
MediaPipe brings an OpenCV of its own and is best kept in an environment of its own:

    python research/blendshapes.py crops.pkl face_landmarker.task blendshapes.npz

with crops.pkl as `recipe.py blendshapes` wrote it. A face that it doesn't find is a row of NaN.
"""

from __future__ import annotations

import argparse
import os
import pickle
from pathlib import Path

import cv2
import numpy as np

BORDER = 0.3  # of the side; crops are too narrow for its face finder
SIDE = 256


def shapes(crops: list[np.ndarray], task: Path) -> np.ndarray:
    """Return 52 blendshapes, 0 to 1, of each face: float32 (n, 52)."""
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(task)),
        output_face_blendshapes=True,
        num_faces=1,
        min_face_detection_confidence=0.2,
        min_face_presence_confidence=0.2,
    )
    reader = vision.FaceLandmarker.create_from_options(options)
    found = np.full((len(crops), 52), np.nan, np.float32)
    for i, crop in enumerate(crops):
        crop = crop if crop.ndim == 3 else np.repeat(crop[..., None], 3, axis=2)
        edge = int(BORDER * crop.shape[0])
        crop = cv2.copyMakeBorder(crop, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
        how = cv2.INTER_AREA if crop.shape[0] > SIDE else cv2.INTER_LINEAR
        crop = np.ascontiguousarray(cv2.resize(crop, (SIDE, SIDE), interpolation=how))
        answer = reader.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=crop))
        if answer.face_blendshapes:
            found[i] = [shape.score for shape in answer.face_blendshapes[0]]
    return found


def main() -> None:
    """Read the crops, write rows and blendshapes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("crops", "task", "out"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    with options.crops.open("rb") as file:
        rows, crops = pickle.load(file)
    part = options.out.with_name("part.npz")
    np.savez(part, rows=rows, shapes=shapes(crops, options.task))
    os.replace(part, options.out)


if __name__ == "__main__":
    main()
