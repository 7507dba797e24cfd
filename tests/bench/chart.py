"""The ladder as a picture: horizontal bars on a logarithmic scale, in SVG."""

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from tests.bench.rungs import CONNECTIONS, Result

WIDTH, LABELS, VALUES = 800, 300, 120
BAR, GAP, TOP, BOTTOM = 13, 14, 52, 28
COLORS = ("#3b8eea", "#f0883e")
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-size: 15px; font-weight: 600 }
.value, .tick { font-size: 11px }
.grid { stroke: #888; stroke-opacity: .3 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }
"""


def draw(results: Sequence[Result]) -> str:
    """The SVG of every rung that could be measured."""
    shown = [result for result in results if result.runs]
    rates = [run.per_second for result in shown for run in result.runs.values()]
    low, high = math.floor(math.log10(min(rates))), math.ceil(math.log10(max(rates)))
    group = len(CONNECTIONS) * BAR + GAP
    height = TOP + len(shown) * group + BOTTOM

    def x(rate: float) -> float:
        return LABELS + (math.log10(rate) - low) / (high - low) * (WIDTH - LABELS - VALUES)

    parts = _head(height)
    for power in range(low, high + 1):
        parts += _grid_line(x(10**power), height, f"{10**power:,}")
    for number, result in enumerate(shown):
        y = TOP + number * group + GAP / 2
        parts.append(_text(LABELS - 10, y + BAR + 4, result.label, "", "end"))
        for index, run in enumerate(result.runs.values()):
            top = y + index * BAR
            parts.append(_bar(top, x(run.per_second) - LABELS, COLORS[index]))
            failed = f" ({run.failed:,} failed)" if run.failed else ""
            parts.append(
                _text(x(run.per_second) + 5, top + 10, f"{run.per_second:,.0f}{failed}", "value")
            )
    return "\n".join([*parts, "</svg>\n"])


def _head(height: float) -> list[str]:
    size = f'viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        "<title>Requests a second of each rung of the ladder</title>",
        f"<style>{STYLE}</style>",
        _text(10, 20, "The newest ten of 10,000 to-dos, requests a second (log scale)", "title"),
    ]
    for index, connections in enumerate(CONNECTIONS):
        left = 10 + index * 150
        parts.append(
            f'<rect x="{left}" y="30" width="12" height="12" rx="2" fill="{COLORS[index]}"/>'
        )
        parts.append(_text(left + 18, 40, f"{connections:,} connections"))
    return parts


def _grid_line(x: float, height: float, label: str) -> list[str]:
    return [
        f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{height - BOTTOM}"/>',
        _text(x, height - 10, label, "tick", "middle"),
    ]


def _bar(y: float, width: float, color: str) -> str:
    return (
        f'<rect x="{LABELS}" y="{y:g}" width="{width:.1f}" height="{BAR - 2}" rx="2" '
        f'fill="{color}"/>'
    )


def _text(x: float, y: float, text: str, style: str = "", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )
