"""Names in a manifest may come from anybody; a spreadsheet opens what a study writes."""

import csv

from fer_nb.files import files_in
from fer_nb.study import StudyConfig, load_study, run_study
from fer_nb.study.manifest import read_manifest
from fer_nb.study.norms_library import read_norms


def test_no_cell_of_a_studys_csv_is_a_formula(make_study, quick, tmp_path):
    manifest, tables = make_study(n=4)
    lines = manifest.read_text().split()
    more = ("=note", "=1+1", "@SUM(1)", "-1.5", "+x")
    text = "\n".join(",".join(pair) for pair in zip(lines, more, strict=True))
    manifest.write_text(text.replace("\np1,", "\n=cmd|' /C calc'!A0,"))
    result = run_study(manifest, tables=tables, out_dir=tmp_path / "out", config=quick)
    for file in (tmp_path / "out").glob("*.csv"):
        with open(file, encoding="utf-8", newline="") as rows:
            for cell in (cell for row in csv.reader(rows) for cell in row):
                assert not cell.startswith(("=", "+", "@")), (file.name, cell)
                assert not cell.startswith("-") or float(cell) < 0
    again = load_study(tmp_path / "out").quality
    assert again["respondent"].tolist() == result.quality["respondent"].tolist()
    assert again["=note"].tolist() == ["=1+1", "@SUM(1)", "-1.5", "+x"]


def test_a_name_as_long_as_file_systems_allow_is_analysed(tmp_path, viewer):
    name = "é" * 125 + ".mp4"  # 254 bytes
    (tmp_path / name).write_bytes(viewer.read_bytes())
    (tmp_path / "m.csv").write_text(f"respondent,stimulus,video\nann,film,{name}\n")
    quick = StudyConfig(n_boot=200, n_permutations=200)
    result = run_study(tmp_path / "m.csv", out_dir=tmp_path / "out", config=quick, every=3)
    assert result.quality["status"].tolist() == ["kept"], result.quality["messages"].tolist()


def test_hidden_files_are_no_recordings(tmp_path):
    (tmp_path / "film").mkdir()
    for name in ("ann.mp4", "._ann.mp4", ".bob.host-1-ab.part.mp4"):
        (tmp_path / "film" / name).write_bytes(b"x")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "eve.mp4").write_bytes(b"x")
    assert read_manifest(tmp_path).recordings["respondent"].tolist() == ["ann"]
    assert files_in(tmp_path, (".mp4",)) == [tmp_path / "film" / "ann.mp4"]


def test_norms_never_read_what_is_half_written(tmp_path):
    (tmp_path / ".a__film.host-1-ab.part.parquet").write_bytes(b"PAR1 half")
    assert read_norms(tmp_path).empty
