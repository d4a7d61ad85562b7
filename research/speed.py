"""How long a face takes: the shipped networks in turns, so that a busy machine treats them alike.

    python research/speed.py --out research/records/speed.json

The fastest of 60 calls counts: other work can only slow a call down.
"""

from __future__ import annotations

import argparse
import datetime
import json
import time
from pathlib import Path

import numpy as np

from fer_nb.models import load_model

NAMES = ("accurate", "compact", "compact-0.10")
WAYS = {"batch 1, 1 thread": (1, 1), "batch 16, 2 threads": (16, 2)}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    faces = [rng.integers(0, 256, (128, 128, 3), dtype=np.uint8) for _ in range(16)]
    models = {
        (name, way): load_model(name, threads=threads)
        for name in NAMES
        for way, (_, threads) in WAYS.items()
    }
    fastest = dict.fromkeys(models, float("inf"))
    for _ in range(60):
        for (name, way), model in models.items():
            batch = WAYS[way][0]
            began = time.perf_counter()
            model.predict_batch(faces[:batch])
            spent = (time.perf_counter() - began) / batch * 1000
            fastest[name, way] = min(fastest[name, way], spent)
    found: dict = {"date": datetime.date.today().isoformat()}
    for (name, way), value in fastest.items():
        found.setdefault(name, {})[way] = round(value, 2)
    options.out.write_text(json.dumps(found, indent=1) + "\n")
    print(found)


if __name__ == "__main__":
    main()
