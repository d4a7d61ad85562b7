"""How far the answer depends on choices: the primary outcome under others than the one taken.

No second p-values: an estimate and its interval, to be set beside the verdict's.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from fer_nb.study.comparison import Contrast, compared_values, completers
from fer_nb.study.intervals import generator
from fer_nb.study.mixed import mixed_model
from fer_nb.study.two_samples import difference_row, measured

COLUMNS = (
    "first",
    "second",
    "within",
    "check",
    "difference",
    "low",
    "high",
    "n_first",
    "n_second",
)


def sensitivity(c: Contrast, presented: pd.DataFrame | None = None) -> pd.DataFrame:
    """Work out one contrast's primary outcome in other ways.

    Parameters
    ----------
    c : Contrast
    presented : DataFrame, optional
        As `fer_nb.study.mixed.mixed_model` takes it.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`. `check` is "completers" (only those who watched to the end; where some
        did not) or "presentation" (the mixed model's difference, allowing for period and order;
        where these are known and can be told from the stimuli).
    """
    rows = []
    if c.leavers:
        rows.append({"check": "completers"} | _row(completers(c)))
    if c.paired and presented is not None and len(presented):
        audiences = dict(zip(c.labels, (c.first, c.second), strict=True))
        table, fit = mixed_model(audiences, presented, c.first.config.primary_outcome)
        if len(table) and fit.get("presentation") == "modelled":
            other = table[(table["term"] == "stimulus") & (table["minus"] != "")].iloc[0]
            # The model takes the first from the second, a contrast the second from the first.
            turned = {"difference": -other["estimate"], "low": -other["high"]}
            n = {"n_first": len(c.first), "n_second": len(c.second)}
            rows.append({"check": "presentation"} | turned | {"high": -other["low"]} | n)
    head = {"first": c.labels[0], "second": c.labels[1], "within": c.within}
    return pd.DataFrame([head | row for row in rows], columns=list(COLUMNS))


def _row(c: Contrast) -> dict:
    config = c.first.config
    (x,), (y,) = (values.T for values in compared_values(c, [config.primary_outcome]))
    rng = generator(config.seed, "sensitivity", c.within, *c.labels)
    x, y = measured(x, y, c.paired)
    row = difference_row(x, y, c.paired, config, rng)
    numbers = {name: row.get(name, np.nan) for name in ("difference", "low", "high")}
    return numbers | {"n_first": len(x), "n_second": len(y)}
