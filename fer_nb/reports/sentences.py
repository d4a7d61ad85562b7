"""A study in sentences, written from its numbers, always with how sure they are."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fer_nb.reports.words import (
    number,
    people,
    percent,
    range_text,
    signal_name,
    time_code,
    title_of,
    value_text,
)
from fer_nb.study.config import SIGNALS, TESTED, StudyConfig
from fer_nb.study.expressed import expressed_shares
from fer_nb.study.norms import MIN_STUDIES, Norms
from fer_nb.study.result import StudyResult, stimulus_of


def _share_text(value, low, high) -> str:
    return f"{value:.0%} ({low:.0%} to {high:.0%})"


def _number(metrics, stimulus, metric, signal, scope="whole", group="all") -> pd.Series | None:
    chosen = (metrics["stimulus"] == stimulus) & (metrics["group"] == group)
    chosen &= (metrics["scope"] == scope) & (metrics["metric"] == metric)
    found = metrics[chosen & (metrics["signal"] == signal)]
    return found.iloc[0] if len(found) else None


def lead(result: StudyResult) -> str:
    """One sentence on who was watching what, and how many count."""
    c = result.counts()
    text = f"{people(c['invited'])} invited, {c['recorded']} recorded"
    if not result.audiences:
        return f"{text}, none kept."
    parts = [f"{len(a)} for “{title_of(result, s)}”" for s, a in result.audiences.items()]
    return f"{text}, kept: {' and '.join(parts) if len(parts) < 3 else ', '.join(parts)}."


def has_scenes(result: StudyResult, stimulus: str) -> bool:
    """Whether the stimulus has described scenes."""
    return bool(stimulus_of(result.stimuli, stimulus).scenes)


def top_moments(result: StudyResult, stimulus: str) -> list[int]:
    """Index of the moments for the first page, in order of time: the strongest rises of emotions.

    Valence and arousal are named where no emotion accounts for them: they say the same less
    plainly.
    """
    moments = result.moments[result.moments["stimulus"] == stimulus]
    moments = moments[moments["status"].isin(["significant", "untested"])]
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
        f"{people(len(audience))} gave usable data, with the face measured {seen:.0%} of the time."
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
    if best is None:
        text = "Who showed what is not known: nobody was measured in half of the film"
    elif best["estimate"] == 0:
        text = "Nobody clearly showed an emotion for a whole second"
    else:
        text = (
            f"{_share_text(best['estimate'], best['low'], best['high'])} showed "
            f"{signal_name(best['signal'])} for at least a second, "
        )
        alike = [r for r in rows[1:] if r["estimate"] == best["estimate"]]
        if alike:
            text += f"and as many showed {' and '.join(signal_name(r['signal']) for r in alike)}"
        else:
            text += "the most frequent emotion in this sample"
    compared = "the person's own baseline"
    if result.config.baseline == "none" or np.isnan(valence["estimate"]):
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
            f"more {'positive' if valence['estimate'] > 0 else 'negative'} expressions overall"
        )
    return (
        f"{text}; {verdict} ({value_text('valence', valence['estimate'])} of valence against "
        f"{compared}, {range_text('valence', valence['low'], valence['high'], level)})."
    )


def _moment_sentence(result: StudyResult, stimulus: str) -> str:
    top = top_moments(result, stimulus)
    if not top:
        return moments_sentence(result, stimulus)
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


def moments_sentence(result: StudyResult, stimulus: str) -> str:
    """How the moments of one stimulus were looked for, and how many there are."""
    config, n = result.config, len(result.audiences[stimulus])
    moments = result.moments[result.moments["stimulus"] == stimulus]
    if n < config.min_n_test:
        listed = (
            f"Listed without p-values, as seen in this sample: {len(moments)}."
            if len(moments)
            else "Nothing was large enough to list."
        )
        return (
            f"{people(n)} kept: too few to test moments (at least {config.min_n_test} needed, or "
            f"the false-alarm rate could not be held at {percent(config.alpha)}). {listed}"
        )
    by_status = moments.groupby("status").size()
    count = {name: int(by_status.get(name, 0)) for name in ("significant", "small")}
    small = _small_words(count["small"], config)
    few = int(by_status.get("few_moved", 0))
    large = int(by_status.get("not_significant", 0)) + few
    seen = f" Large but not beyond chance: {large}" if large else ""
    if few:
        shared = percent(config.untested_share)
        whose = f"{few} of them shared by fewer than" if few < large else "none of them shared by"
        seen += f", {whose} {shared} of the respondents"
    seen += "." if seen else ""
    if not count["significant"]:
        return (
            f"No moment: in none of {len(TESTED)} signals did the {n} respondents depart from "
            f"their baseline beyond chance (family-wise error {percent(config.alpha)}) and by "
            f"at least the smallest effect of interest.{small}{seen}"
        )
    told = "1 moment" if count["significant"] == 1 else f"{count['significant']} moments"
    signals = moments.loc[moments["status"] == "significant", "signal"].nunique()
    return (
        f"{told} in {signals} of {len(TESTED)} signals, at a family-wise "
        f"error of {percent(config.alpha)} over time and signals.{small}{seen}"
    )


def _small_words(count: int, config: StudyConfig) -> str:
    if not count:
        return ""
    least = f"{100 * config.min_effect:g} of 100, or {config.min_effect_rating:g} points"
    return f" Beyond chance, but below the smallest effect of interest ({least}): {count}."


def sensitivity(result: StudyResult, stimulus: str) -> str:
    """How the share that showed the leading emotion depends on the thresholds of "showed"."""
    rows = _leading(result, stimulus)
    if not rows or rows[0]["estimate"] == 0:
        return ""
    signal, audience = rows[0]["signal"], result.audiences[stimulus]
    known = np.asarray(audience.seconds), audience.resting, result.config
    k = SIGNALS.index(signal) - 2
    half, more, twice = (f"{expressed_shares(*known, f)[k]:.0%}" for f in (0.5, 1.5, 2))
    return (
        f"Share that showed {signal_name(signal)}, with both thresholds of “showed” as set: "
        f"{rows[0]['estimate']:.0%}; halved: {half}; raised by half: {more}; doubled: {twice}."
    )


def norms_sentence(norms: Norms) -> str:
    """What a stimulus is compared with, or why with nothing."""
    kind = f" of kind “{norms.category}”" if norms.category else ""
    kind += f" in market “{norms.market}”" if norms.market else ""
    kind += " of {:g} to {:g} s".format(*norms.length_s) if norms.length_s else ""
    if norms.status == "no-library":
        return "No norms: there is no library of past studies to compare with."
    if norms.status == "too-few":
        return (
            f"No norms: {norms.stimuli} of {norms.total} past stimuli{kind} were measured alike "
            f"(same model, detector and parameters); a percentile needs at least {MIN_STUDIES}."
        )
    return (
        f"Percentiles among {norms.stimuli} past stimuli{kind} measured alike ({norms.studies} "
        f"studies, median {norms.respondents:.0f} respondents, {norms.duration_s:.0f} s)."
    )
