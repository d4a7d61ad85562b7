"""One question, one answer: the primary outcome of a study, and how sure it is.

The primary outcome is named in the configuration, `StudyConfig.primary`: by default the mean change
of valence. With two stimuli (or, of one stimulus, two groups) the question is which moved it more,
and Holm corrects where there are more than two; with one it is whether it moved at all, and a
primary peak-end, which is above rest by construction, gives way to the average.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy  # whose parts are loaded on first use

from fer_nb.study.config import StudyConfig

POWER = 0.8
MOST_N = 10_000

# What the answer is: the first or second is higher, or a rise or fall; else why there is none.
CODES = ("first", "second", "rise", "fall", "not_shown", "too_few", "no_baseline")


@dataclass(frozen=True)
class Verdict:
    """The answer to a study's one question.

    Attributes
    ----------
    code : str
        One of `CODES`.
    first, second : str
        What was compared; `second` is empty where one stimulus stands alone.
    within : str
        "stimuli", "groups of NAME", or "" where one stands alone.
    estimate, low, high : float
        Change, or difference of changes (first minus second), of the primary outcome: in points
        of the 1-7 scale, or of probability.
    n_first, n_second : int
    paired : bool
    n_needed : float
        Respondents (per group where independent) with whom a true effect of this size would be
        shown in 80 % of studies; NaN where it cannot be told, inf beyond `MOST_N`.
    mean_first, mean_second : float
        Changes of those compared; NaN where one stimulus stands alone.
    """

    code: str
    first: str
    second: str
    within: str
    estimate: float
    low: float
    high: float
    n_first: int
    n_second: int
    paired: bool
    n_needed: float
    mean_first: float = np.nan
    mean_second: float = np.nan


def verdict(comparison: pd.DataFrame, metrics: pd.DataFrame, config: StudyConfig) -> list[Verdict]:
    """Answer the question of a study.

    Parameters
    ----------
    comparison, metrics : DataFrame
        As `StudyResult` holds them.
    config : StudyConfig

    Returns
    -------
    list of Verdict
        One for every pair of stimuli; where there is one stimulus, one for every pair of its
        groups, or the one of the stimulus itself.
    """
    rows = _primary(comparison, config)
    if len(rows):
        between = rows[rows["within"] == "stimuli"]
        return [_compared(row, config) for row in (between if len(between) else rows).itertuples()]
    rows = _primary(metrics, config)
    if not len(rows):
        return []
    rows = rows[(rows["group"] == "all") & (rows["scope"] == "whole")]
    return [_alone(row, config) for row in rows.itertuples()]


def _primary(table: pd.DataFrame, config: StudyConfig) -> pd.DataFrame:
    if not len(table):
        return table
    metric, signal = config.primary_outcome
    if "role" not in table and metric == "peak_end":
        metric = "average"
    return table[(table["metric"] == metric) & (table["signal"] == signal)]


def _compared(row, config: StudyConfig) -> Verdict:
    paired = row.design == "paired"
    if min(row.n_first, row.n_second) < config.min_n_test or np.isnan(row.p):
        code = "too_few"
    elif row.p_holm <= config.alpha and not row.low <= 0 <= row.high:
        code = "first" if row.difference > 0 else "second"
    else:
        code = "not_shown"
    return Verdict(
        code=code,
        first=row.first,
        second=row.second,
        within=row.within,
        estimate=float(row.difference),
        low=float(row.low),
        high=float(row.high),
        n_first=int(row.n_first),
        n_second=int(row.n_second),
        paired=paired,
        n_needed=n_needed(row.effect, paired=paired, alpha=config.alpha),
        mean_first=float(row.mean_first),
        mean_second=float(row.mean_second),
    )


def _alone(row, config: StudyConfig) -> Verdict:
    """One stimulus against rest; its interval is the test."""
    effect = np.nan
    if config.baseline == "none":
        code = "no_baseline"
    elif np.isnan(row.low):
        code = "too_few"
    elif row.low <= 0 <= row.high:
        code = "not_shown"
    else:
        code = "rise" if row.estimate > 0 else "fall"
    if row.n > 1 and row.high > row.low:
        half = scipy.stats.t.ppf(0.5 + config.level / 2, row.n - 1)
        spread = (row.high - row.low) / 2 / half * np.sqrt(row.n)
        effect = row.estimate / spread
    return Verdict(
        code=code,
        first=row.stimulus,
        second="",
        within="",
        estimate=float(row.estimate),
        low=float(row.low),
        high=float(row.high),
        n_first=int(row.n),
        n_second=0,
        paired=True,
        n_needed=n_needed(effect, paired=True, alpha=config.alpha),
    )


def n_needed(effect: float, *, paired: bool, alpha: float = 0.05, power: float = POWER) -> float:
    """Respondents (per group where independent) to show a standardised effect by a t-test.

    Parameters
    ----------
    effect : float
        d_z of paired differences, or g between two groups.

    Returns
    -------
    float
        Rounded up; NaN for an unknown effect, inf beyond `MOST_N`.

    Examples
    --------
    >>> n_needed(0.5, paired=True), n_needed(0.5, paired=False)
    (34.0, 64.0)
    """
    from statsmodels.stats.power import TTestIndPower, TTestPower

    if np.isnan(effect):
        return float("nan")
    effect = abs(effect)
    test = TTestPower() if paired else TTestIndPower()
    # Solving is unreliable at the ends: look first whether the answer lies between them.
    if effect == 0 or test.power(effect, MOST_N, alpha) < power:
        return float("inf")
    if test.power(effect, 4, alpha) >= power:
        return 4.0
    options = {"nobs" if paired else "nobs1": None}
    return float(np.ceil(test.solve_power(effect, alpha=alpha, power=power, **options)))
