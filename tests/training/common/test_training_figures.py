"""What the curves of a training say."""

import pytest

from fer_nb.training.common.figures import plot_history


def history(first, losses):
    return [
        {"epoch": first + i, "loss": loss, "val_loss": loss, "accuracy": 0.5, "val_accuracy": 0.5}
        for i, loss in enumerate(losses)
    ]


@pytest.mark.parametrize("first", [0, 5])
def test_line_and_label_name_the_same_best_epoch(first):
    fig = plot_history(history(first, [3.0, 1.0, 2.0]))
    best = first + 2  # people count from 1
    for axis in fig.axes:
        [dotted] = [line for line in axis.lines if line.get_linestyle() == ":"]
        assert set(dotted.get_xdata()) == {best}
        assert axis.get_xlim()[1] > first + 3
    assert [text.get_text() for text in fig.axes[-1].texts] == [f"dotted: best epoch, {best}"]
