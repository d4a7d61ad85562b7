"""The player in a browser: playing, hovering, zooming, choosing, and the keyboard."""

from __future__ import annotations

import numpy as np
import pytest
from lab_harness import PATIENCE_MS, chromium, chromium_path

from fer_nb.media import VideoWriter
from fer_nb.reports.player import films_beside, pack_curves, player_frame, player_html
from fer_nb.reports.player.data import panels, signals
from fer_nb.reports.player.films import film_source

BINS, RATE = 50, 5.0
SHOWN = "parseFloat(document.querySelector('.fer-clock').textContent.split(':')[1])"
# Seconds of the player's clock by those of the computer's, over the next one.
PACE = f"""() => new Promise(done => {{
    const start = performance.now(), shown = {SHOWN};
    const frame = () => performance.now() - start < 1000 ? requestAnimationFrame(frame) :
        done(({SHOWN} - shown) / ((performance.now() - start) / 1000));
    requestAnimationFrame(frame);
}})"""
FRAMES_PER_SECOND = """() => new Promise(done => {
    let count = 0; const start = performance.now();
    const frame = () => { count++; performance.now() - start < 1500 ?
        requestAnimationFrame(frame) : done(count / 1.5); };
    requestAnimationFrame(frame);
})"""


def curve(cut: str, signal: str, height: float, people: int = 3, bins: int = BINS) -> dict:
    scale, step = (1, 0.001) if signal in ("valence", "arousal") else (100, 0.01)
    ramp = np.linspace(0, height, bins) * scale
    band = np.stack([ramp, ramp - 0.1 * scale, ramp + 0.1 * scale, np.full(bins, people * step)])
    each = np.tile(ramp[:: round(RATE)], (people, 1))
    return {
        "cut": cut,
        "group": "all",
        "signal": signal,
        "band": pack_curves(band, step),
        "people": pack_curves(each, step),
    }


def told(film: str | None = None, people: int = 3, bins: int = BINS) -> dict:
    scenes = [
        {"name": "First", "start_s": 0, "end_s": 5},
        {"name": "Second", "start_s": 5, "end_s": bins / RATE},
    ]
    moment = {"signal": "valence", "start_s": 6, "end_s": 8, "tested": True}
    cuts = [
        {"id": name, "title": f"Cut {name}", "film": film, "scenes": scenes, "moments": [moment]}
        for name in "AB"
    ]
    return {
        "title": "Two cuts",
        "rate_hz": RATE,
        "bins": bins,
        "duration_s": bins / RATE,
        "signals": signals(),
        "panels": panels(),
        "shown": ["valence", "p_happy"],
        "groups": ["all"],
        "cuts": cuts,
        "curves": [
            curve(cut, signal["key"], height, people, bins)
            for cut, height in (("A", 1.0), ("B", 0.5))
            for signal in signals()
        ],
    }


@pytest.fixture(scope="module")
def show(tmp_path_factory):
    """A function from data to the open page; an error in the page fails the test."""
    if chromium_path() is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    folder = tmp_path_factory.mktemp("player")
    errors = []
    with chromium() as browser:

        def open_page(data: dict, width: int = 1000, file=None, **options):
            file = file or folder / f"{len(list(folder.iterdir()))}.html"
            meta = '<!doctype html><meta charset="utf-8">'
            file.write_text(f"{meta}<body>{player_html(data)}", encoding="utf-8")
            view = browser.new_page(viewport={"width": width, "height": 900}, **options)
            view.set_default_timeout(PATIENCE_MS)
            view.on("pageerror", lambda error: errors.append(str(error)))
            view.on("request", lambda r: r.url[:4] == "http" and errors.append(r.url))
            view.goto(file.as_uri())
            view.wait_for_selector(".u-over")
            return view

        yield open_page
    assert not errors


def test_the_keyboard_moves_the_cursor_and_tells_the_values(show):
    view = show(told())
    charts = view.locator(".fer-charts")
    charts.focus()
    for _ in range(6):
        view.keyboard.press("ArrowRight")
    assert charts.get_attribute("aria-valuetext") == "0:06.0, Second"
    readout = view.locator(".fer-readout").inner_text()
    assert "Valence (Cut A) +0.61 points (0.51 to 0.71, n\u00a0=\u00a03)" in readout
    assert "Happiness (Cut B) +31" in readout
    view.keyboard.press("End")
    assert view.locator(".fer-clock").inner_text() == "0:10.0 / 0:10.0"
    assert "Valence" in view.locator("[role=status]").inner_text()
    for key, then in (("Home", "0:00.0"), ("Shift+ArrowRight", "0:05.0"), ("ArrowLeft", "0:04.0")):
        view.keyboard.press(key)
        assert view.locator(".fer-clock").inner_text() == f"{then} / 0:10.0"
    over = view.locator(".u-over").first
    for key, middle in (("+", "0:04.0"), ("-", "0:05.0"), ("+", "0:05.0"), ("0", "0:05.0")):
        view.keyboard.press(key)
        over.click(position={"x": over.bounding_box()["width"] / 2, "y": 40})
        assert view.locator(".fer-clock").inner_text().startswith(middle)


def test_the_pointer_tells_values_with_bands_and_people_and_leaves_the_clock(show):
    view = show(told())
    box = view.locator(".u-over").first.bounding_box()
    view.mouse.move(box["x"] + box["width"] * 0.71, box["y"] + 40)
    readout = view.locator(".fer-readout")
    assert readout.inner_text().startswith("0:07.1 Second")
    assert "Valence (Cut A) +0.71 points (0.61 to 0.81, n\u00a0=\u00a03)" in readout.inner_text()
    assert view.locator(".fer-clock").inner_text().startswith("0:00.0")
    view.mouse.move(0, 0)
    assert readout.inner_text().startswith("0:00.0 First")


def test_a_click_jumps_a_drag_zooms_and_a_double_click_shows_all(show):
    view = show(told())
    over = view.locator(".u-over").first
    box = over.bounding_box()
    view.mouse.click(box["x"] + box["width"] / 2, box["y"] + 40)
    assert view.locator(".fer-clock").inner_text().startswith("0:05.0")
    view.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 40)
    view.mouse.down()
    view.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 40, steps=4)
    view.mouse.up()
    assert view.locator(".fer-clock").inner_text().startswith("0:05.0")  # to zoom is not to jump
    view.mouse.click(box["x"] + box["width"] / 2, box["y"] + 40)  # the middle of 2 to 4 s
    assert view.locator(".fer-clock").inner_text().startswith("0:03.0")
    over.dblclick(position={"x": box["width"] / 2, "y": 40})
    view.mouse.click(box["x"] + box["width"] / 2, box["y"] + 40)
    assert view.locator(".fer-clock").inner_text().startswith("0:05.0")


def test_signals_and_cuts_are_chosen_and_the_table_follows(show):
    view = show(told())
    view.get_by_role("button", name="Cut B").click()
    view.get_by_role("button", name="Happiness").click()
    view.locator("summary").click()
    view.wait_for_selector(".fer-table tbody tr")
    assert view.locator(".fer-table th[scope=col]").all_inner_texts() == ["time", "Valence, Cut A"]
    assert view.locator(".fer-table tbody tr").count() == 10
    assert view.locator(".fer-panel").count() == 1
    label = view.locator(".fer-panel").get_attribute("aria-label")
    assert "Valence of Cut A: highest at 0:09.9, +1.00 points" in label


def test_an_open_table_follows_what_is_chosen(show):
    view = show(told())
    view.locator("summary").click()
    heads = view.locator(".fer-table th[scope=col]")
    heads.nth(4).wait_for()
    view.get_by_role("button", name="Cut B").click()
    assert heads.all_inner_texts() == ["time", "Valence, Cut A", "Happiness, Cut A"]


def test_one_cut_lies_over_the_other_each_with_a_dash_of_its_own(show):
    view = show(told())
    label, lines = view.locator(".fer-panel").first, view.locator(".fer-legend").first
    dashes = "all => all.map(path => path.getAttribute('stroke-dasharray'))"
    assert "Valence of Cut A: highest" in label.get_attribute("aria-label")
    assert "Valence of Cut B: highest" in label.get_attribute("aria-label")
    assert len(set(lines.locator("path").evaluate_all(dashes))) == 2
    view.get_by_role("button", name="Cut A").click()
    assert "Cut A" not in label.get_attribute("aria-label")
    view.get_by_role("button", name="Cut B").click()  # the last one stays
    assert "Valence of Cut B: highest" in label.get_attribute("aria-label")


def test_groups_segments_and_respondents_are_chosen(show):
    data = told()
    for key, height in (("users", 0.3), ("gender: woman", 0.7)):
        data["curves"] += [curve(c, "valence", height) | {"group": key} for c in "AB"]
    data["groups"] = ["all", "users"]
    levels = [{"key": "gender: woman", "label": "woman"}]
    view = show(data | {"segments": [{"column": "gender", "levels": levels}]})
    label, picture = view.locator(".fer-panel").first, "e => e.toDataURL()"
    view.get_by_role("button", name="users").click()
    view.get_by_role("button", name="woman").click()
    told_now = label.get_attribute("aria-label")
    for who, top in (("everyone", "1.00"), ("users", "0.30"), ("gender: woman", "0.70")):
        assert f"Valence of Cut A, {who}: highest at 0:09.9, +{top} points" in told_now
    canvas, box = view.locator(".fer-panel canvas").first, view.locator(".fer-people input")
    before = canvas.evaluate(picture)
    box.check()
    assert canvas.evaluate(picture) != before
    box.uncheck()
    assert canvas.evaluate(picture) == before


COLOR = """(canvas, [share, up]) => {
    const over = canvas.parentElement.querySelector('.u-over');
    const scale = canvas.width / canvas.clientWidth;
    const x = (over.offsetLeft + share * over.clientWidth) * scale;
    const y = (over.offsetTop + over.clientHeight - up) * scale;
    return [...canvas.getContext('2d').getImageData(x, y, 1, 1).data].join();
}"""


def test_scenes_are_stripes_and_moments_bars_on_the_axis(show):
    view = show(told())
    canvas = view.locator(".fer-panel canvas").first
    first, second = (canvas.evaluate(COLOR, [share, 12]) for share in (0.12, 0.88))
    assert first != second  # the paper, and the second scene's stripe
    inside, outside = (canvas.evaluate(COLOR, [share, 2]) for share in (0.72, 0.88))
    assert outside == second
    assert inside not in (first, second)
    view.get_by_role("button", name="Valence").click()  # the moment is valence's
    view.get_by_role("button", name="Arousal").click()
    canvas = view.locator(".fer-panel canvas").first
    assert canvas.evaluate(COLOR, [0.72, 2]) == second


def test_a_finger_jumps_and_scrubs(show):
    view = show(told(), width=420, has_touch=True)
    box = view.locator(".u-over").first.bounding_box()
    at = lambda share: {"x": box["x"] + box["width"] * share, "y": box["y"] + 40}  # noqa: E731
    view.touchscreen.tap(*at(0.5).values())
    assert view.locator(".fer-clock").inner_text().startswith("0:05.0")
    touch = view.context.new_cdp_session(view)
    steps = [("touchStart", [at(0.3)])]
    steps += [("touchMove", [at(share)]) for share in (0.4, 0.6, 0.8)] + [("touchEnd", [])]
    for kind, points in steps:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    view.wait_for_function(f"{SHOWN} > 7.9")
    assert view.locator(".fer-clock").inner_text().startswith("0:08.0")


def test_the_film_is_that_of_a_cut_whose_curves_are_shown(show, tmp_path):
    data = told()
    for i, cut in enumerate(data["cuts"]):
        with VideoWriter(tmp_path / f"{i}.mp4", fps=5) as film:
            for k in range(50):
                film.write(np.full((90, 160, 3), 100 * i, np.uint8), k / 5)
        cut["film"] = film_source(tmp_path / f"{i}.mp4")
    view = show(data)
    label = "document.querySelector('video').getAttribute('aria-label')"
    assert view.evaluate(label) == "Cut A"
    view.get_by_role("button", name="Cut A").click()
    assert view.evaluate(label) == "Cut B"
    view.locator(".fer-charts").focus()
    view.keyboard.press("End")
    view.get_by_role("button", name="Cut A").click()
    assert view.evaluate(label) == "Cut A"
    view.wait_for_function("document.querySelector('video').currentTime > 9.5")


def test_the_quality_strip_lies_below_its_seconds_zoomed_or_not(show):
    data = told() | {"strip": {"label": "measured", "values": [1.0] * (BINS // round(RATE))}}
    view = show(data)
    second = """n => {
        const parts = [`.fer-strip span:nth-child(${n + 1})`, '.u-over'];
        const [cell, over] = parts.map(p => document.querySelector(p).getBoundingClientRect());
        return (cell.left - over.left) / over.width;
    }"""
    assert view.evaluate(second, 4) == pytest.approx(0.4, abs=0.01)
    view.locator(".fer-charts").focus()
    for key in ["ArrowRight"] * 4 + ["+"]:
        view.keyboard.press(key)
    assert view.evaluate(second, 4) == pytest.approx(0.5, abs=0.01)  # 1.5 to 6.5 s


def test_without_a_film_the_clock_still_runs(show):
    view = show(told(bins=250))  # fifty seconds: longer than a busy machine needs for this
    view.get_by_role("button", name="Play").click()
    view.wait_for_function(f"{SHOWN} > 0.4")
    assert view.evaluate(PACE) == pytest.approx(1, abs=0.5)
    view.get_by_role("button", name="Pause").click()
    view.wait_for_selector("[aria-label=Play]")
    stopped = view.evaluate(SHOWN)
    view.evaluate("() => new Promise(done => setTimeout(done, 200))")
    assert view.evaluate(SHOWN) == stopped


def test_the_film_and_the_cursor_run_together(show, tmp_path):
    with VideoWriter(tmp_path / "film.mp4", fps=25) as film:
        for i in range(250):
            film.write(np.full((90, 160, 3), i, np.uint8), i / 25)
    view = show(told(film_source(tmp_path / "film.mp4")))
    view.wait_for_function("document.querySelector('video').readyState >= 2")
    view.locator(".fer-charts").focus()
    view.keyboard.press("ArrowRight")
    assert view.evaluate("document.querySelector('video').currentTime") == pytest.approx(1, abs=0.1)
    view.keyboard.press(" ")
    view.wait_for_function("document.querySelector('video').currentTime > 1.4")
    view.keyboard.press(" ")
    view.wait_for_function("document.querySelector('video').paused")
    view.wait_for_function(
        f"Math.abs(document.querySelector('video').currentTime - {SHOWN}) < 0.25"
    )


def test_a_film_beside_the_page_is_played_and_sought_from_the_disk(show, tmp_path, monkeypatch):
    monkeypatch.setattr("fer_nb.reports.player.films.MAX_EMBEDDED_MB", 0.001)
    noise = np.random.default_rng(0).integers(0, 255, (250, 90, 160, 3), np.uint8)
    film = tmp_path / "Schnitt ä #1.mp4"
    with VideoWriter(film, fps=25) as writer:
        for i, picture in enumerate(noise):
            writer.write(picture, i / 25)
    page = tmp_path / "page" / "study.html"
    page.parent.mkdir()
    view = show(told(films_beside({"A": film}, page)["A"]), file=page)
    film.unlink()  # what is played is the copy
    view.wait_for_function("document.querySelector('video').readyState >= 2")
    assert view.evaluate("document.querySelector('video').src").startswith("file:")
    box = view.locator(".u-over").first.bounding_box()
    view.mouse.click(box["x"] + box["width"] * 0.8, box["y"] + 40)
    view.wait_for_function("""() => {
        const video = document.querySelector('video');
        return !video.seeking && Math.abs(video.currentTime - 8) < 0.2;
    }""")
    assert view.locator(".fer-clock").inner_text().startswith("0:08.0")
    view.locator(".fer-charts").focus()
    view.keyboard.press(" ")
    view.wait_for_function("document.querySelector('video').currentTime > 8.4")
    view.wait_for_function(f"{SHOWN} > 8.3")


def test_500_people_and_5_minutes_stay_smooth(show):
    view = show(told(people=500, bins=1500))
    assert view.evaluate("performance.now()") < 15_000  # 0.9 s when nothing else runs
    idle = view.evaluate(FRAMES_PER_SECOND)  # what this machine has to give just now
    view.locator(".fer-people input").check()
    view.locator(".fer-play").click()
    assert view.evaluate(FRAMES_PER_SECOND) > 0.5 * idle  # 60 when nothing else runs


def test_it_works_in_the_frame_that_a_notebook_shows(show, tmp_path):
    """With the page around it taking arrow keys for itself, as JupyterLab does."""
    view = show(told())
    frame = player_frame(told())
    assert "http:" not in frame.replace("http://www.w3.org", "")
    greedy = "<script>addEventListener('keydown', e => e.preventDefault(), true)</script>"
    file = tmp_path / "output.html"
    file.write_text(f'<!doctype html><meta charset="utf-8">{greedy}{frame}', encoding="utf-8")
    view.goto(file.as_uri())
    inner = view.frame_locator("iframe")
    inner.locator(".u-over").first.wait_for()
    inner.locator(".fer-charts").focus()
    view.keyboard.press("ArrowRight")
    assert inner.locator(".fer-clock").inner_text().startswith("0:01.0")
    inner.get_by_role("button", name="Cut B").click()
    inner.locator(".fer-table summary").click()
    inner.locator(".fer-table tbody tr").first.wait_for()
    tall = view.evaluate("document.querySelector('iframe').offsetHeight")
    assert tall >= view.evaluate(
        "document.querySelector('iframe').contentDocument.querySelector('.fer-controls').offsetTop"
    )


# A width that comes and goes before a script could react, as that of paper does.
NARROW = """() => {
    const box = document.querySelector('.fer-panel'), body = document.body.style;
    body.width = '500px';
    const at = box.querySelector('canvas').getBoundingClientRect();
    const found = [at.right, at.width / at.height, box.getBoundingClientRect().right];
    body.width = '';
    return found;
}"""


def test_paper_shows_the_whole_curves_though_browsers_tell_no_script_of_its_width(show):
    view = show(told())
    canvas = view.locator(".fer-panel canvas").first
    drawn = canvas.evaluate("e => e.width / e.height")
    right, _, panel = view.evaluate(NARROW)
    assert right > panel  # on a screen a script has to draw it anew
    view.emulate_media(media="print")
    right, ratio, panel = view.evaluate(NARROW)
    assert right <= panel
    assert ratio == pytest.approx(drawn, rel=0.02)


def test_it_fits_a_phone(show):
    view = show(told(), width=420)
    assert view.evaluate("document.documentElement.scrollWidth") == 420


@pytest.mark.parametrize(("bins", "width"), [(20, 1000), (50, 1000), (600, 700)])
def test_the_time_axis_is_labelled_where_its_ticks_are(show, bins, width):
    """A tick at 0.25 s that said 0:00.3 stood in the wrong place."""
    view = show(told(bins=bins), width)
    view.evaluate("""() => {
        window.drawn = [];
        const draw = CanvasRenderingContext2D.prototype, text = draw.fillText;
        draw.fillText = function (...told) { drawn.push(told); text.apply(this, told); };
    }""")
    view.set_viewport_size({"width": width - 40, "height": 900})
    view.wait_for_function("drawn.some(([text]) => /^\\d+:\\d/.test(text))")
    drawn = [words for words in view.evaluate("drawn") if ":" in words[0]]
    row = sorted({(x, *text.split(":")) for text, x, y, *_ in drawn if y == drawn[0][2]})
    seconds = [60 * int(minutes) + float(rest) for _, minutes, rest in row]
    steps = np.diff(seconds)
    assert len(steps) >= 3
    np.testing.assert_allclose(steps, steps[0], atol=1e-6)
