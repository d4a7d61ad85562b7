"""How long a model takes, measured in a process of its own."""

import time

import numpy as np
import pytest

from fer_nb.errors import FerError
from fer_nb.evaluation.latency import measure, time_calls


def test_time_calls_counts_all_but_the_first():
    naps = iter([0.2] + [0.01] * 100)
    seconds = time_calls(lambda: time.sleep(next(naps)), budget_s=0.0, least=5)
    assert len(seconds) == 5
    assert seconds.max() < 0.2


def test_models_that_cannot_be_measured(tmp_path):
    with pytest.raises(FerError, match="choose one of compact"):
        measure("huge")
    with pytest.raises(FerError, match=r"could not be measured.*there is no network"):
        measure("vggfer", models_dir=tmp_path)


def test_memory_is_that_of_the_measured_process_alone():
    ballast = np.ones(150_000_000)  # 1.2 GB here
    rows = measure("compact", batches=(1,), budget_s=0.1)
    assert 20 < rows["memory_mb"].iloc[0] < ballast.nbytes / 2e6
