"""A recording's page, section by section: `05_reaction_report.ipynb` makes one call for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from IPython.display import display

from fer_nb import plots
from fer_nb.person import (
    headline,
    main_person,
    person_rows,
    recording_quality,
    smoothed,
    strongest_moments,
)
from fer_nb.reports import html, recording
from fer_nb.reports.player import player_html, recording_data, recording_film


@dataclass(frozen=True)
class Watched:
    """A recording of somebody who watches, and the curves of the person it is about."""

    title: str
    video: str | Path
    reactions: pd.DataFrame  # the whole table, on the recording's clock
    rows: pd.DataFrame  # the person's, on the stimulus' clock
    curves: pd.DataFrame
    quality: dict
    stimulus: str | Path | None
    start_s: float
    end_s: float
    smoothing_s: float
    show_faces: bool

    @property
    def measured(self) -> bool:
        """Whether a face was found."""
        return bool(self.rows["face_id"].notna().any())


def watch(
    reactions: pd.DataFrame,
    video: str | Path,
    *,
    title: str,
    stimulus: str | Path | None = None,
    start_s: float = 0.0,
    smoothing_s: float = 1.0,
    show_faces: bool = False,
) -> Watched:
    """Put a reaction table on the stimulus' clock, and find the person it is about."""
    watched = recording.on_stimulus_clock(reactions, start_s, stimulus)
    viewer = main_person(watched)
    rows = person_rows(watched, viewer)
    return Watched(
        title=title,
        video=video,
        reactions=reactions,
        rows=rows,
        curves=smoothed(rows, smoothing_s),
        quality=recording_quality(watched, viewer),
        stimulus=stimulus,
        start_s=start_s,
        end_s=start_s + watched["time_s"].max() + 0.1,
        smoothing_s=smoothing_s,
        show_faces=show_faces,
    )


def head(seen: Watched) -> None:
    """Show the title, with one sentence on the recording."""
    display(html.heading(seen.title, recording.verdict(seen.quality, _figures(seen))))


def overview(seen: Watched) -> None:
    """Show the key figures, and what there is to be warned of."""
    display(html.key_figures(recording.headline_facts(_figures(seen))))
    for text in [*recording.reasons(seen.quality), *seen.reactions.attrs["warnings"]]:
        display(html.box(text, warn=True))


def player(seen: Watched) -> None:
    """Show the recording above its live curves."""
    if _measured(seen):
        film = recording_film(seen.video, seen.show_faces, start_s=seen.start_s, end_s=seen.end_s)
        data = recording_data(seen.title, seen.rows, seen.curves, film)
        display(html.Html(player_html(data)))


def valence_arousal(seen: Watched) -> None:
    """Show valence and arousal over time."""
    if _measured(seen):
        display(plots.plot_valence_arousal(seen.rows, seen.curves, seen.smoothing_s))


def emotions(seen: Watched) -> None:
    """Show the probabilities of the emotions over time."""
    if _measured(seen):
        display(plots.plot_emotion_shares(seen.curves, seen.smoothing_s))


def moments(seen: Watched) -> None:
    """Show the strongest moments, with pictures."""
    if _measured(seen):
        found = strongest_moments(seen.curves)
        shown = (seen.reactions, seen.video, seen.stimulus, seen.start_s, seen.show_faces)
        display(recording.moment_cards(found, *shown))


def plane(seen: Watched) -> None:
    """Show the path through the plane of valence and arousal, among the emotions' ratings."""
    if _measured(seen):
        table = seen.reactions.attrs.get("ratings") or "adfes2011"
        curves = seen.curves
        display(plots.plot_plane(curves["valence"], curves["arousal"], curves.index, table))


def quality(seen: Watched) -> None:
    """Show how good the recording is."""
    display(html.facts(recording.quality_facts(seen.quality)))


def provenance(seen: Watched) -> None:
    """Show where the numbers come from."""
    told = recording.provenance(
        seen.reactions,
        smoothing_s=seen.smoothing_s,
        start_s=seen.start_s,
        show_faces=seen.show_faces,
        stimulus=Path(seen.stimulus).name if seen.stimulus else "none",
    )
    display(html.facts(told))


def _figures(seen: Watched) -> dict:
    return headline(seen.rows, seen.curves)


def _measured(seen: Watched) -> bool:
    """Whether there is anything to show; a notebook says so, a page leaves the section out."""
    if not seen.measured:
        print("Nothing to show: no face was found.")
    return seen.measured
