"""How fast videos are analysed, beside decoding alone in the same run.

    python benchmarks/speed.py VIDEO… [--repeats 3] [--detector haar]

Prints a line per video: frames, frames per second of decoding (to RGB) and of the whole analysis
(median over the repeats, with least and most), and how much faster than real time that is; then
how long the import and the first prediction take, each in a new process.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

from fer_nb.detectors import load_detector
from fer_nb.media import VideoReader
from fer_nb.models import load_model
from fer_nb.reactions import analyze_video

START = """
import time
start = time.perf_counter()
import fer_nb
imported = time.perf_counter()
import numpy as np
fer_nb.load_model().predict(np.zeros((96, 96, 3), np.uint8))
print(imported - start, time.perf_counter() - imported)
"""


def decode(path: str) -> tuple[int, float]:
    """Decode every frame to RGB; return their number and the last time stamp."""
    count, last_s = 0, 0.0
    with VideoReader(path) as video:
        for frame in video:
            frame.image.shape  # noqa: B018  asks for the conversion
            count, last_s = count + 1, frame.time_s
    return count, last_s


def spread(values: list[float]) -> str:
    """Median, with least and most."""
    return f"{statistics.median(values):7.1f} ({min(values):.1f}-{max(values):.1f})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="+")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--detector", default="haar")
    parser.add_argument("--detector-model", default=None)
    options = parser.parse_args()
    extra = {"model": options.detector_model} if options.detector_model else {}
    model, detector = load_model(), load_detector(options.detector, **extra)
    print(f"{'video':28} frames   decode /s              analysis /s            x real time  faces")
    for path in options.videos:
        decoding, analysis, times, faces = [], [], [], 0
        for _ in range(options.repeats):
            start = time.perf_counter()
            count, last_s = decode(path)
            decoding.append(count / (time.perf_counter() - start))
            start = time.perf_counter()
            table = analyze_video(path, model=model, detector=detector)
            seconds = time.perf_counter() - start
            analysis.append(count / seconds)
            times.append(last_s / seconds)
            faces = table.loc[table["face_id"].notna(), "frame"].nunique() / count
        name = path.rsplit("/", 1)[-1][:28]
        print(
            f"{name:28} {count:6}  {spread(decoding):22} {spread(analysis):22} "
            f"{statistics.median(times):8.1f}   {faces:.1%}"
        )
    runs = [
        subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True)
        for _ in range(5)
    ]
    imports, first = zip(*(map(float, run.stdout.split()) for run in runs), strict=True)
    print(f"import fer_nb: {statistics.median(imports):.3f} s")
    print(f"then loading the model and the first prediction: {statistics.median(first):.3f} s")


if __name__ == "__main__":
    main()
