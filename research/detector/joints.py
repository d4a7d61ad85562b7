"""Who is who where recordings are cut together: A, B and A again, for each two of twelve people.

    python research/detector/joints.py ../shared/data/videos [--out joints.json]

The one who follows must get another number, and who comes back the old one. Each pair is shown
plain, and with black bars at the sides. In the clips themselves nothing is cut, so that each cut
told of there is a false one; also where only every third frame is seen.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from itertools import islice, permutations
from pathlib import Path

import cv2
import numpy as np
from second_faces import CLIPS

from fer_nb.faces import Tracker, load_detector
from fer_nb.faces.cuts import Cuts
from fer_nb.faces.flow import flow_picture
from fer_nb.media import VideoReader

SHOT = 35  # frames
SIDE = 480


def shown(picture: np.ndarray, bars: int) -> np.ndarray:
    """Return the middle square of a picture at one size, with bars at both sides."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = cv2.resize(picture[top : top + side, left : left + side], (SIDE, SIDE))
    return cv2.copyMakeBorder(square, 0, 0, bars, bars, cv2.BORDER_CONSTANT)


def numbers(frames: list[np.ndarray], detector) -> list[int | None]:
    """Return the number seen most often in the later half of each of three shots."""
    tracker = Tracker(detector)
    seen = [[t.id for t in tracker.update(frame, i / 30)] for i, frame in enumerate(frames)]
    found = []
    for shot in range(3):
        rows = seen[shot * SHOT + SHOT // 2 : (shot + 1) * SHOT]
        most = Counter(number for row in rows for number in row).most_common(1)
        found.append(most[0][0] if most else None)
    return found


def main() -> None:
    """Cut together, count, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    detector, shots = load_detector("face5"), {}
    record: dict = {"date": time.strftime("%Y-%m-%d"), "frames": 0, "false cuts": {}}
    false = Counter({1: 0, 3: 0})
    for clip in CLIPS:
        with VideoReader(options.videos / f"{clip}.mp4") as video:
            grey, pictures = [], []
            for frame in video:
                grey.append(flow_picture(frame)[0])
                if len(pictures) < 2 * SHOT:
                    pictures.append(frame.image)
        shots[clip] = pictures
        record["frames"] += len(grey)
        for step in false:
            is_cut = Cuts()
            false[step] += sum(map(is_cut, islice(grey, 0, None, step)))
    record["false cuts"] = {f"every {step}": count for step, count in false.items()}
    for name, bars in (("plain", 0), ("with bars", SIDE // 2)):
        framed = {clip: [shown(p, bars) for p in shots[clip]] for clip in CLIPS}
        right, wrong = 0, []
        for one, other in permutations(CLIPS, 2):
            frames = framed[one][:SHOT] + framed[other][:SHOT] + framed[one][SHOT:]
            first, second, third = numbers(frames, detector)
            good = None not in (first, second) and first != second and third == first
            right += good
            wrong += [] if good else [[one, other, first, second, third]]
        record[name] = {"pairs": right + len(wrong), "right": right, "wrong": wrong}
        print(name, record[name], flush=True)
    print(record["frames"], record["false cuts"])
    if options.out:
        options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
