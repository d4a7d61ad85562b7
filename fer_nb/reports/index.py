"""The page that lists the reports of recordings."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from fer_nb.files import check_free, make_folder, new_file
from fer_nb.reports.html import fill, page
from fer_nb.reports.words import adjective

_PER_PAGE = 100


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
    """Write the page that lists reports, with a picture and key figures of each, and ``index.json``
    beside it, which says the same for programs.

    The pictures lie in a folder of the page's name, and so do further pages: there is one for each
    hundred reports. With `study`, the report of the audience that these recordings make up, that
    comes first.
    """
    path = check_free(path, force)
    folder = make_folder(path.with_suffix(""))
    made = [report for report in reports if report.ok]
    pages = [made[i : i + _PER_PAGE] for i in range(0, len(made), _PER_PAGE)] or [[]]
    names = [path, *(folder / f"page_{number}.html" for number in range(2, len(pages) + 1))]
    pictures = _write_pictures(made, folder)
    for left in [*folder.glob("page_*.html"), *folder.glob("*.jpg")]:  # of an earlier index
        if left not in names and left.name not in pictures.values():
            left.unlink()
    failed = [{"file": Path(r.source).name, "error": r.error} for r in reports if not r.ok]
    whole = {
        "lead": _lead(reports, made),
        "study": {"path": Path(study), "title": study_title} if study else None,
        "failed": failed,
    }
    for name, part in zip(names[1:], pages[1:], strict=True):
        _write_page(name, names, part, pictures, whole | {"study": None, "failed": []})
    with new_file(_sidecar(path), force=True) as beside:
        digest = _write_page(path, names, pages[0], pictures, whole)
        listed = {
            "format": 1,
            "page_sha256": digest,
            "study": study_title if study else None,
            "reports": [_listed(report) for report in reports],
        }
        beside.write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")
    return path


def _lead(reports: Sequence[Report], made: Sequence[Report]) -> str:
    lead = f"{len(made)} of {len(reports)} recordings analysed"
    usable = sum(bool(report.summary["usable"]) for report in made)
    return f"{lead}, {usable} of them usable" if usable < len(made) else lead


def _write_pictures(made: Sequence[Report], folder: Path) -> dict[str, str]:
    """Write the reports' pictures; return the file's name by that of the report."""
    pictures = {}
    for report in made:
        if picture := report.summary.get("thumbnail"):
            pictures[report.name] = f"{report.name}.jpg"
            with new_file(folder / pictures[report.name], force=True) as part:
                part.write_bytes(picture)
    return pictures


def _write_page(
    path: Path, names: list[Path], part: Sequence[Report], pictures: dict[str, str], whole: dict
) -> str:
    """Write one page of the index and return its SHA-256."""

    def link(target: Path) -> str:
        return quote(Path(os.path.relpath(target, path.parent)).as_posix())

    top = names[0].parent
    folder = names[0].with_suffix("")
    made = [
        _card(r)
        | {"link": link(top / f"{r.name}.html")}
        | {"thumbnail": link(folder / pictures[r.name]) if r.name in pictures else ""}
        for r in part
    ]
    study = whole["study"]
    body = fill(
        "index.html.j2",
        lead=whole["lead"],
        study=study and {"link": link(study["path"]), "title": study["title"]},
        made=made,
        failed=whole["failed"],
        pages=[{"link": "" if name == path else link(name)} for name in names],
    )
    # names may be in any encoding
    html = page(body, "Reaction reports").encode("utf-8", errors="replace")
    with new_file(path, force=True) as part_file:
        part_file.write_bytes(html)
    return hashlib.sha256(html).hexdigest()


def _sidecar(path: str | Path) -> Path:
    return Path(path).with_suffix(".json")


def read_index(path: str | Path) -> dict | None:
    """Return what the page at `path` lists, from the JSON file beside it.

    None if there is none, or the page is another one by now.
    """
    try:
        listed = json.loads(_sidecar(path).read_text(encoding="utf-8"))
        same = hashlib.sha256(Path(path).read_bytes()).hexdigest() == listed["page_sha256"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return listed if same else None


def can_be_renewed(path: str | Path, names: Sequence[str]) -> bool:
    """Whether an index of the reports `names` would lose none that the page at `path` lists.

    False for a page that lists a study, too, or that `write_index` did not write.
    """
    listed = read_index(path)
    if listed is None or listed["study"] is not None:
        return False
    return {r["name"] for r in listed["reports"] if not r["error"]} <= set(names)


def _listed(report: Report) -> dict:
    """A report as the sidecar has it: everything but the picture."""
    summary = {
        k: None if v != v else v  # NaN, what was not measured, is not JSON
        for k, v in (report.summary or {}).items()
        if k != "thumbnail"
    }
    head = {"name": report.name, "title": report.title, "source": Path(report.source).name}
    return head | {"error": report.error, "summary": summary}


def _card(report: Report) -> dict:
    summary = report.summary
    if summary["usable"]:
        lines = [
            f"face in {summary['face_share']:.0%} of {summary['duration_s']:.1f} s",
            f"mostly {adjective(summary['dominant'])}",
            f"valence {summary['mean_valence']:.2f}, arousal {summary['mean_arousal']:.2f}",
        ]
    else:
        lines = summary["reasons"]
    return {
        "title": report.title,
        "usable": summary["usable"],
        "lines": lines,
    }
