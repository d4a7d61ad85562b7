"""Before and after: persons are linked or not, short glimpses do not count, words match numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fer_nb.errors import StudyError
from fer_nb.reports import comparison_figures
from fer_nb.reports.comparison_sentences import mood_sentence, mood_warnings
from fer_nb.study import StudyConfig, run_mood
from fer_nb.study.config import SIGNALS
from fer_nb.study.mood import compare_moods
from fer_nb.study.simulate import simulate_guests
from fer_nb.tables import write_table


@pytest.fixture(scope="module")
def guests():
    return simulate_guests(guests=24)


def test_linked_guests_are_compared_with_themselves(guests, quick):
    clips, tables = guests
    mood = run_mood(clips, tables=tables, config=quick)
    assert mood.linked
    row = mood.table.set_index("measure").loc["valence"]
    used = mood.people[mood.people["used"]]
    wide = used.pivot_table(index="person", columns="phase", values="valence").dropna()
    assert row["difference"] == pytest.approx((wide["after"] - wide["before"]).mean())
    assert row["n_before"] == row["n_after"] == len(wide)
    assert row["low"] < row["difference"] < row["high"]
    want = stats.ttest_rel(wide["after"], wide["before"]).pvalue
    assert row["p"] == pytest.approx(want, abs=0.03)
    assert "more positive after than before" in mood_sentence(mood)
    assert f"{len(wide)} people seen before and after" in mood_sentence(mood)


def test_unlinked_clips_are_two_groups(guests, quick):
    clips, tables = guests
    mood = run_mood(clips.drop(columns="respondent"), tables=tables, config=quick)
    assert not mood.linked
    assert (mood.table["test"] == "independent").all()
    assert mood.people["person"].str.contains("#").all()


def test_every_face_of_an_unnamed_clip_is_a_person(guests, quick):
    clips, tables = guests
    one = tables["before/guest-01.mp4"]
    other = one.assign(face_id=pd.array(one["face_id"] + 1), x=one["x"] + 300)
    both = pd.concat([one, other]).sort_values(["frame", "face_id"], ignore_index=True)
    two = {**tables, "before/guest-01.mp4": both}
    mood = run_mood(clips.drop(columns="respondent"), tables=two, config=quick)
    names = mood.people.loc[mood.people["clip"] == "before/guest-01.mp4", "person"]
    assert names.tolist() == ["before/guest-01.mp4#1", "before/guest-01.mp4#2"]


def test_glimpses_are_left_out_and_said(guests, quick):
    clips, tables = guests
    short = tables["before/guest-03.mp4"].copy()
    late = short["time_s"] > 1.0
    short.loc[late, "face_id"] = pd.NA
    short.loc[late, list(SIGNALS)] = np.nan
    mood = run_mood(clips, tables={**tables, "before/guest-03.mp4": short}, config=quick)
    assert any("seen for less than 2 s" in w for w in mood_warnings(mood))
    assert any("on one side only" in w for w in mood_warnings(mood))


def test_few_persons_are_warned_about_and_very_few_not_tested(guests, quick):
    clips, tables = guests
    mood = run_mood(clips.iloc[:14], tables=tables, config=quick)
    assert any("fewer than 12 per side" in w for w in mood_warnings(mood))
    assert np.isfinite(mood.table["p"]).all()
    mood = run_mood(clips.iloc[:6], tables=tables, config=quick)
    assert mood.table["p"].isna().all()
    assert "too few to say more" in mood_sentence(mood)


def test_an_unreadable_clip_is_a_warning(guests, quick):
    clips, tables = guests
    fewer = {k: v for k, v in tables.items() if k != "after/guest-05.mp4"}
    mood = run_mood(clips, tables=fewer, config=quick)
    assert any("after/guest-05.mp4 was left out" in w for w in mood_warnings(mood))


def test_problems_are_told_together(guests, tmp_path):
    clips, tables = guests
    bad = clips.copy()
    bad.loc[0, "phase"] = "during"
    bad.loc[1, "respondent"] = ""
    with pytest.raises(StudyError) as caught:
        run_mood(bad, tables=tables)
    assert "phase is 'during'" in str(caught.value)
    assert "name all of them, or none" in str(caught.value)
    (tmp_path / "before").mkdir()
    with pytest.raises(StudyError, match="no clip of phase 'before'"):
        run_mood(tmp_path)
    with pytest.raises(StudyError, match="add a column respondent"):
        run_mood(clips.drop(columns="respondent"), tables=tables, linked=True)


@pytest.mark.parametrize("unnamed", [np.nan, None, pd.NA, ""])
def test_a_column_without_names_names_nobody(guests, quick, unnamed):
    clips, tables = guests
    mood = run_mood(clips.assign(respondent=unnamed), tables=tables, config=quick)
    assert not mood.linked
    assert mood.people["person"].nunique() == len(clips)


def test_a_respondent_may_be_number_0(guests, quick):
    clips, tables = guests
    numbers = clips.assign(respondent=pd.factorize(clips["respondent"])[0])
    mood = run_mood(numbers, tables=tables, config=quick)
    assert mood.linked
    assert "0" in set(mood.people["person"])


@pytest.mark.parametrize("named", [True, False])
def test_a_clip_that_shows_nobody_is_a_warning(guests, quick, named):
    clips, tables = guests
    short = tables["before/guest-02.mp4"].iloc[:1]
    empty = tables["after/guest-02.mp4"].iloc[:0]
    changed = {**tables, "before/guest-02.mp4": short, "after/guest-02.mp4": empty}
    clips = clips if named else clips.drop(columns="respondent")
    mood = run_mood(clips, tables=changed, config=quick)
    for clip in ("before/guest-02.mp4", "after/guest-02.mp4"):
        assert any(f"{clip} was left out: " in w for w in mood_warnings(mood))


def test_columns_that_are_missing_are_told(guests):
    clips, tables = guests
    with pytest.raises(StudyError, match="no column video, phase"):
        run_mood(clips[["respondent"]], tables=tables)
    with pytest.raises(StudyError, match="folder, a CSV file or a DataFrame, not list"):
        run_mood([1], tables=tables)


def test_the_figure_shows_the_people_of_the_table():
    people = pd.DataFrame(
        [
            ("ann", "before", 5.0, 4.0),
            ("ann", "before", 15.0, 5.0),  # two clips of one person
            ("ann", "after", 9.0, 6.0),
            ("bob", "before", 9.0, 3.0),
            ("bob", "after", 9.0, 4.0),
            ("cy", "before", 9.0, 2.0),  # never seen again
        ],
        columns=["person", "phase", "seconds", "valence"],
    ).assign(used=True, clip="x")
    people[[name for name in SIGNALS if name != "valence"]] = 0.5
    mood = compare_moods(people, ("before", "after"), True, StudyConfig())
    axis = comparison_figures.mood_plot(mood).axes[0]
    dots = [line.get_ydata() for line in axis.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(dots, [[4.75, 3.0], [6.0, 4.0]])
    assert mood.table.set_index("measure").loc["valence", "before"] == pytest.approx(3.875)


def test_two_clips_of_one_name_do_not_share_a_table(guests, quick, tmp_path):
    _, tables = guests
    write_table(next(iter(tables.values())), tmp_path / "anna.parquet")
    clips = pd.DataFrame(
        {"video": ["before/anna.mp4", "after/anna.mp4"], "phase": ["before", "after"]}
    )
    with pytest.raises(StudyError, match="the table of both"):
        run_mood(clips, tables=tmp_path, config=quick)
