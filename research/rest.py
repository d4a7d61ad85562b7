"""Do smiles of men and women count the same when each face is compared with its own rest?

    python research/rest.py --data DATA --model accurate

London Set: 102 people, each once neutral and once smiling. A smile is found when `p_happy` lies
above a limit, either as it is or as its rise above the person's own neutral picture. Each limit is
set so that one neutral picture in twenty is taken for a smile: for the rise, neutral pictures as
another camera would give them (shifted, scaled, relit, compressed) against the untouched one.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from faces import grey

from fer_nb.emotions import EMOTIONS
from fer_nb.models import load_model
from fer_nb.training.common.augment import Augmentation, augment
from fer_nb.training.common.layouts import unpack

HAPPY = EMOTIONS.index("happy")
VIEWS = 8
ANOTHER_CAMERA = Augmentation(
    shift=0.03, scale=(0.95, 1.05), rotation=3.0, light=0.3, p_jpeg=0.5, p_erase=0.0, p_small=0.0
)


def main() -> None:
    """Print shares of smiles found, women and men, both ways, with intervals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="accurate")
    options = parser.parse_args()
    with np.load(options.data / "london_dev.npz") as data:
        crops, person = unpack(data), data["face_id"].astype(str)
        gender, smiling = data["face_gender"].astype(str), data["expression"] == 1
    model = load_model(options.model)
    happy = model.predict_batch(crops).probs[:, HAPPY]
    rng = np.random.default_rng(0)
    neutral = np.flatnonzero(~smiling)
    plain = [grey(crop, 224) for crop in crops]
    views = [augment(plain[i], rng, 160, ANOTHER_CAMERA) for i in neutral for _ in range(VIEWS)]
    again = model.predict_batch(views).probs[:, HAPPY].reshape(len(neutral), VIEWS)
    rest = dict(zip(person[neutral], happy[neutral], strict=True))
    own = np.array([rest[name] for name in person])
    ways = {
        "level": (happy[smiling], np.quantile(again, 0.95)),
        "rise above the own rest": (
            (happy - own)[smiling],
            np.quantile(again - happy[neutral, None], 0.95),
        ),
    }
    woman = gender[smiling] == "female"
    for name, (score, limit) in ways.items():
        found = score > limit
        gaps = []
        for _ in range(2000):
            some = rng.integers(0, len(found), len(found))
            gaps.append(found[some][woman[some]].mean() - found[some][~woman[some]].mean())
        told = {
            "limit": round(float(limit), 3),
            "women": f"{found[woman].sum()} of {woman.sum()}",
            "men": f"{found[~woman].sum()} of {(~woman).sum()}",
            "gap in points": round(100 * float(found[woman].mean() - found[~woman].mean()), 1),
            "95 %": (100 * np.quantile(gaps, [0.025, 0.975])).round(1).tolist(),
        }
        print(name, json.dumps(told))


if __name__ == "__main__":
    main()
