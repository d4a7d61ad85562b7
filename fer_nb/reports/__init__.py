"""What people read: notebooks run and rendered, one recording, an audience, and their index."""

from fer_nb.reports.index import Report, write_index
from fer_nb.reports.player import show_player
from fer_nb.reports.run import render, run_notebook
from fer_nb.reports.study import report_study
from fer_nb.reports.videos import report_video, report_videos

__all__ = [
    "Report",
    "render",
    "report_study",
    "report_video",
    "report_videos",
    "run_notebook",
    "show_player",
    "write_index",
]
