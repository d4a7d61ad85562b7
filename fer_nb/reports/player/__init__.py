"""The player: the film above the curves, in one page that opens from disk.

uPlot draws the curves (Leon Sorokin, MIT licence; `uplot.LICENSE`): of the libraries looked at it
is by far the smallest (51 kB) and redraws 150,000 points within a frame.
"""

from fer_nb.reports.player.data import pack_curves, study_data
from fer_nb.reports.player.films import MAX_EMBEDDED_MB, films_beside, films_of, remove_unplayed
from fer_nb.reports.player.html import player_frame, player_html, show_player
from fer_nb.reports.player.recording import recording_data, recording_film

__all__ = [
    "MAX_EMBEDDED_MB",
    "films_beside",
    "films_of",
    "pack_curves",
    "player_frame",
    "player_html",
    "recording_data",
    "recording_film",
    "remove_unplayed",
    "show_player",
    "study_data",
]
