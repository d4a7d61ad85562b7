"""Time a face through the compact model and its peers, in one run on one machine.

    python benchmarks/model_speed.py --mobilenet FILE.tflite --packages UNPACKED

Prints the median milliseconds a face: batch 1 on one thread, and batch 16 on two.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from model_peers import peers

from fer_nb import load_model


def median_ms(call, faces: list, rounds: int) -> float:
    """Return the median time a face, in milliseconds."""
    for _ in range(3):
        call(faces)
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        call(faces)
        times.append(time.perf_counter() - began)
    return 1000 * float(np.median(times)) / len(faces)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="compact")
    parser.add_argument("--mobilenet", type=Path)
    parser.add_argument("--packages", type=Path)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    faces = [rng.integers(0, 256, (112, 112, 3), dtype=np.uint8) for _ in range(16)]
    one, two = (load_model(options.model, threads=threads) for threads in (1, 2))
    single = median_ms(one.predict_batch, faces[:1], options.rounds)
    batch = median_ms(two.predict_batch, faces, options.rounds // 4)
    print(f"{'fer_nb compact':<16}batch 1, 1 thread {single:6.2f} ms")
    print(f"{'fer_nb compact':<16}batch 16, 2 threads {batch:6.2f} ms")
    for name, load in peers(options.mobilenet, options.packages).items():
        single = median_ms(load().predict_batch, faces[:1], options.rounds // 4)
        print(f"{name:<16}batch 1, 1 thread {single:6.2f} ms")


if __name__ == "__main__":
    main()
