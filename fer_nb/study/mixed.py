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

    Returns
    -------
    table : DataFrame
        `term, estimate, low, high, p`, by Student's t with the degrees of freedom of the
        within-person part (recordings - persons - stimuli + 1), which is the paired t-test where
        two stimuli are complete.
    sentence : str
        What was fitted, or why not.
    """
    from statsmodels.regression.mixed_linear_model import MixedLM
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    nothing = pd.DataFrame(columns=["term", "estimate", "low", "high", "p"])
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", message=".*(boundary|singular).*")
        try:
            fit = MixedLM(data["value"].to_numpy(), design, groups=data["person"].to_numpy()).fit(
                reml=True
            )
        except np.linalg.LinAlgError:
            return nothing, "No mixed model: the fit is singular (the values hardly differ)."
    if not fit.converged:
        return nothing, "No mixed model: the fit did not converge."
    config = next(iter(audiences.values())).config
    quantile = stats.t.ppf(0.5 + config.level / 2, freedom)
    terms = [f"average of {names[0]}", *[f"{name} minus {names[0]}" for name in names[1:]]]
    estimate, se = np.asarray(fit.fe_params), np.asarray(fit.bse_fe)
    table = pd.DataFrame(
        {
            "term": terms,
            "estimate": estimate,
            "low": estimate - quantile * se,
            "high": estimate + quantile * se,
            "p": 2 * stats.t.sf(np.abs(estimate / se), freedom),
        }
    )
    between = float(np.asarray(fit.cov_re)[0, 0])
    share = between / (between + fit.scale)
    return table, (
        f"Mixed model of average {signal}: {len(data)} recordings of {people} respondents, random "
        f"intercept per respondent (REML); {share:.0%} of the variance lies between respondents."
    )
