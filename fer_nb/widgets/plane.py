"""The plane of valence and arousal under the cursor: which emotion lies nearest?

A drawing with a handler of its own; it needs no kernel, so a book can have it, too.
"""

from __future__ import annotations

import json
from html import escape

from fer_nb.emotions import COLORS, EMOTIONS, rating_table
from fer_nb.widgets.prepared import FIGURE, Prepared

_SIDE, _RIM = 360, 30  # pixels; the scale from 1 to 7 lies inside the rim
_STEP = (_SIDE - 2 * _RIM) / 6
# Pixels from a dot down to its label: near neighbours are kept apart.
_BELOW = {"fear": 11, "neutral": 15, "uncertain": 28, "contempt": 41}

# Follows the pointer, or the arrow keys (with Shift in larger steps), and names the two nearest.
_MOVE = (
    "const s = this, g = s.dataset, points = JSON.parse(g.points);"
    "let v = +g.v, a = +g.a;"
    "if (event.type == 'keydown') {"
    " const way = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}"
    "[event.key];"
    " if (!way) return;"
    " event.preventDefault();"
    " const by = event.shiftKey ? 0.5 : 0.1; v += by * way[0]; a += by * way[1];"
    "} else {"
    " const box = s.getBoundingClientRect();"
    f" v = 1 + ((event.clientX - box.left) / box.width * {_SIDE} - {_RIM}) / {_STEP};"
    f" a = 7 - ((event.clientY - box.top) / box.height * {_SIDE} - {_RIM}) / {_STEP};"
    "}"
    "v = Math.min(7, Math.max(1, v)); a = Math.min(7, Math.max(1, a)); g.v = v; g.a = a;"
    "const far = points.map(([name, x, y]) => [Math.hypot(x - v, y - a), name]);"
    "far.sort((one, two) => one[0] - two[0]);"
    "const say = ([d, name]) => `${name} (${d.toFixed(1)} away)`;"
    f"const px = {_RIM} + (v - 1) * {_STEP}, py = {_RIM} + (7 - a) * {_STEP};"
    "s.querySelector('.cross').setAttribute('transform', `translate(${px} ${py})`);"
    "s.closest('figure').querySelector('output').value = `valence ${v.toFixed(1)}, arousal "
    "${a.toFixed(1)}: nearest is ${say(far[0])}, then ${say(far[1])}`;"
)


def plane(table: str = "adfes2011", valence: float = 4.0, arousal: float = 4.0) -> Prepared:
    """Show the nine emotions in the plane; a cross follows the pointer and the arrow keys.

    Below stands where the cross is, and which two emotions lie nearest.

    Parameters
    ----------
    table : str
        Name of the rating table that places the emotions.
    valence, arousal : float
        Where the cross stands first, 1-7.

    Examples
    --------
    >>> "nearest is happy" in plane(valence=5.8, arousal=5.2)._repr_html_()
    True
    """
    points = rating_table(table).points
    far = sorted(
        (((x - valence) ** 2 + (y - arousal) ** 2) ** 0.5, name)
        for name, (x, y) in zip(EMOTIONS, points, strict=True)
    )
    (near, one), (next_near, two) = far[:2]
    said = (
        f"valence {valence:.1f}, arousal {arousal:.1f}: nearest is {one} ({near:.1f} away), "
        f"then {two} ({next_near:.1f} away)"
    )
    data = json.dumps(
        [[name, round(x, 3), round(y, 3)] for name, (x, y) in zip(EMOTIONS, points, strict=True)]
    )
    label = f"Valence and arousal, with the ratings of {table}; arrow keys move the cross"
    dots = "".join(
        _dot(name, *_place(*point)) for name, point in zip(EMOTIONS, points, strict=True)
    )
    x, y = _place(valence, arousal)
    middle, end = _SIDE / 2, _SIDE - _RIM
    return Prepared(
        f'{FIGURE}<svg viewBox="0 0 {_SIDE} {_SIDE}" tabindex="0" '
        f'role="application" aria-label="{escape(label)}" data-v="{valence}" data-a="{arousal}" '
        f'data-points="{escape(data)}" onpointermove="{escape(_MOVE)}" '
        f'onkeydown="{escape(_MOVE)}" style="width:min(26rem,100%);background:#fff;'
        f'touch-action:none;cursor:crosshair" font-family="sans-serif" font-size="11">'
        f'<path d="M{_RIM} {middle}H{end}M{middle} {_RIM}V{end}" stroke="#bbb"/>'
        f'<text x="{end}" y="{middle - 5}" text-anchor="end">pleasant</text>'
        f'<text x="{_RIM}" y="{middle - 5}">unpleasant</text>'
        f'<text x="{middle + 5}" y="{_RIM}">excited</text>'
        f'<text x="{middle + 5}" y="{end}">calm</text>{dots}'
        f'<g class="cross" transform="translate({x:g} {y:g})"><path d="M-9 0H9M0 -9V9" '
        f'stroke="#111" stroke-width="2"/></g></svg><br><output aria-live="polite">{said}</output>'
        "</figure>"
    )


def _place(valence: float, arousal: float) -> tuple[float, float]:
    return _RIM + (valence - 1) * _STEP, _RIM + (7 - arousal) * _STEP


def _dot(name: str, x: float, y: float) -> str:
    # Right of fear lies another dot: anger or, where faces were rated, uncertain.
    place = f'x="{x - 8:.1f}" text-anchor="end"' if name == "fear" else f'x="{x + 7:.1f}"'
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{COLORS[name]}"/>'
        f'<text {place} y="{y + _BELOW.get(name, -6):.1f}" fill="#222">{name}</text>'
    )
