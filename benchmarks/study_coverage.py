"""Do the intervals of a study hold what they promise? Coverage over simulated studies.

    python benchmarks/study_coverage.py --studies 500 --out coverage.csv

For audiences of 12, 30 and 100 (and 6, 8) with autocorrelated curves and gaps, the share of
studies whose 95 % band, pointwise, and whose interval of each metric hold the truth. The truth is
the mean of a simulated population of 40,000. Two bootstrap intervals that the package does not use
stand beside those that it does.

Source: Efron, B., & Tibshirani, R. (1993). *An Introduction to the Bootstrap*, ch. 13 and 14.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from scipy import stats

from fer_nb.study.config import SIGNALS, StudyConfig
from fer_nb.study.intervals import METHODS, mean_band
from fer_nb.study.metrics import SKEWED, stimulus_metrics, whole_metrics
from fer_nb.study.simulate import Event, simulate_audience

CONFIG = StudyConfig()
EVENTS = (Event("happy", 10, 14, 2.0), Event("surprise", 20, 22, 2.0))
BAND_SIGNALS = ("valence", "arousal", "p_anger", "p_happy", "p_surprise")
PEAK_SIGNALS = ("valence", "p_happy", "p_surprise")
AT = slice(2, None, 6)  # every sixth bin: neighbours say the same


def population(size: int, seed: int) -> dict:
    """Means over a simulated population, in parts of 2,000."""
    curves, values, ever = [], [], []
    config = CONFIG.with_(n_boot=200)  # the intervals are not used
    for part in range(size // 2000):
        rng = np.random.default_rng([seed, part])
        people = simulate_audience(2000, rng, events=EVENTS, config=config)
        curves.append(np.nanmean(people.curves, axis=0))
        values.append({k: np.nanmean(v, axis=0) for k, v in whole_metrics(people).items()})
        table = stimulus_metrics(people)
        ever.append(table.loc[table["metric"] == "ever_expressed", "estimate"].to_numpy())
    curve = np.mean(curves, axis=0)
    truth = {k: np.mean([v[k] for v in values], axis=0) for k in values[0]}
    truth["ever_expressed"] = np.concatenate([[np.nan] * 2, np.mean(ever, axis=0)])
    truth["peak"] = curve.max(axis=-1)
    truth["peak_time"] = people.times[curve.argmax(axis=-1)]
    return {"curve": curve, **truth}


def one_study(n: int, k: int, truth: dict, hits: dict, widths: dict, n_boot: int) -> None:
    """Simulate a study, and note which intervals hold the truth."""
    rng = np.random.default_rng([n, k])
    config = CONFIG.with_(seed=k, n_boot=n_boot)
    people = simulate_audience(n, rng, events=EVENTS, config=config)

    def note(key, low, high, true):
        known = ~np.isnan(low)
        if known.any():
            hits.setdefault(key, []).append(((low <= true) & (true <= high))[known].mean())
            widths.setdefault(key, []).append((high - low)[known].mean())

    at = [SIGNALS.index(s) for s in BAND_SIGNALS]
    points = people.curves[:, at, AT]
    others = k % 4 == 0  # the methods that were not chosen, on fewer studies
    for method in ("bootstrap-se", "symmetric-t", "bootstrap-t", "percentile"):
        if method != "bootstrap-se" and not others:
            continue
        ends = _ends(points.reshape(n, -1), rng, n_boot, method)
        low, high = (end.reshape(points.shape[1:]) for end in ends)
        for j, signal in enumerate(BAND_SIGNALS):
            note(("band", signal, method), low[j], high[j], truth["curve"][at[j], AT])
    for row in stimulus_metrics(people).itertuples():
        if row.metric not in ("peak", "peak_time") or row.signal in PEAK_SIGNALS:
            low, high = np.array([row.low]), np.array([row.high])
            true = truth[row.metric][_at(row.signal)]
            note((row.metric, row.signal, row.interval), low, high, true)
    for metric, person_values in whole_metrics(people).items() if others else ():
        chosen = "wider-t" if metric in SKEWED else "bootstrap-se"
        for method in ("bootstrap-se", "symmetric-t", "bca"):
            if method == chosen:
                continue
            low, high = _ends(person_values, rng, n_boot, method)
            for signal in SIGNALS:
                one = slice(_at(signal), _at(signal) + 1)
                note((metric, signal, method), low[one], high[one], truth[metric][_at(signal)])


def _ends(values, rng, n_boot, method):
    """Ends of an interval of the package's, or of another."""
    if method in METHODS:
        band = mean_band(values, rng=rng, n_boot=n_boot, method=method)
        return band.low, band.high
    return other_band(values, rng=rng, n_boot=n_boot, method=method)


def _at(signal: str) -> int:
    return SIGNALS.index(signal)


def other_band(values, *, rng, n_boot, method, level=0.95, min_n=5):
    """Ends of the interval of each column's mean; respondents resampled as in `mean_band`.

    Parameters
    ----------
    values : array (respondents, columns)
        NaN where a respondent was not measured.
    method : str
        "percentile" or "bca".

    Returns
    -------
    low, high : array (columns,)
        NaN in columns with fewer than `min_n` respondents.
    """
    ends = {"percentile": _percentile, "bca": _bca}[method]
    people, columns = values.shape
    weights = rng.multinomial(people, np.full(people, 1 / people), size=n_boot).astype(float)
    low, high = np.full((2, columns), np.nan)
    for j, column in enumerate(values.T):
        seen = ~np.isnan(column)
        if seen.sum() >= min_n:
            x, drawn = column[seen], weights[:, seen]
            count = drawn.sum(axis=1)
            boot = (drawn @ (x - x.mean()))[count > 0] / count[count > 0]
            low[j], high[j] = x.mean() + ends(x, boot, (1 - level) / 2)
    return low, high


def _percentile(x, boot, tail):
    return np.array(
        [np.quantile(boot, tail, method="lower"), np.quantile(boot, 1 - tail, method="higher")]
    )


def _bca(x, boot, tail):
    """Bias-corrected and accelerated (eq. 14.9-14.15)."""
    centred = x - x.mean()
    spread = (centred**2).sum()
    if spread == 0:
        return np.zeros(2)
    # For a mean the jackknife's acceleration is a sixth of the sample's skewness / sqrt(n).
    acceleration = (centred**3).sum() / (6 * spread**1.5)
    share = np.clip((boot < 0).mean() + 0.5 * (boot == 0).mean(), 1e-6, 1 - 1e-6)
    z0 = stats.norm.ppf(share)
    z = z0 + stats.norm.ppf([tail, 1 - tail])
    return np.quantile(boot, stats.norm.cdf(z0 + z / (1 - acceleration * z)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--sizes", type=int, nargs="+", default=[6, 12, 30, 100])
    parser.add_argument("--n-boot", type=int, default=500)
    parser.add_argument("--out", default="study_coverage.csv")
    args = parser.parse_args()
    truth = population(40_000, seed=7)
    rows = []
    for n in args.sizes:
        start, hits, widths = time.time(), {}, {}
        for k in range(args.studies):
            one_study(n, k, truth, hits, widths, args.n_boot)
        for (metric, signal, method), values in hits.items():
            rows.append(
                {
                    "n": n,
                    "metric": metric,
                    "signal": signal,
                    "method": method,
                    "studies": len(values),
                    "coverage": np.mean(values),
                    "mc_se": np.std(values) / np.sqrt(len(values)),
                    "width": np.mean(widths[metric, signal, method]),
                }
            )
        print(f"n = {n}: {args.studies} studies in {time.time() - start:.0f} s", flush=True)
        pd.DataFrame(rows).round(4).to_csv(args.out, index=False)
    table = pd.DataFrame(rows)
    wide = table.pivot_table(index=["metric", "method"], columns="n", values="coverage")
    print(wide.round(3).to_string())


if __name__ == "__main__":
    main()
