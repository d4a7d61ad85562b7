"""Several recordings of the same people in one model: a random intercept for each person."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from scipy import stats

from fer_nb.study.config import SIGNALS
from fer_nb.study.curves import Audience
from fer_nb.study.metrics import whole_metrics


def mixed_model(
    audiences: dict[str, Audience], signal: str = "valence"
) -> tuple[pd.DataFrame, str]:
    """Average of a signal by stimulus, with a random intercept per respondent (REML).

    Where the variance between respondents is estimated as 0 (they differ less than chance would
    make them), that fit takes each recording for another person's, and its error is too small.
    Stimuli are then compared within respondents: a fixed intercept for each.

    Returns
    -------
    table : DataFrame
        `stimulus, minus, estimate, low, high, p`: first the average of the first stimulus, with
        nothing in `minus`, then each other one minus it; by Student's t with the degrees of
        freedom of the within-person part (recordings - persons - stimuli + 1), which is the
        paired t-test where two stimuli are complete, in either fit.
    sentence : str
        What was fitted, or why not.
    """
    nothing = pd.DataFrame(columns=["stimulus", "minus", "estimate", "low", "high", "p"])
    parts = [
        pd.DataFrame(
            {
                "person": a.respondents,
                "stimulus": name,
                "value": whole_metrics(a)["average"][:, SIGNALS.index(signal)],
            }
        )
        for name, a in audiences.items()
    ]
    data = pd.concat(parts, ignore_index=True).dropna() if parts else nothing
    people = data["person"].nunique() if len(data) else 0
    names = list(dict.fromkeys(data["stimulus"])) if len(data) else []
    freedom = len(data) - people - (len(names) - 1)
    if len(names) < 2 or freedom < 5 or not data["person"].duplicated().any():
        return nothing, "No mixed model: too few respondents have several recordings."
    design = np.column_stack(
        [np.ones(len(data)), *[(data["stimulus"] == name).astype(float) for name in names[1:]]]
    )
    values, persons = data["value"].to_numpy(float), data["person"].to_numpy()
    differences, errors, rest = _within(values, design, persons)
    if rest <= 1e-12 * (values @ values):
        return nothing, "No mixed model: the fit is singular (the values hardly differ)."
    fit, why = None, "the variance between respondents is estimated as 0"
    if _persons_differ(values, design, persons):
        fit, why = _random_intercept(values, design, persons), "its fit did not converge"
    if fit is None:
        if np.isnan(errors).any():
            return nothing, f"No mixed model: {why}, and nobody's recordings link all stimuli."
        estimate, se = _pooled(values, design)
        estimate[1:], se[1:] = differences, errors
        found = f"{why}, so stimuli are compared within respondents (a fixed intercept for each)"
    else:
        estimate, se, share = fit
        found = f"{share:.0%} of the variance lies between respondents"
    config = next(iter(audiences.values())).config
    quantile = stats.t.ppf(0.5 + config.level / 2, freedom)
    table = pd.DataFrame(
        {
            "stimulus": names,
            "minus": ["", *names[:1] * (len(names) - 1)],
            "estimate": estimate,
            "low": estimate - quantile * se,
            "high": estimate + quantile * se,
            "p": 2 * stats.t.sf(np.abs(estimate / se), freedom),
        }
    )
    return table, (
        f"Mixed model of average {signal}: {len(data)} recordings of {people} respondents, random "
        f"intercept per respondent (REML); {found}."
    )


def _pooled(values, design) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and standard errors by least squares, as if each recording were a person."""
    inverse = np.linalg.inv(design.T @ design)
    estimate = inverse @ design.T @ values
    left = values - design @ estimate
    scale = left @ left / (len(values) - design.shape[1])
    return estimate, np.sqrt(scale * np.diag(inverse))


def _within(values, design, persons) -> tuple[np.ndarray, np.ndarray, float]:
    """Differences from the first stimulus within persons: estimates, errors, what is left over.

    The errors are NaN where nobody's recordings link some of the stimuli.
    """
    both = pd.DataFrame(np.column_stack([values, design[:, 1:]]))
    centred = (both - both.groupby(persons).transform("mean")).to_numpy()
    y, x = centred[:, 0], centred[:, 1:]
    estimate, _, rank, _ = np.linalg.lstsq(x, y)
    rest = float(((y - x @ estimate) ** 2).sum())
    if rank < x.shape[1]:
        return estimate, np.full(len(estimate), np.nan), rest
    freedom = len(y) - len(np.unique(persons)) - x.shape[1]
    return estimate, np.sqrt(rest / freedom * np.diag(np.linalg.inv(x.T @ x))), rest


def _persons_differ(values, design, persons) -> bool:
    """Whether REML puts the variance between persons above 0: its likelihood rises from there.

    The slope at 0 compares each person's summed residuals with what independent ones would give.
    """
    basis, _ = np.linalg.qr(design)
    left = values - basis @ (basis.T @ values)
    sums = pd.DataFrame(np.column_stack([left, basis])).groupby(persons).sum().to_numpy()
    expected = len(values) - (sums[:, 1:] ** 2).sum()
    scale = left @ left / (len(values) - design.shape[1])
    return bool((sums[:, 0] ** 2).sum() > expected * scale)


def _random_intercept(values, design, persons) -> tuple[np.ndarray, np.ndarray, float] | None:
    """Estimates, errors and the share of variance between persons; None if not converged."""
    from statsmodels.regression.mixed_linear_model import MixedLM
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", message=".*(boundary|singular).*")
        try:
            fit = MixedLM(values, design, groups=persons).fit(reml=True)
        except np.linalg.LinAlgError:
            return None
    if not fit.converged:
        return None
    between = float(np.asarray(fit.cov_re)[0, 0])
    share = between / (between + fit.scale)
    return np.asarray(fit.fe_params), np.asarray(fit.bse_fe), share
