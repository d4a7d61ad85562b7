"""How often the decision changes from one frame to the next on video, for the model and its peers.

The same face boxes, found once a frame and smoothed, go to every model; frames without exactly one
face are left out. An expression does change at times, so this compares models; it is no error rate.

    python benchmarks/model_flicker.py --videos FOLDER --mobilenet FILE.tflite --packages UNPACKED
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from model_peers import peers

from fer_nb import load_model
from fer_nb.detectors import load_detector
from fer_nb.faces import Face, crop_face
from fer_nb.media import VideoReader
from fer_nb.training.evaluate import SEVEN_INDEX


def steady_crops(path: Path, detector, frames: int) -> list[np.ndarray]:
    """Return the face of each of the first frames, its box a running mean (0.7 old, 0.3 new)."""
    crops, box = [], None
    with VideoReader(path) as video:
        for frame in video:
            if frame.index >= frames:
                break
            faces = detector(frame.image)
            if len(faces) != 1:
                continue
            new = np.array([faces[0].x, faces[0].y, faces[0].width, faces[0].height], float)
            box = new if box is None else 0.7 * box + 0.3 * new
            crops.append(crop_face(frame.image, Face(*box, score=1.0)))
    return crops


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=Path, required=True)
    parser.add_argument("--mobilenet", type=Path, required=True)
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=100)
    options = parser.parse_args()
    models = {"fer_nb compact": load_model("compact", threads=1)}
    for name, load in peers(options.mobilenet, options.packages).items():
        models[name] = load()
    detector = load_detector("haar")
    changes = {name: [] for name in models}
    for path in sorted(options.videos.glob("liveportrait_*.mp4")):
        crops = steady_crops(path, detector, options.frames)
        if len(crops) < 20:
            continue
        line = [f"{path.name:<26}{len(crops):>4} frames"]
        for name, model in models.items():
            said = model.predict_batch(crops).probs[:, SEVEN_INDEX].argmax(axis=1)
            changes[name].append(float(np.mean(said[1:] != said[:-1])))
            line.append(f"{name} {changes[name][-1]:.3f}")
        print("  ".join(line), flush=True)
    print("mean  " + "  ".join(f"{name} {np.mean(each):.3f}" for name, each in changes.items()))


if __name__ == "__main__":
    main()
