"""Past studies: which count as measured alike, which study is which, how the library is filled."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from fer_nb.cli import app
from fer_nb.errors import StudyError
from fer_nb.study import add_to_norms, compare_with_norms, load_study, save_study, sections


def test_norms(result, tmp_path):
    none = compare_with_norms(result, "trailer-a", None)
    assert none.sentence.startswith("No norms: there is no library")
    for k in range(6):
        add_to_norms(result, tmp_path / "norms", study=f"s{k}", category="trailer")
    with pytest.raises(StudyError, match="already"):
        add_to_norms(result, tmp_path / "norms", study="s1")
    found = compare_with_norms(result, "trailer-a", tmp_path / "norms", category="trailer")
    assert "Percentiles among 12 past stimuli of kind 'trailer'" in found.sentence
    row = found.table.set_index(["signal", "metric"]).loc[("p_happy", "average")]
    mine = result.metrics.query(
        "stimulus == 'trailer-a' and group == 'all' and scope == 'whole' "
        "and metric == 'average' and signal == 'p_happy'"
    )["estimate"].iloc[0]
    other = result.metrics.query(
        "stimulus == 'trailer-b' and group == 'all' and scope == 'whole' "
        "and metric == 'average' and signal == 'p_happy'"
    )["estimate"].iloc[0]
    assert row["percentile"] == pytest.approx(75 if mine > other else 25)
    few = compare_with_norms(result, "trailer-a", tmp_path / "norms", category="soap")
    assert few.sentence.startswith("No norms: 0 of 12")


def test_the_report_shows_norms_in_percent_and_points(result, tmp_path):
    for k in range(6):
        add_to_norms(result, tmp_path, study=f"s{k}")
    norms = compare_with_norms(result, "trailer-a", tmp_path)
    values = norms.table["estimate"].mask(norms.table["metric"] == "average", -0.0004)
    values = values.mask(norms.table["metric"] == "peak", 0.2744)
    shown = sections.norms_table(replace(norms, table=norms.table.assign(estimate=values)))
    rows = {
        tuple(re.findall("<td[^>]*>([^<]*)", row)[:3]) for row in shown.split("<tr>")
    }  # signal, number, value
    assert ("valence", "average", "0.00") in rows
    assert ("valence", "peak", "0.27") in rows
    assert ("happiness", "average", "0.0") in rows
    assert ("happiness", "peak", "27.4") in rows
    assert not {"neutral", "uncertain"} & {row[0] for row in rows if row}
    assert "interval, as percentiles" in shown
    assert "peak comes out too high" in shown


def alike(one, other) -> bool:
    return one.measured_how() == other.measured_how()


@pytest.mark.parametrize(
    "change",
    [
        {"rate_hz": 4.0},
        {"min_bin_coverage": 0.4},
        {"max_hold_s": 0.3},
        {"smooth_s": 2.0},
        {"baseline": "z"},
        {"baseline_s": 3.0},
        {"opening_s": 3.0},
        {"expressed_threshold": 0.6},
        {"expressed_rise": 0.2},
        {"first_s": 4.0},
        {"last_s": 4.0},
        {"min_n_t_share": 0.6},
    ],
)
def test_what_changes_a_number_makes_studies_unlike(result, tmp_path, change):
    other = replace(result, config=result.config.with_(**change))
    assert not alike(result, other)
    add_to_norms(other, tmp_path)
    found = compare_with_norms(result, "trailer-a", tmp_path)
    assert found.sentence.startswith("No norms: 0 of 2 past stimuli were measured alike")


@pytest.mark.parametrize("name", ["model_sha256", "prior", "detector"])
def test_other_tools_make_studies_unlike(result, name):
    made_with = result.provenance["made_with"] | {name: ["another"]}
    assert not alike(
        result, replace(result, provenance=result.provenance | {"made_with": made_with})
    )


def test_another_kind_of_baseline_makes_studies_unlike(result):
    baseline = result.provenance["baseline"] | {"source": "opening"}
    assert not alike(result, replace(result, provenance=result.provenance | {"baseline": baseline}))


def test_repeats_and_levels_of_confidence_leave_studies_alike(result):
    config = result.config.with_(level=0.9, n_boot=400, seed=1, alpha=0.01, min_face_share=0.5)
    assert alike(result, replace(result, config=config))


def test_studies_of_one_manifest_name_are_told_apart(result, tmp_path):
    other = replace(result, quality=result.quality.assign(sha256="another recording"))
    assert result.study_id.startswith("manifest-")
    assert other.study_id != result.study_id
    assert set(add_to_norms(result, tmp_path)).isdisjoint(add_to_norms(other, tmp_path))
    with pytest.raises(StudyError, match="already"):
        add_to_norms(result, tmp_path)


def test_a_study_is_the_same_after_it_was_saved_and_in_any_order(result, tmp_path):
    again = load_study(save_study(result, tmp_path))
    assert again.study_id == result.study_id
    assert alike(again, result)
    assert replace(result, quality=result.quality[::-1]).study_id == result.study_id


def test_a_study_is_not_among_its_own_past(result, tmp_path):
    add_to_norms(result, tmp_path)
    assert "No norms: 1 of 2" in compare_with_norms(result, "trailer-a", tmp_path).sentence
    add_to_norms(result, tmp_path, study="spring")
    found = compare_with_norms(result, "trailer-a", tmp_path, study="spring")
    assert "No norms: 3 of 4" in found.sentence


def test_files_that_do_not_say_how_they_were_measured_are_left_out(result, tmp_path):
    for file in add_to_norms(result, tmp_path, study="old"):
        pd.read_parquet(file).drop(columns=["expressed_rise", "detector"]).to_parquet(file)
    assert "No norms: 0 of 2" in compare_with_norms(result, "trailer-a", tmp_path).sentence


def test_the_command_fills_the_library(result, tmp_path):
    folder, library = save_study(result, tmp_path / "study"), tmp_path / "norms"
    arguments = ["norms", str(folder), str(library), "--category", "trailer"]
    run = CliRunner().invoke(app, arguments)
    assert run.exit_code == 0, run.output
    files = sorted(library.iterdir())
    assert run.output.split() == [str(file) for file in files]
    assert len(files) == 2
    table = pd.read_parquet(files[0])
    assert set(table["category"]) == {"trailer"}
    assert np.isfinite(table["estimate"]).any()
    again = CliRunner().invoke(app, arguments)
    assert isinstance(again.exception, StudyError)
    assert CliRunner().invoke(app, [*arguments, "--force"]).exit_code == 0


def test_stimuli_of_like_names_have_files_of_their_own(result, tmp_path):
    one, two = result.audiences.values()
    parts = [
        result.metrics[result.metrics["stimulus"] == old].assign(stimulus=new)
        for old, new in zip(result.audiences, ("a b", "a_b"), strict=True)
    ]
    like = replace(result, audiences={"a b": one, "a_b": two}, metrics=pd.concat(parts))
    for force in (False, True):
        files = add_to_norms(like, tmp_path, study="s", force=force)
        assert len(set(files)) == 2
        assert [set(pd.read_parquet(f)["stimulus"]) for f in files] == [{"a b"}, {"a_b"}]
    assert sorted(tmp_path.iterdir()) == sorted(files)


def test_a_refused_study_adds_nothing(result, tmp_path):
    files = add_to_norms(result, tmp_path, study="s")
    files[0].unlink()
    with pytest.raises(StudyError, match="already"):
        add_to_norms(result, tmp_path, study="s")
    assert not files[0].exists()
