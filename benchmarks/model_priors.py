"""Choose the default prior: the protocol's score for priors between natural and balanced.

python benchmarks/model_priors.py --data DATA --out benchmarks/records/model_priors.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from fer_nb import load_model
from fer_nb.models import Predictions
from fer_nb.training.evaluate import as_text, evaluate
from fer_nb.training.judges import load_judges

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)


class Remembered:
    """Keeps a model's answers, so that another prior costs no second pass."""

    def __init__(self, model):
        self.model, self.kept, self.ratings = model, {}, model.ratings

    def predict_batch(self, faces) -> Predictions:
        key = hash((len(faces), *(face.tobytes() for face in faces)))
        if key not in self.kept:
            self.kept[key] = self.model.predict_batch(faces)
        return self.kept[key]


class WithPrior:
    """Another model's answers under natural ** (1 - strength)."""

    def __init__(self, reader, natural: np.ndarray, strength: float):
        self.reader, self.factor = reader, natural**-strength
        self.ratings = reader.ratings

    def predict_batch(self, faces) -> Predictions:
        answer = self.reader.predict_batch(faces)
        probs = answer.probs * self.factor
        probs /= probs.sum(axis=1, keepdims=True)
        return Predictions(probs, answer.valence, answer.arousal, {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--out", type=Path, required=True, help="JSON file with every table")
    options = parser.parse_args()
    model = load_model(options.model, prior="natural", threads=1)
    natural = np.array([model.prior[name] for name in model.info["emotions"]])
    reader, judges = Remembered(model), load_judges(options.data)
    tables = {}
    for strength in STRENGTHS:
        tables[str(strength)] = evaluate(WithPrior(reader, natural, strength), judges)
        options.out.write_text(json.dumps(tables, indent=1) + "\n")
    for strength, table in tables.items():
        print(f"strength {strength}\n{as_text(table, 2)}\n")
    best = max(tables, key=lambda strength: tables[strength]["score"])
    scores = {strength: table["score"] for strength, table in tables.items()}
    print(f"scores by strength: {scores}; best: {best}")


if __name__ == "__main__":
    main()
