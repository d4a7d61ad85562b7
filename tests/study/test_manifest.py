"""The manifest is checked whole, and every problem is named with its line."""

from __future__ import annotations

import json
import os
import re
from unicodedata import normalize

import pandas as pd
import pytest

from fer_nb.errors import StudyError, TableError
from fer_nb.media import VIDEO_SUFFIXES
from fer_nb.study import Stimulus, read_manifest
from fer_nb.study.loaders import table_loader
from fer_nb.study.result import stimulus_of


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a manifest, stimuli and small files as videos."""

    def make(text, stimuli=None, videos=("a.mp4", "b.mp4")):
        for name in videos:
            (tmp_path / name).write_bytes(b"x")
        (tmp_path / "m.csv").write_text(text, encoding="utf-8")
        if stimuli is not None:
            (tmp_path / "stimuli.csv").write_text(stimuli, encoding="utf-8")
        return tmp_path / "m.csv"

    return make


def test_reads_columns_numbers_and_covariates(write):
    path = write(
        "respondent,stimulus,video,start_s,group,age\nann,film,a.mp4,2.5,x,31\nbob,film,b.mp4,,y,40\n"
    )
    manifest = read_manifest(path)
    assert manifest.recordings["start_s"].tolist() == [2.5, 0.0]
    assert manifest.recordings["age"].tolist() == ["31", "40"]
    assert manifest.covariates == ["age"]
    assert manifest.stimuli["film"].title == "film"


def test_semicolons_decimal_commas_and_a_byte_order_mark_are_read(write):
    path = write("\ufeffrespondent;stimulus;video;start_s\nann;film;a.mp4;2,5\n")
    assert read_manifest(path).recordings["start_s"].tolist() == [2.5]


def test_stimuli_beside_the_manifest_are_found(write):
    scenes = json.dumps([{"name": "joke", "start_s": 1, "end_s": 3}]).replace('"', '""')
    path = write(
        "respondent,stimulus,video\nann,film,a.mp4\n",
        f'stimulus,duration_s,title,scenes\nfilm,12,A film,"{scenes}"\nother,5,,\n',
    )
    stimuli = read_manifest(path).stimuli
    assert list(stimuli) == ["film"]
    assert stimuli["film"].duration_s == 12
    assert stimuli["film"].scenes[0].name == "joke"


def test_every_problem_is_named_with_its_line(write):
    path = write(
        "respondent,stimulus,video,start_s,baseline_start_s,baseline_end_s\n"
        "ann,film,a.mp4,-1,,\n"
        "ann,film,b.mp4,0,,\n"
        "bob,film,gone.mp4,x,2,1\n"
        ",film,a.mp4,0,,\n"
        "\n"
        "cid,nofilm,b.mp4,0,3,\n"
        "dan,film\n",
        "stimulus,duration_s,scenes\nfilm,10,[]\nfilm,10,oops\n",
    )
    with pytest.raises(StudyError) as caught:
        read_manifest(path)
    message = str(caught.value)
    for part in (
        "m.csv line 2: start_s is -1",
        "m.csv line 3: respondent 'ann' has stimulus 'film' already (m.csv line 2)",
        "m.csv line 4: start_s is 'x'",
        "m.csv line 4: the baseline ends at 1 s",
        "m.csv line 4: there is no video 'gone.mp4'",
        "m.csv line 5: respondent is empty",
        "m.csv line 7: stimulus 'nofilm' is not in the stimuli file",
        "m.csv line 7: give both baseline_start_s and baseline_end_s",
        "m.csv line 8: 2 cells where the header has 6",
        "stimuli.csv line 3: stimulus 'film' is described twice",
    ):
        assert part in message
    assert f"{message.count(chr(10))} problems" in message


@pytest.mark.parametrize("name", ["all", "ALL"])
def test_a_group_may_not_be_called_as_the_whole_audience_is(write, name):
    with pytest.raises(StudyError, match=rf"m\.csv line 2: .*{name!r}.*everyone; rename it"):
        read_manifest(write(f"respondent,stimulus,video,group\nann,film,a.mp4,{name}\n"))


def test_a_scene_may_not_be_called_as_the_whole_stimulus_is(write):
    path = write(
        "respondent,stimulus,video\nann,film,a.mp4\n",
        'stimulus,scenes\nfilm,"[{""name"": ""whole"", ""start_s"": 0, ""end_s"": 2}]"\n',
    )
    with pytest.raises(StudyError, match=r"stimuli\.csv line 2: .*'whole'.*rename it"):
        read_manifest(path)


def test_covariates_may_not_be_named_as_columns_of_the_study_are(write):
    names = ["notes", "status", "sha256", "line", "path"]
    path = write(f"respondent,stimulus,video,age,{','.join(names)}\nann,film,a.mp4,31,,,,,\n")
    with pytest.raises(StudyError, match=r"m\.csv line 1: .*notes, status, sha256, line, path"):
        read_manifest(path)


def test_columns_without_a_name_are_left_out(write):
    manifest = read_manifest(
        write(",respondent,stimulus,video,age,,\n0,ann,film,a.mp4,31,,\n1,bob,film,b.mp4,40\n")
    )
    assert manifest.covariates == ["age"]
    assert manifest.recordings["age"].tolist() == ["31", "40"]
    with pytest.raises(StudyError, match=r"m\.csv line 2: 4 cells where the header has 3"):
        read_manifest(write("respondent,stimulus,video,\nann,film,a.mp4,31\n"))


def test_what_is_no_path_is_told(write):
    with pytest.raises(StudyError, match=r"path of a CSV file or a folder, not DataFrame.*to_csv"):
        read_manifest(pd.DataFrame({"respondent": ["ann"]}))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "the file is empty"),
        (
            'respondent,stimulus,video\nann,film,"a.mp4\n' + "x" * 140_000,
            "m.csv line 2: field larger than .* quotation mark",
        ),
        ("respondent,video\nann,a.mp4\n", "no column stimulus"),
        ("respondent,stimulus,video\n", "no recording"),
        ("respondent,stimulus,video,video\nann,film,a.mp4,b.mp4\n", "video occurs twice"),
    ],
)
def test_files_that_are_no_manifest(write, text, part):
    with pytest.raises(StudyError, match=part):
        read_manifest(write(text))


def test_an_absent_manifest_and_an_empty_video_are_said(write, tmp_path):
    with pytest.raises(StudyError, match="no such file"):
        read_manifest(tmp_path / "none.csv")
    path = write("respondent,stimulus,video\nann,film,e.mp4\n")
    (tmp_path / "e.mp4").write_bytes(b"")
    with pytest.raises(StudyError, match="is empty"):
        read_manifest(path)


@pytest.mark.parametrize(
    ("scenes", "part"),
    [
        ('[{"name": "a", "start_s": 5, "end_s": 2}]', "must start at 0 or later"),
        ('[{"name": "a", "start_s": 5, "end_s": 40}]', "after the stimulus"),
        ('[{"name": "a"}]', "not a JSON list"),
        ('{"a": 1}', "not a JSON list"),
        (9999 * "[", "not a JSON list"),
    ],
)
def test_scenes_are_checked(write, scenes, part):
    quoted = scenes.replace('"', '""')
    path = write(
        "respondent,stimulus,video\nann,film,a.mp4\n",
        f'stimulus,duration_s,scenes\nfilm,10,"{quoted}"\n',
    )
    with pytest.raises(StudyError, match=part):
        read_manifest(path)


def test_a_folder_is_a_manifest(tmp_path):
    for name in ("film/ann.mp4", "film/bob.mov", "other/ann.mp4", "film/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    recordings = read_manifest(tmp_path).recordings
    assert recordings[["respondent", "stimulus"]].to_numpy().tolist() == [
        ["ann", "film"],
        ["bob", "film"],
        ["ann", "other"],
    ]
    with pytest.raises(StudyError, match="no recordings found"):
        read_manifest(tmp_path / "film")


@pytest.mark.parametrize("suffix", VIDEO_SUFFIXES)
def test_a_folder_takes_every_kind_of_video(tmp_path, suffix):
    (tmp_path / "film").mkdir()
    (tmp_path / "film" / f"ann{suffix.upper()}").write_bytes(b"x")
    assert len(read_manifest(tmp_path).recordings) == 1


CLIP, LONG = Stimulus("ad", "Ad"), Stimulus("ad (long)", "Long ad")


@pytest.mark.parametrize("stimuli", [(CLIP, LONG), (LONG, CLIP)])
def test_a_name_with_brackets_is_not_taken_for_a_phase(stimuli):
    known = {s.name: s for s in stimuli}
    assert stimulus_of(known, "ad (long) (after)") is LONG
    assert stimulus_of(known, "ad (long)") is LONG
    assert stimulus_of(known, "ad (after)") is CLIP
    assert stimulus_of(known, "ad") is CLIP


def test_a_phase_that_reads_like_another_stimulus_is_refused(write):
    header = "respondent,stimulus,video,phase\n"
    read_manifest(write(header + "ann,ad,a.mp4,after\nann,ad (long),b.mp4,after\n"))
    with pytest.raises(StudyError, match=r"m\.csv line 2: .*'long'.*'ad'.*'ad \(long\)'"):
        read_manifest(write(header + "ann,ad,a.mp4,long\nann,ad (long),b.mp4,after\n"))


@pytest.mark.parametrize("second", ["b,film,a.mp4,0", "b,film,./a.mp4,", "b,film,x/../a.mp4,0.0"])
def test_one_recording_is_not_two_people(write, tmp_path, second):
    (tmp_path / "x").mkdir()
    path = write(f"respondent,stimulus,video,start_s\na,film,a.mp4,\n{second}\n")
    with pytest.raises(StudyError, match=r"line 3: video .* used already \(m\.csv line 2\)"):
        read_manifest(path)


def test_a_bad_start_is_one_problem_and_not_two(write):
    lines = "a,film,a.mp4,12:30\nb,film,a.mp4,0\n"
    with pytest.raises(StudyError, match=r"1 problem to fix\n.*start_s is '12:30'"):
        read_manifest(write("respondent,stimulus,video,start_s\n" + lines))


@pytest.mark.parametrize("name", [b"film/ann\xff.mp4", b"f\xffm/ann.mp4"])
def test_a_recording_that_is_not_named_in_utf_8_is_a_problem(tmp_path, name):
    for file in (tmp_path / "film" / "bob.mp4", tmp_path / os.fsdecode(name)):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"x")
    shown = re.escape(f"{os.fsdecode(name)!a} has a name that is not UTF-8; rename it")
    with pytest.raises(StudyError, match=rf"1 problem to fix\n  {shown}"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("end", ["Infinity", "NaN", "1e999", "1" + 400 * "0"])
def test_a_scene_ends_at_a_number_of_seconds(write, end):
    path = write(
        "respondent,stimulus,video\nann,film,a.mp4\n",
        f'stimulus,scenes\nfilm,"[{{""name"": ""a"", ""start_s"": 0, ""end_s"": {end}}}]"\n',
    )
    with pytest.raises(StudyError, match=r"stimuli\.csv line 2: scene"):
        read_manifest(path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_tables_of_any_spreadsheet_are_read(tmp_path, delimiter):
    (tmp_path / "a.mp4").write_bytes(b"x")
    rows = [("respondent", "stimulus", "video"), ("ann", "film", "a.mp4")]
    (tmp_path / "m.csv").write_text("\n".join(delimiter.join(row) for row in rows))
    assert read_manifest(tmp_path / "m.csv").recordings["respondent"].tolist() == ["ann"]


def test_names_that_cannot_be_found_get_a_hint(tmp_path):
    text = "respondent,stimulus,video\nann,film,clips\\a.mp4\nbob,film,{}.mp4\n"
    (tmp_path / "m.csv").write_text(text.format("x" * 300))
    with pytest.raises(StudyError, match="write / between folders") as told:
        read_manifest(tmp_path / "m.csv")
    assert "2 problems" in str(told.value)
    (tmp_path / "m.csv").write_text("respondent|stimulus|video\nann|film|a.mp4\n")
    with pytest.raises(StudyError, match="between commas, semicolons or tabs"):
        read_manifest(tmp_path / "m.csv")


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
def test_letters_that_are_one_character_or_two_name_one_file(write, tmp_path, forms):
    """A manifest written on one system, and files that came from another."""
    written, stored = (
        [normalize(form, name) for name in ("Renée", "été", "café/Zoë.mp4")] for form in forms
    )
    (tmp_path / stored[2]).parent.mkdir()
    (tmp_path / f"{stored[1]}.mov").write_bytes(b"x")
    path = write(
        f"respondent,stimulus,video\n{written[0]},{written[1]},{written[2]}\n"
        f"{stored[0]},other,b.mp4\n",
        stimuli=f"stimulus,video\n{stored[1]},{written[1]}.mov\nother,\n",
        videos=(stored[2], "b.mp4"),
    )
    manifest = read_manifest(path)
    assert manifest.recordings["path"].map(os.path.isfile).all()
    assert manifest.recordings["respondent"].tolist() == ["Renée"] * 2  # who saw both films
    film = manifest.stimuli["été"].video
    assert film is not None
    assert os.path.isfile(film)
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / f"{normalize(forms[1], 'Zoë')}.parquet").write_bytes(b"no table")
    rows = manifest.recordings.to_dict("records")
    with pytest.raises(TableError):  # it was found
        table_loader(tmp_path / "tables", rows)(rows[0])


def test_one_file_in_two_forms_of_unicode_is_used_twice(write):
    name = {form: normalize(form, "é.mp4") for form in ("NFC", "NFD")}
    text = f"respondent,stimulus,video\nann,film,{name['NFC']}\nbob,film,{name['NFD']}\n"
    with pytest.raises(StudyError, match=r"line 3: video .* is used already \(m.csv line 2\)"):
        read_manifest(write(text, videos=[name["NFC"]]))


def test_a_name_in_other_capitals_is_told_and_not_guessed(write, tmp_path):
    """Ann.mp4 may be another person than ann.mp4, whose recording is missing."""
    path = write("respondent,stimulus,video\nann,film,sub/ann.mp4\n", videos=())
    (tmp_path / "Sub").mkdir()
    (tmp_path / "Sub" / "ANN.MP4").write_bytes(b"x")
    if os.path.isfile(tmp_path / "sub" / "ann.mp4"):
        pytest.skip("this disk knows no capitals")
    with pytest.raises(StudyError, match=r"there is 'Sub/ANN\.MP4': write it so"):
        read_manifest(path)
    (tmp_path / "Sub" / "Ann.mp4").write_bytes(b"x")  # now it may be either
    with pytest.raises(StudyError) as told:
        read_manifest(path)
    assert "write it so" not in str(told.value)


@pytest.mark.parametrize(
    "first", ["sep=;\n", "\ufeffSEP=;\r\n", '"sep=;"\n'], ids=["plain", "mark", "quoted"]
)
def test_the_line_that_excel_asks_for_is_no_header(write, first):
    path = write(f"{first}respondent;stimulus;video;start_s\nann;film;a.mp4;2,5\n")
    assert read_manifest(path).recordings["start_s"].tolist() == [2.5]
    assert read_manifest(path).recordings["line"].tolist() == ["m.csv line 3"]
    with pytest.raises(StudyError, match=r"m\.csv line 2: no column video"):
        read_manifest(write(f"{first}respondent;stimulus\nann;film\n"))


def test_our_columns_may_be_written_in_capitals(write):
    path = write(
        "Respondent, STIMULUS ,Video,Start_s ,Group,Gender\nann,film,a.mp4,2.5,x,f\n",
        "Stimulus,Duration_S\nfilm,7\n",
    )
    manifest = read_manifest(path)
    assert manifest.recordings["start_s"].tolist() == [2.5]
    assert manifest.recordings["group"].tolist() == ["x"]
    assert manifest.covariates == ["Gender"]
    assert manifest.stimuli["film"].duration_s == 7
    with pytest.raises(StudyError, match="column video occurs twice"):
        read_manifest(write("respondent,stimulus,video,Video\nann,film,a.mp4,b.mp4\n"))


def test_what_a_folder_holds_besides_recordings_is_told(tmp_path):
    for name in (
        "film/ann.mp4",
        "film/old.rm",
        "film/x/bob.dv",
        "cat.mp4",
        "stimuli.csv",
        "._a.rm",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("stimulus\nfilm\n")
    manifest = read_manifest(tmp_path)
    assert manifest.recordings["respondent"].tolist() == ["ann"]
    assert ": left out film/old.rm, as only files that end in .mp4," in manifest.left_out
    assert "left out cat.mp4, film/x/bob.dv: not in the folder of a stimulus" in manifest.left_out
