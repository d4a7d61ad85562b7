"""Past studies: which count as measured alike, which study is which, how the library is filled."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from fer_nb.cli import app
from fer_nb.cli.norms import span
from fer_nb.errors import FerError, StudyError
from fer_nb.reports import norms_sections
from fer_nb.reports.sentences import norms_sentence
from fer_nb.study import (
    add_to_norms,
    compare_with_norms,
    list_norms,
    load_study,
    merge_norms,
    save_study,
)
from fer_nb.study.config import TESTED
from fer_nb.study.norms import _percentile
from fer_nb.study.norms_library import read_norms


def test_norms(result, tmp_path):
    none = compare_with_norms(result, "trailer-a", None)
    assert norms_sentence(none).startswith("No norms: there is no library")
    for k in range(6):
        add_to_norms(result, tmp_path / "norms", study=f"s{k}", category="trailer")
    with pytest.raises(StudyError, match="already"):
        add_to_norms(result, tmp_path / "norms", study="s1")
    found = compare_with_norms(result, "trailer-a", tmp_path / "norms", category="trailer")
    assert "Percentiles among 12 past stimuli of kind “trailer”" in norms_sentence(found)
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
    assert norms_sentence(few).startswith("No norms: 0 of 12")


def test_a_number_that_was_saved_ties_with_the_one_that_was_not():
    known = np.array([0.333333, 0.1, 0.2, 0.5])
    assert _percentile(known, 1 / 3) == _percentile(known, 0.333333) == 62.5
    assert np.isnan(_percentile(np.array([0.333333, 0.333333, 0.5]), 1 / 3))


def test_the_report_shows_norms_in_percent_and_points(result, tmp_path):
    for k in range(6):
        add_to_norms(result, tmp_path, study=f"s{k}")
    norms = compare_with_norms(result, "trailer-a", tmp_path)
    values = norms.table["estimate"].mask(norms.table["metric"] == "average", -0.0004)
    values = values.mask(norms.table["metric"] == "peak", 0.2744)
    shown = norms_sections.norms_table(replace(norms, table=norms.table.assign(estimate=values)))
    rows = {}
    for row in shown.split("<tr>"):
        name, *cells = re.findall(r"<td>([^<]*)", row) or [""]
        rows[name] = [cell.strip() for cell in cells]
    assert rows["valence"][1:3] == ["0.00", "0.27"]  # of ever expressed, average, peak, peak–end
    assert rows["happiness"][1:3] == ["0.0", "27.4"]
    assert not {"neutral", "uncertain"} & set(rows)
    assert {"Expressiveness", "Retain"} <= set(rows)
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
        {"expressed_spreads": 5.0},
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
    assert norms_sentence(found).startswith("No norms: 0 of 2 past stimuli were measured alike")


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
    assert "No norms: 1 of 2" in norms_sentence(compare_with_norms(result, "trailer-a", tmp_path))
    add_to_norms(result, tmp_path, study="spring")
    found = compare_with_norms(result, "trailer-a", tmp_path, study="spring")
    assert "No norms: 3 of 4" in norms_sentence(found)


def test_files_that_do_not_say_how_they_were_measured_are_left_out(result, tmp_path):
    for file in add_to_norms(result, tmp_path, study="old"):
        pd.read_parquet(file).drop(columns=["expressed_rise", "detector"]).to_parquet(file)
    assert "No norms: 0 of 2" in norms_sentence(compare_with_norms(result, "trailer-a", tmp_path))


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


def test_several_studies_seed_a_library_that_lists_exports_and_merges(result, tmp_path):
    other = replace(result, quality=result.quality.assign(sha256="another recording"))
    folders = [str(save_study(r, tmp_path / n)) for r, n in ((result, "one"), (other, "two"))]
    library, copy = str(tmp_path / "past"), str(tmp_path / "copy")

    def run(*arguments):
        return CliRunner().invoke(app, ["norms", *map(str, arguments)])

    seeded = run("seed", *folders, library, "--category", "trailer", "--market", "DE")
    assert seeded.exit_code == 0, seeded.output
    listed = run("list", library).output
    assert listed.count("Trailer A (simulated)") == 2
    assert listed.count(" DE ") == 4
    for kind in ("parquet", "csv"):
        file = tmp_path / f"norms.{kind}"
        assert run("export", library, file, "--length", "20-40").exit_code == 0
        assert isinstance(run("export", library, file).exception, FerError)  # it exists
        taken = run("merge", copy, file)
        assert taken.exit_code == 0, taken.output
        assert ("4 already there" in taken.output) == (kind == "csv")
    ours, theirs = (
        read_norms(f).sort_values(["study", "stimulus", "signal", "metric"])
        for f in (library, copy)
    )
    np.testing.assert_allclose(ours["estimate"], theirs["estimate"])
    assert len(list_norms(copy)) == 4
    assert set(list_norms(copy)["alike"]) == {1}
    again = replace(result, quality=result.quality.assign(sha256="a third"))
    here, there = (compare_with_norms(again, "trailer-a", f) for f in (library, copy))
    assert here.stimuli == there.stimuli == 4
    nothing = run("export", library, tmp_path / "none.csv", "--market", "FR")
    assert "no stimulus of that kind" in str(nothing.exception)
    assert not (tmp_path / "none.csv").exists()


def test_other_numbers_of_the_same_stimulus_are_not_merged_unasked(result, tmp_path):
    add_to_norms(result, tmp_path / "here")
    file = add_to_norms(result, tmp_path / "there")[0]
    table = pd.read_parquet(file)
    table.assign(estimate=table["estimate"] + 0.1).to_parquet(file)
    with pytest.raises(StudyError, match="with other numbers; use force"):
        merge_norms(tmp_path / "here", [tmp_path / "there"])
    written, same = merge_norms(tmp_path / "here", [tmp_path / "there"], force=True)
    assert (len(written), same) == (1, 1)
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    with pytest.raises(StudyError, match="holds no norms: it has no column study"):
        merge_norms(tmp_path / "here", [tmp_path / "odd.csv"])


def test_norms_of_a_market_and_a_length(result, tmp_path):
    for k in range(6):
        add_to_norms(result, tmp_path, study=f"s{k}", market="DE" if k else "FR")
    found = compare_with_norms(result, "trailer-a", tmp_path, market="DE", length_s=(20, 40))
    assert found.stimuli == 10
    assert "of kind" not in norms_sentence(found)
    assert "10 past stimuli in market “DE” of 20 to 40 s" in norms_sentence(found)
    assert compare_with_norms(result, "trailer-a", tmp_path, length_s=(31, 60)).stimuli == 0
    assert found.table["percentile"].notna().any()
    shown = found.table[found.table["percentile"].notna()]
    kinds = ["ever_expressed", "average", "peak", "peak_end"]
    bars = (shown["metric"] == "score") | (
        shown["metric"].isin(kinds) & shown["signal"].isin(TESTED)
    )
    assert norms_sections.norms_table(found).count('role="img"') == bars.sum()


@pytest.mark.parametrize("text", ["abc", "40-15", "-5"])
def test_a_length_that_is_none_is_refused(text):
    with pytest.raises(FerError, match="--length"):
        span(text)
    assert span("15-40") == (15, 40)
    assert span("30") == (30, 30)


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
