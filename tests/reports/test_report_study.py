"""A study's report from end to end: norms as a table, and the finished page in the browser."""

from __future__ import annotations

import fsspec
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from fer_nb.cli import app
from fer_nb.reports import report_study
from fer_nb.study import add_to_norms, run_study
from fer_nb.tables import write_table


@pytest.fixture
def no_page(monkeypatch):
    """Leave out the page: what stands beside it is looked at."""
    place = "fer_nb.reports.study"
    monkeypatch.setattr(f"{place}.run_notebook", lambda *_, **__: None)
    monkeypatch.setattr(f"{place}.render", lambda _, html, *__: html.write_text("page") and html)


def test_places_among_norms_are_a_table_and_none_of_an_earlier_run_stays(
    make_study, quick, tmp_path, no_page
):
    manifest, tables = make_study(n=6, duration=10)
    options = {"tables": tables, "config": quick}
    past = run_study(manifest, **options)
    for k in range(6):
        add_to_norms(past, tmp_path / "past", study=f"s{k}")
    report_study(manifest, tmp_path / "out", norms=tmp_path / "past", **options)
    places = pd.read_csv(tmp_path / "out" / "norms.csv")
    assert {"stimulus", "metric", "signal", "estimate", "percentile", "low", "high"} <= set(places)
    assert (places["percentile"].dropna() == 50).all()  # all past ones are equal to it
    report_study(manifest, tmp_path / "out", force=True, **options)
    assert not (tmp_path / "out" / "norms.csv").exists()


def test_a_large_film_lies_beside_the_page(make_study, quick, tmp_path, no_page, monkeypatch):
    monkeypatch.setattr("fer_nb.reports.player.films.MAX_EMBEDDED_MB", 0.001)
    manifest, tables = make_study(n=6, duration=10)
    film, given = tmp_path / "film.mp4", {}
    film.write_bytes(b"0" * 2000)
    (tmp_path / "stimuli.csv").write_text("stimulus,duration_s,video\nfilm,10,film.mp4\n")
    monkeypatch.setattr(
        "fer_nb.reports.study.run_notebook", lambda *said, **_: given.update(said[2])
    )
    report_study(manifest, tmp_path / "out", tables=tables, config=quick)
    assert given["beside"] == {"film": "films/film.mp4"}
    assert (tmp_path / "out" / "films" / "film.mp4").stat().st_size == 2000
    (tmp_path / "stimuli.csv").write_text("stimulus,duration_s\nfilm,10\n")
    report_study(manifest, tmp_path / "out", tables=tables, config=quick, force=True)
    assert given["beside"] == {}
    assert not (tmp_path / "out" / "films").exists()


@pytest.fixture
def said(make_study, tmp_path):
    """The words of `fer-nb study` for six people and ready tables."""
    manifest, tables = make_study(n=6, duration=10)
    for name, table in tables.items():
        path = (tmp_path / "tables" / name).with_suffix(".parquet")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_table(table, path)
    return ["study", str(manifest), "--tables", str(tmp_path / "tables"), "--set", "n_boot=200"]


@pytest.mark.parametrize("scheme", ["memory", "file"])
def test_a_large_film_goes_to_an_address_with_the_page(
    said, tmp_path, no_page, monkeypatch, scheme
):
    monkeypatch.setattr("fer_nb.reports.player.films.MAX_EMBEDDED_MB", 0.001)
    out = f"{scheme}://{tmp_path}/out"
    files, folder = fsspec.core.url_to_fs(out)
    for name, more in (("a #1.mp4", []), ("b.mp4", ["--force"])):
        (tmp_path / name).write_bytes(name.encode() * 500)
        (tmp_path / "stimuli.csv").write_text(f"stimulus,duration_s,video\nfilm,10,{name}\n")
        run = CliRunner().invoke(app, [*said, "--out", out, *more])
        assert run.exit_code == 0, run.output
        found = {path.rpartition("/films/")[2] for path in files.find(f"{folder}/films")}
        assert found == {name, ".copies.json"}
        assert files.cat_file(f"{folder}/films/{name}") == name.encode() * 500
    if scheme == "memory":
        files.rm(folder, recursive=True)


def test_open_shows_the_finished_page(said, tmp_path, no_page, monkeypatch):
    shown = []
    monkeypatch.setattr(typer, "launch", lambda page: shown.append(page))
    for more in ([], ["--open", "--force"]):
        with pytest.raises(SystemExit) as end:
            app([*said, "--out", str(tmp_path / "out"), *more])
        assert not end.value.code
    assert shown == [str(tmp_path / "out" / "study.html")]
