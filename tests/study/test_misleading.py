"""What a report must not say: each of these misled in a composed study."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fer_nb.emotions import EMOTIONS
from fer_nb.reports import comparison_sections, page_one, sections, sentences, words
from fer_nb.study import StudyConfig, run_study
from fer_nb.study.comparison import Contrast, compare_metrics, compare_scenes
from fer_nb.study.config import SIGNALS
from fer_nb.study.content import none_moved
from fer_nb.study.metrics import stimulus_metrics
from fer_nb.study.norms import _percentile
from fer_nb.study.quality import remark_baselines
from fer_nb.study.simulate import simulate_audience
from fer_nb.study.stimuli import Scene

CONFIG = StudyConfig(n_boot=400, n_permutations=2000)


def quiet(n=12, seconds=30):
    """An audience in which nothing happens: everybody at a rest of their own."""
    audience = simulate_audience(
        n, np.random.default_rng(1), duration_s=float(seconds), missing=False, config=CONFIG
    )
    noise = 0.005 * np.random.default_rng(2).standard_normal(audience.corrected.shape)
    resting = np.full((n, 9), 0.05)
    seconds_ = np.full(audience.seconds.shape, 0.05)
    return replace(audience, corrected=noise, seconds=seconds_, resting=resting, expressed=None)


def test_the_laughter_at_a_joke_is_not_the_storms():
    audience = quiet()
    seconds = audience.seconds.copy()
    seconds[:, EMOTIONS.index("happy"), 9:17] = 0.8  # from the joke on, into the storm
    audience = replace(audience, seconds=seconds, expressed=None)
    scenes = (Scene("joke", 8.0, 12.0), Scene("storm", 12.0, 20.0))
    ever = stimulus_metrics(audience, scenes=scenes).query("metric == 'ever_expressed'")
    happy = ever[ever["signal"] == "p_happy"].set_index("scope")["estimate"]
    assert happy["joke"] == 1
    assert happy["storm"] == 0
    assert happy["whole"] == 1


def test_a_scene_counts_from_a_reactions_lag_on():
    audience = quiet()
    corrected = audience.corrected.copy()
    corrected[:, 0, 65:85] = 1.0  # from 13 s to 17 s, a second after the scene of 12 s to 16 s
    audience = replace(audience, corrected=corrected)
    numbers = stimulus_metrics(audience, scenes=(Scene("storm", 12.0, 16.0),))
    row = numbers.query("scope == 'storm' and metric == 'average' and signal == 'valence'")
    assert row["estimate"].iloc[0] == pytest.approx(1.0, abs=0.02)


def test_intervals_of_skewed_numbers_need_ten_people():
    table = stimulus_metrics(quiet(n=9)).query("scope == 'whole'")
    skewed = table["metric"].isin(["level", "maximum", "minimum", "peak_end", "peak", "peak_time"])
    assert table.loc[skewed, "low"].isna().all()
    assert table.loc[table["metric"] == "average", "low"].notna().all()
    ten = stimulus_metrics(quiet(n=10)).query("scope == 'whole' and metric == 'maximum'")
    assert ten["low"].notna().all()


def contrast(values_first, values_second):
    """Two audiences whose average valence is as given, of different people."""
    sides = []
    for values in (values_first, values_second):
        one = quiet(n=len(values), seconds=4)
        corrected = one.corrected.copy()
        corrected[:, 0] = np.asarray(values)[:, None]
        sides.append(replace(one, corrected=corrected))
    return Contrast(*sides, ("a", "b"), "stimuli", paired=True)


def test_a_p_that_hangs_on_a_few_is_flagged():
    rng = np.random.default_rng(0)
    steady = 0.3 + 0.05 * rng.standard_normal(20)
    table = compare_metrics(contrast(steady, 0 * steady)).set_index(["metric", "signal"])
    sure = table.loc[("average", "valence")]
    assert sure["flag"] == ""
    assert sure["p_robust"] < 0.05
    # most differ slightly the other way, and four by far: the mean is sure, the ranks are not
    odd = np.r_[np.full(14, -0.1), np.full(6, 1.5)] + 0.01 * rng.standard_normal(20)
    row = compare_metrics(contrast(odd, 0 * odd)).set_index(["metric", "signal"])
    row = row.loc[("average", "valence")]
    assert row["p"] <= 0.05 < row["p_robust"]
    assert row["flag"] in ("ranks", "interval")


def test_flags_are_told_beside_the_table(result):
    rows, _, _ = next(comparison_sections.contrasts_of(result))
    flagged = rows.assign(flag=["interval", *[""] * (len(rows) - 1)])
    told = str(comparison_sections.comparison_table(flagged, result))
    assert "* p and interval disagree" in told
    assert "disagree" not in str(comparison_sections.comparison_table(rows.assign(flag=""), result))


def test_rounding_does_not_hide_the_side_of_zero():
    assert words.range_text("p_happy", 0.004, 0.06, 0.95) == "95% interval +0.4 to +6.0"
    assert words.range_text("p_happy", 0.01, 0.06, 0.95) == "95% interval +1 to +6"
    assert words.range_text("valence", -0.003, 0.2, 0.95) == "95% interval −0.003 to +0.200"


def test_scores_are_no_percentage_points():
    assert words.value_text("p_happy", 0.37) == "+37 of 100"
    assert "percentage" not in " ".join(words.UNITS.values())


def test_a_number_that_all_share_has_no_percentile():
    assert np.isnan(_percentile(np.zeros(12), 0.0))
    assert np.isnan(_percentile(np.r_[np.zeros(9), 0.1, 0.2, 0.3], 0.0))
    assert _percentile(np.r_[np.zeros(9), 0.1, 0.2, 0.3], 0.15) == pytest.approx(100 * 10 / 12)
    assert _percentile(np.arange(10.0), 4.5) == 50


def test_how_the_share_that_showed_it_hangs_on_the_threshold_is_printed(result):
    name = next(iter(result.audiences))
    told = re.search(
        r"Share that showed (\w+), with both thresholds of “showed” as set: (\d+)%; "
        r"halved: (\d+)%; raised by half: (\d+)%; doubled: (\d+)%\.",
        sections.metrics_table(result, name),
    )
    assert told is not None
    assert told[1] == "happiness"
    as_set, halved, more, twice = map(int, told.groups()[1:])
    assert halved >= as_set >= more >= twice
    assert halved > twice
    rows = result.metrics.query("metric == 'ever_expressed' and signal == 'p_happy'")
    rows = rows.query("stimulus == @name and scope == 'whole' and group == 'all'")
    assert as_set == round(100 * rows["estimate"].iloc[0])


def test_headlines_rest_on_ten_thousand_permutations():
    assert StudyConfig().n_permutations >= 10_000


def test_short_baselines_are_remarked():
    quality = pd.DataFrame(
        {
            "status": ["kept", "kept", "kept", "excluded", "kept"],
            "notes": ["", "second_face", "", "", ""],
            "baseline_s": [1.2, 1.5, 4.8, 1.0, 0.4 + 0.3 + 1.3 - 1e-9],
        }
    )
    told = remark_baselines(quality)["notes"].tolist()
    assert told == ["short_baseline", "second_face; short_baseline", "", "", ""]
    line = {"notes": "short_baseline", "messages": "", "status": "kept", "baseline_s": 1.2}
    assert words.notes_text(line) == "baseline of only 1.2 s"


def test_one_recording_without_a_beginning_is_not_all_of_them(make_study, quick):
    manifest, tables = make_study(n=6)
    manifest.write_text(manifest.read_text().replace("p3.mp4,5", "p3.mp4,0.4"))
    result = run_study(manifest, tables=tables, config=quick)
    told = sections.method(result)
    assert "since not every recording shows the face for 1 s before it" in told
    assert "nothing earlier was recorded" not in told


def test_all_signals_have_a_unit():
    assert set(words.UNITS) <= set(SIGNALS)


def test_scenes_that_moved_are_compared_by_name_and_not_by_the_clock():
    """The same joke, at 8 s in one cut and at 18 s in the other, is liked as much in both."""
    first, second = quiet(n=16), quiet(n=16)
    happy = SIGNALS.index("p_happy")
    for one, start in ((first, 9), (second, 19)):
        one.corrected[:, happy, 5 * start : 5 * (start + 4)] += 0.4
    pair = Contrast(first, second, ("a", "b"), "stimuli", paired=True)
    here, there = (Scene("joke", 8.0, 12.0),), (Scene("joke", 18.0, 22.0),)
    assert not none_moved(here, there)
    assert none_moved(here, here)
    assert none_moved(here, ())
    row = compare_scenes(pair, here, there).set_index("signal").loc["p_happy"]
    assert row["mean_first"] == pytest.approx(0.4, abs=0.02)
    assert row["difference"] == pytest.approx(0, abs=0.02)
    by_clock = compare_scenes(pair, here, here).set_index("signal").loc["p_happy"]
    assert by_clock["difference"] == pytest.approx(0.4, abs=0.02)
    assert by_clock["p_holm"] < 0.01
    assert compare_scenes(pair, here, (Scene("storm", 1.0, 2.0),)).empty


def test_a_copy_under_another_name_is_remarked_on(make_study, quick):
    manifest, tables = make_study(n=6)
    for name, table in tables.items():
        table.attrs["sha256"] = "abc" if name in ("p1.mp4", "p4.mp4") else name
    quality = run_study(manifest, tables=tables, config=quick).quality.set_index("respondent")
    told = quality.apply(words.notes_text, axis=1)
    assert told["p4"].endswith("counted under two names; it is the recording of p1, film")
    assert not told.drop("p4").str.contains("two names").any()


def test_who_left_before_half_has_not_failed_to_show_anything(make_study, quick):
    manifest, tables = make_study(n=6)
    gone = ["face_id", "emotion", "width", "valence", "arousal", *(f"p_{e}" for e in EMOTIONS)]
    for table in tables.values():
        table.loc[table["time_s"] > 5 + 9, gone] = pd.NA
    lines = manifest.read_text() + "p0,other,late.mp4,500\n"
    manifest.write_text(lines)
    (manifest.parent / "stimuli.csv").write_text("stimulus,duration_s\nfilm,20\nother,20\n")
    result = run_study(manifest, tables=tables | {"late.mp4": tables["p0.mp4"]}, config=quick)
    told = " ".join(sentences.three_sentences(result, "film"))
    assert "not known: nobody was measured in half of the film." in told
    assert "Nobody clearly" not in told
    assert "too few people" not in told
    assert page_one.sample(result).endswith("“film”, 0 for “other”.")


def test_what_is_alike_for_all_has_no_interval():
    assert words.score_ends("attention", 1.0, 1.0) == "all alike"
    assert words.score_ends("attention", np.nan, np.nan) == "too few for an interval"
    assert words.score_ends("attention", 0.9, 1.0) == "90 to 100"
