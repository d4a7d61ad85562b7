"""Judge detectors side by side, on pictures kept aside, whose faces were checked by eye.

Truth (``truth.py``): the last 300 pictures of GENKI-4K and twelve frames of each of six clips show
one main face each. A face counts as found by a box whose middle lies in the middle half of the true
box, 0.5 to 2 times as large. In the clips, and in backgrounds, which show nobody, every other box
is a false alarm.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

import cv2
import numpy as np
from scenes import moved
from sources import Teacher, backgrounds
from truth import judged, read

from fer_nb.faces import load_detector


def turned(bgr: np.ndarray, face: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture turned round its face, on a canvas that holds all of it, and the face."""
    height, width = bgr.shape[:2]
    side = int(np.hypot(height, width))
    centre = face[:2] + face[2:4] / 2
    matrix = cv2.getRotationMatrix2D(tuple(centre), degrees, 1.0)
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) @ matrix[:, :2].T
    matrix[:, 2] -= (corners + matrix[:, 2]).min(axis=0)
    return cv2.warpAffine(bgr, matrix, (side, side)), moved(face[None], matrix)[0]


def small(bgr: np.ndarray, face: np.ndarray, pixels: float, ground: np.ndarray):
    """Return a picture whose face is `pixels` high, amid a 640 x 480 background, and the face."""
    scale = pixels / face[3]
    tiny = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = cv2.cvtColor(cv2.resize(ground, (640, 480)), cv2.COLOR_GRAY2BGR)
    y, x = (480 - tiny.shape[0]) // 2, (640 - tiny.shape[1]) // 3
    canvas[y : y + tiny.shape[0], x : x + tiny.shape[1]] = tiny
    matrix = np.array([[scale, 0, x], [0, scale, y]])
    return canvas, moved(face[None], matrix)[0]


def dark(bgr: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return a picture with an eighth of the light, and the noise of a small camera."""
    return np.clip(bgr * 0.12 + random.normal(0, 2.5, bgr.shape), 0, 255).astype(np.uint8)


def hits(found: list, face: np.ndarray) -> list[bool]:
    """Say of each box whether it is the face."""
    centre, size = face[:2] + face[2:4] / 2, face[2:4]
    return [
        bool(
            (np.abs([f.x + f.width / 2, f.y + f.height / 2] - centre) < size / 4).all()
            and 0.5 < np.sqrt(f.area / (size[0] * size[1])) < 2
        )
        for f in found
    ]


def landmark_error(found: list, face: np.ndarray) -> float:
    """Return the mean distance of the landmarks, in sizes of the face; NaN if not found."""
    for one, hit in zip(found, hits(found, face), strict=True):
        if hit and one.landmarks is not None:
            away = np.hypot(*(one.landmarks - face[4:].reshape(5, 2)).T).mean()
            return float(away / np.sqrt(face[2] * face[3]))
    return float("nan")


def rgb(bgr: np.ndarray) -> np.ndarray:
    """Return the picture as detectors of fer_nb take it."""
    return np.ascontiguousarray(bgr[:, :, ::-1])


def shown(bgr: np.ndarray, face: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture with its longer side at most 640, and its face."""
    scale = min(1.0, 640 / max(bgr.shape[:2]))
    return cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), face * scale


def trials(data: Path, grounds: list[np.ndarray]) -> dict[str, list]:
    """Return the pictures of each test with the face in it, or None."""
    random = np.random.default_rng(0)
    truth = read()
    known = [
        (source, at, *shown(bgr, truth[source, at]))
        for source, at, bgr in judged(data)
        if (source, at) in truth
    ]
    upright = [(bgr, face) for source, _, bgr, face in known if source == "genki4k"]
    clips = [(bgr, face) for source, _, bgr, face in known if source != "genki4k"]
    yaw = np.load(data / "genki4k_dev.npz")["pose"][:, 0]
    angles = [yaw[at] for source, at, *_ in known if source == "genki4k"]
    made = {"upright": upright, "clips": clips}
    made["turned (yaw beyond 15°)"] = [
        one for one, angle in zip(upright, angles, strict=True) if abs(angle) > np.deg2rad(15)
    ]
    for degrees in (20, 30, 45):
        made[f"tilted ±{degrees}°"] = [
            turned(bgr, face, degrees * (-1) ** i) for i, (bgr, face) in enumerate(upright + clips)
        ]
    for pixels in (24, 16, 12):
        made[f"{pixels} pixels high"] = [
            small(bgr, face, pixels, grounds[i % len(grounds)])
            for i, (bgr, face) in enumerate(upright)
        ]
    made["dark"] = [(dark(bgr, random), face) for bgr, face in upright + clips]
    made["nobody"] = [(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), None) for grey in grounds]
    return made


def speed(detectors: dict, picture: np.ndarray, repeats: int = 60) -> dict[str, float]:
    """Return the median milliseconds of CPU of each detector, taken in turns."""
    times = {name: [] for name in detectors}
    for _ in range(repeats):
        for name, detector in detectors.items():
            start = time.process_time()
            detector(picture)
            times[name].append(1000 * (time.process_time() - start))
    return {name: round(float(np.median(values)), 2) for name, values in times.items()}


def main() -> None:
    """Judge, print a table, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument(
        "--teacher",
        type=Path,
        default=Path("../shared/weights/det/face_detection_yunet_2023mar.onnx"),
    )
    parser.add_argument("--backgrounds", type=Path, nargs="+", required=True)
    parser.add_argument(
        "--half",
        choices=("judge", "choose"),
        default="judge",
        help="odd pictures judge; even ones are for choosing settings by",
    )
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    grounds = list(backgrounds(options.backgrounds, Teacher(options.teacher), aside=True))
    first = int(options.half == "judge")
    made = {test: one[first::2] for test, one in trials(options.data, grounds).items()}
    detectors = {
        "face5": load_detector("face5"),
        "yunet": load_detector("yunet", model=options.teacher),
        "haar": load_detector("haar"),
    }
    record = {
        "machine": platform.processor() or platform.machine(),
        "date": time.strftime("%Y-%m-%d"),
    }
    for test, pictures in made.items():
        row = {"pictures": len(pictures)}
        for name, detector in detectors.items():
            found = [(detector(rgb(bgr)), face) for bgr, face in pictures]
            if test != "nobody":
                row[f"{name} found"] = round(np.mean([any(hits(f, face)) for f, face in found]), 4)
                errors = [landmark_error(f, face) for f, face in found]
                if not np.isnan(errors).all():
                    row[f"{name} landmarks away"] = round(float(np.nanmean(errors)), 4)
            if test in ("clips", "nobody", "upright"):
                wrong = [
                    len(f) - (1 if face is not None and any(hits(f, face)) else 0)
                    for f, face in found
                ]
                row[f"{name} false alarms a picture"] = round(float(np.mean(wrong)), 4)
        record[test] = row
        print(test, row, flush=True)
    bgr, face = made["clips"][-1]
    frame, face = cv2.resize(bgr, (320, 180), interpolation=cv2.INTER_AREA), face * 320 / 640
    x, y = np.clip((face[:2] + face[2:4] / 2).astype(int) - 48, 0, (320 - 96, 180 - 96))
    region = rgb(frame)[y : y + 96, x : x + 96]
    at_320 = {
        "face5": load_detector("face5", long_side=320),
        "yunet": load_detector("yunet", model=options.teacher, max_side=320),
        "haar": load_detector("haar", max_side=320),
    }
    near = {name: getattr(one, "near", one) for name, one in at_320.items()}
    record["ms at 320"] = speed(at_320, rgb(frame))
    record["ms in a region of 96"] = speed(near, region.copy())
    print(record["ms at 320"], record["ms in a region of 96"])
    if options.out:
        options.out.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
