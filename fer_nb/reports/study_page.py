"""A study's page, section by section: `06_ad_study_report.ipynb` makes one call for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from IPython.display import display

from fer_nb.reports import comparison_figures, figures
from fer_nb.reports.comparison_sections import (
    comparison_table,
    contrasts_of,
    mixed_table,
    scene_table,
    sensitivity_table,
)
from fer_nb.reports.comparison_sentences import (
    compare_sentence,
    contrast_title,
    mixed_sentence,
    pairing_sentence,
)
from fer_nb.reports.html import Html, box, key_figures, subhead
from fer_nb.reports.norms_sections import norms_table
from fer_nb.reports.player import films_of, player_html, study_data
from fer_nb.reports.sections import (
    exclusions,
    metric_meanings,
    metrics_table,
    moment_cards,
    moments_table,
    quality_table,
    scenes_table,
    strip,
    synchrony_table,
)
from fer_nb.reports.segment_sections import segments as segment_folds
from fer_nb.reports.sentences import (
    has_scenes,
    headline_figures,
    norms_sentence,
    three_sentences,
    top_moments,
)
from fer_nb.reports.words import outcome_name, title_of
from fer_nb.study.norms import Norms
from fer_nb.study.result import StudyResult

NOBODY = "No recording could be kept: nothing to show."


def _show(*parts, else_: str = "") -> None:
    """Show what there is: HTML and figures; what is empty or None is left out.

    Where nothing is, a notebook says `else_`; a page leaves out what is printed, and with it the
    section's heading.
    """
    shown = [part for part in parts if part is not None and part != ""]
    for part in shown:
        display(part)
    if else_ and not shown:
        print(else_)


def _each(result: StudyResult, *makers: Callable) -> None:
    """Show the same of every stimulus, below its title."""
    if not result.audiences:
        _show(else_=NOBODY)
    for name in result.audiences:
        _show(subhead(title_of(result, name)), *(make(result, name) for make in makers))


def player(result: StudyResult, title: str, beside: Mapping[str, str] | None = None) -> None:
    """Show the films above their live curves; `beside`: addresses of those too large to embed."""
    if not result.audiences:
        return _show(else_=NOBODY)
    _show(Html(player_html(study_data(result, title, films_of(result, beside)))))


def segments(result: StudyResult) -> None:
    """Show the respondents told apart by further columns of the manifest, if there are any."""
    _show(segment_folds(result), else_="No further column of the manifest divides the respondents.")


def overview(result: StudyResult) -> None:
    """Show each stimulus in three sentences, key figures, one curve and its strongest moments."""
    if not result.audiences:
        _show(box("No recording could be kept, so there is nothing to report but why.", warn=True))

    def hero(result, name):
        return figures.hero(result, name, top_moments(result, name), strip(result, name))

    _each(
        result,
        lambda result, name: box(three_sentences(result, name)),
        lambda result, name: key_figures(headline_figures(result, name)),
        hero,
        lambda result, name: moment_cards(result, name, top_moments(result, name)),
    )


def quality(result: StudyResult) -> None:
    """Show who was left out and why, and what was measured of every recording."""
    _show(exclusions(result), quality_table(result))


def curves(result: StudyResult) -> None:
    """Show the curves of every signal, with bands and moments."""
    _each(result, figures.curve_panels)


def respondents(result: StudyResult) -> None:
    """Show the valence of every respondent, as a map and as curves."""
    _each(
        result,
        lambda result, name: figures.heat_map(result.audiences[name]),
        lambda result, name: figures.traces(result.audiences[name]),
    )


def moments(result: StudyResult) -> None:
    """Show every moment, and how sure it is."""
    _each(result, moments_table)


def synchrony(result: StudyResult) -> None:
    """Show whether people responded together."""

    def over_time(result, name):
        known = result.synchrony_curves
        if (known["stimulus"] == name).any():
            return figures.synchrony(known, name)
        return None

    _each(result, synchrony_table, over_time)


def numbers(result: StudyResult) -> None:
    """Show the numbers of every stimulus, and what they mean."""
    _each(result, metrics_table)
    _show(metric_meanings(result))


def scenes(result: StudyResult) -> None:
    """Show what people expressed in every described scene."""
    _each(
        result,
        scenes_table,
        lambda result, name: (
            figures.scene_panels(result, name) if has_scenes(result, name) else None
        ),
    )


def comparison(result: StudyResult) -> None:
    """Show how stimuli, or groups, differ: words, figures, tables, checks."""
    if result.comparison.empty:
        _show(box("There is one stimulus and one group: nothing to compare."))
    for rows, curves, clusters in contrasts_of(result):
        note = pairing_sentence(rows, result)
        over_time = None
        if len(curves):
            over_time = comparison_figures.difference_curve(curves, clusters, result.config.alpha)
        _show(
            subhead(contrast_title(rows, result)),
            box(compare_sentence(rows, result, clusters)),
            comparison_figures.differences(rows, result.config),
            comparison_table(rows, result),
            over_time,
            scene_table(rows, result),
            sensitivity_table(rows, result),
            box(note) if note else None,
        )
    note = mixed_sentence(result.mixed_fit, outcome_name(result.config))
    _show(box(note) if note else None, mixed_table(result) if len(result.mixed) else None)


def norms(result: StudyResult, places: dict[str, Norms]) -> None:
    """Show where each stimulus stands among past ones."""
    if not places:
        _show(else_=NOBODY)
    for name, place in places.items():
        _show(
            box(f"{title_of(result, name)}: {norms_sentence(place)}"),
            norms_table(place) if len(place.table) else None,
        )
