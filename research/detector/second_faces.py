"""How often a second face is told of in recordings of one person, through detection and tracking.

    python research/detector/second_faces.py ../shared/data/videos --out second_faces.json

Each clip shows one person. Every track beside the longest one, confirmed as an analysis confirms
it, is a false one: a face on a wall or a shirt, or the same person taken for another.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path

from fer_nb.faces import Tracker, load_detector
from fer_nb.media import VideoReader

CLIPS = ("liveportrait_d0", "liveportrait_d6", "liveportrait_d9", "liveportrait_d11",
         "liveportrait_d12", "liveportrait_d14", "liveportrait_d18", "liveportrait_d19",
         "liveportrait_d20", "liveportrait_s18", "liveportrait_s32", "fer_test")  # fmt: skip


def followed(path: Path, detector) -> dict:
    """Return the frames, the tracks and what of them is beside the person, of one clip."""
    tracker, frames, seen, second = Tracker(detector), 0, Counter(), []
    with VideoReader(path) as video:
        for frame in video:
            ids = [track.id for track in tracker.update(frame, frame.time_s)]
            frames += 1
            seen.update(ids)
            second.append(ids)
    real = [number for number in seen if tracker.confirmed(number)]
    person = max(real, key=seen.__getitem__, default=None)
    return {
        "frames": frames,
        "person": round(seen[person] / frames, 4),
        "tracks": len(real),
        "second face": round(
            sum(any(n in real and n != person for n in ids) for ids in second) / frames, 4
        ),
    }


def main() -> None:
    """Follow, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path)
    parser.add_argument("--detector", action="append", help="as load_detector takes it")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    record: dict = {"date": time.strftime("%Y-%m-%d")}
    for name in options.detector or ["face5", "haar"]:
        detector = load_detector(name)
        record[name] = {}
        for clip in CLIPS:
            row = record[name][clip] = followed(options.videos / f"{clip}.mp4", detector)
            print(name, clip, row, flush=True)
        frames = sum(row["frames"] for row in record[name].values())
        share = sum(r["frames"] * r["second face"] for r in record[name].values()) / frames
        record[name]["all"] = {"frames": frames, "second face": round(share, 4)}
        print(name, record[name]["all"], flush=True)
    if options.out:
        options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
