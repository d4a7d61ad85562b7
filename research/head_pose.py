"""Head pose from landmarks, beside the poses that GENKI-4K states.

    python research/head_pose.py ../shared/data/genki4k_dev.npz [--yunet FILE.onnx]

GENKI's poses are coarse labels. `face5` learned from its first pictures, so only the last 300 of
the pack, which it never saw, are measured. Correlation with the label, mean absolute difference,
and the same after the median difference (another zero) is taken off.
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from fer_nb.faces import load_detector

ASIDE = 300


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("genki", type=Path)
    parser.add_argument("--yunet", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    pack = np.load(options.genki)
    ends = pack["offsets"][-ASIDE - 1 :]
    labels = np.degrees(pack["pose"][-ASIDE:].astype(float))
    detectors = {"face5": load_detector("face5")}
    if options.yunet:
        detectors["yunet"] = load_detector("yunet", model=options.yunet)
    record: dict = {"date": time.strftime("%Y-%m-%d"), "pictures": ASIDE}
    for name, detector in detectors.items():
        poses = np.full((ASIDE, 3), np.nan)
        for row, (start, end) in enumerate(pairwise(ends)):
            bgr = cv2.imdecode(pack["jpeg"][start:end], cv2.IMREAD_COLOR)
            faces = detector(np.ascontiguousarray(bgr[..., ::-1]))
            if faces:
                poses[row] = faces[0].pose
        seen = ~np.isnan(poses[:, 0])
        record[name] = {"found": int(seen.sum())}
        for axis, angle in enumerate(("yaw", "pitch", "roll")):
            found, label = poses[seen, axis], labels[seen, axis]
            correlation = float(np.corrcoef(found, label)[0, 1])
            away = found - np.sign(correlation) * label  # GENKI counts some angles the other way
            record[name][angle] = {
                "correlation": round(correlation, 3),
                "mean difference": round(float(np.abs(away).mean()), 1),
                "without offset": round(float(np.abs(away - np.median(away)).mean()), 1),
                "offset": round(float(np.median(away)), 1),
            }
        print(name, record[name], flush=True)
    if options.out:
        options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
