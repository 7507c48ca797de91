"""Charts as widgets of their own: what a library result shows of itself in a notebook.

Each takes the noun it draws and holds it in one trait, so that a reload or a second view needs no kernel. Beside the
widget travels its static twin (`static_views`): GitHub, nbconvert and a saved notebook without a kernel show that.
Front ends that know widgets take the widget first: JupyterLab ranks its mime type above HTML and SVG. Voila
would take the HTML, so it gets none.
"""

from __future__ import annotations

import os
from typing import Any

import anywidget
import traitlets

from autodevops.domain.base import Noun
from autodevops.domain.chart import LogTable, MetricChart, ServiceMap, TraceChart
from autodevops.domain.investigation import Investigation
from autodevops.widgets import STATIC
from autodevops.widgets.static_views import static_twin
from autodevops.widgets.static_views.hypotheses import wire_hypotheses

Drawable = MetricChart | TraceChart | LogTable | ServiceMap | Investigation


class _View(anywidget.AnyWidget):
    _esm = STATIC / "views.js"
    _css = STATIC / "views.css"

    chart = traitlets.Dict().tag(sync=True)

    def __init__(self, noun: Noun, **wire: Any) -> None:
        self._noun = noun
        super().__init__(chart=wire or noun.model_dump(mode="json"))

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None and "VOILA_REQUEST_URL" not in os.environ:
            mime, twin = static_twin(self._noun)
            data[mime] = twin
            data["text/plain"] = f"{type(self).__name__}: {getattr(self._noun, 'title', 'ranked causes')}"
        return bundle


class MetricView(_View):
    """Lines over time: read-out, zoom, legend, marks."""

    def __init__(self, chart: MetricChart) -> None:
        super().__init__(chart)


class TraceView(_View):
    """A waterfall of spans: collapse, search, critical path, failures."""

    def __init__(self, chart: TraceChart) -> None:
        super().__init__(chart)


class LogView(_View):
    """Log lines: levels, words, time, patterns, context."""

    def __init__(self, chart: LogTable) -> None:
        super().__init__(chart)


class ServiceMapView(_View):
    """Who calls whom, and how each fares."""

    def __init__(self, chart: ServiceMap) -> None:
        super().__init__(chart)


class HypothesesView(_View):
    """An investigation's verdict and its ranked causes, with what speaks for and against each."""

    def __init__(self, investigation: Investigation) -> None:
        causes = {
            "verdict": investigation.verdict,
            "summary": investigation.summary,
            "hypotheses": wire_hypotheses(investigation),
        }
        super().__init__(investigation, type="hypotheses", investigation=causes)


def view_of(noun: Drawable) -> _View:
    """The widget that draws `noun`."""
    match noun:
        case MetricChart():
            return MetricView(noun)
        case TraceChart():
            return TraceView(noun)
        case LogTable():
            return LogView(noun)
        case ServiceMap():
            return ServiceMapView(noun)
        case Investigation():
            return HypothesesView(noun)
