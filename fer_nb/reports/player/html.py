"""The player as a fragment of HTML that asks no other computer for anything."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path

from fer_nb.errors import StudyError
from fer_nb.reports.html import Html
from fer_nb.study.result import StudyResult


def _asset(name: str) -> str:
    return files("fer_nb.reports.player").joinpath(name).read_text(encoding="utf-8")


def player_html(data: dict) -> str:
    """Return the player with its data, styles and scripts.

    Parameters
    ----------
    data : dict
        As `fer_nb.reports.player.study_data` makes it.
    """
    # "</script>" or "<!--" in a title would end the script early.
    told = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    place = f"player-{uuid.uuid4().hex[:8]}"
    return (
        f"<style>{_asset('uplot.min.css')}{_asset('player.css')}</style>"
        f'<div id="{place}"><noscript>The player needs JavaScript; '
        "the figures below show the same curves.</noscript></div>"
        f'<script type="application/json" id="{place}-data">{told}</script>'
        f"<script>{{{_asset('uplot.iife.min.js')}\n{_asset('player.js')}\n"
        f'mount(document.getElementById("{place}"), '
        f'JSON.parse(document.getElementById("{place}-data").textContent), uPlot);}}</script>'
    )


def player_frame(data: dict) -> Html:
    """Return the player in a frame of its own, for a notebook's output.

    A frame keeps JupyterLab's keyboard shortcuts and styles away from the player, and the player's
    from JupyterLab. It holds all that it shows and needs no network.
    """
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><body>{player_html(data)}</body>'
    grow = "this.style.height = this.contentDocument.documentElement.scrollHeight + 24 + 'px'"
    return Html(
        f'<iframe title="{escape(data["title"])}: player" srcdoc="{escape(page)}" onload="{grow}" '
        'style="width: 100%; height: 760px; border: 0; resize: vertical;"></iframe>'
    )


def show_player(
    study: str | Path | StudyResult,
    title: str = "Audience study",
    films: Mapping[str, str | Path] | None = None,
) -> Html:
    """Show the player of a finished study in a notebook.

    Parameters
    ----------
    study : path or StudyResult
        The folder that ``fer-nb study --out`` filled, or what `run_study` returned.
    title : str
    films : mapping of str to path, optional
        As `fer_nb.study.load_study` takes it.

    Returns
    -------
    Html
        What JupyterLab shows as the film above its live curves.

    Raises
    ------
    StudyError
        If there is no study in the folder, or none of its recordings was kept.

    Examples
    --------
    >>> show_player("study")  # doctest: +SKIP
    """
    from fer_nb.reports.player.data import study_data
    from fer_nb.reports.player.films import films_of
    from fer_nb.study import load_study

    result = study if isinstance(study, StudyResult) else load_study(study, films)
    if not result.audiences:
        raise StudyError("no recording was kept, so there is nothing to play")
    return player_frame(study_data(result, title, films_of(result)))
