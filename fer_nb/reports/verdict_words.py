"""The verdict of a study in sentences: which film, how sure, and what it hangs on."""

from __future__ import annotations

import numpy as np

from fer_nb.reports.words import (
    ends_text,
    outcome_name,
    people,
    percent,
    signal_name,
    size_text,
    title_of,
)
from fer_nb.study.config import StudyConfig
from fer_nb.study.content import leavers
from fer_nb.study.result import StudyResult
from fer_nb.study.verdict import MOST_N, POWER, Verdict

_EACH = 3  # so many pairs are all told; of more, those that differ
_TOLD = 5  # the largest differences that are told then


def verdict_lines(answers: list[Verdict], result: StudyResult) -> list[str]:
    """Say the verdict on one film or pair; of several pairs, in how many there is a difference."""
    if len(answers) < 2 or not answers[0].second:
        return [line for a in answers for line in verdict_sentences(a, result, len(answers))]
    config, count = result.config, len(answers)
    kind = "groups" if answers[0].within.startswith("groups of ") else "films"
    pairs = f"the {count} pairs of {kind}"
    found = sorted((a for a in answers if _shown(a)), key=lambda a: -abs(a.estimate))
    few = sum(a.code == "too_few" for a in answers)
    if few == count:
        return [
            f"The sample is too small for a verdict on any of {pairs}.",
            f"At least {people(config.min_n_test)} are needed in each.",
        ]
    differ = f"{'differs' if len(found) <= 1 else 'differ'} in {_outcome(config)}"
    lead = f"None of {pairs} {differ} by as much as a sample of this size could show."
    if found:
        lead = f"{len(found)} of {pairs} {differ} beyond chance."
    told = [f"{_difference(a, result)} ({_span(a, config)})." for a in found[:_TOLD]]
    if len(found) > _TOLD:
        told.append(f"These are the {_TOLD} largest differences.")
    if count <= _EACH:
        told += [_told_after(a, result, count) for a in answers if a not in found]
        few = 0
    missing = f" {few} of them have too few people for a verdict." if few else ""
    rest = f"All {count} comparisons are allowed for; the report’s appendix lists them.{missing}"
    return [lead, *told, rest]


def _told_after(answer: Verdict, result: StudyResult, of: int) -> str:
    """One pair that shows no difference, in one sentence."""
    what, how_sure = verdict_sentences(answer, result, of)
    if answer.code != "not_shown":
        return what
    first, second = _names(answer, result)
    return f"{first} and {second}: {how_sure[0].lower()}{how_sure[1:]}"


def _shown(answer: Verdict) -> bool:
    return answer.code in ("first", "second")


def _outcome(config: StudyConfig) -> str:
    return "valence" if config.primary == "average:valence" else f"the {outcome_name(config)}"


def _span(answer: Verdict, config: StudyConfig) -> str:
    """The interval of a difference that was shown, of its size."""
    ends = sorted((abs(answer.low), abs(answer.high)))
    text = ends_text(config.primary_outcome[1], *ends, sign=False)
    return f"{percent(config.level)} interval {text}"


def _difference(answer: Verdict, result: StudyResult) -> str:
    """Which of two was higher, and by how much."""
    signal = result.config.primary_outcome[1]
    winner, other = _names(answer, result)[:: 1 if answer.code == "first" else -1]
    size = f"{size_text(signal, abs(answer.estimate))} {_unit(signal)}"
    return f"{winner} {_raised(answer, result.config)} than {other}, by {size} on average"


def _unit(signal: str) -> str:
    return "points of the 1–7 scale" if signal in ("valence", "arousal") else "of 100"


def verdict_sentences(answer: Verdict, result: StudyResult, of: int = 1) -> list[str]:
    """Say a verdict in two sentences: what, and how sure; `of` so many that are compared."""
    config = result.config
    signal = config.primary_outcome[1]
    level = percent(config.level)
    span = f"{level} interval is {ends_text(signal, answer.low, answer.high)}"
    value = f"{size_text(signal, answer.estimate, True)} {_unit(signal)}"
    names = _names(answer, result)
    if _shown(answer):
        who = f"among the {_size(answer)} who watched both"
        who = who if answer.paired else f"between {_size(answer)}"
        ends = ends_text(signal, *sorted((abs(answer.low), abs(answer.high))), sign=False)
        return [
            f"{_difference(answer, result)}.",
            f"This is the difference {who}; its {level} interval is {ends}.",
        ]
    if answer.code in ("rise", "fall"):
        what = (
            f"{names[0]} {'raised' if answer.code == 'rise' else 'lowered'} {signal_name(signal)}"
        )
        if config.primary_outcome == ("average", "valence"):
            direction = "positive" if answer.code == "rise" else "negative"
            what = f"{names[0]} made expressions more {direction} overall"
        return [
            f"{what}: the {outcome_name(config)} from each person's baseline was {value}.",
            f"This is the mean of {people(answer.n_first)}; its {span}.",
        ]
    if answer.code == "no_baseline":
        return [
            f"{names[0]} was measured without a baseline, so no change can be stated.",
            "Record a few seconds before the film to compare with each person's resting face.",
        ]
    if answer.code == "too_few":
        return _too_few(answer, names, config)
    what, turned = "change", "change"
    between = f"during {names[0]}"
    if answer.second:
        what, turned = "difference", "difference (first minus second)"
        between = f"between {names[0][0].lower()}{names[0][1:]} and {names[1]}"
    return [
        f"No {what} in {_outcome(config)} {between} that a sample of this size could show.",
        f"The {turned} was {value} among {_size(answer)} (the {span}){_needed(answer, of)}",
    ]


def _too_few(answer: Verdict, names: tuple[str, str], config: StudyConfig) -> list[str]:
    """What a sample that is too small shows, and how many people it would take."""
    signal = config.primary_outcome[1]
    needed, each = config.min_n_interval, ""
    if answer.second:
        needed = config.min_n_test
        each = " who watched both" if answer.paired else " each"
    if np.isnan(answer.estimate):
        what = f"{names[0]} has no verdict: nobody was measured in enough of it."
        if answer.second:
            which = "both" if answer.paired else "one of them"
            what = f"{names[0]} and {names[1]} cannot be compared: nobody was measured in enough "
            what += f"of {which}."
        return [what, f"At least {needed}{each} are needed."]
    value = f"{size_text(signal, answer.estimate, True)} {_unit(signal)}"
    what = f"During {names[0]} the {outcome_name(config)} was {value}"
    if answer.second:
        size = size_text(signal, abs(answer.estimate))
        what = f"{names[0]} and {names[1]} differ in {_outcome(config)} by {size} {_unit(signal)}"
        if float(size):
            what += f" (the {'first' if answer.estimate > 0 else 'second'} is higher)"
    return [
        f"{what} in this sample, which is too small for a verdict.",
        f"It holds {_size(answer)}; at least {needed}{each} are needed.",
    ]


def _raised(answer: Verdict, config: StudyConfig) -> str:
    """What the winner did more than the other, or less, by the primary outcome."""
    metric, signal = config.primary_outcome
    fell = (answer.mean_first if answer.code == "first" else answer.mean_second) < 0
    if metric == "average" and not answer.within.startswith("groups of "):
        verb, degree = ("lowered", "less") if fell else ("raised", "more")
        return f"{verb} {signal_name(signal)} {degree}"
    name = outcome_name(config).removeprefix("mean ")
    if not name.startswith("change of "):
        return f"had a higher {name}"
    return f"had a {'smaller fall' if fell else 'larger rise'}{name.removeprefix('change')}"


def doubts(answers: list[Verdict], result: StudyResult) -> list[str]:
    """What a reader of the verdict must know of its checks: each that does not agree with it.

    Of many pairs, those count that differ.
    """
    told = []
    signal = result.config.primary_outcome[1]
    pairs = {
        (a.first, a.second, a.within): a for a in answers if len(answers) <= _EACH or _shown(a)
    }
    for check in result.sensitivity.itertuples():
        answer = pairs.get((check.first, check.second, check.within))
        if answer is None:
            continue
        side = _sides(check.low, check.high)
        if side == _sides(answer.low, answer.high) or (side == 0 and not _shown(answer)):
            continue
        how = {
            "completers": "Among those who watched to the end",
            "presentation": "Allowing for the order in which the films were shown",
        }[check.check]
        names = _names(answer, result)
        which = f" between {names[0]} and {names[1]}" if len(answers) > 1 else ""
        # As the verdict has it: the winner minus the other.
        numbers = np.array([check.difference, check.low, check.high])
        size, low, high = numbers if answer.code != "second" else -numbers[[0, 2, 1]]
        told.append(
            f"{how}, the difference{which} is {size_text(signal, size, True)} "
            f"({ends_text(signal, low, high)}): the verdict depends on this choice."
        )
    if result.mixed_fit.get("presentation") == "confounded":
        told.append(
            "The films were shown in one order only, so a difference between them may be due to "
            "that order."
        )
    return told + _of_all(result)


def _of_all(result: StudyResult) -> list[str]:
    """What a reader must know of every number: of its unit, of who left, of one file for many."""
    told = []
    if result.config.baseline == "z":
        told.append(
            "Changes are in standard deviations of each person’s face at rest (baseline=z): read "
            "1.00 points, or 100 of 100, as one of these."
        )
    elif result.config.baseline == "none":
        told.append(
            "No baseline was subtracted (baseline=none): what is called a change is the level as "
            "measured."
        )
    for name, audience in result.audiences.items():
        stayed = len(audience) - len(leavers(audience))
        if 2 * stayed < len(audience):
            seen = f"only {stayed}" if stayed else "none"
            told.append(
                f"Of the {people(len(audience))} who count for “{title_of(result, name)}”, {seen} "
                "watched to the end: its numbers are of what was watched."
            )
    if result.quality["notes"].fillna("").str.contains("same_file").any():
        told.append(
            "One recording counts as several, under different names (see “Sample and data "
            "quality”): intervals are too narrow, and tests too sure."
        )
    return told


def _sides(low: float, high: float) -> int:
    """On which side of 0 an interval lies: 1, -1, or 0 where it holds 0 or is not known."""
    return int(low > 0) - int(high < 0)


def _needed(answer: Verdict, of: int) -> str:
    """How the sentence on a difference that was not shown ends: how many people it would take."""
    each = "" if answer.paired else " in each group"
    if answer.low > 0 or answer.high < 0:
        # An interval stands for itself; the verdict allows for all comparisons, and for the test.
        if of > 1:
            return f"; as one of {of} comparisons it may still be chance."
        return "; its test does not rule out chance."
    if np.isnan(answer.n_needed):
        return "."
    alone = " if these two alone were compared" if of > 1 else ""
    if np.isinf(answer.n_needed):
        return (
            f"; to show a true effect as small would take more than {MOST_N:,} respondents"
            f"{each}{alone}."
        )
    return (
        f"; to show a true effect of this size in {POWER:.0%} of studies would take about "
        f"{answer.n_needed:.0f} respondents{each}{alone}."
    )


def _size(answer: Verdict) -> str:
    if answer.paired:
        return people(answer.n_first)
    return f"{answer.n_first} and {answer.n_second} respondents"


def _names(answer: Verdict, result: StudyResult) -> tuple[str, str]:
    if answer.within.startswith("groups of "):
        return f"Group “{answer.first}”", f"group “{answer.second}”"
    second = f"“{title_of(result, answer.second)}”" if answer.second else ""
    return f"“{title_of(result, answer.first)}”", second
