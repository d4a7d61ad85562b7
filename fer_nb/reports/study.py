"""The report of an audience, one page: ``06_ad_study_report.ipynb``, run and rendered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fer_nb.batch import sole_writer
from fer_nb.errors import FerError
from fer_nb.files import check_free, make_folder, new_file, told_path
from fer_nb.reports.brand import read_brand
from fer_nb.reports.html import is_stale, mark_stale
from fer_nb.reports.record import study_record
from fer_nb.reports.run import render, run_notebook
from fer_nb.spreadsheets import harmless
from fer_nb.weights import notebooks_folder

if TYPE_CHECKING:
    from fer_nb.study import Manifest, StudyConfig

STUDY_REPORT = "06_ad_study_report.ipynb"
# What `fer_nb.reports.export` writes beside the page.
PDF, FULL_PDF, SLIDES, WORKBOOK = "study.pdf", "study_full.pdf", "study.pptx", "study.xlsx"


def report_study(
    manifest: str | Path | Manifest,
    out_dir: str | Path,
    *,
    title: str | None = None,
    norms: str | Path | None = None,
    category: str = "",
    market: str = "",
    length_s: tuple[float, float] | None = None,
    brand: str | Path | None = None,
    config: StudyConfig | None = None,
    force: bool = False,
    **options,
) -> Path:
    """Run an audience study and make its report: ``study.html``, ``study.ipynb`` and the tables.

    The page is written last, and an old one says that it is out of date meanwhile; older slides,
    workbooks and PDFs are put aside (``study_out_of_date.pptx``). Without a new page a study is
    unfinished, and the same call goes on with it.

    Parameters
    ----------
    manifest : str, Path or Manifest
        See `fer_nb.study.read_manifest`.
    out_dir : str or Path
    title : str, optional
    norms : str or Path, optional
        Folder of past studies; see `fer_nb.study.add_to_norms`.
    category, market : str
        Compare with past studies of this kind, or of this market, only.
    length_s : tuple of float, optional
        Compare with films from so long to so long only, in seconds.
    brand : str or Path, optional
        A ``brand.toml``; see `fer_nb.reports.brand.read_brand`.
    config : StudyConfig, optional
    force : bool
        Overwrite an earlier study. Recordings that were analysed before are not analysed again.
    **options
        For `fer_nb.study.run_study`: ``stimuli``, ``tables``, ``model``, ``detector``, ``every``,
        ``workers``, ``scheduler``, ``progress``.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    FerError
        If the manifest cannot be used, `norms` is no folder, the page exists and `force` is
        false, or another run is writing to the folder.
    """
    from fer_nb.reports.player import films_beside, remove_unplayed
    from fer_nb.study import load_study, read_manifest, run_study
    from fer_nb.study.norms import norms_table
    from fer_nb.study.storage import films_here

    if norms is not None and not Path(norms).is_dir():
        raise FerError(
            f"there is no folder of norms {norms}; `fer-nb norms seed` makes one of finished "
            "studies"
        )
    read_brand(brand)  # a mistake in it is told before anything is measured
    ready = options.get("tables") is not None
    described = read_manifest(manifest, options.pop("stimuli", None), need_videos=not ready)
    out_dir = make_folder(out_dir)
    html, executed = out_dir / "study.html", out_dir / "study.ipynb"
    with sole_writer(out_dir):
        check_free(html, force or is_stale(html))  # what was cut off is gone on with
        mark_stale(html)
        put_aside(out_dir)
        found = run_study(described, out_dir=out_dir, config=config, **options)
        which: dict = {"category": category, "market": market}
        which["length_s"] = None if length_s is None else list(length_s)
        parameters = {"study_dir": str(out_dir.resolve()), "title": title} | which
        told = parameters | {"study_dir": ".", "films": {}}
        (out_dir / "norms.csv").unlink(missing_ok=True)  # an earlier run's, of other numbers
        if norms is not None:
            with new_file(out_dir / "norms.csv", force=True) as part:
                places = norms_table(load_study(out_dir), norms, **which)
                harmless(places).to_csv(part, index=False, float_format="%.6g", lineterminator="\n")
        for name, path in (("norms", norms), ("brand", brand)):
            if path is not None:
                parameters[name], told[name] = str(Path(path).resolve()), told_path(path, out_dir)
        with films_here(found.stimuli.values()) as films:
            parameters["films"] = {name: str(path.resolve()) for name, path in films.items()}
            parameters["beside"] = told["beside"] = films_beside(films, html)
            notebook = notebooks_folder() / STUDY_REPORT  # never one where the user stands
            run_notebook(notebook, executed, parameters, force=True, told=told)
        record = None if ready else study_record(described, out_dir, options.get("every", 1))
        page = render(executed, html, title or "Audience study", True, record)
        remove_unplayed(html, parameters["beside"])
        return page


def put_aside(study: str | Path) -> None:
    """Rename what was exported of a study whose tables are made again, as it tells old numbers.

    ``study.pptx``, in which somebody may have written, becomes ``study_out_of_date.pptx``.
    """
    for name in (PDF, FULL_PDF, SLIDES, WORKBOOK):
        path = Path(study) / name
        if path.exists():
            path.replace(path.with_stem(f"{path.stem}_out_of_date"))
