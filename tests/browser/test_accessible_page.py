"""A study's page for everyone: without violations that axe-core finds, pictures told, on paper."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from lab_harness import chromium, chromium_path

from fer_nb.reports import report_study
from fer_nb.reports.pdf import print_pdf
from fer_nb.study import StudyConfig
from fer_nb.study.simulate import simulate_study

pytest.importorskip("axe_playwright_python", reason="axe is not installed (the [dev] extra)")


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


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (1200, "dark"), (420, "light")])
def test_axe_finds_nothing(page, width, scheme):
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    with chromium() as browser:
        view = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        view.goto(page.as_uri())
        view.wait_for_selector(".u-over")
        view.evaluate(
            "for (const d of document.querySelectorAll('details'))"
            " { d.removeAttribute('name'); d.open = true; }"
        )
        view.evaluate(axe)
        found = view.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert not [(v["id"], [node["target"] for node in v["nodes"]]) for v in found]


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
        assert view.get_by_text("Play the film").is_visible()
        view.emulate_media(media="print")
        assert not view.get_by_text("Play the film").is_visible()
        assert view.get_by_text("Each line is the mean").is_visible()


def test_the_short_version_prints_on_eight_pages_at_most(page, tmp_path, monkeypatch):
    monkeypatch.setenv("CHROMIUM", chromium_path())
    count = {}
    for appendix in (False, True):
        pdf = print_pdf(page, tmp_path / f"{appendix}.pdf", appendix=appendix)
        count[appendix] = len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes()))
    assert 2 <= count[False] <= 8 < count[True]
