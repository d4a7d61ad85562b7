"""The page that lists the reports of recordings."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from urllib.parse import quote

from fer_nb.files import new_file
from fer_nb.pages import page


@dataclass(frozen=True)
class Report:
    """What became of one recording: its files, or why there are none."""

    source: str
    name: str
    title: str
    error: str = ""
    summary: dict | None = None

    @property
    def ok(self) -> bool:
        """Whether the report was made."""
        return not self.error


def write_index(
    reports: Sequence[Report],
    path: str | Path,
    study: str | Path | None = None,
    study_title: str = "The audience",
    force: bool = False,
) -> Path:
    """Write the page that lists reports, with a picture and key figures of each.

    With `study`, the report of the audience that these recordings make up, that comes first.
    """
    made = [report for report in reports if report.ok]
    failed = [report for report in reports if not report.ok]
    lead = f"{len(made)} of {len(reports)} recordings analysed"
    usable = sum(bool(report.summary["usable"]) for report in made)
    if usable < len(made):
        lead += f", {usable} of them usable"
    names = json.dumps([report.name for report in made]) if study is None else ""
    body = [
        f'<h1>Reaction reports</h1><p class="lead">{lead}.</p>',
        f'<div class="cards" data-reports="{escape(names)}">',
    ]
    if study is not None:
        link = quote(Path(study).relative_to(Path(path).parent).as_posix())
        said = (
            "What they showed together: curves with bands, moments, numbers, and how sure we are."
        )
        body[1:1] = [
            f'<p><a class="card wide" href="{link}"><span class="text">'
            f"<b>{escape(study_title)}</b>{escape(said)}</span></a></p>"
        ]
    body += [_index_card(report) for report in made]
    body.append("</div>")
    if failed:
        rows = "".join(
            f"<tr><td>{escape(Path(r.source).name)}</td><td>{escape(r.error)}</td></tr>"
            for r in failed
        )
        body.append(f"<h2>Not analysed</h2><table><tr><th>file</th><th>why</th></tr>{rows}</table>")
    with new_file(path, force) as part:
        html = page("\n".join(body), "Reaction reports")
        part.write_text(html, encoding="utf-8", errors="replace")  # names may be in any encoding
    return Path(path)


def can_be_renewed(path: str | Path, names: Sequence[str]) -> bool:
    """Whether an index of the reports `names` would lose none that the page at `path` lists.

    False for a page that lists a study, too, or that `write_index` did not write.
    """
    try:
        listed = re.search(r'data-reports="([^"]+)"', Path(path).read_text(encoding="utf-8"))
        return listed is not None and set(json.loads(unescape(listed[1]))) <= set(names)
    except (OSError, ValueError):
        return False


def _index_card(report: Report) -> str:
    summary = report.summary
    state = '<span class="tag">usable</span>'
    if not summary["usable"]:
        state = '<span class="tag warn">unusable</span>'
    if summary["usable"]:
        lines = [
            f"face in {summary['face_share']:.0%} of {summary['duration_s']:.1f} s",
            f"mostly {summary['dominant']}",
            f"valence {summary['mean_valence']:.2f}, arousal {summary['mean_arousal']:.2f}",
        ]
    else:
        lines = summary["reasons"]
    text = "".join(f'<div class="soft">{escape(line)}</div>' for line in lines)
    picture = f'<img alt="" src="{summary["thumbnail"]}">' if summary.get("thumbnail") else ""
    link = quote(f"{report.name}.html")
    return (
        f'<a class="card" href="{link}">{picture}<div class="text"><b>{escape(report.title)}</b>'
        f"{state}{text}</div></a>"
    )
