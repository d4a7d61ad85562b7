"""A report as PDF, printed by a Chromium that is on the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from fer_nb.errors import FerError
from fer_nb.files import new_file

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_TIMEOUT_S = 180


def print_pdf(
    page: str | Path,
    pdf: str | Path,
    *,
    appendix: bool = False,
    paper: str = "A4",
    force: bool = False,
) -> Path:
    """Print a report to a PDF file.

    Parameters
    ----------
    page, pdf : path
    appendix : bool
        Print the folded appendix, too.
    paper : {"A4", "letter"}
    force : bool
        Replace an existing PDF.

    Raises
    ------
    FerError
        If there is no such page, no Chromium or Chrome is found (the variable CHROMIUM may name
        one), or it fails.
    """
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _BROWSERS)), None)
    if browser is None or shutil.which(browser) is None:
        raise FerError(
            "a PDF needs Chromium or Chrome, and none was found; install one, name it in the "
            "variable CHROMIUM, or print the page from your browser"
        )
    if not Path(page).is_file():
        raise FerError(f"there is no page {page} to print")
    with tempfile.TemporaryDirectory() as home, new_file(Path(pdf), force=force) as part:
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            f"--user-data-dir={home}",
            "--no-pdf-header-footer",
            f"--print-to-pdf={part}",
            _to_print(Path(page), Path(home), appendix, paper),
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # Chromium's own rule: as root it starts only so
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise FerError(f"{browser} did not finish the PDF in {_TIMEOUT_S} s") from error
        if done.returncode or not Path(part).is_file() or not Path(part).stat().st_size:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise FerError(f"{browser} made no PDF: {last}")
    return Path(pdf)


def _to_print(page: Path, folder: Path, appendix: bool, paper: str) -> str:
    """Return the address of a copy of the page for this paper, with its appendix open if asked."""
    text = page.read_text(encoding="utf-8")
    if appendix:
        text = text.replace('<details class="appendix">', '<details class="appendix" open>')
    copy = folder / "page.html"
    # Beside the style, not in it: whoever prints from a browser chooses the paper there.
    copy.write_text(f"{text}<style>@page {{ size: {paper}; }}</style>", encoding="utf-8")
    return copy.as_uri()
