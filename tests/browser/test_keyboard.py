"""Every widget in JupyterLab without a mouse: Tab reaches each control, keys do what it is for.

JupyterLab has shortcuts on single keys (Enter edits a cell, arrows go from cell to cell); none of
them may take a key from a control in an output.
"""

from __future__ import annotations

from pathlib import Path

PHOTO = "import fer_nb\nfer_nb.PhotoExplorer()"
VIDEO = """import fer_nb
from fer_nb.widgets.samples import sample_video
explorer = fer_nb.VideoExplorer(sample_video('sample.mp4'), every=5)
explorer"""
WEBCAM = "import fer_nb\npreview = fer_nb.WebcamPreview()\npreview"
PREPARED = """import pandas as pd
from matplotlib.figure import Figure
from fer_nb.widgets.plane import plane
from fer_nb.widgets.prepared import matrix, slider
draw = lambda *_: Figure(figsize=(1, 1))
counts = pd.DataFrame([[3, 1], [2, 4]], index=["a", "b"], columns=["a", "b"])
display(slider(draw, [1, 2, 3], "width"), matrix(counts, draw, ("truth", "answer")), plane())"""

PLAYER = """import sys
sys.path.insert(0, {here!r})
from IPython.display import HTML
from test_player_page import told
from fer_nb.reports.player import player_html
HTML(player_html(told()))"""

# What Tab should reach: every control that shows and is not disabled, in the order of the page.
CONTROLS = """root => [...root.querySelectorAll(
        'button, select, input, summary, a[href], [tabindex="0"]')]
    .concat(root.matches('[tabindex="0"]') ? [root] : [])
    .filter(c => !c.disabled && c.tabIndex >= 0 && c.getClientRects().length)
    .sort((a, b) => a.compareDocumentPosition(b) & 4 ? -1 : 1)"""
TELL = f"""root => {{
    const at = document.activeElement, look = getComputedStyle(at);
    const name = at.getAttribute('aria-label') || at.labels?.[0]?.textContent || at.textContent;
    const ring = look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) > 0;
    return [({CONTROLS})(root).indexOf(at), name?.trim(), ring && at.matches(':focus-visible')];
}}"""


def tabbed(page, root) -> list[str]:
    """Go through a widget with Tab; return what its controls are called."""
    page.keyboard.press("Shift")  # the last thing used was a key: focus is shown
    handle = root.element_handle()
    count = handle.evaluate(f"root => ({CONTROLS})(root).length")
    handle.evaluate(f"root => ({CONTROLS})(root)[0].focus()")
    names = []
    for expected in range(count):
        index, name, ring = handle.evaluate(TELL)
        assert index == expected, f"after {names}: {index}, not {expected}"
        assert name, f"the control after {names} has no name"
        assert ring, f"{name}: the focus does not show"
        names.append(name)
        page.keyboard.press("Tab")
    assert handle.evaluate(TELL)[0] == -1, "Tab does not leave the widget"
    page.keyboard.press("Shift+Tab")
    assert handle.evaluate(TELL)[0] == count - 1, "Shift+Tab does not lead back"
    return names


def test_the_photo_explorer(lab):
    page = lab(PHOTO)
    page.run_cell(0)
    page.says("astronaut: 1 face")
    names = tabbed(page.page, page.widgets)
    assert next(name for name in names if "paste" not in name) == "Choose a photo"
    assert names[-2:] == ["Save picture", "Save table"]
    page.widgets.get_by_label("Sample").focus()
    page.page.keyboard.type("two")  # a list takes letters, as well as arrow keys
    page.page.keyboard.press("Enter")
    page.says("two faces: 2 faces")
    tabbed(page.page, page.widgets)
    second = page.widgets.get_by_role("button", name="Show face 1")
    second.focus()
    page.page.keyboard.press("Space")
    assert second.get_attribute("aria-pressed") == "true"
    assert page.page.evaluate("document.activeElement.getAttribute('aria-label')").startswith(
        "Show face 1"
    )
    page.widgets.get_by_role("button", name="Choose a photo").focus()
    with page.page.expect_file_chooser():
        page.page.keyboard.press("Enter")
    page.widgets.get_by_role("button", name="Save table").focus()
    with page.page.expect_download():
        page.page.keyboard.press("Enter")


def test_the_video_explorer(lab):
    page = lab(VIDEO)
    page.run_cell(0)
    page.says("Press Analyse")
    assert tabbed(page.page, page.widgets)[0] == "Choose a video"
    keys = page.page.keyboard
    page.widgets.get_by_role("button", name="Analyse", exact=True).focus()
    keys.press("Enter")
    page.says("frames analysed, 2 faces")
    names = tabbed(page.page, page.widgets)
    assert {"Position in the video", "Face 1", "Save clip"} <= set(names)
    position = page.widgets.get_by_label("Position in the video")
    position.focus()
    keys.press("End")
    assert float(position.input_value()) > 5
    keys.press("Home")
    assert float(position.input_value()) == 0
    play = page.widgets.locator(".fer-player button")
    play.focus()
    keys.press("Space")
    page.page.wait_for_selector(".fer-player button[aria-label=Pause]")
    keys.press("Space")
    page.page.wait_for_selector(".fer-player button[aria-label=Play]")
    # The curves: a second on, a span of two seconds, and the span cleared.
    page.widgets.locator(".fer-curves").focus()
    keys.press("[")
    keys.press("Shift+ArrowRight")
    keys.press("Shift+ArrowRight")
    keys.press("]")
    # The first key marks all that follows, the last one ends it.
    page.wait_until("len(explorer.span) == 2 and 1.75 < explorer.span[1] - explorer.span[0] < 2.25")
    keys.press("Escape")
    page.wait_until("not explorer.span")
    for name, where in (("Face 1", "aria-label"), ("happy", "title")):
        toggle = page.widgets.locator(f"button[{where}*='{name}']")
        toggle.focus()
        keys.press("Space")
        assert toggle.get_attribute("aria-pressed") == "false"


def test_the_webcam_preview(lab):
    page = lab(WEBCAM)
    page.run_cell(0)
    page.says("Press Start")
    assert tabbed(page.page, page.widgets)[0] == "Start"
    keys = page.page.keyboard
    page.widgets.get_by_role("button", name="Start").focus()
    keys.press("Enter")
    page.says("1 face")
    assert tabbed(page.page, page.widgets)[:3] == ["Stop", "Record", "Set neutral"]
    record = page.widgets.get_by_role("button", name="Record", exact=True)
    record.focus()
    keys.press("Space")
    page.wait_until("preview.recording")
    page.wait_until("preview._session.recorded()['rows'] > 3")
    keys.press("Space")  # the focus is still there
    page.wait_until("not preview.recording")
    mirror = page.widgets.get_by_label("Mirror")
    before = mirror.is_checked()
    mirror.focus()
    keys.press("Space")
    assert mirror.is_checked() != before
    size = page.widgets.get_by_label("Size")
    was = size.input_value()
    size.focus()
    keys.press("ArrowDown" if size.evaluate("s => s.selectedIndex") == 0 else "ArrowUp")
    page.page.wait_for_function("([s, was]) => s.value !== was", arg=[size.element_handle(), was])
    page.widgets.get_by_role("button", name="Stop", exact=True).focus()
    keys.press("Enter")
    page.cameras_become(0)


def test_prepared_figures(lab):
    page = lab(PREPARED, "1")
    page.run_cell(0)
    outputs = page.page.locator(".jp-OutputArea figure")
    outputs.nth(2).wait_for()
    for i in range(3):
        tabbed(page.page, outputs.nth(i))
    keys = page.page.keyboard
    sliding, cells, drawing = (outputs.nth(i) for i in range(3))
    sliding.locator("input").focus()
    for key, value in (("ArrowRight", "2"), ("ArrowUp", "3"), ("ArrowDown", "2"), ("Home", "1")):
        keys.press(key)
        assert sliding.locator("output").inner_text() == value, key
    for key, nth in (("Enter", 0), ("Space", 3)):
        button = cells.locator("button").nth(nth)
        button.focus()
        keys.press(key)
        assert button.get_attribute("aria-pressed") == "true", key
        assert page.page.evaluate("document.activeElement.tagName") == "BUTTON"
    drawing.locator("svg").focus()
    keys.press("Shift+ArrowRight")
    keys.press("ArrowDown")
    assert drawing.locator("output").inner_text().startswith("valence 4.5, arousal 3.9: nearest is")
    assert page.page.evaluate("jupyterapp.shell.currentWidget.content.activeCellIndex") == 0
    assert page.page.evaluate("jupyterapp.shell.currentWidget.content.mode") == "command"


def test_the_player_in_an_output(lab):
    page = lab(PLAYER.format(here=str(Path(__file__).parent)))
    page.run_cell(0)
    player = page.page.locator(".jp-OutputArea .fer-player")
    player.locator(".u-over").first.wait_for()
    names = tabbed(page.page, player)
    assert {"Play", "Cut B", "Happiness"} <= set(names)
    keys = page.page.keyboard
    charts = player.locator(".fer-charts")
    charts.focus()
    keys.press("ArrowRight")
    keys.press("ArrowDown")
    assert player.locator(".fer-clock").inner_text().startswith("0:01.0")
    for key, name in (("Enter", "Cut B"), ("Space", "Happiness")):
        chip = player.get_by_role("button", name=name)
        before = chip.get_attribute("aria-pressed")
        chip.focus()
        keys.press(key)
        assert player.get_by_role("button", name=name).get_attribute("aria-pressed") != before
    player.locator("summary").focus()
    keys.press("Enter")
    player.locator(".fer-table tbody tr").first.wait_for()
    assert page.page.evaluate("jupyterapp.shell.currentWidget.content.mode") == "command"
