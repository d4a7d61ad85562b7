"""The first page of a study, for a client: the verdict, a few scores, the moments. No p-values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from fer_nb.reports.brand import Brand
from fer_nb.reports.figures import signal_color
from fer_nb.reports.html import Html, file_url, fill
from fer_nb.reports.sections import stimulus_frames
from fer_nb.reports.sentences import norms_sentence
from fer_nb.reports.verdict_words import doubts, verdict_lines
from fer_nb.reports.words import (
    alike,
    ends_text,
    number,
    people,
    percent,
    score_ends,
    score_text,
    score_unit,
    signal_name,
    size_text,
    sure_text,
    time_code,
    title_of,
)
from fer_nb.study.norms import Norms
from fer_nb.study.result import StudyResult, scenes_of
from fer_nb.study.scores import SCORES
from fer_nb.study.verdict import verdict

# Which scores a client sees first; all are in the appendix.
FRONT = ("expressiveness", "attention", "valence", "positive", "peak_end")
MOMENTS = 3
APART_S = 1.5
# Of more films than these, moments are the largest of all, and brand moments a table below.
EACH = 2
SHOWN = "while shown"
# More films than these are rows of the scores, not columns.
COLUMNS = 4
CAUTION = (
    "An expression is not a feeling: what is measured is how faces look to a network trained on "
    "other people’s judgements. The network detects fewer smiles in men than in women; compare "
    "changes within an audience rather than levels between groups."
)
_BETTER = ("valence", "p_happy")
_WORSE = ("p_anger", "p_contempt", "p_disgust", "p_fear", "p_sad")


@dataclass(frozen=True)
class ScoreView:
    """A score as printed; `percentile` is its place among the norms, None without them."""

    label: str
    value: str
    unit: str
    interval: str
    meaning: str
    percentile: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class MomentView:
    """A moment as printed."""

    when: str
    scene: str
    what: str
    interval: str
    sure: str
    color: str
    frame: np.ndarray | None
    stimulus: str = ""
    rank: tuple[bool, float] = (False, 0.0)  # of all moments, the first comes first


@dataclass(frozen=True)
class MomentList:
    """Moments under one heading, of one stimulus; "" where each may be of another."""

    title: str
    stimulus: str
    views: list[MomentView]


@dataclass(frozen=True)
class BrandView:
    """A brand moment as printed: when, its picture, and rows of (what, value, interval)."""

    name: str
    when: str
    frame: np.ndarray | None
    rows: list[tuple[str, str, str]]


@dataclass(frozen=True)
class PageOne:
    """Everything that the first page says."""

    title: str
    sample: str
    verdict: list[str]
    scores: dict[str, list[ScoreView]]
    norms: dict[str, str]
    best: dict[str, list[MomentView]]
    worst: dict[str, list[MomentView]]
    doubts: list[str]
    brand: dict[str, list[BrandView]]
    caution: str = CAUTION

    @property
    def board(self) -> list[tuple[ScoreView, list[ScoreView | None]]]:
        """One row per score: any view of it, and each stimulus' own."""
        rows = {view.label: view for views in self.scores.values() for view in views}
        return [
            (any_view, [_labelled(views, label) for views in self.scores.values()])
            for label, any_view in rows.items()
        ]

    @property
    def moments(self) -> list[MomentList]:
        """The best and worst moments, side by side: of each film, or the largest of many films."""
        lists = []
        for title, found in (("Best moments", self.best), ("Worst moments", self.worst)):
            if len(found) <= EACH:
                lists += [MomentList(title, name, views) for name, views in found.items()]
                continue
            every = [view for views in found.values() for view in views]
            lists.append(MomentList(title, "", sorted(every, key=lambda v: v.rank)[:MOMENTS]))
        return lists

    @property
    def placed(self) -> bool:
        """Whether any score has its place among norms."""
        return any(v.percentile is not None for views in self.scores.values() for v in views)

    @property
    def while_shown(self) -> list[str]:
        """What is measured while a brand is seen; the seconds after it are the slides'."""
        rows = (row for views in self.brand.values() for view in views for row in view.rows)
        return list(dict.fromkeys(what for what, _, _ in rows if what.endswith(SHOWN)))

    @property
    def norms_told(self) -> list[str]:
        """What the scores are compared with; once where it is the same for all stimuli."""
        return list(dict.fromkeys(self.norms.values()))


def _labelled(views: list[ScoreView], label: str) -> ScoreView | None:
    return next((view for view in views if view.label == label), None)


def page_one(result: StudyResult, title: str, norms: dict[str, Norms] | None = None) -> PageOne:
    """Say the whole study on one page.

    Parameters
    ----------
    result : StudyResult
    title : str
    norms : dict of str to Norms, optional
        Each audience among past ones, as `fer_nb.study.compare_with_norms` finds it.
    """
    norms = norms or {}
    best, worst = {}, {}
    for name in result.audiences:
        best[name], worst[name] = moments_of(result, name)
    answers = verdict(result.comparison, result.metrics, result.config)
    return PageOne(
        title=title,
        sample=sample(result),
        verdict=verdict_lines(answers, result),
        scores={name: scores_of(result, name, norms.get(name)) for name in result.audiences},
        norms={name: norms_sentence(n) for name, n in norms.items() if n.status != "no-library"},
        best=best,
        worst=worst,
        doubts=doubts(answers, result),
        brand={name: brand_of(result, name) for name in result.audiences},
    )


def sample(result: StudyResult) -> str:
    """Who was recorded, and how many recordings gave usable data."""
    counts = result.counts()
    if not result.audiences:
        return f"{people(counts['invited'])} invited; no recording gave usable data."
    # Nothing else on the page speaks of a film without a usable recording.
    sizes = {name: 0 for name in result.quality["stimulus"].unique()}
    sizes |= {name: len(audience) for name, audience in result.audiences.items()}
    usable = ", ".join(f"{n} for “{title_of(result, name)}”" for name, n in sizes.items())
    if len(sizes) > COLUMNS:
        ends = dict.fromkeys(map(str, (min(sizes.values()), max(sizes.values()))))
        usable = f"{' to '.join(ends)} for each of {len(sizes)} films"
    return f"{people(counts['invited'])} invited, {counts['recorded']} recorded. Usable: {usable}."


def scores_of(result: StudyResult, name: str, norms: Norms | None = None) -> list[ScoreView]:
    """The front scores of one audience, with their places among the norms."""
    rows = result.metrics.query("metric == 'score' and group == 'all'")
    rows = rows[rows["stimulus"] == name].set_index("signal")
    places = pd.DataFrame()
    if norms is not None and len(norms.table):
        places = norms.table.query("metric == 'score'").set_index("signal")
    views = []
    for key in FRONT:
        if key not in rows.index or np.isnan(rows.loc[key, "estimate"]):
            continue
        row, score = rows.loc[key], SCORES[key]
        place = places.loc[key] if key in places.index else {}
        ends = ("percentile", "low", "high")
        known = {e: float(place[e]) for e in ends if e in place and np.isfinite(place[e])}
        views.append(
            ScoreView(
                label=score.label,
                value=score_text(key, row["estimate"]),
                unit=score_unit(key),
                interval=score_ends(key, row["low"], row["high"]),
                meaning=score.formula,
                **known,
            )
        )
    return views


def brand_of(result: StudyResult, name: str) -> list[BrandView]:
    """What people showed while each brand was seen, and just after."""
    found = result.brand[result.brand["stimulus"] == name]
    views = []
    for brand, rows in found.groupby("brand", sort=False):
        shown = rows[rows["when"] == "shown"].iloc[0]
        begin, end = shown["start_s"], shown["end_s"]
        frames = stimulus_frames(result, name, [(begin + end) / 2])
        lines = []
        for row in rows.to_dict("records"):
            if row["when"] == "after" and row["signal"] == "attention":
                continue
            attention = row["signal"] == "attention"
            text = score_text if attention else partial(size_text, sign=True)
            unit = "%" if attention else " points" if row["signal"] == "valence" else " of 100"
            value = text(row["signal"], row["estimate"])
            ends = partial(ends_text, row["signal"], row["low"], row["high"])
            span = ends(digits=0, sign=False) if attention else ends()
            seconds = row["end_s"] - row["start_s"]
            when = SHOWN if row["when"] == "shown" else f"in the {seconds:g} s after"
            # The score Attention also asks whether faces were turned to the screen.
            said = "face seen" if attention else signal_name(row["signal"])
            few = np.isnan(row["low"])
            span = "all alike" if alike(row["low"], row["high"]) else span
            what = f"{said.capitalize()} {when}"
            lines.append((what, value + unit, "too few for an interval" if few else span))
        when = f"{time_code(begin)}–{time_code(end)}"
        views.append(BrandView(str(brand), when, frames[0] if frames else None, lines))
    return views


def moments_of(result: StudyResult, name: str) -> tuple[list[MomentView], list[MomentView]]:
    """The best and the worst moments of one audience, each the largest first."""
    moments = result.moments[result.moments["stimulus"] == name]
    moments = moments[moments["status"] != "small"]
    signal = moments["signal"].to_numpy(object)
    up = moments["direction"].to_numpy(object) == "up"
    better = np.isin(signal, _BETTER) & up
    worse = (np.isin(signal, _WORSE) & up) | ((signal == "valence") & ~up)
    best, worst = (_views(result, name, _apart(moments[chosen])) for chosen in (better, worse))
    return best, worst


def _apart(moments: pd.DataFrame) -> pd.DataFrame:
    """The largest moments, at least `APART_S` apart: one reaction is named once.

    What few share comes after all that others do.
    """
    kept: list = []
    for i in sorted(moments.index, key=lambda i: _rank(moments.loc[i])):
        m = moments.loc[i]
        if all(
            m["start_s"] >= moments.loc[k, "end_s"] + APART_S
            or m["end_s"] + APART_S <= moments.loc[k, "start_s"]
            for k in kept
        ):
            kept.append(i)
    return moments.loc[kept[:MOMENTS]]


def _rank(moment: Mapping) -> tuple[bool, float]:
    """What many share comes first, then what is large."""
    scale = 1 / 3 if moment["signal"] == "valence" else 1.0  # a point is a third of the way
    return moment["status"] == "few_moved", -abs(moment["effect"]) * scale


def _views(result: StudyResult, name: str, moments: pd.DataFrame) -> list[MomentView]:
    # A reaction comes later than its cause, whose scene and picture are shown.
    causes = np.maximum(moments["peak_s"].to_numpy(float) - result.config.scene_lag_s, 0)
    frames = stimulus_frames(result, name, causes) if len(moments) else []
    views = []
    for k, m in enumerate(moments.to_dict("records")):
        rating = m["signal"] == "valence"
        effect = number(m["effect"] if rating else 100 * m["effect"], 2 if rating else 0, True)
        span = ends_text(m["signal"], m["low"], m["high"], digits=0)
        scene = next(
            (s.name for s in scenes_of(result.stimuli, name) if s.start_s <= causes[k] < s.end_s),
            "",
        )
        views.append(
            MomentView(
                when=f"{time_code(m['start_s'])}–{time_code(m['end_s'])}",
                scene=scene,
                what=f"{signal_name(m['signal'])} {effect}{' points' if rating else ' of 100'}",
                interval="" if np.isnan(m["low"]) else span,
                sure=sure_text(m),
                color=signal_color(m["signal"]),
                frame=frames[k] if frames else None,
                stimulus=name,
                rank=_rank(m),
            )
        )
    return views


def page_one_html(page: PageOne, result: StudyResult, brand: Brand | None = None) -> Html:
    """Return the first page as HTML."""
    titles = {name: title_of(result, name) for name in result.audiences}
    brand = brand or Brand()
    logo = file_url(brand.logo) if brand.logo else ""
    level = percent(result.config.level)
    views = {"page": page, "titles": titles, "brand": brand, "logo": logo, "level": level}
    return fill("page_one.html.j2", **views, each=EACH, columns=COLUMNS)
