"""Do comparisons of stimuli and groups hold their error rate, and their intervals the truth?

    python benchmarks/study_comparison.py --studies 500 --out comparison.csv

Without a difference: two stimuli with the same event, seen by the same people (paired) or by
others (independent, also with one group twice the other). Each person responds with a strength of
their own to each stimulus. The verdict is the primary outcome's test; Holm corrects the secondary
numbers among themselves, and the stretches of the difference curves over their signals.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from fer_nb.study import two_samples
from fer_nb.study.comparison import Contrast, compare_curves, compare_metrics, contrast
from fer_nb.study.config import StudyConfig
from fer_nb.study.simulate import Event, audience_of, simulate_audience, simulate_signals

CONFIG = StudyConfig()
KINDS = ("equal", "unequal", "power")


def two_stimuli(n, rng, config, size=0.0):
    """The same n people on two stimuli of 30 s; the second's event is `size` weaker."""
    events = (Event("happy", 10, 14, 2.0 + size), Event("happy", 45, 49, 2.0))
    times, x = simulate_signals(n, 65, config.rate_hz, rng, events=events)
    first, second = (audience_of(times, x, config, start, 30.0, 5.0) for start in (0.0, 35.0))
    return contrast(first, second, ("a", "b"), "stimuli")


def two_groups(n, m, rng, config):
    """Different people, n and m, on one stimulus."""
    events = (Event("happy", 10, 14, 2.0),)
    first, second = (simulate_audience(k, rng, events=events, config=config) for k in (n, m))
    return Contrast(first, second, ("a", "b"), "stimuli", paired=False)


def run(kind, n, studies, draw, truth):
    """Rates over simulated comparisons: the verdict, any secondary number, any stretch of time."""
    config = CONFIG.with_(n_boot=400, n_permutations=1000)
    verdicts, metrics, clusters, single, hits, effect = 0, 0, 0, [], [], []
    for k in range(studies):
        rng = np.random.default_rng([3, n, k])
        pair = draw(rng, config.with_(seed=k))
        table = compare_metrics(pair)
        primary = table["role"] == "primary"
        single.append((table["p"] <= 0.05).mean())
        verdicts += bool((table.loc[primary, "p_holm"] <= 0.05).any())
        metrics += bool((table.loc[~primary, "p_holm"] <= 0.05).any())
        hits.append(((table["low"] <= truth) & (truth <= table["high"])).mean())
        effect.append(table.loc[primary, "effect"].mean())
        _, found = compare_curves(pair)
        clusters += bool((found["p_holm"] <= 0.05).any())
    row = {"kind": kind, "n": n, "studies": studies}
    for name, count in (("verdict", verdicts), ("any_secondary", metrics), ("stretch", clusters)):
        low, high = proportion_confint(count, studies, method="wilson")
        row |= {name: count / studies, f"{name}_low": low, f"{name}_high": high}
    row |= {
        "single_p": np.mean(single),
        "coverage": np.mean(hits) if truth == truth else np.nan,
        "effect_of_primary": np.nanmean(effect),
    }
    print(
        {k: round(float(v), 3) if isinstance(v, float) else v for k, v in row.items()}, flush=True
    )
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--out", default="study_comparison.csv")
    parser.add_argument("--sizes", type=int, nargs="+", default=[12, 24, 50])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    args = parser.parse_args()
    two_samples.BCA_FROM = 10**9  # costly, and measured by study_coverage.py
    rows = []

    def note(row):
        rows.append(row)
        pd.DataFrame(rows).round(4).to_csv(args.out, index=False)

    for n in args.sizes:
        if "equal" in args.kinds:
            note(run("paired, no difference", n, args.studies, partial(two_stimuli, n), 0))
            note(run("independent, no difference", n, args.studies, partial(two_groups, n, n), 0))
        if "unequal" in args.kinds:
            draw = partial(two_groups, n, 2 * n)
            note(run("independent, n and 2 n, no difference", n, args.studies, draw, 0))
    for n in args.sizes if "power" in args.kinds else ():
        for size in (1.0, 2.0):
            name = f"paired, event stronger by {size:g} log-odds"
            draw = partial(two_stimuli, n, size=size)
            note(run(name, n, args.studies // 2, draw, np.nan))


if __name__ == "__main__":
    main()
