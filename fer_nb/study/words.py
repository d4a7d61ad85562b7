"""A study in words: sentences written from the numbers, always with how sure they are."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from fer_nb.study.config import TESTED, StudyConfig
from fer_nb.study.result import StudyResult, full_title, stimulus_of
from fer_nb.summary import time_code

UNITS = {signal: "percentage points" for signal in TESTED} | {
    "valence": "points",
    "arousal": "points",
}
_NOUNS = {
    "p_anger": "anger",
    "p_contempt": "contempt",
    "p_disgust": "disgust",
    "p_fear": "fear",
    "p_happy": "happiness",
    "p_neutral": "neutral",
    "p_sad": "sadness",
    "p_surprise": "surprise",
    "p_uncertain": "uncertain",
}


def signal_name(signal: str) -> str:
    """A signal as a noun: "happiness" for `p_happy`, valence and arousal as they are."""
    return _NOUNS.get(signal, signal)


def number(value: float, digits: int = 2, sign: bool = False) -> str:
    """A number as printed: a true minus, no "-0", a dash where it is not known."""
    if value is None or math.isnan(value):
        return "–"
    rounded = round(float(value), digits) + 0.0
    return f"{rounded:{'+' if sign else ''}.{digits}f}".replace("-", "−")


def percent(share: float) -> str:
    """A level or an error rate in percent, with the digits it was given with.

    Examples
    --------
    >>> percent(0.95), percent(0.975), percent(0.005)
    ('95%', '97.5%', '0.5%')
    """
    return f"{100 * share:g}%"


def p_text(p: float) -> str:
    """A p-value in a table: three digits, "< 0.001" below them, a dash where nothing was tested."""
    return "< 0.001" if p < 0.0005 else number(p, 3)


def p_phrase(p: float) -> str:
    """A p-value in a sentence.

    Examples
    --------
    >>> p_phrase(0.0001), p_phrase(0.0262)
    ('p < 0.001', 'p = 0.026')
    """
    text = p_text(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def metric_name(metric: str, config: StudyConfig | None = None) -> str:
    """A metric as the report names it, with the seconds that it looks at if `config` is given."""
    names = {"peak_end": "peak–end"}
    if config is not None:
        names |= {"first": f"first {config.first_s:g} s", "last": f"last {config.last_s:g} s"}
    return names.get(metric, metric.replace("_", " "))


def value_text(signal: str, value: float) -> str:
    """A change of a signal with its unit: points, or percentage points."""
    if math.isnan(value):
        return "not known"
    if signal in ("valence", "arousal"):
        return f"{number(value, 2, True)} points"
    return f"{number(100 * value, 0, True)} percentage points"


def range_text(signal: str, low: float, high: float, level: float) -> str:
    """An interval in words; says where there is none."""
    if math.isnan(low) or math.isnan(high):
        return "too few people for an interval"
    scale, digits = (1, 2) if signal in ("valence", "arousal") else (100, 0)
    ends = f"{number(scale * low, digits, True)} to {number(scale * high, digits, True)}"
    return f"{percent(level)} interval {ends}"


def _share_text(value, low, high) -> str:
    return f"{value:.0%} ({low:.0%} to {high:.0%})"


def _number(metrics, stimulus, metric, signal, scope="whole", group="all") -> pd.Series | None:
    chosen = (metrics["stimulus"] == stimulus) & (metrics["group"] == group)
    chosen &= (metrics["scope"] == scope) & (metrics["metric"] == metric)
    found = metrics[chosen & (metrics["signal"] == signal)]
    return found.iloc[0] if len(found) else None


def title_of(result: StudyResult, stimulus: str) -> str:
    """The title of a stimulus, with its phase where it has one."""
    return full_title(result.stimuli, stimulus)


def lead(result: StudyResult) -> str:
    """One sentence on who was watching what, and how many count."""
    c = result.counts()
    text = f"{people(c['invited'])} invited, {c['recorded']} recorded"
    if not result.audiences:
        return f"{text}, none kept."
    parts = [f"{len(a)} for “{title_of(result, s)}”" for s, a in result.audiences.items()]
    return f"{text}, kept: {' and '.join(parts) if len(parts) < 3 else ', '.join(parts)}."


def people(n: int) -> str:
    """So many respondents, in words."""
    return "1 respondent" if n == 1 else f"{n} respondents"


def has_scenes(result: StudyResult, stimulus: str) -> bool:
    """Whether the stimulus has described scenes."""
    return bool(stimulus_of(result.stimuli, stimulus).scenes)


def top_moments(result: StudyResult, stimulus: str) -> list[int]:
    """Index of the moments for the first page, in order of time: the strongest rises of emotions.

    Valence and arousal are named where no emotion accounts for them: they say the same less
    plainly.
    """
    moments = result.moments[result.moments["stimulus"] == stimulus]
    up = moments["direction"] == "up"
    emotions = moments[moments["signal"].str.startswith("p_") & up]
    # A drop of valence that no rising emotion accounts for is news of its own.
    drops = moments[(moments["signal"] == "valence") & ~up]
    drops = drops[[_overlap(drop, emotions) < 0.5 for _, drop in drops.iterrows()]]
    # A fall of one emotion is mostly the rise of another, and never news by itself.
    others = moments[~moments["signal"].str.startswith("p_")]
    chosen = pd.concat([emotions, drops]) if len(emotions) else others
    if len(chosen) == 0:
        return []
    # Ranked on one scale: a point of valence is a third of its way from neutral to the end.
    strength = chosen["effect"].abs() / np.where(chosen["signal"].str.startswith("p_"), 1, 3)
    order = strength.sort_values(ascending=False, kind="stable").index
    return sorted(order[: result.config.top_moments], key=lambda i: moments.loc[i, "start_s"])


def _overlap(one: pd.Series, others: pd.DataFrame) -> float:
    """Largest share of a moment that another covers."""
    common = np.minimum(one["end_s"], others["end_s"]) - np.maximum(
        one["start_s"], others["start_s"]
    )
    length = max(one["end_s"] - one["start_s"], 1e-9)
    return float(np.clip(common / length, 0, 1).max()) if len(others) else 0.0


def three_sentences(result: StudyResult, stimulus: str) -> list[str]:
    """What a client should take away from one stimulus, with the uncertainty of each number."""
    audience = result.audiences[stimulus]
    seen = audience.coverage.mean()
    first = (
        f"{people(len(audience))} could be read while watching, with the face measured "
        f"{seen:.0%} of the time."
    )
    return [first, _expressed_sentence(result, stimulus), _moment_sentence(result, stimulus)]


def _leading(result: StudyResult, stimulus: str) -> list[pd.Series]:
    """Shares of respondents who showed each emotion, the largest first; only those measured."""
    rows = [_number(result.metrics, stimulus, "ever_expressed", s) for s in TESTED[2:]]
    known = [row for row in rows if not np.isnan(row["estimate"])]
    common = ("p_happy", "p_surprise")  # before the others where shares are equal
    return sorted(known, key=lambda r: (-r["estimate"], r["signal"] not in common))


def _expressed_sentence(result: StudyResult, stimulus: str) -> str:
    rows = _leading(result, stimulus)
    best = rows[0] if rows else None
    valence = _number(result.metrics, stimulus, "average", "valence")
    level = result.config.level
    if best is None or best["estimate"] == 0:
        text = "Nobody expressed an emotion clearly for a whole second"
    else:
        text = (
            f"{_share_text(best['estimate'], best['low'], best['high'])} showed "
            f"{signal_name(best['signal'])} for at least a second, "
        )
        alike = [r for r in rows[1:] if r["estimate"] == best["estimate"]]
        if alike:
            text += f"and as many {' and '.join(signal_name(r['signal']) for r in alike)}"
        else:
            text += "the most frequent emotion in this sample"
    compared = "the person's own baseline"
    if result.config.baseline == "none":
        return f"{text}."
    if np.isnan(valence["low"]):
        return (
            f"{text}; over the whole film, valence was {value_text('valence', valence['estimate'])}"
            f" against {compared} (too few people for an interval)."
        )
    if valence["low"] <= 0 <= valence["high"]:
        verdict = "no clear change of valence over the whole film"
    else:
        verdict = (
            f"a more {'pleasant' if valence['estimate'] > 0 else 'unpleasant'} look on the whole"
        )
    return (
        f"{text}; {verdict} ({value_text('valence', valence['estimate'])} of valence against "
        f"{compared}, {range_text('valence', valence['low'], valence['high'], level)})."
    )


def _moment_sentence(result: StudyResult, stimulus: str) -> str:
    top = top_moments(result, stimulus)
    if not top:
        return result.moment_sentences[stimulus]
    parts = []
    for at in top:
        m = result.moments.loc[at]
        interval = range_text(m["signal"], m["low"], m["high"], result.config.level)
        parts.append(
            f"{signal_name(m['signal'])} {value_text(m['signal'], m['effect'])} from "
            f"{time_code(m['start_s'])} to {time_code(m['end_s'])} ({interval})"
        )
    untested = (result.moments.loc[top, "status"] == "untested").all()
    listed = "; ".join(parts)
    if untested:
        return (
            f"Seen in this small sample, not tested (a test needs {result.config.min_n_test} "
            f"respondents): {listed}."
        )
    return f"The audience clearly departed from its baseline: {listed}."


def headline_figures(result: StudyResult, stimulus: str) -> dict[str, str]:
    """Key figures of one stimulus with short names, for large print."""
    audience = result.audiences[stimulus]
    figures = {"respondents kept": f"{len(audience)}"}
    for row in _leading(result, stimulus)[:2]:
        name = f"showed {signal_name(row['signal'])} ({row['low']:.0%} to {row['high']:.0%})"
        figures[name] = f"{row['estimate']:.0%}"
    valence = _number(result.metrics, stimulus, "average", "valence")
    if not np.isnan(valence["estimate"]):
        interval = (
            "no interval"
            if np.isnan(valence["low"])
            else f"{number(valence['low'], 2, True)} to {number(valence['high'], 2, True)}"
        )
        figures[f"change of valence ({interval})"] = number(valence["estimate"], 2, True)
    isc = result.synchrony[result.synchrony["stimulus"] == stimulus]
    isc = isc[isc["signal"] == "valence"]
    if len(isc) and not np.isnan(isc["isc"].iloc[0]):
        p = isc["p"].iloc[0]
        chance = "beyond chance" if p <= result.config.alpha else "as by chance"
        chance = "not tested" if np.isnan(p) else chance
        figures[f"inter-subject correlation of valence ({chance})"] = f"{isc['isc'].iloc[0]:.2f}"
    return figures


def contrast_title(rows: pd.DataFrame, result: StudyResult) -> str:
    """What a comparison is about: two stimuli by their titles, or two groups of one stimulus."""
    first, second = contrast_names(rows, result)
    within = rows["within"].iloc[0].removeprefix("groups of ")
    place = "" if within == "stimuli" else f"“{title_of(result, within)}”: "
    return f"{place}{first} and {second}"


def contrast_names(rows: pd.DataFrame, result: StudyResult) -> tuple[str, str]:
    """Names of the two that are compared, stimuli by their titles."""
    names = rows["first"].iloc[0], rows["second"].iloc[0]
    if rows["within"].iloc[0] != "stimuli":
        return names
    first, second = (f"“{title_of(result, name)}”" for name in names)
    return first, second


def compare_sentence(
    rows: pd.DataFrame, result: StudyResult, clusters: pd.DataFrame | None = None
) -> str:
    """What the comparison of two stimuli or groups found, at the study's level and alpha.

    `clusters` are stretches in which the curves differ, as `comparison_sections.contrasts_of` gives
    them.
    """
    config, title = result.config, contrast_title(rows, result)
    if rows["design"].iloc[0] == "paired":
        how = f"{people(rows['n_first'].max())} with a kept recording of both"
    else:
        how = f"{rows['n_first'].max()} and {rows['n_second'].max()} different respondents"
    if rows["p"].isna().all():
        return f"{title} ({how}): too few people for a test; differences as observed."
    over_time = "" if clusters is None else _stretches(clusters, rows, result)
    clear = rows[rows["p_holm"] <= config.alpha]
    if clear.empty:
        return (
            f"{title} ({how}): none of {rows['p'].notna().sum()} compared numbers "
            f"differs beyond chance (Holm-corrected, {percent(config.alpha)}).{over_time}"
        )
    listed = "; ".join(
        f"{signal_name(r.signal)} ({metric_name(r.metric, config)}) "
        f"{value_text(r.signal, r.difference)}, "
        f"{range_text(r.signal, r.low, r.high, config.level)}, {p_phrase(r.p_holm)}"
        for r in clear.itertuples()
    )
    return f"{title} ({how}), first minus second: {listed}.{over_time}"


def _stretches(clusters: pd.DataFrame, rows: pd.DataFrame, result: StudyResult) -> str:
    found = clusters[clusters["p_holm"] <= result.config.alpha].sort_values("start_s")
    if found.empty:
        return ""
    names = contrast_names(rows, result)
    listed = "; ".join(
        f"{signal_name(c.signal)} higher for {names[0 if c.sign > 0 else 1]} from "
        f"{time_code(c.start_s)} to {time_code(c.end_s)} ({p_phrase(c.p_holm)})"
        for c in found.itertuples()
    )
    return (
        f" Over time: {listed}. These p are corrected over the curves compared; where a stretch "
        "begins and ends is not tested."
    )
