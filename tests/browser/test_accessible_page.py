"""Pages of reports for everyone: no violations that axe-core finds, pictures told, on paper."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from lab_harness import chromium, chromium_path

from fer_nb.reports import report_study, report_videos
from fer_nb.reports.brand import Brand
from fer_nb.reports.html import page as whole_page
from fer_nb.reports.page_one import page_one, page_one_html
from fer_nb.reports.pdf import print_pdf
from fer_nb.study import StudyConfig, run_study
from fer_nb.study.simulate import Event, simulate_signals, simulate_study, simulate_table

pytest.importorskip("axe_playwright_python", reason="axe is not installed (the [dev] extra)")


SMILE = Event("happy", 6, 10, 3.0)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page of a study with segments."""
    if chromium_path() is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    folder = tmp_path_factory.mktemp("accessible")
    manifest, tables = simulate_study(folder, respondents=12)
    head, *rows = manifest.read_text(encoding="utf-8").splitlines()
    told = [f"{row},{'woman' if int(row[1:3]) % 2 else 'man'}" for row in rows]
    manifest.write_text("\n".join([f"{head},gender", *told]) + "\n", encoding="utf-8")
    quick = StudyConfig(n_boot=200, n_permutations=200, isc_shifts=20)
    report_study(manifest, folder / "study", tables=tables, config=quick)
    return folder / "study" / "study.html"


@pytest.fixture(scope="module")
def reports(tmp_path_factory, viewer):
    """The page of one viewer, beside that of an unreadable recording, and their index."""
    if chromium_path() is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    folder = tmp_path_factory.mktemp("reports")
    report_videos([viewer, folder / "missing.mp4"], folder, every=3)
    return {"viewer": folder / f"{viewer.stem}.html", "index": folder / "index.html"}


@pytest.fixture(scope="module")
def audience(tmp_path_factory):
    """The first page of a study of five films with a logo, and an agency's own look."""
    if chromium_path() is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    folder = tmp_path_factory.mktemp("films")
    rng = np.random.default_rng(0)
    _, signals = simulate_signals(10, 20, 5, rng, events=(SMILE,))
    one = {f"p{i}.mp4": simulate_table(signals[i], 5, 15, f"p{i}.mp4", rng=rng) for i in range(10)}
    tables, lines = {}, ["respondent,stimulus,video,start_s"]
    for film in "ABCDE":
        tables |= {f"{film}/{name}": table for name, table in one.items()}
        lines += [f"{name[:2]},ad {film},{film}/{name},5" for name in one]
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    brand = json.dumps([{"name": "Logo", "start_s": 15, "end_s": 18}])
    films = {"stimulus": [f"ad {film}" for film in "ABCDE"], "duration_s": 20, "brand": brand}
    pd.DataFrame(films).to_csv(folder / "stimuli.csv", index=False)
    quick = StudyConfig(n_boot=200, n_permutations=200, isc_shifts=20)
    result = run_study(folder / "manifest.csv", tables=tables, config=quick)
    brand = Brand(name="An agency", accent="#9A3412", footer="Not to be passed on.")
    first = page_one_html(page_one(result, "Five ads"), result, brand)
    first = first.replace('<h2 class="title">Five ads</h2>', "<h1>Five ads</h1>")
    (folder / "first.html").write_text(whole_page(first, "Five ads"), encoding="utf-8")
    return folder / "first.html"


LOOKS = [(1200, "light"), (1200, "dark"), (420, "light")]


def violations(page, width: int, scheme: str) -> list:
    """What axe-core finds on a page with all its parts unfolded."""
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    with chromium() as browser:
        view = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        view.goto(page.as_uri())
        if view.locator(".fer-player").count():
            view.wait_for_selector(".u-over")
        view.evaluate(
            "for (const d of document.querySelectorAll('details'))"
            " { d.removeAttribute('name'); d.open = true; }"
        )
        view.evaluate(axe)
        found = view.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [(v["id"], [node["target"] for node in v["nodes"]]) for v in found]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_axe_finds_nothing(page, width, scheme):
    assert not violations(page, width, scheme)


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_axe_finds_nothing_on_the_page_of_many_films(audience, width, scheme):
    assert not violations(audience, width, scheme)


@pytest.mark.parametrize("kind", ["viewer", "index"])
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_axe_finds_nothing_on_a_viewer_s_page_and_the_index(reports, kind, width, scheme):
    assert not violations(reports[kind], width, scheme)


def test_every_picture_is_described(page):
    with chromium() as browser:
        view = browser.new_page()
        view.goto(page.as_uri())
        told = view.eval_on_selector_all("img", "all => all.map(one => one.alt)")
    assert "Mean change of each signal over the film, with bands and moments: Trailer A" in str(
        told
    )
    assert not [text for text in told if "No description" in text]


def test_paper_asks_nobody_to_play(page):
    with chromium() as browser:
        view = browser.new_page()
        view.goto(page.as_uri())
        assert view.get_by_text("Press play").is_visible()
        view.emulate_media(media="print")
        assert not view.get_by_text("Press play").is_visible()
        assert view.get_by_text("Each line is the mean").is_visible()


def test_the_short_version_prints_on_eight_pages_at_most(page, tmp_path, monkeypatch):
    monkeypatch.setenv("CHROMIUM", chromium_path())
    count = {}
    for appendix in (False, True):
        pdf = print_pdf(page, tmp_path / f"{appendix}.pdf", appendix=appendix)
        count[appendix] = len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes()))
    assert 2 <= count[False] <= 8 < count[True]
