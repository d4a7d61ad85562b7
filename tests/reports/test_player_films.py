"""Films beside a page: copied, named, and taken away again, but never somebody else's."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest

from fer_nb.reports.player import films_beside, films_of, remove_unplayed
from fer_nb.reports.player.films import film_source


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Films of more than 1000 bytes are large."""
    monkeypatch.setattr("fer_nb.reports.player.films.MAX_EMBEDDED_MB", 0.001)


def film(path: Path, text: bytes = b"0", size: int = 2000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text * size)
    return path


def report(page: Path, **films: Path) -> dict[str, str]:
    page.parent.mkdir(exist_ok=True)
    beside = films_beside(films, page)
    remove_unplayed(page, beside)
    return beside


def seen(page: Path) -> set[str]:
    return {file.name for file in page.parent.glob("films/[!.]*")}


def test_a_film_beyond_the_limit_is_not_embedded(tmp_path):
    film = tmp_path / "film.mp4"
    film.write_bytes(b"0" * 1000)
    assert film_source(film, max_mb=0.01).startswith("data:video/mp4;base64,")
    assert film_source(film, max_mb=0.0001) is None
    assert film_source(None) is None
    assert film_source(tmp_path / "gone.mp4") is None


def test_a_film_beyond_the_limit_is_copied_beside_the_page(tmp_path, result):
    films = {"a": tmp_path / "1/cut #1.mp4", "b": tmp_path / "2/Cut #1.mp4"}
    for k, film in enumerate(films.values()):
        film.parent.mkdir()
        film.write_bytes(bytes([k]) * 2000)
    (tmp_path / "small.mp4").write_bytes(b"0")
    films |= {"again": films["a"], "small": tmp_path / "small.mp4", "gone": tmp_path / "no.mp4"}
    page = tmp_path / "out" / "study.html"
    page.parent.mkdir()
    found = films_beside(films, page)
    assert set(found) == {"a", "b", "again"}
    assert found["a"] == found["again"] == "films/cut%20%231.mp4"
    for name in "ab":
        copy = page.parent / unquote(found[name])
        assert copy.read_bytes() == films[name].read_bytes()
    made = copy.stat().st_ino
    assert films_beside(films, page) == found
    assert copy.stat().st_ino == made  # it is there already
    films["b"].write_bytes(b"2" * 3000)
    films_beside(films, page)
    assert copy.stat().st_size == 3000
    name = next(iter(result.audiences))
    assert films_of(result, {name: "films/x.mp4"})[name] == "films/x.mp4"


def test_films_of_an_earlier_report_are_taken_away(tmp_path):
    page = tmp_path / "out" / "study.html"
    report(page, a=film(tmp_path / "old.mp4"), b=film(tmp_path / "both.mp4"))
    own = film(page.parent / "films" / "own.mp4")
    changed = film(page.parent / "films" / "old.mp4", b"1", 3000)  # somebody put another there
    report(page, a=film(tmp_path / "new.mp4"), b=tmp_path / "both.mp4")
    assert seen(page) == {"new.mp4", "both.mp4", "own.mp4", "old.mp4"}
    report(page)
    assert seen(page) == {"own.mp4", "old.mp4"}
    assert own.stat().st_size == 2000
    assert changed.stat().st_size == 3000


def test_a_folder_without_films_is_taken_away(tmp_path):
    page = tmp_path / "out" / "study.html"
    report(page, a=film(tmp_path / "a.mp4"))
    assert seen(page) == {"a.mp4"}
    report(page, a=film(tmp_path / "small.mp4", size=10))
    assert not (page.parent / "films").exists()


def test_a_film_that_lies_there_is_played_from_there_and_stays(tmp_path):
    page = tmp_path / "out" / "study.html"
    own = film(page.parent / "films" / "film.mp4", b"1")
    other = film(tmp_path / "a" / "film.mp4", b"2")  # the same name, and first in order
    assert report(page, a=other, b=own) == {"a": "films/2_film.mp4", "b": "films/film.mp4"}
    assert own.read_bytes() == b"1" * 2000
    assert report(page, a=other, b=own) == {"a": "films/2_film.mp4", "b": "films/film.mp4"}
    copy = page.parent / "films" / "2_film.mp4"
    assert report(page, a=copy) == {"a": "films/2_film.mp4"}
    report(page)
    assert seen(page) == {"film.mp4", "2_film.mp4"}  # who names a copy as a film has it as theirs


@pytest.mark.parametrize("told", ['["a.mp4"]', "no JSON", '{"../a.mp4": 2000, "a.mp4": 1}'])
def test_a_damaged_list_takes_nothing_away(tmp_path, told):
    page = tmp_path / "out" / "study.html"
    for place in (page.parent / "films", page.parent):
        film(place / "a.mp4")
    (page.parent / "films" / ".copies.json").write_text(told)
    report(page)
    assert seen(page) == {"a.mp4"}
    assert (page.parent / "a.mp4").exists()
