"""Notebook 04 without a browser: each widget stands there as a picture and a sentence."""

from __future__ import annotations

from html.parser import HTMLParser

import nbformat
import pytest
from nbconvert import HTMLExporter

from fer_nb.reports import run_notebook

NAME = "04_interactive_inference.ipynb"


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    out = run_notebook(NAME, tmp_path_factory.mktemp("run") / NAME, {})
    return nbformat.read(out, as_version=4)


def bundles(notebook) -> list[dict]:
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    return [o["data"] for o in outputs if "data" in o]


@pytest.mark.parametrize("widget", ["PhotoExplorer", "VideoExplorer", "webcam preview"])
def test_widgets_become_a_picture_and_a_sentence(executed, widget):
    found = [b for b in bundles(executed) if widget in b.get("text/plain", "")]
    assert len(found) == 1
    assert "image/png" in found[0]
    assert widget in found[0]["text/html"]
    assert "JupyterLab" in found[0]["text/plain"]


def test_no_widget_is_left_that_would_need_a_kernel_or_a_network(executed):
    kinds = {kind for bundle in bundles(executed) for kind in bundle}
    assert "application/vnd.jupyter.widget-view+json" not in kinds
    assert "fer_nb.widgets" not in str(executed.metadata.get("widgets", ""))


def test_page_shows_the_pictures(executed):
    class Pictures(HTMLParser):
        found = 0

        def handle_starttag(self, tag, attrs):
            self.found += tag == "img" and dict(attrs).get("alt", "").startswith(
                ("PhotoExplorer", "VideoExplorer", "The live webcam")
            )

    parser = Pictures()
    parser.feed(HTMLExporter().from_notebook_node(executed)[0])
    assert parser.found == 3
