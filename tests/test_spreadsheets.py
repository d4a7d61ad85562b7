import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from fer_nb.spreadsheets import harmless, restored

HOSTILE = ["=HYPERLINK(1)", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1"]


def test_formulas_become_text_and_numbers_stay_numbers():
    table = pd.DataFrame(
        {"file": [*HOSTILE, "a.jpg", "-1.5"], "=n": [-1.0] * 8, "kind": pd.Categorical(["=x"] * 8)}
    )
    safe = harmless(table)
    assert safe["file"].tolist() == [*(f"'{text}" for text in HOSTILE), "a.jpg", "-1.5"]
    assert safe.columns.tolist() == ["file", "'=n", "kind"]
    assert safe["'=n"].tolist() == [-1.0] * 8
    assert safe["kind"].astype(str).tolist() == ["'=x"] * 8
    assert table.columns[1] == "=n"  # the table that was given is not changed
    pd.testing.assert_frame_equal(restored(safe), table)


@given(st.lists(st.text(st.sampled_from("'=+-@\t1ae. "), max_size=4)))
def test_nothing_is_lost(texts):
    table = pd.DataFrame({"text": pd.Series(texts, dtype=object)})
    safe = harmless(table)
    assert restored(safe)["text"].tolist() == texts
    for text in safe["text"]:
        try:
            float(text)
        except ValueError:
            assert not text.startswith(("=", "+", "-", "@", "\t"))
