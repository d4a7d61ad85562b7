"""The verdict in sentences: of one film, of two, and of so many that nobody would read each."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from fer_nb.reports.verdict_words import doubts, verdict_lines, verdict_sentences
from fer_nb.study.stimuli import Stimulus
from fer_nb.study.verdict import Verdict


def answer(code: str, result, **changes) -> Verdict:
    first, second = result.audiences
    numbers = {"estimate": 0.4, "low": 0.2, "high": 0.6, "n_first": 20, "n_second": 20}
    rest = {"within": "stimuli", "paired": True, "n_needed": 34.0}
    return Verdict(code, first, second, **(numbers | rest | changes))


@pytest.mark.parametrize(
    ("code", "changes", "says"),
    [
        ("first", {}, ("“Trailer A (simulated)” raised valence more", "0.20 to 0.60")),
        ("second", {"estimate": -0.4, "low": -0.6, "high": -0.2}, ("“Trailer B", "0.20 to 0.60")),
        ("first", {"low": 0.003}, ("raised valence more", "0.003 to 0.600")),
        (
            "not_shown",
            {"low": -0.1},
            ("No difference in valence", "about 34 respondents."),
        ),
        (
            "not_shown",
            {"low": -0.1, "paired": False, "n_needed": float("inf")},
            ("that a sample of this size could show", "more than 10,000 respondents in each group"),
        ),
        ("not_shown", {}, ("No difference in valence", "its test does not rule out chance.")),
        (
            "too_few",
            {"n_first": 6, "low": np.nan},
            ("too small for a verdict", "at least 10 who watched both"),
        ),
        (
            "too_few",
            {"paired": False, "n_first": 6, "estimate": -0.4},
            ("0.40 points of the 1–7 scale (the second is higher)", "at least 10 each"),
        ),
        (
            "too_few",
            {"n_first": 0, "n_second": 0, "estimate": np.nan, "low": np.nan},
            ("cannot be compared: nobody was measured in enough of both.", "At least 10"),
        ),
        (
            "too_few",
            {"n_first": 2, "second": "", "within": "", "low": np.nan},
            ("the mean change of valence was +0.40 points", "at least 5 are needed"),
        ),
        ("rise", {"second": "", "within": ""}, ("more positive overall", "+0.20 to +0.60")),
        ("no_baseline", {"second": "", "within": ""}, ("without a baseline", "resting face")),
    ],
)
def test_a_verdict_in_two_sentences(result, code, changes, says):
    lines = verdict_sentences(replace(answer(code, result), **changes), result)
    assert len(lines) == 2
    for line, words in zip(lines, says, strict=True):
        assert words in line


@pytest.fixture
def many(result):
    """A study of five films, and a verdict on each pair that shows no difference."""
    films = {f"ad{k}": Stimulus(f"ad{k}", f"Ad {k}", None, 20.0) for k in range(5)}
    pairs = [
        replace(answer("not_shown", result), first=first, second=second, low=-0.1)
        for first, second in combinations(films, 2)
    ]
    return replace(result, stimuli=films), pairs


def test_of_many_films_those_that_differ_are_told(many):
    result, pairs = many
    lines = verdict_lines(pairs, result)
    assert lines == [
        "None of the 10 pairs of films differs in valence by as much as a sample of this size "
        "could show.",
        "All 10 comparisons are allowed for; the report’s appendix lists them.",
    ]
    pairs[3] = replace(pairs[3], code="second", estimate=-0.4, low=-0.6, high=-0.2)
    lines = verdict_lines(pairs, result)
    assert lines[0] == "1 of the 10 pairs of films differs in valence beyond chance."
    assert lines[1] == (
        "“Ad 4” raised valence more than “Ad 0”, by 0.40 points of the 1–7 scale on average "
        "(95% interval 0.20 to 0.60)."
    )
    shown = [replace(a, code="first", low=0.1, estimate=k / 10) for k, a in enumerate(pairs, 1)]
    lines = verdict_lines(shown, result)
    assert lines[0] == "10 of the 10 pairs of films differ in valence beyond chance."
    assert "by 1.00 points" in lines[1]  # the largest first
    assert len(lines) == 8
    assert lines[6] == "These are the 5 largest differences."
    few = [replace(a, code="too_few", n_first=6) for a in pairs]
    assert "too small for a verdict on any of the 10 pairs" in verdict_lines(few, result)[0]
    assert "2 of them have too few" in verdict_lines([*few[:2], *pairs[2:]], result)[-1]


def test_a_number_of_people_is_not_promised_where_many_are_compared(many):
    result, pairs = many
    lines = verdict_lines([replace(pairs[0], low=0.05), *pairs[1:3]], result)
    assert len(lines) == 5
    assert lines[0].startswith("None of the 3 pairs of films differs")
    assert lines[1].startswith("“Ad 0” and “Ad 1”: the difference (first minus second) was +0.40")
    assert lines[1].endswith("; as one of 3 comparisons it may still be chance.")
    assert lines[2].endswith("about 34 respondents if these two alone were compared.")


def test_of_a_few_pairs_each_is_told_in_one_sentence_the_differences_first(many):
    result, pairs = many
    few = replace(pairs[0], code="too_few", n_first=6)
    lines = verdict_lines([few, pairs[1], replace(pairs[2], code="first", low=0.2)], result)
    assert lines[0] == "1 of the 3 pairs of films differs in valence beyond chance."
    assert lines[1].startswith("“Ad 0” raised valence more than “Ad 3”")
    assert lines[2].startswith("“Ad 0” and “Ad 1” differ in valence by 0.40 points")
    assert lines[3].startswith("“Ad 0” and “Ad 2”: the difference (first minus second) was +0.40")
    assert len(lines) == 5


def test_a_doubt_names_its_films_and_concerns_a_difference_that_is_told(many):
    result, pairs = many
    numbers = {"within": "stimuli", "check": "completers", "difference": 0.1}
    checks = [
        {"first": a.first, "second": a.second, "low": -0.2, "high": 0.4} | numbers for a in pairs
    ]
    study = replace(result, sensitivity=pd.DataFrame(checks), mixed_fit={})
    assert doubts(pairs, study) == []
    pairs[3] = replace(pairs[3], code="first", low=0.2)
    (told,) = doubts(pairs, study)
    assert "Among those who watched to the end, the difference between “Ad 0” and “Ad 4”" in told
    uncertain = replace(pairs[0], low=0.1)  # its interval alone leaves 0 out: no verdict either
    assert doubts([uncertain, *pairs[1:3]], study) == []
    other = replace(study, sensitivity=pd.DataFrame([checks[0] | {"low": 0.1}]))
    assert len(doubts(pairs[:1], other)) == 1


@pytest.mark.parametrize(
    ("primary", "changes", "says"),
    [
        ("average:valence", {}, "A (simulated)” lowered valence less than"),
        ("average:valence", {"mean_first": 0.1}, "A (simulated)” raised valence more than"),
        ("average:valence", {"within": "groups of a"}, "had a smaller fall of valence than"),
        ("last:p_happy", {}, "had a smaller fall of happiness in the last 5 s than"),
        ("last:p_happy", {"mean_first": 0.1}, "had a larger rise of happiness in the last 5 s"),
        ("peak_end:valence", {}, "had a higher peak–end of valence than"),
    ],
)
def test_who_fell_less_has_raised_nothing(result, primary, changes, says):
    study = replace(result, config=result.config.with_(primary=primary))
    means = {"mean_first": -0.1, "mean_second": -0.5}
    told = verdict_sentences(answer("first", result, **(means | changes)), study)[0]
    assert says in told


def test_a_check_is_told_the_way_the_verdict_is(many):
    result, pairs = many
    pair = replace(pairs[0], code="second", estimate=-0.4, low=-0.6, high=-0.2)
    check = {"first": pair.first, "second": pair.second, "within": "stimuli"}
    check |= {"check": "completers", "difference": -0.1, "low": -0.3, "high": 0.1}
    study = replace(result, sensitivity=pd.DataFrame([check]), mixed_fit={})
    (told,) = doubts([pair], study)
    assert "is +0.10 (−0.10 to +0.30)" in told


def test_what_holds_for_every_number_is_said(result):
    study = replace(result, mixed_fit={})
    assert doubts([], study) == []
    for baseline, words in (("z", "standard deviations"), ("none", "the level as measured")):
        (told,) = doubts([], replace(study, config=result.config.with_(baseline=baseline)))
        assert words in told
    name, audience = next(iter(result.audiences.items()))
    raw = audience.raw[:].copy()
    raw[..., audience.times > 20] = np.nan
    (told,) = doubts([], replace(study, audiences={name: replace(audience, raw=raw)}))
    assert told.endswith("none watched to the end: its numbers are of what was watched.")
    (told,) = doubts([], replace(study, quality=result.quality.assign(notes="tilted; same_file")))
    assert "under different names" in told
