"""Do the intervals of the scores hold what they promise, and how wide are they?

    python benchmarks/study_scores.py --studies 200 --out docs/scores.csv

For audiences of 12, 24 and 50 the share of simulated studies whose 95 % interval of each score
holds the mean of a simulated population of 20,000, and the intervals' mean width. Everybody's head
pose is known: people face the camera for 90 % of the time on average (beta-distributed, SD 7 %).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
import pandas as pd
from study_coverage import CONFIG, EVENTS

from fer_nb.study.curves import Audience
from fer_nb.study.scores import SCORES, person_scores, stimulus_scores
from fer_nb.study.simulate import simulate_audience


def watch(n: int, rng: np.random.Generator, config) -> Audience:
    """Simulate n people who also look away."""
    people = simulate_audience(n, rng, events=EVENTS, config=config)
    return replace(people, facing=rng.beta(18, 2, len(people)))


def population(size: int, seed: int) -> dict[str, float]:
    """Mean of each score over a simulated population, in parts of 2,000."""
    parts = []
    for part in range(size // 2000):
        rng = np.random.default_rng([seed, part])
        scores = person_scores(watch(2000, rng, CONFIG))
        parts.append({k: np.nanmean(v) for k, v in scores.items()})
    return {name: float(np.mean([part[name] for part in parts])) for name in SCORES}


def main() -> None:
    """Simulate, and write one row per score and size of audience."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="number of the first, for its seed")
    parser.add_argument("--people", type=int, nargs="+", default=[12, 24, 50])
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    began = time.time()
    truth = population(20_000, 7)
    rows = []
    for n in options.people:
        found = []
        for k in range(options.first, options.first + options.studies):
            config = CONFIG.with_(seed=k, n_boot=1000)
            rng = np.random.default_rng([n, k])
            found.append(stimulus_scores(watch(n, rng, config)))
        table = pd.concat(found)
        table["truth"] = table["signal"].map(truth)
        known = table.dropna(subset=["low", "high"])
        hit = (known["low"] <= known["truth"]) & (known["truth"] <= known["high"])
        for name in SCORES:
            own = known["signal"] == name
            rows.append(
                {
                    "score": name,
                    "n": n,
                    "studies": int(own.sum()),
                    "truth": round(truth[name], 4),
                    "coverage": round(float(hit[own].mean()), 3),
                    "width": round(float((known["high"] - known["low"])[own].mean()), 4),
                }
            )
    pd.DataFrame(rows).to_csv(options.out, index=False)
    print(pd.DataFrame(rows).to_string(index=False))
    print(f"{time.time() - began:.0f} s")


if __name__ == "__main__":
    main()
