"""What a comparison found, in sentences: of stimuli or groups, and before with after."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fer_nb.reports.words import (
    metric_name,
    number,
    p_phrase,
    people,
    percent,
    range_text,
    signal_name,
    time_code,
    title_of,
    value_text,
)
from fer_nb.study.mood import WARN_BELOW, MoodResult
from fer_nb.study.result import StudyResult


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
        f" Over time: {listed}. These p-values are corrected over the curves compared; where a "
        "stretch begins and ends is not tested."
    )


def mixed_sentence(fit: dict, outcome: str = "mean change of valence") -> str:
    """What the mixed model is, or why there is none; empty where one stimulus was shown."""
    within = "so stimuli are compared within respondents (a fixed intercept for each)"
    none = {
        "one-stimulus": "",
        "too-few": "No mixed model: too few respondents have several recordings.",
        "singular": "No mixed model: the fit is singular (the values hardly differ).",
        "unlinked": "No mixed model: nobody’s recordings link all stimuli.",
    }
    if fit["status"] in none:
        return none[fit["status"]]
    found = {
        "random": f"{fit.get('between', 0):.0%} of the variance lies between respondents",
        "within": f"the variance between respondents is estimated as 0, {within}",
        "within-unconverged": f"its fit did not converge, {within}",
    }[fit["status"]]
    terms = {
        "modelled": " It allows for the order and period of presentation.",
        "confounded": " Each film was always shown in the same place, so that order and film "
        "cannot be told apart.",
    }.get(fit.get("presentation", ""), "")
    return (
        f"Check by a mixed model of the {outcome}: {fit['recordings']} recordings of "
        f"{fit['respondents']} respondents, random intercept per respondent (REML); {found}.{terms}"
    )


def pairing_sentence(rows: pd.DataFrame, result: StudyResult) -> str:
    """Who counts in a comparison, where not everybody does; else empty."""
    left_out = int(rows["left_out"].iloc[0])
    if not left_out:
        return ""
    names = " and ".join(contrast_names(rows, result))
    if rows["design"].iloc[0] == "paired":
        return f"{names}: respondents without a kept recording of both are left out ({left_out})."
    return f"{names}: respondents with recordings of both count for the first only ({left_out})."


def mood_sentence(mood: MoodResult) -> str:
    """How two sides of a day differ in valence, the one question asked beforehand."""
    row, config = mood.table.set_index("measure").loc["valence"], mood.config
    first, second = mood.phases
    if mood.linked:
        who = f"{row['n_before']:.0f} people seen {first} and {second}"
    else:
        who = f"{row['n_before']:.0f} people {first} and {row['n_after']:.0f} {second}"
    if np.isnan(row["difference"]):
        return f"With {who}, there is nothing to compare."
    if np.isnan(row["p"]):
        return (
            f"With {who}, a difference of {number(row['difference'], 2, True)} points of valence "
            f"was seen; that is too few to say more (at least {config.min_n_interval} per side "
            "needed)."
        )
    if row["p"] <= config.alpha:
        direction = "more" if row["difference"] > 0 else "less"
        found = f"Expressions were {direction} positive {second} than {first}"
    else:
        found = (
            f"No difference was shown in how positive expressions were, {second} against {first}"
        )
    interval = range_text("valence", row["low"], row["high"], config.level)
    return (
        f"{found}: {value_text('valence', row['difference'])} of valence on the 1–7 scale "
        f"({interval}; {row['effect_size']} = {number(row['effect'])}; {p_phrase(row['p'])}; "
        f"{who})."
    )


def mood_warnings(mood: MoodResult) -> list[str]:
    """What to know before reading a comparison of moods."""
    texts = {
        "unreadable": "{clip} was left out: {error}",
        "no_face": "{clip} was left out: it shows no face, or just one frame",
        "too_short": "{count} left out, seen for less than {min_valid_s:g} s",
        "one_side": "{count} seen on one side only and left out of the pairs",
        "few": "only {before} before and {after} after: with fewer than "
        f"{WARN_BELOW} per side a result is a hint, not a finding",
    }
    return [texts[code].format(**values) for code, values in mood.warnings]
