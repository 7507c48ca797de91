"""Static twins of the views: what GitHub, nbconvert, a printed page or a notebook without its kernel shows.

No script, no request, no style beyond their own: SVG and HTML that follow the light or dark of the system and, inside
JupyterLab, of its theme. Text in logs, spans and names is written by anybody, so all of it is escaped.
"""

from __future__ import annotations

from autodevops.domain.base import Noun
from autodevops.domain.chart import LogTable, MetricChart, ServiceMap, TraceChart
from autodevops.domain.investigation import Investigation
from autodevops.widgets.static_views.hypotheses import hypotheses_html
from autodevops.widgets.static_views.logs import logs_html
from autodevops.widgets.static_views.metric import chart_svg
from autodevops.widgets.static_views.service_map import service_map_svg
from autodevops.widgets.static_views.trace import trace_svg

__all__ = ["chart_svg", "hypotheses_html", "logs_html", "service_map_svg", "static_twin", "trace_svg"]


SVG = "image/svg+xml"
HTML = "text/html"


def static_twin(noun: Noun) -> tuple[str, str]:
    """MIME type and text of the twin of whatever can be drawn.

    Raises:
        TypeError: `noun` is none of the nouns that have a view.
    """
    match noun:
        case MetricChart():
            return SVG, chart_svg(noun)
        case TraceChart():
            return SVG, trace_svg(noun)
        case ServiceMap():
            return SVG, service_map_svg(noun)
        case LogTable():
            return HTML, logs_html(noun)
        case Investigation():
            return HTML, hypotheses_html(noun)
    raise TypeError(f"{type(noun).__name__} has no view; give a chart or an investigation.")
