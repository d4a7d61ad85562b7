"""How often do moments cry wolf, and how often do they see? Error rate and power by simulation.

python benchmarks/study_moments.py --studies 500 --out moments.csv
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from fer_nb.study.config import StudyConfig
from fer_nb.study.moments import find_moments
from fer_nb.study.simulate import Event, People, simulate_audience

CONFIG = StudyConfig()
# Kinds of audience with no effect at all: as usual, slow moods, often away, lively and alike.
NULLS = {
    "usual": People(),
    "slow drift (6 s)": People(drift_tau_s=6.0),
    "30 % missing": People(missing=0.3, leave=0.2),
    "strong drift": People(drift_sd=1.4),
}


def moments_of(audience, config, k):
    """Moments of one simulated study, as a report has them: beyond chance, and large enough."""
    table = find_moments(replace(audience, config=config.with_(seed=k)))
    return table[table["status"] == "significant"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--permutations", type=int, default=1000)
    parser.add_argument("--nulls", nargs="*", default=list(NULLS), choices=list(NULLS))
    parser.add_argument("--sizes", type=int, nargs="*", default=[10, 12, 30, 100])
    parser.add_argument("--effects", type=float, nargs="*", default=[1.0, 2.0, 3.0])
    parser.add_argument("--power-sizes", type=int, nargs="*", default=[12, 30, 100])
    parser.add_argument("--out", default="study_moments.csv")
    args = parser.parse_args()
    config = CONFIG.with_(n_permutations=args.permutations)
    rows = []

    def note(kind, n, size, count, studies, **more):
        low, high = proportion_confint(count, studies, method="wilson")
        row = {"kind": kind, "n": n, "size": size, "studies": studies, "rate": count / studies}
        rows.append(row | {"low": low, "high": high} | more)
        pd.DataFrame(rows).round(4).to_csv(args.out, index=False)
        print(
            {k: round(v, 3) if isinstance(v, float) else v for k, v in rows[-1].items()}, flush=True
        )

    start = time.time()
    for kind in args.nulls:
        for n in args.sizes:
            alarms = 0
            for k in range(args.studies):
                rng = np.random.default_rng([1, n, k])
                audience = simulate_audience(n, rng, people=NULLS[kind])
                alarms += bool(len(moments_of(audience, config, k)))
            note("false alarm, " + kind, n, 0.0, alarms, args.studies)
    for n in args.power_sizes:
        for size in args.effects:
            event = Event("happy", 10, 14, size)
            hits, outside, rises, begins = 0, 0, [], []
            studies = args.studies // 2
            for k in range(studies):
                rng = np.random.default_rng([2, n, k])
                audience = simulate_audience(n, rng, events=(event,))
                moments = moments_of(audience, config, k)
                mine = moments.query(
                    "signal == 'p_happy' and direction == 'up' and start_s < 14.4 and end_s > 10"
                )
                hits += bool(len(mine))
                begins += mine["start_s"].tolist()[:1]
                outside += bool(((moments["end_s"] <= 9.4) | (moments["start_s"] >= 15.6)).any())
                rises.append(np.nanmean(audience.signal("p_happy")[:, 55:70]))
            note(
                "power", n, size, hits, studies,
                mean_rise=float(np.mean(rises)),
                found_from_s=float(np.median(begins)) if begins else float("nan"),
                elsewhere=outside / studies,
            )  # fmt: skip
    print(f"{time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
