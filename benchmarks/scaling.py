"""How much faster do several workers analyse many short recordings than one?

    python benchmarks/scaling.py VIDEO [--recordings 200] [--workers 2] [--rounds 3]

The first second of the video is copied so many times, and the copies are analysed by one worker on
one core and by several, in turns, each time from nothing: the start of the workers counts. Printed
are seconds by the clock and the recordings a second as a share of `workers` times those of one.
Only figures of a machine that does nothing else, with as many cores as workers, mean anything. For
Linux, where a process can be kept to a core.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from fer_nb.batch import map_in_order
from fer_nb.errors import FerError
from fer_nb.loader import VideoLoader
from fer_nb.media import VideoReader, VideoWriter


def cut(video: Path, out: Path) -> None:
    """Write the first second of a video."""
    with VideoReader(video) as reader, VideoWriter(out, reader.info.fps) as writer:
        for frame in reader:
            if frame.time_s >= 1:
                break
            writer.write(frame.image, frame.time_s)


def seconds(videos: list[Path], workers: int, cores: set[int]) -> float:
    """Analyse all videos in workers on some cores, and return how long it took."""
    everything = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)  # a process that is started has its parent's
    try:
        with tempfile.TemporaryDirectory() as tables:
            load = VideoLoader(Path(tables))
            rows = [{"video": video.name, "path": video} for video in videos]
            start = time.perf_counter()
            # With a time limit one worker is a process of its own, too.
            answers = list(map_in_order(load.keep, rows, workers=workers, time_limit_s=3600))
            taken = time.perf_counter() - start
    finally:
        os.sched_setaffinity(0, everything)
    if failed := [answer for answer in answers if isinstance(answer, FerError)]:
        raise failed[0]
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("video", type=Path)
    parser.add_argument("--recordings", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        videos = [Path(name) / f"r{i:04d}.mp4" for i in range(args.recordings)]
        cut(args.video, videos[0])
        for copy in videos[1:]:
            shutil.copy(videos[0], copy)
        shares, cores = [], sorted(os.sched_getaffinity(0))
        for _ in range(args.rounds):
            one = seconds(videos, 1, set(cores[:1]))
            several = seconds(videos, args.workers, set(cores))
            shares.append(one / (args.workers * several))
            told = f"1 worker {one:.1f} s, {args.workers} workers {several:.1f} s"
            print(f"{told}: {shares[-1]:.2f} of {args.workers} x single", flush=True)
    middle = statistics.median(shares)
    print(f"median {middle:.2f} ({min(shares):.2f}-{max(shares):.2f})")


if __name__ == "__main__":
    main()
