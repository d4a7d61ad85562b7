"""Bootstrap intervals that the package does not use, to compare with those that it does.

Source: Efron, B., & Tibshirani, R. (1993). *An Introduction to the Bootstrap*, ch. 13 and 14.
"""

from __future__ import annotations

import numpy as np
from scipy import stats


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
