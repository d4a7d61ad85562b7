"""Is the model worth shipping in 8-bit integers? Accuracy, size and time beside the float file.

    python benchmarks/model_int8.py --data DATA [--out RECORD.json]

Static quantisation by ONNX Runtime, per channel, calibrated on 256 pictures of FER+ Training.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from fer_nb import load_model
from fer_nb.models import preprocess
from fer_nb.training.datasets import load_ferplus, most_voted
from fer_nb.zoo import onnx_session


class Calibration(CalibrationDataReader):
    """Pictures in batches of 32, as ONNX Runtime asks for them."""

    def __init__(self, pictures: np.ndarray):
        self.batches = iter(np.split(pictures, len(pictures) // 32))

    def get_next(self) -> dict | None:
        batch = next(self.batches, None)
        return None if batch is None else {"face": batch}


def probabilities(path: Path, pictures: np.ndarray, threads: int = 1) -> np.ndarray:
    """Natural-prior probabilities of all pictures."""
    session = onnx_session(path, threads)
    parts = np.array_split(pictures, max(1, len(pictures) // 64))
    return np.concatenate([session.run(["probs"], {"face": part})[0] for part in parts])


def milliseconds(path: Path, pictures: np.ndarray, batch: int, threads: int) -> float:
    """Median time a face, of 200 calls."""
    session = onnx_session(path, threads)
    times = []
    for _ in range(210):
        start = time.perf_counter()
        session.run(None, {"face": pictures[:batch]})
        times.append(time.perf_counter() - start)
    return float(np.median(times[10:]) / batch * 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with ferplus_trainval.npz")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    model = load_model("compact", prior="natural")
    plus = load_ferplus(options.data / "ferplus_trainval.npz")

    test = plus.part("test")
    pictures, label = preprocess(test.images, model.size), most_voted(test.votes)
    named = label < 8
    shipped = model.folder / model.info["files"]["onnx"]
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "int8.onnx"
        plain = Path(folder) / "float.onnx"
        shutil.copy(shipped, plain)
        quantize_static(
            str(plain),
            str(small),
            Calibration(preprocess(plus.part("train").images[:256], model.size)),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv", "Gemm"],
        )
        for name, path in (("float", plain), ("int8", small)):
            probs = probabilities(path, pictures)
            right = probs[named][:, :8].argmax(axis=1) == label[named]
            found[name] = {
                "accuracy of eight": round(float(right.mean()), 4),
                "megabytes": round(path.stat().st_size / 1e6, 2),
                "ms, batch 1, 1 thread": round(milliseconds(path, pictures, 1, 1), 3),
                "ms, batch 16, 2 threads": round(milliseconds(path, pictures, 16, 2), 3),
            }
    for name, row in found.items():
        print(name, row)
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
