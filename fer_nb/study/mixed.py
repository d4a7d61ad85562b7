"""Several recordings of the same people in one model: a random intercept for each person.

It is the check of the primary test, not a second one: it takes in people who lack a recording, and
what the order of presentation does.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy  # whose parts are loaded on first use

from fer_nb.study.config import SIGNALS
from fer_nb.study.curves import Audience
from fer_nb.study.metrics import whole_metrics

COLUMNS = ("term", "level", "minus", "estimate", "low", "high", "p")


def mixed_model(
    audiences: dict[str, Audience],
    presented: pd.DataFrame | None = None,
    primary: tuple[str, str] = ("average", "valence"),
) -> tuple[pd.DataFrame, dict]:
    """Model one outcome by stimulus, period and order, with a random intercept per respondent.

    Where the variance between respondents is estimated as 0 (they differ less than chance would
    make them), that fit takes each recording for another person's, and its error is too small.
    Stimuli are then compared within respondents: a fixed intercept for each, which leaves nothing
    for the order to explain.

    Parameters
    ----------
    audiences : dict of str to Audience
    presented : DataFrame, optional
        `respondent`, `stimulus` and, each optional, `period` (which of the person's recordings it
        was: 1, 2, ...) and `order` (the order the person was given, such as "AB").
    primary : tuple of str
        Metric and signal, as `StudyConfig.primary_outcome`.

    Returns
    -------
    table : DataFrame
        `term, level, minus, estimate, low, high, p`: first the outcome of the first stimulus (of
        an average period and order), with nothing in `minus`; then each other stimulus minus it,
        and so each period and each order; by Student's t. Within persons the degrees of freedom
        are recordings - persons - terms, which is the paired t-test where two stimuli are
        complete, in either fit; for orders they are persons - orders.
    fit : dict
        `status`: "random" (a random intercept per respondent), "within" (a fixed one, since the
        variance between respondents is estimated as 0), "within-unconverged" (a fixed one, since
        the fit did not converge); or why there is none: "one-stimulus", "too-few", "singular",
        "unlinked" (nobody's recordings link all stimuli). `recordings`, `respondents`, `between`
        (share of the variance between respondents) where "random"; where `presented` tells,
        `presentation`: "modelled", or "confounded" (stimulus and period cannot be told apart, as
        where everybody saw the films in one order).
    """
    nothing = pd.DataFrame(columns=list(COLUMNS))
    metric, signal = primary
    parts = [
        pd.DataFrame(
            {
                "person": a.respondents,
                "stimulus": name,
                "value": whole_metrics(a)[metric][:, SIGNALS.index(signal)],
            }
        )
        for name, a in audiences.items()
    ]
    data = pd.concat(parts, ignore_index=True).dropna() if parts else nothing
    people = data["person"].nunique() if len(data) else 0
    told: dict[str, Any] = {"recordings": len(data), "respondents": int(people)}
    if len(audiences) < 2:
        return nothing, told | {"status": "one-stimulus"}
    names = list(dict.fromkeys(data["stimulus"])) if len(data) else []
    if len(names) < 2 or not data["person"].duplicated().any():
        return nothing, told | {"status": "too-few"}
    values, persons = data["value"].to_numpy(float), data["person"].to_numpy()
    stimulus = _contrasts("stimulus", data["stimulus"], names)
    period, order = _presented(data, presented)
    if period and _rank(stimulus + period, persons) < _rank(stimulus, persons) + len(period):
        period, order, told["presentation"] = [], [], "confounded"
    elif period or order:
        told["presentation"] = "modelled"
    freedom = len(data) - people - len(stimulus) - len(period)
    if freedom < 5:
        return nothing, told | {"status": "too-few"}
    inner = _design(stimulus + period)
    differences, errors, rest = _within(values, inner, persons)
    if rest <= 1e-12 * (values @ values):
        return nothing, told | {"status": "singular"}
    terms, fit, status = stimulus + period + order, None, "within"
    if _persons_differ(values, _design(terms), persons):
        fit, status = _random_intercept(values, _design(terms), persons), "within-unconverged"
    if fit is None:
        if np.isnan(errors).any():
            return nothing, told | {"status": "unlinked"}
        terms = stimulus + period
        estimate, se = _pooled(values, inner)
        estimate[1:], se[1:] = differences, errors
    else:
        estimate, se, share = fit
        status, told["between"] = "random", share
    config = next(iter(audiences.values())).config
    between = people - len(order) - 1
    free = np.array([freedom] + [between if t.kind == "order" else freedom for t in terms])
    quantile = scipy.stats.t.ppf(0.5 + config.level / 2, free)
    head = [("stimulus", names[0], ""), *((t.kind, t.level, t.minus) for t in terms)]
    table = pd.DataFrame(head, columns=["term", "level", "minus"]).assign(
        estimate=estimate,
        low=estimate - quantile * se,
        high=estimate + quantile * se,
        p=2 * scipy.stats.t.sf(np.abs(estimate / se), free),
    )
    return table, told | {"status": status}


class _Term(NamedTuple):
    """One fixed effect: a level against the first one, and its column of the design (R,)."""

    kind: str
    level: str
    minus: str
    column: np.ndarray


def _contrasts(kind: str, values: pd.Series, levels: list, centre: bool = False) -> list[_Term]:
    """Each level but the first against the first; centred, the intercept is of an average one."""
    found = []
    for level in levels[1:]:
        column = (values == level).to_numpy(float)
        column = column - column.mean() if centre else column
        found.append(_Term(kind, str(level), str(levels[0]), column))
    return found


def _presented(data: pd.DataFrame, presented: pd.DataFrame | None) -> tuple[list, list]:
    """Terms of period and order; none of a column that is absent, empty, or the same for all.

    Nor of orders that hardly two people share, as where each person's was drawn by chance: the
    period then says what there is to say.
    """
    terms: dict[str, list] = {"period": [], "order": []}
    if presented is not None:
        keys = pd.MultiIndex.from_frame(data[["person", "stimulus"]])
        known = presented.set_index(["respondent", "stimulus"])
        for kind in terms:
            if kind not in known:
                continue
            values = known[kind].reindex(keys).reset_index(drop=True)
            if (values.fillna("").astype(str) != "").all():
                levels = sorted(values.unique(), key=float if kind == "period" else str)
                if kind == "order" and 2 * len(levels) > data["person"].nunique():
                    continue
                terms[kind] = _contrasts(kind, values, levels, centre=True)
    return terms["period"], terms["order"]


def _design(terms: list[_Term]) -> np.ndarray:
    return np.column_stack([np.ones(len(terms[0].column)), *(term.column for term in terms)])


def _rank(terms: list[_Term], persons) -> int:
    """How many of the terms, within persons, say something that the others do not."""
    columns = pd.DataFrame(np.column_stack([term.column for term in terms]))
    centred = (columns - columns.groupby(persons).transform("mean")).to_numpy()
    return int(np.linalg.matrix_rank(centred, tol=1e-8))


def _pooled(values, design) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and standard errors by least squares, as if each recording were a person."""
    inverse = np.linalg.inv(design.T @ design)
    estimate = inverse @ design.T @ values
    left = values - design @ estimate
    scale = left @ left / (len(values) - design.shape[1])
    return estimate, np.sqrt(scale * np.diag(inverse))


def _within(values, design, persons) -> tuple[np.ndarray, np.ndarray, float]:
    """Terms of the design, within persons: estimates, errors, what is left over.

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
