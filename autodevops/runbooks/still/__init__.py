"""A Plotly figure as a picture: what a reader sees where no script may run.

GitHub, nbconvert, a mail and the portal show it instead of an empty frame. It draws what runbooks draw: lines and
points over time or numbers, upright bars, rows of bars, pies and heat maps, with the figure's marks and legend. Other
kinds have none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autodevops.runbooks.still.heat import heat
from autodevops.runbooks.still.pie import pie
from autodevops.runbooks.still.plane import plane
from autodevops.runbooks.still.rows import rows


def still(figure: Mapping[str, Any]) -> str:
    """An SVG document, or nothing for a figure that we cannot draw: people's own may hold anything."""
    try:
        return _still([one for one in figure.get("data", ()) if one.get("visible", True) is True], figure["layout"])
    except (AttributeError, TypeError, ValueError, KeyError, IndexError, OverflowError):
        return ""


def _still(traces: Sequence[Mapping[str, Any]], layout: Mapping[str, Any]) -> str:
    kinds = {str(one.get("type", "scatter")).removesuffix("gl") for one in traces}
    if kinds == {"pie"} and len(traces) == 1:
        return pie(traces[0], layout)
    if kinds == {"heatmap"} and len(traces) == 1:
        return heat(traces[0], layout)
    if not kinds or not kinds <= {"scatter", "bar"}:
        return ""
    if kinds == {"bar"} and traces[0].get("orientation") == "h":
        return rows(traces, layout)
    return plane(traces, layout)
