"""A finished study in other formats: PDF, slides, workbook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from fer_nb.reports.brand import read_brand
from fer_nb.reports.deck import CurveLine, Curves, Deck, MomentCard, Table
from fer_nb.reports.figures import signal_color
from fer_nb.reports.html import ordinal
from fer_nb.reports.page_one import PageOne, ScoreView, page_one
from fer_nb.reports.pdf import print_pdf
from fer_nb.reports.segment_bars import segment_bars
from fer_nb.reports.slides import write_slides
from fer_nb.reports.study import FULL_PDF, PDF, SLIDES, WORKBOOK
from fer_nb.reports.words import percent, signal_name, time_code, title_of, value_text
from fer_nb.reports.workbook import write_workbook
from fer_nb.study.config import StudyConfig
from fer_nb.study.norms import compare_with_norms, norms_table
from fer_nb.study.result import StudyResult
from fer_nb.study.storage import load_study

# Lines of two or more stimuli, told apart by colour as slides have no hover.
_CUT_COLORS = ("#1B5E8C", "#D55E00", "#1B7F5C", "#B0397A", "#636973")
_CUTS_PER_CHART = 4  # more lines, bars or columns than these cannot be told apart
_BANDS = 2  # films in one chart whose bands are drawn


def export_study(
    study: str | Path,
    *,
    pdf: str = "",
    pptx: bool = False,
    xlsx: bool = False,
    title: str | None = None,
    norms: str | Path | None = None,
    category: str = "",
    market: str = "",
    length_s: tuple[float, float] | None = None,
    brand: str | Path | None = None,
    films: Mapping[str, str | Path] | None = None,
    force: bool = False,
) -> list[Path]:
    """Write a finished study's report as PDF, slides and workbook, beside its page.

    Parameters
    ----------
    study : path
        Folder that `report_study` made.
    pdf : {"", "short", "full"}
        The page as PDF, without or with its appendix; needs Chromium.
    pptx, xlsx : bool
        Slides and workbook; need the extra ``[export]``.
    title, norms, category, market, length_s, brand
        As for the report.
    films
        As for `fer_nb.study.load_study`.
    force : bool
        Replace existing files.

    Returns
    -------
    list of Path
        What was written.
    """
    study = Path(study)
    written = []
    if pdf:
        target = study / (PDF if pdf == "short" else FULL_PDF)
        page = study / "study.html"
        full, paper = pdf == "full", read_brand(brand).paper
        written.append(print_pdf(page, target, appendix=full, paper=paper, force=force))
    if not (pptx or xlsx):
        return written
    result = load_study(study, films)
    which: dict = {"category": category, "market": market, "length_s": length_s}
    if xlsx:
        places = norms_table(result, norms, **which) if norms else None
        written.append(write_workbook(result, study / WORKBOOK, places, force=force))
    if pptx:
        past = {name: compare_with_norms(result, name, norms, **which) for name in result.audiences}
        said = page_one(result, title or "Audience study", past)
        deck = study_deck(result, said)
        written.append(write_slides(deck, study / SLIDES, read_brand(brand), force=force))
    return written


def study_deck(result: StudyResult, said: PageOne) -> Deck:
    """Put a study on slides: the first page's words, its scores, and the curves."""
    return Deck(
        title=said.title,
        subtitle=said.sample,
        verdict=[*said.verdict, *said.doubts],
        tables=[table for table in (_scores(result, said), _brand(result, said)) if table],
        curves=_curves(result),
        moments=_moments(result, said),
        segments=segment_bars(result, _CUT_COLORS, _CUTS_PER_CHART),
        method=[
            "Faces were measured frame by frame with fer_nb, which uploads no picture.",
            "Values are changes from each person’s own baseline, averaged over people; the unit "
            "of every interval is the person.",
            said.caution,
        ],
    )


def _scores(result: StudyResult, said: PageOne) -> Table | None:
    """A row a score and a column a stimulus; turned round where there are many stimuli."""
    cells = [
        [any_view.label, *("–" if v is None else _score_cell(v) for v in views)]
        for any_view, views in said.board
    ]
    rows = [["Score", *(title_of(result, name) for name in said.scores)], *cells]
    level = percent(result.config.level)
    note = " ".join([f"In brackets: {level} intervals.", *said.norms_told])
    return _turned(Table("Scores", rows, note), "Film") if cells else None


def _turned(table: Table, head: str) -> Table:
    """Let the films be rows where they are too many to be columns."""
    if len(table.rows[0]) - 1 <= _CUTS_PER_CHART:
        return table
    rows = [list(row) for row in zip(*table.rows, strict=True)]
    rows[0][0] = head
    return Table(table.title, rows, table.note)


def _score_cell(view: ScoreView) -> str:
    unit = view.unit if view.unit == "%" else f" {view.unit}"
    text = f"{view.value}{unit} ({view.interval})"
    return text if view.percentile is None else f"{text}\n{ordinal(view.percentile)} percentile"


def _brand(result: StudyResult, said: PageOne) -> Table | None:
    """One row a brand moment and number, one column a stimulus; none without brand moments."""
    cells: dict[str, dict[str, str]] = {}
    for name, views in said.brand.items():
        for view in views:
            for what, value, interval in view.rows:
                label = f"{view.name}: {what[0].lower()}{what[1:]}"
                cells.setdefault(label, {})[name] = f"{value} ({interval})"
    shown = [name for name, views in said.brand.items() if views]
    rows = [[label, *(row.get(name, "–") for name in shown)] for label, row in cells.items()]
    head = ["Brand moment", *(title_of(result, name) for name in shown)]
    note = f"In brackets: {percent(result.config.level)} intervals."
    table = Table("While the brand is seen, and after", [head, *rows], note)
    return _turned(table, "Film") if rows else None


def _moments(result: StudyResult, said: PageOne) -> list[tuple[str, list[MomentCard]]]:
    """The first page's moments as cards, each list on slides of its own; those without pictures
    of one kind together."""
    several = len(said.best) > 1
    slides: list[tuple[str, list[MomentCard]]] = []
    bare: dict[str, list[MomentCard]] = {}
    for found in said.moments:
        cards = [
            MomentCard(
                " · ".join(filter(None, (m.when, m.scene))),
                f"{m.what} ({'; '.join(filter(None, (m.interval, m.sure)))})",
                m.frame,
                title_of(result, m.stimulus) if several else "",
            )
            for m in found.views
        ]
        if any(card.frame is not None for card in cards):
            title = found.title
            if several and found.stimulus:
                title += f": {title_of(result, found.stimulus)}"
                cards = [replace(card, film="") for card in cards]
            slides.append((title, cards))
        else:
            bare.setdefault(found.title, []).extend(cards)
    return [*slides, *((title, cards) for title, cards in bare.items() if cards)]


def _curves(result: StudyResult) -> list[Curves]:
    """The valence of every stimulus, and the two emotions that moved most; few to a chart."""
    table = result.curves.query("kind == 'mean' and group == 'all'")
    emotions = table[table["signal"].str.startswith("p_")]
    emotions = emotions[~emotions["signal"].isin(["p_neutral", "p_uncertain"])]
    reach = emotions["estimate"].abs().groupby(emotions["signal"]).max()
    charts = []
    for signal in ("valence", *reach.sort_values(ascending=False).index[:2]):
        rating = signal == "valence"
        lines = []
        for i, name in enumerate(result.audiences):
            rows = table[(table["stimulus"] == name) & (table["signal"] == signal)]
            alone = len(result.audiences) == 1
            color = signal_color(signal) if alone else _CUT_COLORS[i % _CUTS_PER_CHART]
            values = {
                ends: rows[ends].to_numpy(float) * (1 if rating else 100)
                for ends in ("estimate", "low", "high")
            }
            times = rows["time_s"].to_numpy(float)
            lines.append(CurveLine(title_of(result, name), times, values.pop("estimate"), color))
            if len(result.audiences) <= _BANDS:
                lines[-1] = replace(lines[-1], **values)
        unit = "points (1–7)" if rating else "score (0–100)"
        ends = np.concatenate([v for line in lines for v in line.all_values])
        ends = ends[np.isfinite(ends)]
        for start in range(0, len(lines), _CUTS_PER_CHART):
            part = lines[start : start + _CUTS_PER_CHART]
            charts.append(
                Curves(
                    f"{signal_name(signal).capitalize()}: {_highest(signal, part, result.config)}",
                    f"change from baseline, {unit}",
                    part,
                    _band_note(result.config, part),
                    (ends.min(), ends.max()) if len(ends) else (),
                )
            )
    return charts


def _band_note(config: StudyConfig, lines: list[CurveLine]) -> str:
    each = "Each line is" if len(lines) > 1 else "The line is"
    mean = f"{each} the mean of the respondents"
    if any(line.low is not None and np.isfinite(line.low).any() for line in lines):
        note = f"{mean}; the thin lines are its {percent(config.level)} band."
    elif any(line.low is not None for line in lines):
        note = f"{mean}; they are too few for a band."
    else:
        note = f"{mean}; their bands are in the report."
    return f"{note} A line breaks where no face was seen." if any(map(_breaks, lines)) else note


def _breaks(line: CurveLine) -> bool:
    """Whether nothing was measured between two readings."""
    seen = np.flatnonzero(np.isfinite(line.values))
    return bool((np.diff(seen) > 1).any())


def _highest(signal: str, lines: list[CurveLine], config: StudyConfig) -> str:
    """Where the curves of one signal lie farthest from the baseline, if they leave it."""
    seen = [line for line in lines if np.isfinite(line.values).any()]
    if not seen:
        return "not measured"
    far = max(seen, key=lambda line: np.nanmax(np.abs(line.values)))
    at = int(np.nanargmax(np.abs(far.values)))
    rating = signal == "valence"
    top = float(far.values[at])
    least = config.min_effect_rating if rating else 100 * config.min_effect
    if abs(top) < least:
        unit = "points" if rating else "of 100"
        return f"stays within {least:g} {unit} of the baseline"
    film = f" in {far.label}" if len(lines) > 1 else ""
    size = value_text(signal, top if rating else top / 100)
    return f"{'highest' if top > 0 else 'lowest'}{film}, {size} at {time_code(far.time_s[at])}"
