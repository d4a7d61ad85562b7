"""A finished study in other formats: PDF, slides, workbook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fer_nb.reports.brand import read_brand
from fer_nb.reports.figures import signal_color
from fer_nb.reports.html import ordinal
from fer_nb.reports.page_one import MomentView, PageOne, ScoreView, page_one
from fer_nb.reports.pdf import print_pdf
from fer_nb.reports.segment_bars import segment_bars
from fer_nb.reports.slides import CurveLine, Deck, MomentCard, write_slides
from fer_nb.reports.study import FULL_PDF, PDF, SLIDES, WORKBOOK
from fer_nb.reports.words import signal_name, time_code, title_of, value_text
from fer_nb.reports.workbook import write_workbook
from fer_nb.study.norms import compare_with_norms, norms_table
from fer_nb.study.result import StudyResult
from fer_nb.study.storage import load_study

# Lines of two or more stimuli, told apart by colour as slides have no hover.
_CUT_COLORS = ("#1B5E8C", "#D55E00", "#1B7F5C", "#B0397A", "#636973")


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
        written.append(print_pdf(page, target, appendix=pdf == "full", force=force))
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
        scores=_scores(result, said),
        brand=_brand(result, said),
        curves=_curves(result),
        moments=[
            ("Best moments", _moments(result, said.best)),
            ("Worst moments", _moments(result, said.worst)),
        ],
        segments=segment_bars(result, _CUT_COLORS),
        method=[
            "Faces were measured frame by frame on one computer; no picture was uploaded.",
            "Values are changes from each person's own baseline, averaged over people; the unit "
            "of every interval is the person.",
            said.caution,
        ],
    )


def _scores(result: StudyResult, said: PageOne) -> list[list[str]]:
    """One row a score, one column a stimulus."""
    labels = list(dict.fromkeys(view.label for views in said.scores.values() for view in views))
    rows = [["Score", *(title_of(result, name) for name in said.scores)]]
    for label in labels:
        cells = []
        for views in said.scores.values():
            view = next((v for v in views if v.label == label), None)
            cells.append("–" if view is None else _score_cell(view))
        rows.append([label, *cells])
    return rows if labels else []


def _score_cell(view: ScoreView) -> str:
    text = f"{view.value} {view.unit} ({view.interval})"
    return text if view.percentile is None else f"{text}; {ordinal(view.percentile)} percentile"


def _brand(result: StudyResult, said: PageOne) -> list[list[str]]:
    """One row a brand moment and number, one column a stimulus; empty without brand moments."""
    cells: dict[str, dict[str, str]] = {}
    for name, views in said.brand.items():
        for view in views:
            for what, value, interval in view.rows:
                label = f"{view.name}: {what[0].lower()}{what[1:]}"
                cells.setdefault(label, {})[name] = f"{value} ({interval})"
    rows = [[label, *(row.get(name, "–") for name in said.brand)] for label, row in cells.items()]
    head = ["Brand moment", *(title_of(result, name) for name in said.brand)]
    return [head, *rows] if rows else []


def _moments(result: StudyResult, found: dict[str, list[MomentView]]) -> list[MomentCard]:
    """Moments as cards, each with the title of its film where there are several."""
    several = len(found) > 1
    return [
        MomentCard(
            " · ".join(filter(None, (title_of(result, name) * several, m.when, m.scene))),
            f"{m.what} ({m.sure})",
            m.frame,
        )
        for name, views in found.items()
        for m in views
    ]


def _curves(result: StudyResult) -> list[tuple[str, str, list[CurveLine]]]:
    """The valence of every stimulus on one chart, and the two emotions that moved most."""
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
            color = signal_color(signal) if alone else _CUT_COLORS[i % len(_CUT_COLORS)]
            values = rows["estimate"].to_numpy(float) * (1 if rating else 100)
            times = rows["time_s"].to_numpy(float)
            lines.append(CurveLine(title_of(result, name), times, values, color))
        what = signal_name(signal).capitalize()
        unit = "points of the 1–7 scale" if rating else "score, 0–100"
        charts.append(
            (f"{what}: {_highest(signal, lines)}", f"{unit}: change from baseline", lines)
        )
    return charts


def _highest(signal: str, lines: list[CurveLine]) -> str:
    """Where the curves of one signal lie farthest from the baseline."""
    seen = [line for line in lines if np.isfinite(line.values).any()]
    if not seen:
        return "not measured"
    far = max(seen, key=lambda line: np.nanmax(np.abs(line.values)))
    at = int(np.nanargmax(np.abs(far.values)))
    top = float(far.values[at])
    film = f" in {far.label}" if len(lines) > 1 else ""
    size = value_text(signal, top if signal == "valence" else top / 100)
    return f"{'highest' if top > 0 else 'lowest'}{film}, {size} at {time_code(far.time_s[at])}"
