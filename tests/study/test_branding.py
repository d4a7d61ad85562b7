"""Brand moments: read from the stimuli's file, measured where they lie, told on the first page."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from fer_nb.errors import StudyError
from fer_nb.reports.page_one import page_one, page_one_html
from fer_nb.study import Scene, load_study, run_study, save_study
from fer_nb.study.branding import brand_moments
from fer_nb.study.simulate import simulate_audience


def test_changes_are_those_of_the_time_the_brand_was_shown():
    audience = simulate_audience(12, np.random.default_rng(1), duration_s=20.0, missing=False)
    corrected = np.zeros_like(audience.corrected)
    corrected[:, 0, 5 * 11 : 5 * 13] = 0.5  # from a second after the logo's first to its last
    corrected[:, 0, 5 * 13 : 5 * 18] = -0.2
    table = brand_moments(replace(audience, corrected=corrected), (Scene("logo", 10, 12),))
    rows = table.set_index(["when", "signal"])
    assert rows.loc[("shown", "valence"), "estimate"] == pytest.approx(0.5)
    assert rows.loc[("after", "valence"), "estimate"] == pytest.approx(-0.2)
    assert rows.loc[("shown", "attention"), "estimate"] == pytest.approx(1.0)
    last = brand_moments(audience, (Scene("logo", 18, 20),))
    assert set(last["when"]) == {"shown"}  # nothing comes after
    assert brand_moments(audience, ()).empty


def test_the_first_page_tells_what_the_stimuli_s_file_names(make_study, quick, tmp_path):
    manifest, tables = make_study(n=10, duration=20)
    seen = {"<Acme>": (9, 12), "Cat": (0, 0.2)}
    brand = [{"name": name, "start_s": a, "end_s": b} for name, (a, b) in seen.items()]
    logo = json.dumps(brand).replace('"', '""')
    stimuli = manifest.with_name("stimuli.csv")
    stimuli.write_text(f'stimulus,duration_s,brand\nfilm,20,"{logo}"\n')
    result = run_study(manifest, tables=tables, config=quick, out_dir=tmp_path / "out")
    assert result.stimuli["film"].brand == (Scene("<Acme>", 9, 12), Scene("Cat", 0, 0.2))
    for one in (result, load_study(tmp_path / "out")):
        html = page_one_html(page_one(one, "Film"), one)
        assert "Brand moment: &lt;Acme&gt;, 0:09.0–0:12.0" in html
        assert "Valence while shown" in html
        assert "Happiness in the 5 s after" in html
        assert "Face seen while shown" in html
        assert "Brand moment: Cat" in html
        assert html.count("all alike") == 1  # everybody's face was seen at first
    assert load_study(save_study(result, tmp_path / "again")).stimuli == result.stimuli
    stimuli.write_text('stimulus,duration_s,brand\nfilm,20,"[1]"\n')
    with pytest.raises(StudyError, match="brand is not a JSON list"):
        run_study(manifest, tables=tables, config=quick)
