"""The report speaks of the confidence level and the error rate that the study was run with."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from fer_nb.reports import (
    comparison_figures,
    comparison_sections,
    comparison_sentences,
    figures,
    sections,
    sentences,
    words,
)
from fer_nb.study import run_mood, run_study
from fer_nb.study.simulate import simulate_guests


@pytest.fixture(scope="module")
def strict(simulated, quick):
    """The study of `simulated` with 90 % intervals and a family-wise error of 1 %."""
    manifest, tables = simulated
    return run_study(manifest, tables=tables, config=quick.with_(level=0.9, alpha=0.01))


def said(result) -> str:
    """Everything the report writes in which a level or an error rate can occur."""
    parts = [sentences.lead(result), sections.method(result)]
    for name in result.audiences:
        parts += sentences.three_sentences(result, name)
        parts += sentences.headline_figures(result, name)
        top = sentences.top_moments(result, name)
        parts.append(sections.moment_cards(result, name, top))
        parts += [
            part(result, name)
            for part in (sections.moments_table, sections.metrics_table, sections.scenes_table)
        ]
    for rows, _, clusters in comparison_sections.contrasts_of(result):
        parts.append(comparison_sentences.compare_sentence(rows, result, clusters))
        parts.append(comparison_sections.comparison_table(rows, result))
    return re.sub(r"data:image[^\"]*", "", "\n".join(map(str, parts)))


def test_every_sentence_names_the_studys_own_level(result, strict):
    assert "95% interval" in said(result)
    assert "90% interval" not in said(result)
    assert "90% interval" in said(strict)
    assert not re.search(r"95 ?% interval", said(strict))


def test_the_scenes_table_names_the_level(strict):
    assert "% (90% interval)" in sections.scenes_table(strict, "trailer-a")


def test_the_comparison_is_judged_at_the_studys_alpha(result, strict):
    rows = result.comparison.assign(p_holm=1.0)
    rows.loc[rows.index[0], "p_holm"] = 0.03
    lenient = comparison_sentences.compare_sentence(rows, result)
    assert "95% interval" in lenient
    assert "p = 0.030" in lenient
    assert "(Holm-corrected, 1%)" in comparison_sentences.compare_sentence(rows, strict)
    sure = comparison_sentences.compare_sentence(rows.assign(p_holm=0.005), strict)
    assert "90% interval" in sure
    assert "95%" not in sure


def test_dots_are_filled_at_the_studys_alpha(result):
    rows = result.comparison.assign(p_holm=0.03)

    def filled(alpha):
        axes = comparison_figures.differences(rows, result.config.with_(alpha=alpha)).axes
        dots = [line for axis in axes for line in axis.lines if line.get_marker() == "o"]
        assert len(dots) == len(rows)
        return {dot.get_markerfacecolor() != "white" for dot in dots}

    assert filled(0.05) == {True}
    assert filled(0.01) == {False}


def test_synchrony_is_called_beyond_chance_at_the_studys_alpha(result, strict):
    def verdict(study):
        study = replace(study, synchrony=study.synchrony.assign(p=0.03))
        names = sentences.headline_figures(study, "trailer-a")
        return next(n for n in names if n.startswith("inter-subject correlation"))

    assert "beyond chance" in verdict(result)
    assert "as by chance" in verdict(strict)


def test_odd_levels_are_not_rounded_away(result):
    assert "97.5% interval" in words.range_text("valence", 0.1, 0.2, 0.975)
    config = result.config.with_(alpha=0.005)
    none = comparison_sentences.compare_sentence(
        result.comparison.assign(p_holm=1.0), replace(result, config=config)
    )
    assert "(Holm-corrected, 0.5%)" in none
    clips, tables = simulate_guests(guests=12)
    mood = run_mood(clips, tables=tables, config=config.with_(level=0.975))
    assert "97.5% interval" in comparison_sentences.mood_sentence(mood)


def test_the_figures_of_a_strict_study_can_be_drawn(strict):
    for rows, curves, clusters in comparison_sections.contrasts_of(strict):
        comparison_figures.differences(rows, strict.config)
        comparison_figures.difference_curve(curves, clusters, strict.config.alpha)
    figures.scene_panels(strict, "trailer-a")
