"""Charts as widgets: the page gets the noun, a reader without the page gets its twin."""

from __future__ import annotations

import pytest
from widgets.recorded_turn import ERRORS_CHART, INVESTIGATION, LOG_TABLE, MAP, TRACE_CHART

from autodevops.domain.chart import LogTable, MetricChart, ServiceMap, TraceChart
from autodevops.widgets.views import Drawable, view_of

CASES: dict[str, tuple[Drawable, str]] = {
    "metric": (ERRORS_CHART, "image/svg+xml"),
    "trace": (TRACE_CHART, "image/svg+xml"),
    "map": (MAP, "image/svg+xml"),
    "logs": (LOG_TABLE, "text/html"),
    "causes": (INVESTIGATION, "text/html"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_view_shows_as_a_widget_and_leaves_its_twin(name: str) -> None:
    noun, mime = CASES[name]
    data, _ = view_of(noun)._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert 'class="adt' in data[mime]
    assert "View: " in data["text/plain"]


@pytest.mark.parametrize("name", ["metric", "trace", "map", "logs"])
def test_the_page_gets_the_whole_noun(name: str) -> None:
    noun, _ = CASES[name]
    assert isinstance(noun, MetricChart | TraceChart | LogTable | ServiceMap)
    assert type(noun).model_validate(view_of(noun).chart) == noun


def test_of_an_investigation_the_page_gets_the_verdict_and_causes_alone() -> None:
    chart = view_of(INVESTIGATION).chart
    assert set(chart) == {"type", "investigation"}
    assert set(chart["investigation"]) == {"verdict", "summary", "hypotheses"}
    first, last = chart["investigation"]["hypotheses"]
    assert first["ahead"][0] == "93 % against 21 % for “The card processor itself changed its interface”."
    assert "ahead" not in last


def test_voila_which_would_prefer_the_twin_gets_the_widget_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOILA_REQUEST_URL", "http://127.0.0.1/")
    data, _ = view_of(LOG_TABLE)._repr_mimebundle_()
    assert "text/html" not in data
