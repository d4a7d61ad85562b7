"""Printing a page: a real PDF where there is a browser, a clear word where there is none."""

from __future__ import annotations

import re
import shutil

import pytest

from fer_nb.errors import FerError
from fer_nb.reports.pdf import print_pdf


def test_a_page_becomes_a_pdf_and_none_is_overwritten(tmp_path):
    if not any(map(shutil.which, ("chromium", "google-chrome"))):
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    page = tmp_path / "page with spaces.html"
    page.write_text("<p>Hello</p>")
    pdf = print_pdf(page, tmp_path / "page.pdf")
    assert pdf.read_bytes().startswith(b"%PDF")
    with pytest.raises(FerError, match="exists already"):
        print_pdf(page, pdf)
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["page with spaces.html", "page.pdf"]


@pytest.mark.parametrize(("paper", "size"), [("A4", "595 842"), ("letter", "612 792")])
def test_it_is_made_for_a_paper(tmp_path, paper, size):
    if not any(map(shutil.which, ("chromium", "google-chrome"))):
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    page = tmp_path / "page.html"
    page.write_text("<p>Hello</p>")
    pdf = print_pdf(page, tmp_path / "page.pdf", paper=paper).read_bytes()
    (box,) = re.findall(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert [round(float(side)) for side in box] == [int(side) for side in size.split()]


def test_without_a_browser_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CHROMIUM", raising=False)
    with pytest.raises(FerError, match="install one"):
        print_pdf(tmp_path / "page.html", tmp_path / "page.pdf")


def test_a_browser_that_fails_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("CHROMIUM", shutil.which("false"))
    page = tmp_path / "page.html"
    with pytest.raises(FerError, match="no page"):
        print_pdf(page, tmp_path / "page.pdf")
    page.write_text("<p>Hello</p>")
    with pytest.raises(FerError, match="made no PDF"):
        print_pdf(page, tmp_path / "page.pdf")
    assert list(tmp_path.iterdir()) == [page]
