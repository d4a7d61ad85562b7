"""`brand.toml`: what is read, and what is refused with the remedy."""

from __future__ import annotations

import pytest

from fer_nb.errors import FerError
from fer_nb.reports.brand import Brand, read_brand


def write(folder, text: str):
    file = folder / "brand.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_brand_is_read_with_paths_beside_it(tmp_path):
    (tmp_path / "logo.png").write_bytes(b"png")
    brand = read_brand(write(tmp_path, 'name = "Acme"\nlogo = "logo.png"\naccent = "#123456"\n'))
    assert brand == Brand(name="Acme", logo=tmp_path / "logo.png", accent="#123456")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = ", "cannot be read as TOML"),
        ('colour = "#123456"', "unknown keys colour"),
        ("name = 3", "name must be text"),
        ('accent = "red"', "write a colour as #1B5E8C"),
        ('paper = "A3"', "write A4 or letter"),
        ('logo = "gone.png"', "there is no logo 'gone.png'"),
        ('logo = "brand.toml"', r"logo must be \.png"),
        ('template = "brand.toml"', r"template must be \.pptx or \.potx"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, text, says):
    with pytest.raises(FerError, match=says):
        read_brand(write(tmp_path, text))


def test_a_brand_that_is_not_there(tmp_path):
    with pytest.raises(FerError, match="does not exist"):
        read_brand(tmp_path / "brand.toml")
