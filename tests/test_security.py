"""SECURITY.md promises nothing without a test."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_promise_has_a_test_that_exists():
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    promises = text[text.index("## What we promise") : text.index("## What we do not")]
    for promise in re.split(r"\n- ", promises)[1:]:
        assert re.search(r"`tests/\S+::test_\w+`", promise), promise
    for file, test in re.findall(r"`(tests/\S+)::(test_\w+)`", text):
        assert f"def {test}(" in (ROOT / file).read_text("utf-8"), f"{file}::{test}"
