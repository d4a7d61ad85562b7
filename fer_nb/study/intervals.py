"""Intervals over respondents: for means, shares, whole curves, and the peak of a curve.

The unit that is resampled is the person. Which interval is used where was decided by simulation
(docs/statistics.md): for a dozen people the percentile and the BCa bootstrap are too narrow, and
the bootstrap-t alone believes a skewness that a dozen people cannot show.

Sources
-------
Efron, B., & Tibshirani, R. (1993). *An Introduction to the Bootstrap*, ch. 12 and 14.
Hesterberg, T. (2015). What teachers should know about the bootstrap. *Am. Stat., 69*(4), 371-386.
Clopper, C. J., & Pearson, E. S. (1934). The use of confidence or fiducial limits. *Biometrika,
26*(4), 404-413.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import scipy  # whose parts are loaded on first use

from fer_nb.errors import StudyError
from fer_nb.study.signals import Columns

METHODS = ("bootstrap-se", "wider-t", "symmetric-t", "bootstrap-t")
# Columns at a time: keeps arrays (n_boot, columns), and those of many people, at some 2 MB.
_CHUNK, _NUMBERS = 500, 250_000


def generator(seed: int, *names: str) -> np.random.Generator:
    """Return a random generator that depends on the seed and on what it is for.

    One stimulus more or less in a study therefore leaves the others' numbers untouched.
    """
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


@dataclass(frozen=True)
class Band:
    """Mean and interval of each column; `n` respondents measured in it. NaN where refused."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray


def mean_band(
    values: np.ndarray | Columns,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    n_boot: int = 2000,
    min_n: int = 5,
    method: str = "bootstrap-se",
) -> Band:
    """Mean over respondents with an interval, for every column at once.

    Parameters
    ----------
    values : array (respondents, columns), or `fer_nb.study.signals.Columns`
        NaN where a respondent was not measured.
    rng : numpy Generator
    level : float
        Confidence level, pointwise.
    n_boot : int
        Resamples of respondents.
    min_n : int
        Columns with fewer measured respondents get a mean but no interval.
    method : str
        "bootstrap-se" for baseline-corrected values, which are heavy-tailed on both sides: the
        bootstrap's standard error with Student's t. "wider-t" for skewed person-level values: on
        each side the wider of the studentised bootstrap's quantile of t ("bootstrap-t") and of
        |t| ("symmetric-t"). docs/statistics.md shows where those two fall short alone.

    Returns
    -------
    Band

    Raises
    ------
    StudyError
        If there is no such method.
    """
    if method not in METHODS:
        raise StudyError(f"no interval method {method!r}; choose one of {', '.join(METHODS)}")
    n_people, n_columns = values.shape
    mean = np.full(n_columns, np.nan)
    low, high = mean.copy(), mean.copy()
    n = np.zeros(n_columns, dtype=int)
    if n_people == 0 or n_columns == 0:
        return Band(mean, low, high, n)
    weights = _Drawn(resamples(rng, n_people, n_boot))
    width = max(1, min(_CHUNK, _NUMBERS // n_people))
    for start in range(0, n_columns, width):
        cols = slice(start, start + width)
        part = np.asarray(values[:, cols], dtype=float)
        seen = ~np.isnan(part)
        n[cols] = seen.sum(axis=0)
        total = np.where(seen, part, 0.0).sum(axis=0)
        np.divide(total, n[cols], out=mean[cols], where=n[cols] > 0)
        usable = np.flatnonzero(n[cols] >= max(2, min_n))
        if len(usable):
            ends = _interval(part[:, usable], weights, level, method)
            low[start + usable], high[start + usable] = ends
    return Band(mean, low, high, n)


def blocks(rows: int, width: int) -> Iterator[slice]:
    """Yield stretches of `rows` rows of which each, `width` numbers wide, takes some 2 MB.

    Their lengths are multiples of 4: a generator that draws bytes one block after the other then
    draws what it would draw at once.
    """
    step = max(4, _NUMBERS // width // 4 * 4)
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def resamples(rng: np.random.Generator, people: int, count: int) -> np.ndarray:
    """Return how often each of so many people is drawn in each of `count` resamples of all of them:
    (count, people), in a byte each, as with ten thousand people there are 20 million. (Nobody is
    drawn 256 times: the chance is below 1e-500.)"""
    weights = np.empty((count, people), dtype=np.uint8)
    equal = np.full(people, 1 / people)
    for rows in blocks(count, people):
        weights[rows] = rng.multinomial(people, equal, size=rows.stop - rows.start)
    return weights


def weighted(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return ``weights @ values`` of `resamples`, a block of them at a time."""
    sums = np.empty((len(weights), values.shape[1]))
    for rows in blocks(*weights.shape):
        sums[rows] = weights[rows].astype(float) @ values
    return sums


class _Drawn:
    """Resamples, and how many of those who were measured each of them draws.

    Who is seen is seen in all signals: the answer for the last pattern of gaps is kept.
    """

    def __init__(self, weights: np.ndarray):
        self.weights = weights
        self._seen, self._count = np.empty((0, 0), dtype=bool), np.empty((0, 0))

    def measured(self, seen: np.ndarray) -> np.ndarray:
        if not np.array_equal(seen, self._seen):
            self._seen, self._count = seen, weighted(self.weights, seen.astype(float))
        return self._count


def _moments(x, drawn: _Drawn, studentise=False):
    """Mean and standard error of each column of (n, k), and of each resample of it."""
    weights = drawn.weights
    seen = ~np.isnan(x)
    n = seen.sum(axis=0)
    centred = np.where(seen, x, 0.0)
    mean = centred.sum(axis=0) / n
    np.subtract(centred, mean, out=centred, where=seen)
    se = np.sqrt((centred**2).sum(axis=0) / (n - 1) / n)
    count = float(len(x)) if seen.all() else drawn.measured(seen)
    boot = weighted(weights, centred)
    with np.errstate(divide="ignore", invalid="ignore"):
        boot /= count  # mean* - mean
        if not studentise:
            return mean, se, boot, None, n
        variance = (weighted(weights, centred**2) / count - boot**2) * count / (count - 1)
        boot_se = np.sqrt(np.maximum(variance, 0) / count)
    return mean, se, boot, boot_se, n


def _curve_moments(of: Callable[[np.ndarray], np.ndarray], columns: np.ndarray, drawn: _Drawn):
    """Mean, means of the resamples less it, and n of the columns that `of` gives of their indices,
    some at a time: of ten thousand people and half a minute a copy is 12 MB."""
    width = max(1, _NUMBERS // drawn.weights.shape[1])
    parts = np.split(columns, range(width, len(columns), width))
    moments = [_moments(of(some), drawn) for some in parts]
    mean, _, boot, _, n = zip(*moments, strict=True)
    return np.concatenate(mean), np.concatenate(boot, axis=1), np.concatenate(n)


def _interval(x, drawn, level, method):
    moments = _moments(x, drawn, studentise=method != "bootstrap-se")
    if method == "wider-t":
        symmetric, skewed = (_ends(moments, level, m) for m in ("symmetric-t", "bootstrap-t"))
        return np.minimum(symmetric[0], skewed[0]), np.maximum(symmetric[1], skewed[1])
    return _ends(moments, level, method)


def _ends(moments, level, method):
    mean, se, boot, boot_se, n = moments
    tail = (1 - level) / 2
    if method == "bootstrap-t":
        # A resample of one person only has no spread: it cannot be studentised and is left out.
        valid = boot_se > 1e-9 * np.maximum(se, 1e-12)
        t = np.divide(boot, boot_se, out=np.full(boot.shape, np.nan), where=valid)
        t_low, t_high = _column_quantiles(t, tail)
        # Student's own quantile bounds how far a few near-constant resamples may widen it.
        cap = 3 * scipy.stats.t.ppf(1 - tail, n - 1)
        return mean - np.clip(t_high, 0, cap) * se, mean - np.clip(t_low, -cap, 0) * se
    if method == "symmetric-t":
        # |t| instead of t: the sample's own skewness, noisy in a dozen people, is not believed.
        valid = boot_se > 1e-9 * np.maximum(se, 1e-12)
        t = np.abs(np.divide(boot, boot_se, out=np.full(boot.shape, np.nan), where=valid))
        width = _column_quantiles(t, 2 * tail)[1]
        width = np.minimum(width, 3 * scipy.stats.t.ppf(1 - tail, n - 1))
        return mean - width * se, mean + width * se
    spread = np.sqrt(np.nanmean(boot**2, axis=0) * n / (n - 1))
    half = scipy.stats.t.ppf(1 - tail, n - 1) * spread
    return mean - half, mean + half


def _column_quantiles(t, tail):
    """Lower and upper tail quantile of each column, NaN ignored (sorted last by numpy)."""
    t = np.sort(t, axis=0)
    valid = len(t) - np.isnan(t).sum(axis=0)
    last = np.maximum(valid - 1, 0)
    cols = np.arange(t.shape[1])
    low = t[np.floor(tail * last).astype(int), cols]
    high = t[np.ceil((1 - tail) * last).astype(int), cols]
    return np.nan_to_num(low, nan=0.0), np.nan_to_num(high, nan=0.0)


def mean_interval(values, **options) -> tuple[float, float, float, int]:
    """(mean, low, high, n) of one column of person-level values; options as `mean_band`."""
    band = mean_band(np.asarray(values, dtype=float)[:, None], **options)
    return float(band.mean[0]), float(band.low[0]), float(band.high[0]), int(band.n[0])


def exact_share(successes, n, level: float = 0.95):
    """Clopper & Pearson's (1934) interval of a share; works on arrays. NaN where n is 0.

    It never covers less than `level`, whatever the true share; with few people it is wide.

    Examples
    --------
    >>> [round(float(v), 3) for v in exact_share(3, 10)]
    [0.067, 0.652]
    """
    from statsmodels.stats.proportion import proportion_confint

    yes, n = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    known = np.where(n > 0, n, np.nan)
    low, high = proportion_confint(yes.ravel(), known.ravel(), alpha=1 - level, method="beta")
    return low.reshape(n.shape)[()], high.reshape(n.shape)[()]


def simultaneous_band(
    values: np.ndarray,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    n_boot: int = 2000,
    min_n: int = 5,
) -> Band:
    """Band that holds the whole mean curve at once.

    Its width is the bootstrap's quantile of the largest departure over columns, in standard
    errors; Student's t instead of the normal then allows for the estimated standard errors.

    Parameters and result as `mean_band`; `values` (respondents, columns).
    """
    values = np.asarray(values, dtype=float)
    n_people, n_columns = values.shape
    nothing = np.full(n_columns, np.nan)
    n = (~np.isnan(values)).sum(axis=0)
    usable = np.flatnonzero(n >= max(2, min_n))
    if not len(usable):
        return Band(nothing, nothing.copy(), nothing.copy(), n)
    drawn = _Drawn(resamples(rng, n_people, n_boot))
    mean, boot, count = _curve_moments(lambda some: values[:, some], usable, drawn)
    se = np.sqrt(np.nanmean(boot**2, axis=0))
    largest = np.nan_to_num(np.abs(boot) / np.maximum(se, 1e-12), nan=0.0).max(axis=1)
    tail = scipy.stats.norm.sf(np.quantile(largest, level))
    width = scipy.stats.t.isf(tail, count - 1) * np.sqrt(count / (count - 1)) * se
    bands = nothing.copy(), nothing.copy(), nothing.copy()
    for target, value in zip(bands, (mean, mean - width, mean + width), strict=True):
        target[usable] = value
    return Band(*bands, n)


def peak_times(
    values: np.ndarray,
    at: int,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    n_boot: int = 2000,
    min_n: int = 5,
) -> np.ndarray:
    """Columns in which the true mean curve may have its peak, as indices.

    Multiple comparisons with the best: a column stays unless its mean lies below that of the
    observed peak `at` by more than chance, over all columns at once (bootstrap of the largest
    studentised difference). Empty where there are too few people.

    Source: Hsu, J. C. (1996). *Multiple Comparisons: Theory and Methods*, ch. 4.
    """
    seen = ~np.isnan(values)
    n = seen[seen[:, at]].sum(axis=0)
    usable = np.flatnonzero(n >= max(2, min_n))
    if at not in usable:
        return np.array([], dtype=int)
    drawn = _Drawn(resamples(rng, len(values), n_boot))
    mean, boot, count = _curve_moments(
        lambda some: values[:, [at]] - values[:, some], usable, drawn
    )
    se = np.sqrt(np.nanmean(boot**2, axis=0))
    other = se > 1e-9 * se.max()
    # A resample in which nobody was seen at the peak has no differences: it says nothing.
    scaled = np.nan_to_num(-boot[:, other] / se[other], nan=0.0)
    largest = scaled.max(axis=1, initial=0.0)
    tail = scipy.stats.norm.sf(np.quantile(largest, level))
    width = scipy.stats.t.isf(tail, count - 1) * np.sqrt(count / (count - 1)) * se
    return usable[(mean <= width) | ~other]
