"""Segments: respondents told apart by further columns of the manifest, filtered and compared.

Any further column divides the respondents if it holds two to `MOST_LEVELS` values, one for each
person. Three rules keep segments from misleading:

* fewer than `min_n_interval` people are counted, and nothing else is told of them (which also keeps
  single persons from being read off a table); fewer than `min_n_test` are not tested;
* one number is compared, the primary outcome, and Holm corrects it over all comparisons of all
  segments of the study;
* where a network treats people unequally (men and women, say), its card's warning stands beside
  the numbers: see `at_risk`.
"""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pandas as pd

from fer_nb.study.clusters import holm
from fer_nb.study.comparison import Contrast, compared_values, contrast
from fer_nb.study.config import SIGNALS, TESTED, StudyConfig
from fer_nb.study.curves import Audience
from fer_nb.study.intervals import generator, mean_band
from fer_nb.study.manifest import PRESENTED
from fer_nb.study.metrics import mean_metrics
from fer_nb.study.quality import COLUMNS as QUALITY_COLUMNS
from fer_nb.study.scores import stimulus_scores
from fer_nb.study.signals import Columns
from fer_nb.study.two_samples import difference_p, difference_row, measured

MOST_LEVELS = 8
COLUMNS = ("stimulus", "column", "level", "signal", "metric", "estimate", "low", "high", "n")
CURVE_COLUMNS = (
    "stimulus",
    "column",
    "level",
    "signal",
    "time_s",
    "estimate",
    "low",
    "high",
    "n",
)
COMPARISON_COLUMNS = (
    "column",
    "stimulus",
    "level",
    "first",
    "second",
    "design",
    "n_first",
    "n_second",
    "difference",
    "low",
    "high",
    "effect",
    "p",
    "p_holm",
)
# Whom the cards of the shipped networks name: their smiles are not found equally well.
_AT_RISK = re.compile(
    r"\b(gender|sex|age|alter|geschlecht|ethnic\w*|race|skin\w*|male|female|men|women|man|woman)\b"
)


def at_risk(column: str, levels) -> bool:
    """Whether a column tells apart people whom the network may treat unequally."""
    words = [column, *levels]
    return any(_AT_RISK.search(re.sub(r"[_\W]+", " ", str(word).lower())) for word in words)


def segment_columns(quality: pd.DataFrame) -> tuple[list[str], dict[str, str]]:
    """Which further columns of the manifest divide the respondents, and why others do not.

    Parameters
    ----------
    quality : DataFrame
        As `StudyResult` holds it.

    Returns
    -------
    usable : list of str
    refused : dict of str to str
        Why a column is none: "many" (more than `MOST_LEVELS` values) or "varies" (a person has
        several). A column of one value is neither.
    """
    usable, refused = [], {}
    for column in quality.columns.difference([*QUALITY_COLUMNS, *PRESENTED], sort=False):
        stated = quality[quality[column].fillna("").astype(str) != ""]
        count = stated[column].nunique()
        if count < 2:
            continue
        if stated.groupby("respondent")[column].nunique().max() > 1:
            refused[column] = "varies"
        elif count > MOST_LEVELS:
            refused[column] = "many"
        else:
            usable.append(column)
    return usable, refused


def parts_of(audience: Audience, quality: pd.DataFrame, column: str) -> dict[str, Audience]:
    """An audience's people by their value of a column, in the order of the values."""
    own = quality.drop_duplicates("respondent").set_index("respondent")[column].fillna("")
    values = [str(own.get(name, "")) for name in audience.respondents]
    return {
        level: audience.take([i for i, value in enumerate(values) if value == level])
        for level in sorted(set(values) - {""}, key=_natural)
    }


def _natural(text: str) -> list:
    """A key that puts "9" before "18"."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]


def segment_tables(
    audiences: dict[str, Audience], quality: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Work out every segment's scores, its comparisons, and its curves.

    Returns
    -------
    segments : DataFrame
        Columns `COLUMNS`: the scores, and the primary outcome; of a segment that is too small one
        row that tells its `n`, without a signal.
    comparison : DataFrame
        Columns `COMPARISON_COLUMNS`: the primary outcome of two levels of a column (`stimulus`
        given, `level` empty), or of two stimuli among one level's people (`level` given,
        `stimulus` empty); first minus second.
    curves : DataFrame
        Columns `CURVE_COLUMNS`: mean changes of the tested signals, with their bands.
    """
    numbers, curves, compared = [], [], []
    for column in segment_columns(quality)[0]:  # one column's people are gone before the next
        for whole, part in zip(
            (numbers, curves, compared), _column(audiences, quality, column), strict=True
        ):
            whole += part
    comparison = pd.DataFrame(compared, columns=list(COMPARISON_COLUMNS[:-1]))
    comparison["p_holm"] = holm(comparison["p"])
    return _stack(numbers, COLUMNS), comparison, _stack(curves, CURVE_COLUMNS)


def _column(
    audiences: dict[str, Audience], quality: pd.DataFrame, column: str
) -> tuple[list[pd.DataFrame], list[pd.DataFrame], list[dict]]:
    """The numbers, curves and comparisons of one column's segments."""
    numbers, curves, compared = [], [], []
    levels: dict[str, dict[str, Audience]] = {}
    for name, audience in audiences.items():
        parts = parts_of(audience, quality, column)
        for level, part in parts.items():
            head = {"stimulus": name, "column": column, "level": level}
            if len(part) < part.config.min_n_interval:
                numbers.append(pd.DataFrame([head | {"n": len(part)}]))
                continue
            numbers.append(_numbers(part, f"{column}: {level}").assign(**head))
            curves.append(_curves(part, column, level).assign(**head))
            levels.setdefault(level, {})[name] = part
        large = {k: p for k, p in parts.items() if len(p) >= p.config.min_n_interval}
        head = {"column": column, "stimulus": name, "level": ""}
        for a, b in combinations(large, 2):
            pair = contrast(large[a], large[b], (a, b), f"segments of {name}")
            compared.append(head | _compared(pair, *head.values()))
    for level, parts in levels.items():
        head = {"column": column, "stimulus": "", "level": level}
        for a, b in combinations(parts, 2):
            pair = contrast(parts[a], parts[b], (a, b), "stimuli")
            compared.append(head | _compared(pair, *head.values()))
    return numbers, curves, compared


def _stack(parts: list[pd.DataFrame], columns) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame(columns=list(columns))
    return pd.concat(parts, ignore_index=True).reindex(columns=list(columns))


def _numbers(part: Audience, group: str) -> pd.DataFrame:
    """The scores and the primary outcome of some people."""
    metrics = mean_metrics(part, group)
    metric, signal = part.config.primary_outcome
    primary = metrics[(metrics["metric"] == metric) & (metrics["signal"] == signal)]
    return pd.concat([primary, stimulus_scores(part, group, metrics)])


def _curves(part: Audience, column: str, level: str) -> pd.DataFrame:
    config = part.config
    band = mean_band(
        Columns(part.curves, [SIGNALS.index(signal) for signal in TESTED]),
        rng=generator(config.seed, "segments", part.stimulus, column, level),
        level=config.level,
        n_boot=config.n_boot,
        min_n=config.min_n_interval,
    )
    return pd.DataFrame(
        {
            "signal": np.repeat(TESTED, len(part.times)),
            "time_s": np.tile(part.times, len(TESTED)),
            "estimate": band.mean,
            "low": band.low,
            "high": band.high,
            "n": band.n,
        }
    )


def _compared(c: Contrast, *names: str) -> dict:
    """The primary outcome of one contrast; no p where either side is too small."""
    config: StudyConfig = c.first.config
    (x,), (y,) = (values.T for values in compared_values(c, [config.primary_outcome]))
    rng = generator(config.seed, "segments", *names, *c.labels)
    x, y = measured(x, y, c.paired)
    few = min(len(x), len(y)) < config.min_n_interval  # of two large segments few may be pairs
    row = {} if few else difference_row(x, y, c.paired, config, rng)
    p = difference_p(x, y, c.paired, config, rng)
    kept = {name: row.get(name, np.nan) for name in ("difference", "low", "high", "effect")}
    return {
        "first": c.labels[0],
        "second": c.labels[1],
        "design": "paired" if c.paired else "independent",
        "n_first": len(x),
        "n_second": len(y),
        "p": p,
    } | kept
