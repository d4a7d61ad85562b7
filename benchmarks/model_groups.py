"""Neutral against smiling on the London Set, by the groups its people named themselves.

python benchmarks/model_groups.py --london london_dev.npz
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from fer_nb import load_model
from fer_nb.emotions import EMOTIONS
from fer_nb.study.intervals import exact_share
from fer_nb.training.judges import london


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--london", type=Path, required=True)
    parser.add_argument("--model", default="compact")
    options = parser.parse_args()
    judge = london(options.london)
    probs = load_model(options.model, threads=1).predict_batch(judge.crops).probs
    happy, neutral = EMOTIONS.index("happy"), EMOTIONS.index("neutral")
    right = (probs[:, happy] > probs[:, neutral]) == (judge.label == happy)
    with np.load(options.london) as data:
        age = data["face_age"]
        groups = {
            "gender": data["face_gender"].astype(str),
            "ethnicity": data["face_eth"].astype(str),
            "age": np.select([age < 25, age < 35], ["under 25", "25-34"], "35 and over"),
        }
    for kind, values in groups.items():
        for value in np.unique(values):
            for name, label in (("neutral", neutral), ("smiling", happy)):
                rows = (values == value) & (judge.label == label)
                n, k = int(rows.sum()), int(right[rows].sum())
                if n < 8:
                    continue  # says nothing
                low, high = exact_share(k, n)
                share = f"{k:>3}/{n:<4}{k / n:.2f} [{low:.2f}, {high:.2f}]"
                print(f"{kind:<10}{value:<22}{name:<9}{share}")


if __name__ == "__main__":
    main()
