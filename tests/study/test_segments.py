"""Segments: a known difference is found, nothing is told of a few, and many looks are corrected."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fer_nb.reports.player import study_data
from fer_nb.reports.segment_sections import WARNING, segments, sure
from fer_nb.study import StudyConfig, load_study, run_study, save_study
from fer_nb.study.clusters import holm
from fer_nb.study.comparison import contrast
from fer_nb.study.metrics import whole_metrics
from fer_nb.study.segments import _compared, at_risk, parts_of, segment_columns
from fer_nb.study.simulate import Event, simulate_audience, simulate_signals, simulate_table

PEOPLE = 33
CONFIG = StudyConfig(n_boot=300, n_permutations=1000, isc_shifts=20)


def who(i: int) -> dict[str, str]:
    return {
        "region": ("north", "south", "")[0 if i < 16 else 1 if i < 30 else 2],
        "gender": "woman" if i % 2 else "man",
        "plan": ("gold", "silver", "tin")[0 if i < 18 else 1 if i < 30 else 2],
        "age": str(20 + i),
        "site": "lab",
    }


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """One film; the north smiles through half of it, the south does not."""
    folder, rng = tmp_path_factory.mktemp("segments"), np.random.default_rng(4)
    smile = (Event("happy", 3, 12, 3.0),)
    loud, quiet = (simulate_signals(PEOPLE, 12, 5, rng, events=e)[1] for e in (smile, ()))
    rows, tables = [], {}
    for i in range(PEOPLE):
        one = who(i)
        signals = loud if one["region"] == "north" else quiet
        tables[f"p{i}.mp4"] = simulate_table(signals[i], 5, 10, f"p{i}.mp4", rng=rng)
        rows.append({"respondent": f"V{i}", "stimulus": "film", "video": f"p{i}.mp4"} | one)
    manifest = folder / "manifest.csv"
    pd.DataFrame(rows).assign(start_s=5).to_csv(manifest, index=False)
    (folder / "stimuli.csv").write_text("stimulus,duration_s\nfilm,12\n")
    return run_study(manifest, tables=tables, config=CONFIG)


def test_columns_that_divide_the_respondents_are_found(study):
    assert segment_columns(study.quality) == (["region", "gender", "plan"], {"age": "many"})
    twice = pd.concat([study.quality, study.quality.assign(stimulus="b", gender="man")])
    assert segment_columns(twice)[1]["gender"] == "varies"


def test_a_known_difference_is_found_at_its_size_and_the_rest_is_not(study):
    found = study.segment_comparison.set_index("column")
    region = found.loc["region"]
    audience = study.audiences["film"]
    values = whole_metrics(audience)["average"][:, 0]
    side = {
        k: [audience.respondents.index(n) for n in p.respondents]
        for k, p in parts_of(audience, study.quality, "region").items()
    }
    want = np.nanmean(values[side["north"]]) - np.nanmean(values[side["south"]])
    assert (region["first"], region["second"]) == ("north", "south")
    assert region["difference"] == pytest.approx(want, abs=0.01)  # some left early
    assert region["low"] <= want <= region["high"]
    assert region["p_holm"] <= 0.05
    assert found.loc["gender", "p_holm"] > 0.05
    tested = study.segment_comparison["p"].notna()
    np.testing.assert_allclose(
        study.segment_comparison.loc[tested, "p_holm"], holm(study.segment_comparison["p"])[tested]
    )
    assert (study.segment_comparison["p_holm"] >= study.segment_comparison["p"])[tested].all()


def test_of_a_few_people_nothing_is_told_but_their_number(study):
    tin = study.segments.query("column == 'plan' and level == 'tin'")
    assert tin["n"].tolist() == [3]
    assert tin["estimate"].isna().all()
    assert "tin" not in set(study.segment_comparison[["first", "second"]].to_numpy().ravel())
    assert "tin" not in set(study.segment_curves["level"])
    assert "fewer than 5: not shown" in segments(study)


def test_pairs_of_a_few_people_are_not_told_and_a_test_must_agree_with_its_interval(study):
    assert "north minus south" in segments(study)
    found = study.segment_comparison.assign(n_second=4)
    assert "north minus south" not in segments(replace(study, segment_comparison=found))
    (row,) = study.segment_comparison.query("first == 'north'").itertuples()
    assert sure(row, CONFIG) == "beyond chance"
    assert "disagree" in sure(row._replace(low=-0.01), CONFIG)


def test_few_pairs_of_two_large_segments_are_not_told_either():
    first = simulate_audience(7, np.random.default_rng(1), missing=False, config=CONFIG)
    corrected = first.corrected.copy()
    corrected[:3] = np.nan
    second = replace(first, corrected=corrected)
    row = _compared(contrast(first, second, ("a", "b"), "stimuli"))
    assert row["n_first"] == row["n_second"] == 4
    assert np.isnan([row["difference"], row["low"], row["effect"], row["p"]]).all()


def test_scores_of_a_segment_are_those_of_its_people(study):
    audience = study.audiences["film"]
    part = parts_of(audience, study.quality, "gender")["woman"]
    values = whole_metrics(part)["average"][:, 0]
    row = study.segments.query("column == 'gender' and level == 'woman' and signal == 'valence'")
    assert row["estimate"].unique() == pytest.approx([np.nanmean(values)])
    assert set(row["n"]) == {int((~np.isnan(values)).sum())}


def test_the_report_warns_where_the_network_may_be_unfair(study):
    html = segments(study)
    assert html.count(WARNING[:40]) == 1  # of gender, of neither region nor plan
    assert html.index(">gender<") < html.index(WARNING[:40]) < html.index(">plan<")
    assert "“age” holds more than 8 values" in html
    assert "beyond chance" in html
    assert at_risk("Sex", ["m", "f"])
    assert at_risk("wave", ["Women", "Men"])
    assert at_risk("age_band", ["18-29", "30+"])
    assert not at_risk("usage", ["manager", "agent"])


def test_the_player_offers_each_segment(study):
    data = study_data(study, "Film", {})
    offered = {s["column"]: [level["label"] for level in s["levels"]] for s in data["segments"]}
    assert offered == {
        "region": ["north", "south"],
        "gender": ["man", "woman"],
        "plan": ["gold", "silver"],
    }
    groups = {curve["group"] for curve in data["curves"]}
    assert {"all", "region: north", "gender: woman", "plan: gold"} <= groups


def test_segments_are_kept_with_the_study(study, tmp_path):
    again = load_study(save_study(study, tmp_path))
    assert segments(again) == segments(study)
    assert study_data(again, "Film", {})["segments"] == study_data(study, "Film", {})["segments"]


def test_chance_differences_are_seldom_called_more():
    """Twenty studies without any effect and four segments each: Holm holds the study's error."""
    from fer_nb.study.segments import segment_tables
    from fer_nb.study.simulate import simulate_audience

    rng, wrong = np.random.default_rng(0), 0
    for seed in range(20):
        audience = simulate_audience(24, np.random.default_rng(seed), duration_s=6.0, config=CONFIG)
        quality = pd.DataFrame({"respondent": audience.respondents, "stimulus": "film"})
        for k in range(4):
            quality[f"column{k}"] = rng.permuted(["x", "y"] * 12)[: len(quality)]
        _, comparison, _ = segment_tables({"film": audience}, quality)
        wrong += (comparison["p_holm"] <= 0.05).any()
    assert wrong <= 4


def test_of_many_comparisons_the_surest_and_largest_are_shown(study):
    row = study.segment_comparison.iloc[[0]].assign(n_first=12, n_second=12, difference=0.1)
    rows = pd.concat([row.assign(first=f"level {k}", p=np.nan, p_holm=np.nan) for k in range(20)])
    rows = rows.reset_index(drop=True)
    rows.loc[17, ["p", "p_holm"]] = 0.01, 0.02
    rows.loc[18, "difference"] = -0.9
    html = segments(replace(study, segment_comparison=rows))
    assert html.count(" minus ") == 12
    assert html.index("level 17 minus") < html.index("level 18 minus")
    assert "8 more comparisons are in segment_comparison.csv; 8 of them have too few" in html
    untested = rows.assign(p=np.nan, p_holm=np.nan)
    html = segments(replace(study, segment_comparison=untested))
    assert "no comparison has enough people for a test" in html
