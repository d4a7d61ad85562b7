"""A whole study: the same bytes twice, the truth found, bad recordings kept out, bad input told."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fer_nb.demo import script
from fer_nb.emotions import EMOTIONS, expected_valence_arousal
from fer_nb.errors import StudyError
from fer_nb.person import moving_average
from fer_nb.reports import (
    comparison_figures,
    comparison_sections,
    comparison_sentences,
    figures,
    sections,
    sentences,
    words,
)
from fer_nb.study import StudyConfig, load_study, run_mood, run_study, save_study
from fer_nb.study.config import PROBABILITIES
from fer_nb.study.simulate import Event, simulate_guests
from fer_nb.tables import read_table, write_table


def test_the_same_inputs_give_the_same_bytes(simulated, quick, tmp_path):
    manifest, tables = simulated
    for name in ("one", "two"):
        run_study(manifest, tables=tables, out_dir=tmp_path / name, config=quick)
    files = sorted(p.name for p in (tmp_path / "one").iterdir())
    assert {"curves.parquet", "metrics.csv", "quality.csv", "moments.csv"} <= set(files)
    for name in files:
        one, two = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two"))
        assert one == two, name


def test_a_study_read_again_tells_the_same(result, tmp_path):
    again = load_study(save_study(result, tmp_path / "out"))
    assert again.counts() == result.counts()
    for name in result.audiences:
        assert sentences.three_sentences(again, name) == sentences.three_sentences(result, name)
        np.testing.assert_allclose(
            again.audiences[name].curves, result.audiences[name].curves, atol=1e-4
        )
    with pytest.raises(StudyError, match="holds no study"):
        load_study(tmp_path)


def test_the_dark_recording_is_left_out_and_said(result):
    quality = result.quality.set_index(["respondent", "stimulus"])
    dark = quality.loc[("V03", "trailer-a")]
    assert dark["status"] == "excluded"
    assert dark["reasons"] == "brightness"
    assert "V03" not in result.audiences["trailer-a"].respondents
    assert "V03" in result.audiences["trailer-b"].respondents
    assert "V03, trailer-a: excluded – too dark" in sections.exclusions(result)


def test_who_counts_is_said_for_each_stimulus(result):
    said = sections.exclusions(result)
    recordings, kept = len(result.quality), result.kept
    assert f"{kept} of {recordings} recordings kept" in said
    for name, audience in result.audiences.items():
        rows = (result.quality["stimulus"] == name).sum()
        assert f"{words.title_of(result, name)}: {len(audience)} of {rows} recordings kept" in said
    quality = result.quality
    gone = quality[~((quality["respondent"] == "V06") & (quality["stimulus"] == "trailer-b"))]
    assert "no recording of V06." in sections.exclusions(replace(result, quality=gone))


def test_equal_shares_are_not_ranked(result):
    metrics = result.metrics.copy()
    ever = (metrics["metric"] == "ever_expressed") & (metrics["scope"] == "whole")
    metrics.loc[ever, ["estimate", "low", "high"]] = (0.0, 0.0, 0.2)
    tied = ever & metrics["signal"].isin(["p_contempt", "p_happy", "p_surprise"])
    metrics.loc[tied, ["estimate", "low", "high"]] = (0.25, 0.1, 0.5)
    study = replace(result, metrics=metrics)
    sentence = sentences.three_sentences(study, "trailer-a")[1]
    assert "showed happiness for at least a second, and as many showed surprise and " in sentence
    assert list(sentences.headline_figures(study, "trailer-a"))[1].startswith("showed happiness")


def test_comparisons_say_what_they_are_about(result):
    rows, _, clusters = next(comparison_sections.contrasts_of(result))
    titles = [words.title_of(result, name) for name in result.audiences]
    assert comparison_sentences.contrast_title(rows, result) == f"“{titles[0]}” and “{titles[1]}”"
    groups = rows.assign(within="groups of trailer-b", first="men", second="women")
    assert comparison_sentences.compare_sentence(groups, result).startswith(
        f"“{titles[1]}”: men and women ("
    )
    found = clusters.head(0)
    found.loc[0] = ["a", "b", "stimuli", "p_happy", 2.0, 4.0, -1, 0.0001, 0.0002]
    over_time = comparison_sentences.compare_sentence(rows, result, found)
    assert f"happiness higher for “{titles[1]}” from 0:02.0 to 0:04.0 (p < 0.001)" in over_time


def test_the_mixed_model_names_stimuli_by_their_titles(result, tmp_path):
    first, second = result.stimuli
    titles = [result.stimuli[name].title for name in (first, second)]
    again = load_study(save_study(result, tmp_path))
    assert again.mixed[["level", "minus"]].to_numpy().tolist() == [[first, ""], [second, first]]
    for one in (result, again):
        text = str(comparison_sections.mixed_table(one))
        assert f">“{titles[0]}”<" in text
        assert f"“{titles[1]}” minus “{titles[0]}”" in text


def test_the_fall_of_an_emotion_is_no_news_of_the_first_page(result):
    fall = result.moments.head(1).assign(signal="p_happy", direction="down", effect=-0.2)
    assert sentences.top_moments(replace(result, moments=fall), fall["stimulus"].iloc[0]) == []


def test_a_moment_of_glimpses_has_no_share(result):
    glimpses = {"n": 0, "share": np.nan, "share_low": np.nan, "share_high": np.nan}
    moments = result.moments.head(1).assign(signal="p_happy", direction="up", **glimpses)
    study, name = replace(result, moments=moments), moments["stimulus"].iloc[0]
    assert "0 of 0 respondents" in sections.moment_cards(study, name, [0])
    assert "nan" not in sections.moments_table(study, name)


def test_large_peaks_without_evidence_are_listed_in_order_of_size(result):
    sizes = {"not_significant": 0.2, "significant": 0.1, "few_moved": 0.3, "small": 0.01}
    one = result.moments.iloc[0].to_dict() | {"signal": "p_fear", "moved": 9, "moved_of": 20}
    rows = [one | {"status": status, "effect": effect} for status, effect in sizes.items()]
    study = replace(result, moments=pd.DataFrame(rows))
    told = str(sections.moments_table(study, one["stimulus"]))
    changes = re.findall(r"\+(\d+) of 100<", told)
    assert changes == ["10", "1", "30", "20"]
    assert "large in the mean, but only 9 of 20 moved" in told
    assert "chance: 2, 1 of them shared by fewer than 60% of the respondents." in told


def test_shares_of_moments_are_of_those_measured_there(result):
    for name, audience in result.audiences.items():
        for m in result.moments[result.moments["stimulus"] == name].to_dict("records"):
            window = slice(*(round(m[at] * audience.config.rate_hz) for at in ("start_s", "end_s")))
            measured = (~np.isnan(audience.signal(m["signal"])[:, window])).mean(axis=1) >= 0.5
            assert m["n"] == measured.sum()
            assert m["share"] * m["n"] == pytest.approx(round(m["share"] * m["n"]))


def test_curves_say_how_many_were_seen(result):
    audience = result.audiences["trailer-a"]
    chosen = result.curves.query("stimulus == 'trailer-a' and kind == 'mean'")
    part = chosen[chosen["signal"] == "valence"]
    seen = (~np.isnan(audience.curves[:, 0])).sum(axis=0)
    assert part["n"].tolist() == seen.tolist()
    assert (part["low"] <= part["estimate"]).all()


def test_sentences_come_from_the_numbers(result):
    one = sentences.three_sentences(result, "trailer-a")
    assert len(one) == 3
    assert one[0].startswith("13 respondents gave usable data")
    assert "happiness" in one[2]
    assert "interval" in one[1]
    assert "interval" in one[2]


@pytest.fixture(scope="module")
def demo_tables():
    """Reaction tables as a perfect network would read the demo's viewers, from its truth."""
    truth = script.truth(0)
    tables = {}
    for video, part in truth.groupby("video"):
        seen = part["visible"].to_numpy(dtype=bool)
        logits = np.full((len(part), 9), -1.0)
        logits[:, EMOTIONS.index("neutral")] = 2.0
        for action, emotion in (("smile", "happy"), ("surprise", "surprise"), ("frown", "anger")):
            logits[:, EMOTIONS.index(emotion)] += 5 * part[action].to_numpy()
        probs = np.exp(logits)
        probs /= probs.sum(axis=1, keepdims=True)
        ratings = expected_valence_arousal(probs)
        values = np.where(seen[:, None], np.column_stack([ratings, probs]), np.nan)
        table = pd.DataFrame(values, columns=["valence", "arousal", *PROBABILITIES])
        table.insert(0, "frame", np.arange(len(part)))
        table.insert(1, "time_s", part["time_s"].to_numpy())
        table.insert(2, "face_id", pd.array(np.where(seen, 0, pd.NA), dtype="Int64"))
        for name, value in (("x", 100), ("y", 100), ("width", 150), ("height", 150)):
            table[name] = np.where(seen, float(value), np.nan)
        for name in ("yaw", "pitch", "roll"):
            table[name] = np.where(seen, 0.0, np.nan)
        usable = part["usable"].to_numpy(dtype=bool)
        table["brightness"] = np.where(usable, 110.0, 9.0)
        table["contrast"] = np.where(usable, 50.0, 4.0)
        tables[video] = table
    return tables


def test_the_demo_study_finds_what_was_put_in(demo_tables, quick, tmp_path):
    lines = ["respondent,stimulus,video,start_s"]
    lines += [f"{v.respondent},t,{v.respondent}.mp4,{v.start_s}" for v in script.VIEWERS]
    (tmp_path / "m.csv").write_text("\n".join(lines))
    (tmp_path / "stimuli.csv").write_text(f"stimulus,duration_s\nt,{script.DURATION_S}\n")
    result = run_study(tmp_path / "m.csv", tables=demo_tables, config=quick)
    dark = next(v for v in script.VIEWERS if v.dark)
    away = next(v for v in script.VIEWERS if v.away)
    assert result.counts() == {"invited": 6, "recorded": 6, "kept": 5}
    status = result.quality.set_index("respondent")["status"]
    assert status[dark.respondent] == "excluded"
    # The viewer who leaves counts only while seen.
    audience = result.audiences["t"]
    row = audience.respondents.index(away.respondent)
    begin, end = away.away
    gone = (audience.times > begin + 0.8) & (audience.times < end - 0.2)
    assert np.isnan(audience.raw[row, 0, gone]).all()
    n = result.curves.query("kind == 'mean' and signal == 'valence'").set_index("time_s")["n"]
    assert n[audience.times[gone]].max() == 4
    # The moments are those that were put in, and are not called tested with five viewers.
    assert (result.moments["status"] == "untested").all()
    found = result.moments.query("direction == 'up'")[["signal", "start_s", "end_s"]]
    smiles = found[found["signal"] == "p_happy"].to_numpy()
    assert len(smiles) == 2
    assert smiles[0][1] == pytest.approx(7.5, abs=1.0)
    assert smiles[0][2] == pytest.approx(10.0, abs=1.2)
    assert smiles[1][1] == pytest.approx(16.3, abs=1.0)
    assert found[found["signal"] == "p_surprise"]["start_s"].between(10, 12).any()
    assert found[found["signal"] == "p_anger"]["start_s"].between(11, 13.5).any()
    assert set(found["signal"]) == {"valence", "p_happy", "p_surprise", "p_anger"}
    down = result.moments.query("direction == 'down'")
    assert set(down["signal"]) == {"valence"}
    assert down["start_s"].between(10.5, 13.5).all()


def test_one_respondent_is_shown_without_claims(make_study, quick):
    manifest, tables = make_study(n=1)
    result = run_study(manifest, tables=tables, config=quick)
    assert result.kept == 1
    assert result.curves["low"][result.curves["kind"] == "mean"].isna().all()
    assert result.metrics.query("metric == 'average'")["low"].isna().all()
    assert "1 respondent kept: too few" in sentences.moments_sentence(result, "film")
    assert result.synchrony["isc"].isna().all()
    for text in sentences.three_sentences(result, "film"):
        assert "nan" not in text
    figures.hero(result, "film")
    figures.curve_panels(result, "film")
    figures.heat_map(result.audiences["film"])
    figures.traces(result.audiences["film"])


def test_nothing_kept_is_a_study_with_reasons_only(make_study, quick, tmp_path):
    manifest, tables = make_study(n=3)
    for table in tables.values():
        table["brightness"] = np.float32(5)
    result = run_study(manifest, tables=tables, config=quick, out_dir=tmp_path / "out")
    assert result.kept == 0
    assert result.audiences == {}
    assert result.metrics.empty
    assert load_study(tmp_path / "out").kept == 0
    assert sentences.lead(result).endswith("none kept.")
    assert "too dark" in sections.exclusions(result)


def test_missing_and_failing_recordings_are_lines_of_the_quality_table(make_study, quick):
    manifest, tables = make_study(n=8)
    del tables["p2.mp4"]
    tables["p3.mp4"] = tables["p3.mp4"].iloc[:0]
    told = []
    result = run_study(
        manifest, tables=tables, config=quick, progress=lambda *now: told.append(now)
    )
    assert [now[:3] for now in told] == [(i + 1, 8, f"p{i}.mp4") for i in range(8)]
    assert [i for i, (*_, error) in enumerate(told) if error] == [2]
    assert "no ready table" in told[2][3]
    status = result.quality.set_index("respondent")
    assert status.loc["p2", "status"] == "failed"
    assert "no ready table" in status.loc["p2", "messages"]
    assert status.loc["p3", "status"] == "failed"
    assert result.counts() == {"invited": 8, "recorded": 6, "kept": 6}


def test_a_video_that_cannot_be_decoded_is_a_line_too(tmp_path, quick):
    (tmp_path / "a.mp4").write_bytes(b"this is no video")
    (tmp_path / "m.csv").write_text("respondent,stimulus,video\nann,film,a.mp4\n")
    told = []
    result = run_study(
        tmp_path / "m.csv",
        config=quick,
        out_dir=tmp_path / "out",
        workers=2,
        progress=lambda *now: told.append(now),
    )
    ((*counted, name, error),) = told
    assert (counted, name) == ([1, 1], "a.mp4")
    assert error.endswith(result.quality["messages"][0])
    assert result.quality["status"].tolist() == ["failed"]
    assert "a.mp4" in result.quality["messages"][0]


def test_long_and_short_recordings_and_frame_rates(make_study, quick):
    manifest, tables = make_study(n=8, duration=20)
    rates = [6, 8, 10, 15]
    for k, step in ((0, 2), (1, 1)):
        tables[f"p{k}.mp4"] = tables[f"p{k}.mp4"].iloc[::step].reset_index(drop=True)
    short = tables["p4.mp4"]
    tables["p4.mp4"] = short[short["time_s"] < 5 + 12]
    lengthy = tables["p5.mp4"].copy()
    more = lengthy.assign(
        time_s=lengthy["time_s"] + lengthy["time_s"].max() + 0.07,
        frame=lengthy["frame"] + len(lengthy),
    )
    tables["p5.mp4"] = pd.concat([lengthy, more], ignore_index=True)
    result = run_study(manifest, tables=tables, config=quick)
    quality = result.quality.set_index("respondent")
    assert quality.loc["p4", "notes"] == "recording_ends"
    assert quality.loc["p0", "effective_fps"] == pytest.approx(7.5, abs=0.3)
    assert result.audiences["film"].times[-1] < 20
    assert len(rates) == 4
    row = result.audiences["film"].respondents.index("p4")
    assert np.isnan(result.audiences["film"].raw[row, 0, 62:]).all()


def test_stretches_of_nan_stay_missing(make_study, quick):
    manifest, tables = make_study(n=6)
    for table in tables.values():
        gap = table["time_s"].between(5 + 6, 5 + 9)
        table.loc[gap, "face_id"] = pd.NA
        table.loc[gap, ["valence", "arousal", *PROBABILITIES]] = np.nan
    result = run_study(manifest, tables=tables, config=quick)
    part = result.curves.query("kind == 'mean' and signal == 'valence'")
    inside = part["time_s"].between(6.7, 8.9)
    assert (part.loc[inside, "n"] == 0).all()
    assert part.loc[inside, "estimate"].isna().all()


def test_the_baseline_is_one_kind_for_all(make_study, quick):
    manifest, tables = make_study(n=6)
    result = run_study(manifest, tables=tables, config=quick)
    assert result.provenance["baseline"]["source"] == "before"
    text = Path(manifest).read_text().replace("p0,film,p0.mp4,5", "p0,film,p0.mp4,0")
    Path(manifest).write_text(text)
    result = run_study(manifest, tables=tables, config=quick)
    assert result.provenance["baseline"]["source"] == "opening"
    assert result.audiences["film"].baseline == "opening"


def test_phases_are_stimuli_of_their_own(make_study, quick):
    manifest, tables = make_study(n=6)
    lines = Path(manifest).read_text().split()
    rows = [lines[0] + ",phase"] + [
        f"{line},{phase}" for phase in ("one", "two") for line in lines[1:]
    ]
    rows = [r.replace(",5,two", ",5.2,two") for r in rows]
    Path(manifest).write_text("\n".join(rows))
    result = run_study(manifest, tables=tables, config=quick)
    assert list(result.audiences) == ["film (one)", "film (two)"]
    assert (result.comparison["design"] == "paired").all()


def test_tables_are_read_from_a_folder(make_study, quick, tmp_path):
    manifest, tables = make_study(n=5)
    for name, table in tables.items():
        write_table(table, tmp_path / "tables" / name.replace(".mp4", ".parquet"))
    assert read_table(tmp_path / "tables" / "p0.parquet").attrs["model"] == "simulated"
    one = run_study(manifest, tables=tmp_path / "tables", config=quick)
    two = run_study(manifest, tables=tables, config=quick)
    pd.testing.assert_frame_equal(one.metrics, two.metrics)


def test_unsuitable_parameters_are_told_together():
    with pytest.raises(StudyError) as caught:
        StudyConfig(baseline="best", level=1.5, n_boot=3)
    for part in ("baseline is 'best'", "level is 1.5", "n_boot is 3"):
        assert part in str(caught.value)
    with pytest.raises(StudyError, match="no study parameter named colour"):
        StudyConfig().with_(colour=1)


def test_numbers_of_numpy_are_parameters_too(make_study, quick, tmp_path):
    odd = {"n_boot": np.int64(200), "rate_hz": np.float32(5), "min_fps": np.float64(5)}
    manifest, tables = make_study(n=3)
    config = quick.with_(**odd)
    run_study(manifest, tables=tables, out_dir=tmp_path / "out", config=config)
    assert load_study(tmp_path / "out").config == config
    for name, value in (config.as_dict() | StudyConfig(**odd).as_dict()).items():
        assert type(value) is type(getattr(StudyConfig(), name)), name


def test_further_columns_are_read_again_as_text(make_study, quick, tmp_path):
    manifest, tables = make_study(n=3)
    lines = manifest.read_text().split()
    more = ("number,nothing", "001,", "002,x", "003,NA")
    manifest.write_text("\n".join(",".join(pair) for pair in zip(lines, more, strict=True)))
    result = run_study(manifest, tables=tables, out_dir=tmp_path / "out", config=quick)
    again = load_study(tmp_path / "out").quality
    assert again["number"].tolist() == result.quality["number"].tolist() == ["001", "002", "003"]
    assert again["nothing"].tolist() == result.quality["nothing"].tolist() == ["", "x", "NA"]


def test_a_bin_may_be_nearly_as_long_as_the_stimulus(make_study, quick):
    manifest, tables = make_study(n=6, duration=15)
    scenes = '"[{""name"": ""end"", ""start_s"": 14.5, ""end_s"": 15}]"'
    manifest.with_name("stimuli.csv").write_text(f"stimulus,duration_s,scenes\nfilm,15,{scenes}\n")
    for rate in (1, 1 / 14, 1 / 15):
        result = run_study(manifest, tables=tables, config=quick.with_(rate_hz=rate))
        assert result.kept == 6
        found = result.metrics.query("metric in ('average', 'first', 'last')")["estimate"]
        assert found.notna().all()


def test_a_bin_is_not_longer_than_the_stimulus(make_study, quick):
    manifest, tables = make_study(n=3, duration=15)
    quality = run_study(manifest, tables=tables, config=quick.with_(rate_hz=0.01)).quality
    assert quality["status"].tolist() == ["failed"] * 3
    assert "a bin of 100 s is longer than stimulus 'film' (15 s)" in quality["messages"][0]


@pytest.mark.parametrize(
    ("name", "value", "part"),
    [
        ("min_face_share", "abc", "'abc'; it must be a number from 0 to 1"),
        ("smooth_s", float("nan"), "nan; it must be a number from 0 to 3600"),
        ("smooth_s", 1e9, "1000000000.0; it must be a number from 0 to 3600"),
        ("max_gap_s", None, "None; it must be a number"),
        ("level", 1, "1; it must be a number between 0 and 1, without these"),
        ("n_boot", 250.5, "250.5; it must be a whole number from 200"),
        ("n_permutations", True, "True; it must be a whole number"),
        ("seed", -1, "-1; it must be a whole number from 0"),
        ("baseline", ["z"], "['z']; choose"),
    ],
)
def test_every_parameter_has_a_type_and_a_range(name, value, part):
    with pytest.raises(StudyError, match=re.escape(f"{name} is {part}")):
        StudyConfig().with_(**{name: value})


def test_a_window_longer_than_the_stimulus_averages_all_of_it():
    values = np.array([[1.0, np.nan, 3.0, 5.0]])
    np.testing.assert_allclose(moving_average(values, 10**15 + 1), [[3, np.nan, 3, 3]])


def test_names_that_read_like_missing_values_are_names(make_study, quick, tmp_path):
    manifest, tables = make_study(n=6)
    text = manifest.read_text()
    for row, name in enumerate(("NA", "null", "nan", "None")):
        text = text.replace(f"\np{row},film", f"\n{name},nan")
    manifest.write_text(text.replace(",film,", ",nan,"))
    scenes = '"[{""name"": ""NA"", ""start_s"": 0, ""end_s"": 9}]"'
    (tmp_path / "stimuli.csv").write_text(f"stimulus,duration_s,scenes\nnan,20,{scenes}\n")
    result = run_study(manifest, tables=tables, config=quick, out_dir=tmp_path / "out")
    again = load_study(tmp_path / "out")
    assert again.quality["respondent"].tolist() == ["NA", "null", "nan", "None", "p4", "p5"]
    assert again.counts() == result.counts()
    assert again.study_id == result.study_id
    assert sentences.three_sentences(again, "nan") == sentences.three_sentences(result, "nan")
    assert "NA (0–9 s)" in sections.scenes_table(again, "nan")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("study.json", "{"),
        ("study.json", "[]"),
        ("study.json", '{"parameters": {"colour": 1}}'),
        ("people.parquet", "no table"),
        ("metrics.csv", None),
    ],
)
def test_a_damaged_study_is_told(result, tmp_path, file, text):
    save_study(result, tmp_path)
    if text is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_text(text)
    with pytest.raises(StudyError, match=r"cannot be read.*run `fer-nb study` again"):
        load_study(tmp_path)


def test_what_is_no_table_is_told(make_study, quick):
    manifest, tables = make_study(n=5)
    tables["p1.mp4"] = [1, 2]
    tables["p2.mp4"] = tables["p2.mp4"].drop(columns="valence")
    result = run_study(manifest, tables=tables, config=quick)
    told = result.quality["messages"].tolist()
    assert result.quality["status"].tolist() == ["kept", "failed", "failed", "kept", "kept"]
    assert "a list is not a reaction table; use read_table or analyze_video" in told[1]
    assert "lacks valence" in told[2]
    with pytest.raises(StudyError, match=r"tables .*mapping or a folder, not DataFrame"):
        run_study(manifest, tables=pd.DataFrame())


def test_names_are_drawn_as_they_are_written(make_study, quick, tmp_path):
    manifest, tables = make_study(n=6)
    odd = "$x_$"
    manifest.write_text(
        manifest.read_text().replace(",film,", f",{odd},").replace("\np1,", f"\n{odd},")
    )
    scenes = f'"[{{""name"": ""{odd}"", ""start_s"": 0, ""end_s"": 9}}]"'
    (tmp_path / "stimuli.csv").write_text(f"stimulus,duration_s,scenes\n{odd},20,{scenes}\n")
    result = run_study(manifest, tables=tables, config=quick)
    clips, guests = simulate_guests(guests=6)
    clips["phase"] = clips["phase"].replace({"before": odd})
    mood = run_mood(clips, tables=guests, phases=(odd, "after"), config=quick)
    audience = result.audiences[odd]
    for figure in (
        figures.hero(result, odd),
        figures.curve_panels(result, odd),
        figures.heat_map(audience),
        figures.traces(audience),
        figures.scene_panels(result, odd),
        comparison_figures.mood_plot(mood),
    ):
        figure.savefig(io.BytesIO())


def test_sizes_of_effects_do_not_depend_on_frame_rate(make_study, quick):
    results = []
    for fps in (8, 30):
        manifest, tables = make_study(n=6, fps=fps, events=(Event("happy", 8, 12, 3.0),))
        results.append(run_study(manifest, tables=tables, config=quick))
    one, two = (r.audiences["film"].signal("p_happy") for r in results)
    assert np.nanmean(np.abs(one - two)) < 0.03
