"""Figures drawn beforehand, and a control to choose among them.

They need no kernel, so a book can have them, too. Keys work as well as the mouse, and where scripts
do not run, the first choice stands there.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from html import escape
from typing import TypeVar

import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from fer_nb.errors import FerError

T = TypeVar("T")

# The pictures lie on top of each other; a handler shows the one that its control points at.
_SLIDE = (
    "const f = this.closest('figure'), all = f.querySelectorAll('img');"
    "all.forEach((im, i) => { im.hidden = i != this.value; });"
    "f.querySelector('output').value = all[this.value].dataset.value;"
    "this.setAttribute('aria-valuetext', all[this.value].dataset.value);"
)
_PRESS = (
    "const f = this.closest('figure'), all = [...f.querySelectorAll('button')];"
    "const at = all.indexOf(this);"
    "all.forEach((b, i) => { b.setAttribute('aria-pressed', i == at); });"
    "f.querySelectorAll('img').forEach((im, i) => { im.hidden = i != at; });"
    "f.querySelector('output').value = this.title;"
)

# JupyterLab's shortcuts would take arrows and Enter from the control; Ctrl + S still saves.
FIGURE = (
    '<figure onkeydown="event.ctrlKey || event.metaKey || event.stopPropagation()" '
    'style="margin:0;padding:3px;overflow-x:auto">'  # room for the ring around what has the focus
)


class Prepared:
    """What `slider` and `matrix` return; a notebook shows it, and so does a page made of it."""

    def __init__(self, html: str):
        self._html = html

    def _repr_html_(self) -> str:
        return self._html


def slider(
    draw: Callable[[T], Figure], values: Sequence[T], label: str, start: int = 0
) -> Prepared:
    """Draw a figure for each value, and show them under a slider. Arrow keys move it.

    Parameters
    ----------
    draw : callable
        Makes a Matplotlib figure of one value.
    values : sequence
        Two or more.
    label : str
        What the slider changes, as text beside it.
    start : int
        Index of the value that is shown first.

    Raises
    ------
    FerError
        If there are fewer than two values, or `start` is none of them.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> slider(lambda n: plt.figure(figsize=(n, 1)), [1, 2], "width")._repr_html_()[:7]
    '<figure'
    """
    if len(values) < 2 or not 0 <= start < len(values):
        raise FerError(
            f"a slider needs two values or more, and starts at one: {len(values)}, {start}"
        )
    texts = [escape(f"{value:g}" if isinstance(value, float) else str(value)) for value in values]
    pictures = [
        _picture(draw(value), f"{escape(label)}: {text}", text, hidden=index != start)
        for index, (value, text) in enumerate(zip(values, texts, strict=True))
    ]
    return Prepared(
        f"{FIGURE}{escape(label)}: <output>{texts[start]}</output><br>"
        f'<input type="range" min="0" max="{len(values) - 1}" value="{start}" '
        f'aria-label="{escape(label)}" aria-valuetext="{texts[start]}" '
        f'oninput="{escape(_SLIDE)}" style="width:min(24rem,100%)"><br>{"".join(pictures)}</figure>'
    )


def matrix(
    counts: pd.DataFrame, draw: Callable[[str, str], Figure], sides: tuple[str, str]
) -> Prepared:
    """Show a table of counts whose cells open figures: a confusion matrix with its faces.

    Rows that count nothing are left out, and columns too where their row is. Colours are shares of
    the row. The largest cell off the diagonal is open first: the most frequent mistake.

    Parameters
    ----------
    counts : DataFrame
        Numbers; rows and columns by name.
    draw : callable
        Makes a Matplotlib figure of the names of a row and a column, where the count is not 0.
    sides : (str, str)
        What rows and columns are.

    Raises
    ------
    FerError
        If nothing was counted.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> counts = pd.DataFrame([[3, 1], [0, 4]], index=["a", "b"], columns=["a", "b"])
    >>> shown = matrix(counts, lambda row, column: plt.figure(), ("truth", "answer"))
    >>> shown._repr_html_().count("<button")
    3
    """
    occurs = counts.sum(axis=1) > 0
    kept = counts.loc[occurs, [name for name in counts if counts[name].any() or occurs.get(name)]]
    if kept.empty:
        raise FerError("there is nothing to show: all counts are 0")
    share = kept.div(kept.sum(axis=1), axis=0)
    filled = [(row, column) for row in kept.index for column in kept if kept.at[row, column]]
    mistakes = [cell for cell in filled if cell[0] != cell[1]]
    first = max(mistakes or filled, key=lambda cell: kept.at[cell])
    pictures, lines = [], []
    for row in kept.index:
        cells = []
        for column in kept:
            if not kept.at[row, column]:
                cells.append("<td></td>")
                continue
            text = f"{sides[0]} {row}, {sides[1]} {column}: {kept.at[row, column]}"
            shown = (row, column) == first
            pictures.append(_picture(draw(row, column), escape(text), "", hidden=not shown))
            cells.append(_button(kept.at[row, column], text, share.at[row, column], shown))
        lines.append(f'<tr><th scope="row">{escape(row)}</th>{"".join(cells)}</tr>')
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in kept)
    opened = f"{sides[0]} {first[0]}, {sides[1]} {first[1]}: {kept.at[first]}"
    return Prepared(
        f"{FIGURE}<table><caption>rows: {escape(sides[0])}; "
        f"columns: {escape(sides[1])}</caption><tr><td></td>{head}</tr>{''.join(lines)}</table>"
        f'<output aria-live="polite">{escape(opened)}</output><br>{"".join(pictures)}</figure>'
    )


def _button(count: int, title: str, share: float, pressed: bool) -> str:
    ink = "#fff" if share > 0.6 else "#222"
    return (
        f'<td><button type="button" title="{escape(title)}" aria-label="{escape(title)}" '
        f'aria-pressed="{str(pressed).lower()}" onclick="{escape(_PRESS)}" '
        f'style="width:100%;min-width:3rem;padding:.4rem;border:0;cursor:pointer;color:{ink};'
        f'background:{to_hex(colormaps["GnBu"](share))}">{count}</button></td>'
    )


def _picture(figure: Figure, alt: str, value: str, hidden: bool) -> str:
    """An image with the figure in it; `alt` and `value` are HTML already."""
    import matplotlib.pyplot as plt

    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110, bbox_inches="tight")
    plt.close(figure)  # or a notebook would show it once more, below
    code = base64.b64encode(data.getvalue()).decode()
    return (
        f'<img src="data:image/png;base64,{code}" data-value="{value}" alt="{alt}"'
        f'{" hidden" if hidden else ""} style="max-width:100%">'
    )
