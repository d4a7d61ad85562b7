"""Whatever is wrong with one recording, the others are measured."""

import numpy as np
import pytest

from fer_nb.study import loaders, run_study


def test_times_that_are_no_numbers_fail_alone(make_study, quick):
    manifest, tables = make_study(n=5)
    tables["p1.mp4"] = tables["p1.mp4"].assign(time_s=np.inf)
    result = run_study(manifest, tables=tables, config=quick)
    status = result.quality.set_index("respondent")["status"]
    assert status["p1"] == "failed"
    assert (status.drop("p1") == "kept").all()
    assert "no numbers" in result.quality.set_index("respondent")["messages"]["p1"]


@pytest.mark.parametrize(
    "error", [FileNotFoundError(2, "gone"), PermissionError(13, "closed"), MemoryError(), OSError()]
)
def test_errors_of_the_system_fail_alone(make_study, quick, monkeypatch, error):
    manifest, tables = make_study(n=4)
    folder = manifest.parent
    for name in tables:
        (folder / name).write_bytes(b"x")

    def read(path, **_):
        if path.name == "p2.mp4":
            raise error
        return tables[path.name]

    monkeypatch.setattr("fer_nb.reactions.analyze_video", read)
    monkeypatch.setattr(loaders, "analyze_video", read, raising=False)
    result = run_study(manifest, config=quick)
    assert result.quality["status"].tolist() == ["kept", "kept", "failed", "kept"]
    assert type(error).__name__ in result.quality["messages"][2]
