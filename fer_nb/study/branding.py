"""Brand moments: what people showed while a brand, a logo or a product was seen, and just after."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fer_nb.study.config import SIGNALS
from fer_nb.study.curves import Audience
from fer_nb.study.intervals import generator, mean_band
from fer_nb.study.metrics import lagged, person_metrics
from fer_nb.study.stimuli import Scene

AFTER_S = 5.0
SHOWN = ("valence", "p_happy")
COLUMNS = (
    "stimulus",
    "brand",
    "start_s",
    "end_s",
    "when",
    "signal",
    "estimate",
    "low",
    "high",
    "n",
)


def brand_moments(audience: Audience, moments: tuple[Scene, ...]) -> pd.DataFrame:
    """Average changes while a brand is shown and in the `AFTER_S` seconds after it.

    Changes allow for the lag of reactions, as those of scenes do; attention (share of the time
    in which the face was seen) does not.

    Parameters
    ----------
    audience : Audience
    moments : tuple of Scene
        When which brand is seen.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`; `when` is "shown" or "after" (where the film goes on for a second more),
        `signal` one of `SHOWN` or "attention" (0-1).
    """
    rows = []
    for moment in moments:
        end = min(moment.end_s, audience.duration_s)
        if moment.start_s >= end:
            continue
        spans = {"shown": (moment.start_s, end)}
        if audience.duration_s - end >= 1:
            spans["after"] = end, min(end + AFTER_S, audience.duration_s)
        for when, (begin, stop) in spans.items():
            head: dict = {"stimulus": audience.stimulus, "brand": moment.name}
            head |= {"start_s": begin, "end_s": stop, "when": when}
            for signal, values in _people(audience, begin, stop).items():
                rows.append(head | {"signal": signal} | _mean(audience, values, head, signal))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _people(audience: Audience, begin: float, stop: float) -> dict[str, np.ndarray]:
    window = lagged(Scene("", begin, stop), audience)
    averages = person_metrics(audience, *window)["average"]
    inside = (audience.times >= begin) & (audience.times < stop)
    seen = {"attention": audience.coverage[:, inside].mean(axis=1)}
    return {signal: averages[:, SIGNALS.index(signal)] for signal in SHOWN} | seen


def _mean(audience: Audience, values: np.ndarray, head: dict, signal: str) -> dict:
    config = audience.config
    band = mean_band(
        values[:, None],
        rng=generator(config.seed, "brand", audience.stimulus, head["brand"], head["when"], signal),
        level=config.level,
        n_boot=config.n_boot,
        min_n=config.min_n_interval,
    )
    low, high = band.low[0], band.high[0]
    if signal == "attention":
        low, high = np.clip([low, high], 0.0, 1.0)
    return {"estimate": band.mean[0], "low": low, "high": high, "n": int(band.n[0])}
