"""How long a model takes, measured in a process of its own, so that nothing else is counted.

python -m fer_nb.evaluation.latency '{"model": "compact", "threads": 1, "batches": [1, 8]}'
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.errors import FerError

MODELS = ("compact", "vggfer", "vggfer two networks", "vggfer keras")


def measure(
    model: str,
    *,
    threads: int = 1,
    batches: tuple[int, ...] = (1, 8, 32),
    budget_s: float = 2.0,
    models_dir: str | Path | None = None,
) -> pd.DataFrame:
    """Time a model from crops to predictions, preprocessing included, in a fresh process.

    Parameters
    ----------
    model : {"compact", "vggfer", "vggfer two networks", "vggfer keras"}
        "vggfer" runs on ONNX Runtime; "two networks" is `val_ar=True`.
    threads : int
    batches : tuple of int
        Faces per call.
    budget_s : float
        About how long each batch size is tried; at least five calls are made.
    models_dir : path, optional
        For `VGGFerModel`.

    Returns
    -------
    DataFrame
        One row per batch size: `latency_ms` (median of the calls), `low_ms`, `high_ms` (the middle
        80 % of them), `calls`, `faces_per_s`, `start_s` (from the start of Python to the first
        answer) and `memory_mb` (the most that the process held).

    Raises
    ------
    FerError
        If the process fails; with its last line.
    """
    if model not in MODELS:
        raise FerError(f"no model {model!r} to measure; choose one of {', '.join(MODELS)}")
    task = {
        "model": model,
        "threads": threads,
        "batches": list(batches),
        "budget_s": budget_s,
        "models_dir": str(Path(models_dir).resolve()) if models_dir else None,
        "began": time.time(),
    }
    # TensorFlow takes its number of threads from the environment, once.
    count = str(threads)
    environment = {
        **os.environ,
        "TF_NUM_INTRAOP_THREADS": count,
        "TF_NUM_INTEROP_THREADS": count,
        "OMP_NUM_THREADS": count,
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, "-m", "fer_nb.evaluation.latency", json.dumps(task)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise FerError(f"{model} could not be measured: {last[0]}")
    rows = json.loads(done.stdout.splitlines()[-1])
    return pd.DataFrame(rows).assign(model=model, threads=threads)


def time_calls(call, budget_s: float, least: int = 5) -> np.ndarray:
    """Return the seconds of repeated calls, after one that doesn't count."""
    call()
    seconds, began = [], time.perf_counter()
    while len(seconds) < least or time.perf_counter() - began < budget_s:
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return np.array(seconds)


def _load(model: str, threads: int, models_dir: str | None):
    if model == "compact":
        from fer_nb.models import load_model

        return load_model("compact", threads=threads)
    from fer_nb.models.vggfer import VGGFerModel

    runtime = "keras" if model == "vggfer keras" else "onnx"
    both = model == "vggfer two networks"
    return VGGFerModel(both, models_dir, runtime=runtime, threads=threads)


def _main(task: dict) -> None:
    import psutil

    from fer_nb.opencv import cv2

    cv2.setNumThreads(task["threads"])
    model = _load(task["model"], task["threads"], task["models_dir"])
    faces = list(
        np.random.default_rng(0).integers(0, 256, (max(task["batches"]), 128, 128, 3), "u1")
    )
    model.predict_batch(faces[:1])
    start_s, rows = time.time() - task["began"], []
    for batch in task["batches"]:
        seconds = time_calls(lambda n=batch: model.predict_batch(faces[:n]), task["budget_s"])
        low, middle, high = np.percentile(seconds, [10, 50, 90]) * 1000
        rows.append(
            {
                "batch": batch,
                "latency_ms": middle,
                "low_ms": low,
                "high_ms": high,
                "calls": len(seconds),
                "faces_per_s": batch / middle * 1000,
                "start_s": start_s,
            }
        )
    memory = psutil.Process().memory_info()
    most = getattr(memory, "peak_wset", None) or _peak_bytes() or memory.rss
    print(json.dumps([{**row, "memory_mb": most / 1e6} for row in rows]))


def _peak_bytes() -> int:
    """The most memory this process held; 0 where the system does not say."""
    status = Path("/proc/self/status")
    if status.is_file():
        # getrusage would count what the parent held when it started this process.
        lines = status.read_text().splitlines()
        return next((1024 * int(line.split()[1]) for line in lines if "VmHWM" in line), 0)
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
