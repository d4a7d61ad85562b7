"""The book builds without a warning; its links hold, and its pages ask no other computer.

Built without running the notebooks, which have tests of their own.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import check_links
import check_site
import launch
import pytest

pytest.importorskip("myst_nb", reason="the extra [docs] is not installed")

ROOT = Path(__file__).parents[1]
PARTS = ("Tutorials", "How-to", "Explanation", "Reference")


def build(out, *options):
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "docs", str(out)]
    command += ["-D", "nb_execution_mode=off", "-d", str(out.with_name("doctrees")), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return build(tmp_path_factory.mktemp("book") / "site")


def test_links_hold_and_nothing_comes_from_outside(site):
    assert check_site.faults(site) == []


def test_the_book_has_its_four_parts_and_can_be_searched(site):
    page = (site / "index.html").read_text("utf-8")
    for part in PARTS:
        assert f'<span class="caption-text">{part}</span>' in page
    assert (site / "searchindex.js").stat().st_size > 10_000


def test_the_reference_comes_from_the_code(site):
    page = (site / "api.html").read_text("utf-8")
    for name in ("fer_nb.analyze_video", "fer_nb.load_model", "fer_nb.study.run_study"):
        assert f'id="{name}"' in page
    assert "fer-nb study" in (site / "cli.html").read_text("utf-8")


def test_notebooks_open_elsewhere_once_the_repository_has_an_address(site, tmp_path):
    known = build(tmp_path / "site", "-D", "repository=https://github.com/owner/fer_nb")
    for name in ("00_quickstart", "08_bias_lab"):
        page = (known / "tutorials" / f"{name}.html").read_text("utf-8")
        for link in launch.links(f"notebooks/{name}.ipynb", "https://github.com/owner/fer_nb"):
            assert f">{link}</a>" in page
        assert (
            f"https://mybinder.org/v2/gh/owner/fer_nb/main?urlpath=lab/tree/notebooks/{name}.ip"
            in page
        )
        assert (
            f"https://colab.research.google.com/github/owner/fer_nb/blob/main/notebooks/{name}"
            in page
        )
    assert check_site.faults(known) == []  # links, and nothing that is fetched
    if not launch.repository():
        assert "mybinder" not in (site / "tutorials" / "00_quickstart.html").read_text("utf-8")


def test_badges_of_readme_follow_the_address():
    readme = (ROOT / "README.md").read_text("utf-8")
    bare = launch.with_badges(readme, "")
    assert "mybinder" not in bare
    badged = launch.with_badges(bare, "https://github.com/owner/fer_nb.git")
    assert badged.startswith("# fer_nb\n\n[![Binder](https://mybinder.org/badge_logo.svg)]")
    assert launch.with_badges(badged, "https://github.com/owner/fer_nb.git") == badged
    assert launch.with_badges(badged, "") == bare
    assert launch.with_badges(bare, "https://gitlab.com/owner/fer_nb") == bare


def test_faults_of_a_site_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<script src="https://cdn.example/x.js"></script><img src="b.png"><a href="#here">x</a>'
        '<img src="a.html" alt="a.html">'
    )
    found = check_site.faults(tmp_path)
    assert [line.split(": ")[1] for line in found] == [
        "#here has no such place",
        "2 pictures without alt text",
        "b.png leads nowhere",
        "fetches https://cdn.example/x.js",
    ]


def noted(uri, status, info=""):
    return json.dumps({"uri": uri, "status": status, "info": info})


def test_links_outside_are_listed_and_a_missing_network_is_no_fault():
    judged = check_links.judged
    lost = "Max retries exceeded (Caused by NameResolutionError(...))"
    pages = [noted("https://a.example", "broken", lost), noted("https://b.example", "broken", lost)]
    lines, well = judged([*pages, noted("api.html", "working")])
    assert well
    assert lines[0] == "not asked: https://a.example"
    assert lines[-1] == "No network: 2 addresses are listed, none was asked."
    lines, well = judged([pages[0], noted("https://b.example", "working")])
    assert not well
    assert lines == [
        "broken: https://a.example",
        "working: https://b.example",
        "1 of 2 addresses do not answer.",
    ]


def test_words_are_spelt_right():
    if shutil.which("codespell", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("codespell is not installed")
    read = ("README.md", "CHANGELOG.md", "docs", "fer_nb", "notebooks")
    done = subprocess.run(
        [sys.executable, "-m", "codespell_lib", *read], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == ""
