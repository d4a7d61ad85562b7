"""Do comparisons of stimuli and groups hold their error rate, and their intervals the truth?

    python benchmarks/study_comparison.py --studies 500 --out comparison.csv

Without a difference: two stimuli with the same event, seen by the same people (paired) or by
others (independent, also with one group twice the other). Each person responds with a strength of
their own to each stimulus.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint
from study_simulation import CONFIG, check_fast_tests, fast_one_sample, fast_two_sample

from fer_nb.study import comparison
from fer_nb.study.comparison import COMPARED, CURVES, Contrast, compare_metrics, contrast
from fer_nb.study.moments import Cluster, holm_over_signals
from fer_nb.study.simulate import Event, audience_of, simulate_audience, simulate_signals


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
    """Rates over simulated comparisons: any corrected metric, any cluster, single p < 5 %."""
    config = CONFIG.with_(n_boot=400, n_permutations=300)
    single, metrics, clusters, hits, effect = [], 0, 0, [], []
    for k in range(studies):
        rng = np.random.default_rng([3, n, k])
        pair = draw(rng, config.with_(seed=k))
        table = compare_metrics(pair)
        single.append((table["p"] <= 0.05).mean())
        metrics += bool((table["p_holm"] <= 0.05).any())
        hits.append(((table["low"] <= truth) & (truth <= table["high"])).mean())
        effect.append(table["effect"].iloc[[c == ("average", "p_happy") for c in COMPARED]].mean())
        found = {}
        for signal in CURVES:
            a, b = pair.first.signal(signal), pair.second.signal(signal)
            if pair.paired:
                parts = fast_one_sample(a - b, config, rng)
            else:
                parts = fast_two_sample(a, b, config, rng)
            found[signal] = [Cluster(*part) for part in parts]
        adjusted = holm_over_signals(found)
        clusters += any(p <= 0.05 for ps in adjusted.values() for p in ps)
    _, high = proportion_confint([metrics, clusters], studies, method="wilson")
    row = {
        "kind": kind,
        "n": n,
        "studies": studies,
        "any_metric": metrics / studies,
        "any_metric_high": high[0],
        "any_cluster": clusters / studies,
        "any_cluster_high": high[1],
        "single_p": np.mean(single),
        "coverage": np.mean(hits) if truth == truth else np.nan,
        "effect_happy": np.nanmean(effect),
    }
    print(
        {k: round(float(v), 3) if isinstance(v, float) else v for k, v in row.items()}, flush=True
    )
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--out", default="study_comparison.csv")
    parser.add_argument("--sizes", type=int, nargs="+", default=[12, 30, 100])
    args = parser.parse_args()
    comparison.BCA_FROM = 10**9  # costly, and measured by study_coverage.py
    check_fast_tests()
    rows = []

    def note(row):
        rows.append(row)
        pd.DataFrame(rows).round(4).to_csv(args.out, index=False)

    for n in args.sizes:
        note(run("paired, no difference", n, args.studies, partial(two_stimuli, n), 0))
        note(run("independent, no difference", n, args.studies, partial(two_groups, n, n), 0))
    note(run("independent, n and 2 n", 12, args.studies, partial(two_groups, 12, 24), 0))
    for n in (12, 30, 100):
        for size in (1.0, 2.0):
            name = f"paired, event stronger by {size:g} log-odds"
            draw = partial(two_stimuli, n, size=size)
            note(run(name, n, args.studies // 2, draw, np.nan))


if __name__ == "__main__":
    main()
