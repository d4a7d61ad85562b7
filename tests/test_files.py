import os

import pytest

from fer_nb.errors import FerError
from fer_nb.files import check_free, make_folder, new_file, sha256


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


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(FerError, match="cannot write to the folder"):
        make_folder(tmp_path)


def test_sha256_of_known_content(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256(tmp_path / "x").startswith("ba7816bf8f01cfea")
