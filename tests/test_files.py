import os
import subprocess
import sys
from pathlib import Path

import pytest

from fer_nb import files
from fer_nb.errors import FerError, MediaError
from fer_nb.files import check_free, existing, make_folder, new_file, sha256


def test_file_appears_only_when_the_block_succeeds(tmp_path):
    path = tmp_path / "deep" / "table.csv"
    with new_file(path) as part:
        part.write_text("a")
        assert part.suffix == ".csv"
        assert not path.exists()
    assert path.read_text() == "a"
    with pytest.raises(ZeroDivisionError), new_file(path, force=True) as part:
        part.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "a"
    assert list(path.parent.iterdir()) == [path]


def test_nothing_is_overwritten_unasked(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("kept")
    with pytest.raises(FerError, match="--force"), new_file(path):
        pass
    assert check_free(path, force=True) == path
    assert path.read_text() == "kept"


def test_unusable_folders_are_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FerError, match="cannot make the folder"):
        make_folder(tmp_path / "file" / "below")


@pytest.mark.skipif(os.name != "posix", reason="has POSIX permissions")
def test_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    code = (
        "import sys, permissions; from fer_nb.files import make_folder;"
        "permissions.obey_permissions(); make_folder(sys.argv[1])"
    )
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert f"FerError: cannot write to the folder {tmp_path}; choose another" in run.stderr


def test_sha256_of_known_content(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256(tmp_path / "x").startswith("ba7816bf8f01cfea")


KILLED = """
import os, signal, sys
from fer_nb.files import new_file
with new_file(sys.argv[1]) as part:
    part.write_text("half")
    print(part, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_writing_many_files_does_not_list_their_folder_for_each(tmp_path, monkeypatch):
    listed = []
    listing = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(path) or listing(path))
    for i in range(20):
        with new_file(tmp_path / f"{i}.csv") as part:
            part.write_text("")
    assert len(listed) < 5


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX systems do")
def test_what_a_killed_process_left_is_swept(tmp_path):
    path = tmp_path / "x[1].csv"
    run = subprocess.run([sys.executable, "-c", KILLED, path], capture_output=True, text=True)
    left = run.stdout.strip()
    assert os.listdir(tmp_path) == [os.path.basename(left)]
    with new_file(path) as part:
        files._sweep.cache_clear()  # as ten seconds later
        with new_file(path, force=True) as other:  # one that is still written is left alone
            other.write_text("other")
        assert part.exists()
        part.write_text("whole")
    assert os.listdir(tmp_path) == ["x[1].csv"]
    assert path.read_text() == "whole"


def test_temporary_names_cannot_be_guessed_or_planted(tmp_path):
    names = set()
    for _ in range(3):
        with new_file(tmp_path / "x.csv", force=True) as part:
            names.add(part.name)
            part.write_text("")
    assert len(names) == 3
    assert all(name.startswith(".x.") for name in names)


@pytest.mark.skipif(os.name != "posix", reason="has POSIX permissions")
def test_a_new_file_may_be_read_as_any_other(tmp_path):
    (tmp_path / "usual").touch()
    with new_file(tmp_path / "new") as part:
        part.touch()
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.skipif(sys.platform != "linux", reason="names have at most 255 bytes there")
def test_long_names_are_no_crash(tmp_path):
    with new_file(tmp_path / ("ä" * 125 + ".csv")) as part:
        part.write_text("a")
    with pytest.raises(FerError, match="name too long"), new_file(tmp_path / ("x" * 300)):
        pass
    with pytest.raises(FerError, match="name too long"):
        existing(tmp_path / ("x" * 300))
    with pytest.raises(FerError, match="name too long"):
        make_folder(tmp_path / ("x" * 300))


def test_what_is_no_path_is_refused():
    with pytest.raises(MediaError, match="by its path, not by None"):
        existing(None)
