"""How fast videos are analysed, beside decoding alone and other ways to do it, in one run.

    python benchmarks/speed.py VIDEO… [--repeats 3] [--yunet FILE.onnx --emotions FILE.onnx]

Each way reads every frame, in turns, so that a busy machine treats them alike. Printed are the
milliseconds a frame by the clock and of processor time on all cores (medians over the repeats), and
how many times longer each takes than decoding alone. The package `fer` is measured where it is
installed; "each frame" detects with YuNet and classifies with a network of 224 x 224 (such as
mobilenet_7 of HSEmotion) in every frame, one after the other. Then the processor time of our own
way by stage, the peak memory, and how long the import and the first prediction take, each in a new
process. On a busy machine only processor times and ratios mean anything.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial, wraps
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from fer_nb.faces import Tracker, crop_face, load_detector, tracking
from fer_nb.media import VideoReader
from fer_nb.models import load_model
from fer_nb.opencv import cv2
from fer_nb.reactions import analyze_video
from fer_nb.weights import onnx_session

START = """
import time
start = time.perf_counter()
import fer_nb
imported = time.perf_counter()
import numpy as np
fer_nb.load_model().predict(np.zeros((96, 96, 3), np.uint8))
print(imported - start, time.perf_counter() - imported)
"""


def decode(path: str) -> None:
    """Decode every frame as far as the analysis needs it."""
    with VideoReader(path) as video:
        for frame in video:
            frame.luma  # noqa: B018, a property that decodes


def with_fer(path: str) -> None:
    """Read every frame with the package `fer`, as its documentation shows."""
    from fer.fer import FER

    detector = FER(mtcnn=False)
    with VideoReader(path) as video:
        for frame in video:
            detector.detect_emotions(cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR))


def each_frame(path: str, detector, emotions: str) -> None:
    """Detect and classify the faces of every frame, with no tracking."""
    session = onnx_session(emotions)
    name, (_, *shape) = session.get_inputs()[0].name, session.get_inputs()[0].shape
    first = shape[0] == 3
    side = shape[1]
    with VideoReader(path) as video:
        for frame in video:
            for face in detector(frame.image):
                crop = cv2.resize(crop_face(frame.image, face), (side, side)).astype(np.float32)
                session.run(None, {name: (crop.transpose(2, 0, 1) if first else crop)[None] / 255})


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return seconds by the clock, and seconds of processor time."""
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - cpu


def stages(path: str, detector, model) -> dict[str, float]:
    """Return the seconds of processor time of each stage of an analysis."""
    spent: dict[str, float] = defaultdict(float)

    def counted(owner: object, name: str, stage: str):
        plain = getattr(owner, name)

        @wraps(plain)
        def called(*args, **kwargs):
            began = time.thread_time()
            try:
                return plain(*args, **kwargs)
            finally:
                spent[stage] += time.thread_time() - began

        setattr(owner, name, called)
        return partial(setattr, owner, name, plain)

    undo = [
        counted(Tracker, "_follow", "follow"),
        counted(tracking, "look_at", "detect nearby"),
        counted(type(detector), "__call__", "detect everywhere"),
        counted(tracking, "appearance", "looks"),
        counted(tracking, "points_on", "points"),
        counted(type(model), "predict_batch", "classify"),
    ]
    began = time.process_time()
    analyze_video(path, model=model, detector=detector)
    whole = time.process_time() - began
    for back in undo:
        back()
    return dict(spent) | {"decode, crop, rest": whole - sum(spent.values())}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="+")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--yunet", help="file of YuNet, for the way that does all in each frame")
    parser.add_argument("--emotions", help="ONNX file of an emotion network, for the same")
    options = parser.parse_args()
    model, ours, haar = load_model(), load_detector(), load_detector("haar")
    print(f"{'video':24} {'way':14} {'ms':>7} {'cpu ms':>7} {'x decode':>9} {'frames/s':>9}")
    for path in options.videos:
        with VideoReader(path) as video:
            count = sum(1 for _ in video)
        ways = {
            "decode only": partial(decode, path),
            f"ours, {ours.name}": partial(analyze_video, path, model=model, detector=ours),
            "ours, haar": partial(analyze_video, path, model=model, detector=haar),
        }
        if options.yunet and options.emotions:
            yunet = load_detector("yunet", model=options.yunet)
            ways["each frame"] = partial(each_frame, path, yunet, options.emotions)
        if find_spec("fer"):
            ways["fer"] = partial(with_fer, path)
        runs: dict[str, list] = {name: [] for name in ways}
        for _ in range(options.repeats):
            for name, work in ways.items():
                runs[name].append(timed(work))
        median = {
            name: [1000 / count * statistics.median(run[i] for run in times) for i in (0, 1)]
            for name, times in runs.items()
        }
        plain = median["decode only"]
        for name, (clock, cpu) in median.items():
            print(
                f"{Path(path).name[:24]:24} {name:14} {clock:7.2f} {cpu:7.2f} "
                f"{cpu / plain[1]:9.1f} {1000 / clock:9.0f}"
            )
        told = {name: 1000 * s / count for name, s in stages(path, ours, model).items()}
        print("  by stage, cpu ms:", ", ".join(f"{name} {ms:.2f}" for name, ms in told.items()))
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    runs_ = [
        subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, check=True)
        for _ in range(5)
    ]
    imports, first = zip(*(map(float, run.stdout.split()) for run in runs_), strict=True)
    print(f"import fer_nb: {statistics.median(imports):.3f} s")
    print(f"then loading the model and the first prediction: {statistics.median(first):.3f} s")


if __name__ == "__main__":
    main()
