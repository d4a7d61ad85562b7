"""How often do moments cry wolf, and how often do they see? Error rate and power by simulation.

python benchmarks/study_moments.py --studies 500 --out moments.csv
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint
from study_simulation import CONFIG, check_fast_tests, fast_one_sample

from fer_nb.study.config import SIGNALS, TESTED
from fer_nb.study.moments import Cluster, holm_over_signals
from fer_nb.study.simulate import Event, People, simulate_audience

# Kinds of audience with no effect at all: as usual, slow moods, often away, lively and alike.
NULLS = {
    "usual": People(),
    "slow drift (6 s)": People(drift_tau_s=6.0),
    "30 % missing": People(missing=0.3, leave=0.2),
    "strong drift": People(drift_sd=1.4),
}


def moments_of(people, config, rng):
    """Clusters per signal with Holm-adjusted p, as `find_moments` has them."""
    found = {}
    for signal in TESTED:
        clusters = fast_one_sample(people.tested[:, SIGNALS.index(signal)], config, rng)
        found[signal] = [Cluster(a, b, sign, p) for a, b, sign, p in clusters]
    adjusted = holm_over_signals(found)
    return [
        (signal, cluster)
        for signal, clusters in found.items()
        for cluster, p in zip(clusters, adjusted[signal], strict=True)
        if p <= config.alpha
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--permutations", type=int, default=500)
    parser.add_argument("--nulls", nargs="*", default=list(NULLS), choices=list(NULLS))
    parser.add_argument("--sizes", type=int, nargs="*", default=[10, 12, 30, 100])
    parser.add_argument("--effects", type=float, nargs="*", default=[1.0, 2.0, 3.0])
    parser.add_argument("--out", default="study_moments.csv")
    args = parser.parse_args()
    config = CONFIG.with_(n_permutations=args.permutations)
    check_fast_tests()
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
                alarms += bool(moments_of(audience, config, rng))
            note("false alarm, " + kind, n, 0.0, alarms, args.studies)
    for n in (12, 30, 100):
        for size in args.effects:
            event = Event("happy", 10, 14, size)
            hits, outside, rises, begins = 0, 0, [], []
            studies = args.studies // 2
            for k in range(studies):
                rng = np.random.default_rng([2, n, k])
                audience = simulate_audience(n, rng, events=(event,))
                moments = moments_of(audience, config, rng)
                mine = [
                    c for s, c in moments
                    if s == "p_happy" and c.sign > 0 and c.start < 72 and c.stop > 50
                ]  # fmt: skip
                hits += bool(mine)
                begins += [mine[0].start / config.rate_hz] if mine else []
                outside += any(c.stop <= 47 or c.start >= 78 for _, c in moments)
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
