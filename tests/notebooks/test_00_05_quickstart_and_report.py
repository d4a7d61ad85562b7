"""The notebooks run from top to bottom, headless, as a reader would run them."""

import nbformat
import pytest

from fer_nb.reports import run_notebook
from fer_nb.weights import notebooks_folder


def pictures(notebook) -> int:
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    return sum("image/png" in o.get("data", {}) for o in outputs)


@pytest.mark.parametrize(
    ("name", "figures"), [("00_quickstart.ipynb", 7), ("05_reaction_report.ipynb", 3)]
)
def test_runs_with_default_parameters(name, figures, tmp_path):
    out = run_notebook(name, tmp_path / name, {})
    assert pictures(nbformat.read(out, as_version=4)) == figures


def test_solutions_of_the_quickstart(viewer, tmp_path):
    path = notebooks_folder() / "solutions" / "00_quickstart.ipynb"
    out = run_notebook(path, tmp_path / "solved.ipynb", {"video": str(viewer)})
    cells = nbformat.read(out, as_version=4).cells
    printed = "".join(o.get("text", "") for c in cells for o in c.get("outputs", []))
    assert float(printed.split("largest difference:")[1].split()[0]) < 1e-6


def test_report_notebook_analyses_a_recording_by_itself(viewer, tmp_path):
    parameters = {"video": str(viewer), "out_dir": str(tmp_path), "every": 2, "show_faces": True}
    run_notebook("05_reaction_report.ipynb", tmp_path / "executed.ipynb", parameters)
    assert (tmp_path / "viewer.parquet").is_file()


@pytest.mark.parametrize("path", sorted(notebooks_folder().rglob("*.ipynb")), ids=lambda p: p.name)
def test_notebooks_in_git_are_clean_and_teach(path):
    if ".ipynb_checkpoints" in path.parts:
        pytest.skip("a working copy of JupyterLab")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not [cell for cell in code if cell.outputs or cell.execution_count]
    assert notebook.cells[0].cell_type == "markdown"
    if "solutions" not in path.parts:
        assert any("parameters" in cell.metadata.get("tags", ()) for cell in code)
