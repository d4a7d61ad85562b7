"""How much faster do several workers analyse many short recordings than one?

    python benchmarks/scaling.py VIDEO [--recordings 200] [--workers 2] [--rounds 3]

The first second of the video is copied so many times, and the copies are analysed by one process
and by several, in turns, each time from nothing: the start of the workers counts. Printed are
seconds by the clock and the recordings a second as a share of `workers` times those of one. Only
figures of a machine that does nothing else, with as many cores as workers, mean anything.
"""

from __future__ import annotations

import argparse
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


def seconds(videos: list[Path], workers: int) -> float:
    """Analyse all videos, keep their tables, and return how long it took."""
    with tempfile.TemporaryDirectory() as tables:
        load = VideoLoader(Path(tables))
        rows = [{"video": video.name, "path": video} for video in videos]
        start = time.perf_counter()
        answers = list(map_in_order(load.keep, rows, workers=workers))
        taken = time.perf_counter() - start
    failed = [answer for answer in answers if isinstance(answer, FerError)]
    if failed:
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
        shares = []
        for _ in range(args.rounds):
            one, several = seconds(videos, 1), seconds(videos, args.workers)
            shares.append(one / (args.workers * several))
            told = f"1 worker {one:.1f} s, {args.workers} workers {several:.1f} s"
            print(f"{told}: {shares[-1]:.2f} of {args.workers} x single", flush=True)
    middle = statistics.median(shares)
    print(f"median {middle:.2f} ({min(shares):.2f}-{max(shares):.2f})")


if __name__ == "__main__":
    main()
