"""Notebooks run apart from whatever lies where the user stands, and a kernel may fail."""

import os
import re

import nbformat
import papermill
import pytest

from fer_nb.errors import FerError
from fer_nb.reports import report_study, report_video, run_notebook
from fer_nb.reports.run import render
from fer_nb.study import StudyConfig


@pytest.fixture
def notebook(tmp_path):
    """Return a function that writes a notebook of one cell."""

    def write(source):
        cells = [
            nbformat.v4.new_code_cell("title = None", metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(source),
        ]
        spec = {"name": "python3", "display_name": "", "language": "python"}
        path = tmp_path / "cell.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec}), path)
        return path

    return write


def said(path) -> str:
    return nbformat.read(path, as_version=4).cells[-1].outputs[0].text.strip()


def test_braces_stay_as_they_are(notebook, tmp_path):
    out = tmp_path / "{title} {0}" / "{x} {{y}.ipynb"
    run_notebook(notebook("print(title)"), out, {"title": "{x} {0} {"})
    assert said(out) == "{x} {0} {"


def test_code_where_the_user_stands_is_not_imported(notebook, tmp_path, monkeypatch):
    for name in ("numpy", "colorsys", "matplotlibrc"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    out = run_notebook(
        notebook("import colorsys, numpy\nprint(numpy.__file__)"), tmp_path / "out.ipynb", {}
    )
    assert "site-packages" in said(out)
    assert "PYTHONSAFEPATH" not in os.environ


def test_a_notebook_where_the_user_stands_is_not_run(notebook, viewer, tmp_path, monkeypatch):
    trap = notebook("raise SystemExit('run')").read_bytes()
    for name in ("05_reaction_report.ipynb", "06_ad_study_report.ipynb"):
        (tmp_path / name).write_bytes(trap)
    (tmp_path / "m.csv").write_text(f"respondent,stimulus,video\nann,film,{viewer}\n")
    monkeypatch.chdir(tmp_path)
    assert report_video(viewer, "out", every=15).ok
    quick = StudyConfig(n_boot=200, n_permutations=200)
    assert report_study("m.csv", "study", config=quick, every=15).is_file()


def test_a_template_where_the_user_stands_is_not_used(tmp_path, monkeypatch):
    """nbconvert looks for templates where it runs, and a template is code."""
    for name in ("basic", "classic", "base"):
        (tmp_path / name).mkdir()
        for file in ("index.html.j2", "base.html.j2"):
            (tmp_path / name / file).write_text("of a stranger")
    monkeypatch.chdir(tmp_path)
    cell = nbformat.v4.new_markdown_cell("of ours")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), "done.ipynb")
    page = render("done.ipynb", "page.html", "title").read_text("utf-8")
    assert "of ours" in page
    assert "of a stranger" not in page


def test_a_kernel_that_is_killed_is_told(notebook, tmp_path):
    path = notebook("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(FerError, match=r"cell\.ipynb died.*what was analysed is kept"):
        run_notebook(path, tmp_path / "out.ipynb", {})
    assert [p.name for p in tmp_path.iterdir()] == ["cell.ipynb"]


@pytest.mark.parametrize("failures", [1, 2])
def test_a_kernel_that_does_not_start_is_started_again(notebook, tmp_path, monkeypatch, failures):
    execute, left = papermill.execute_notebook, [failures]

    def unreliable(*arguments, **options):
        left[0] -= 1
        if left[0] >= 0:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return execute(*arguments, **options)

    monkeypatch.setattr(papermill, "execute_notebook", unreliable)
    path, out = notebook("print(1)"), tmp_path / "out.ipynb"
    if failures == 1:
        assert said(run_notebook(path, out, {})) == "1"
        return
    with pytest.raises(FerError, match="no notebook can be run: Kernel died"):
        run_notebook(path, out, {})
    assert not out.exists()


def test_a_picture_is_told_by_its_cell_and_its_heading(tmp_path):
    outputs = [
        nbformat.v4.new_output("display_data", {"text/html": "<h3>Cut &amp; paste</h3>"}),
        nbformat.v4.new_output("display_data", {"image/png": "iVBORw0KGgo="}),
    ]
    cell = nbformat.v4.new_code_cell("", outputs=outputs, metadata={"alt": "Valence over time"})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "done.ipynb")
    page = render(tmp_path / "done.ipynb", tmp_path / "page.html", "title").read_text()
    assert 'alt="Valence over time: Cut &amp; paste"' in page


def test_only_pictures_too_wide_for_a_phone_scroll(tmp_path):
    def shown(width):
        data = {"image/png": "iVBORw0KGgo="}
        output = nbformat.v4.new_output("display_data", data)
        output.metadata = {"image/png": {"width": width, "height": 500}}
        return nbformat.v4.new_code_cell("", outputs=[output], metadata={"alt": f"{width} > 1"})

    nbformat.write(nbformat.v4.new_notebook(cells=[shown(606), shown(1024)]), tmp_path / "n.ipynb")
    html = render(tmp_path / "n.ipynb", tmp_path / "n.html", "Pictures").read_text("utf-8")
    boxes = re.findall(r'<div [^>]*class="(output_png[^"]*)"[^>]*>\s*<img alt="(\d+) &gt; 1"', html)
    assert {width: "wide" in classes for classes, width in boxes} == {"606": False, "1024": True}
    assert html.count('tabindex="0"') == 1
