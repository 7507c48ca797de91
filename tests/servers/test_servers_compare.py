"""A trace against others: what is slower, failing, new or missing, found by where a span stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from servers.loopback import ask, call, serve
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from autodevops.domain.trace import Span, Trace
from autodevops.kernel.errors import ToolNotFound, ToolRejected
from autodevops.servers import tempo
from autodevops.servers.tempo.compare import compare, length_ms
from autodevops.settings import TempoSettings

START = datetime(2026, 11, 24, 3, tzinfo=UTC)


def trace(script: str, number: int = 1) -> Trace:
    """`web GET / 0-100` a line, indented under its parent; `!` at the end marks a failing span."""
    spans: list[Span] = []
    parents: list[tuple[int, str]] = []
    for index, row in enumerate(row for row in script.splitlines() if row.strip()):
        depth = len(row) - len(row.lstrip())
        parents = [(at, parent) for at, parent in parents if at < depth]
        words = row.strip().removesuffix("!").split()
        start, end = map(float, words[-1].split("-"))
        spans.append(
            Span(
                span_id=f"{index + 1:016x}",
                parent_span_id=parents[-1][1] if parents else "",
                service=words[0],
                name=" ".join(words[1:-1]),
                start=START + timedelta(milliseconds=start),
                duration_ms=end - start,
                status="error" if row.strip().endswith("!") else "unset",
            )
        )
        parents.append((depth, spans[-1].span_id))
    return Trace(trace_id=f"{number:032x}", spans=tuple(spans))


USUAL = """
web GET / 0-100
  cart get 10-60
    db SELECT 20-50
  ads pick 60-90
"""
CASES = {
    "the same is the same": (USUAL, {}),
    "slower where its own time is spent": (
        "web GET / 0-300\n  cart get 10-260\n    db SELECT 20-250\n  ads pick 260-290",
        {"db SELECT": "slower"},
    ),
    "failing along the path, the same elsewhere": (
        "web GET / 0-100!\n  cart get 10-60!\n    db SELECT 20-50!\n  ads pick 60-90",
        {"web GET /": "failing", "cart get": "failing", "db SELECT": "failing"},
    ),
    "missing with all below it": (
        "web GET / 0-50\n  ads pick 10-40",
        {"cart get": "missing", "db SELECT": "missing"},
    ),
    "new": (USUAL + "  cache put 90-91\n", {"cache put": "new"}),
    "spans at one place count together": (
        "web GET / 0-200\n  cart get 10-160\n    db SELECT 20-50\n    db SELECT 50-80\n    db SELECT 80-150\n"
        "  ads pick 160-190",
        {"db SELECT": "slower"},
    ),
    "the same operation elsewhere is another": (
        "web GET / 0-100\n  cart get 10-60\n  db SELECT 60-90",
        {
            "web GET / > db SELECT": "new",
            "cart get > db SELECT": "missing",
            "ads pick": "missing",
            "cart get": "slower",
        },
    ),
}


@pytest.mark.parametrize(("here", "expected"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("count", [1, 3])
def test_changes_are_found_against_one_trace_or_several(here: str, expected: dict[str, str], count: int) -> None:
    found = compare(trace(here), [trace(USUAL, number) for number in range(2, 2 + count)])
    changed = {" > ".join(one.path): one.change for one in found if one.change != "same"}
    assert len(changed) == len(expected), changed
    for suffix, change in expected.items():
        assert (suffix, change) in {(suffix, kind) for path, kind in changed.items() if path.endswith(suffix)}


def test_what_changed_most_comes_first() -> None:
    slow = "web GET / 0-400\n  cart get 10-60\n    db SELECT 20-50\n  ads pick 60-390"
    assert compare(trace(slow), [trace(USUAL)])[0].path[-1] == "ads pick"


def test_the_median_is_not_moved_by_one_odd_trace() -> None:
    odd = "web GET / 0-9000\n  cart get 10-8000\n    db SELECT 20-7000"
    found = compare(trace(USUAL), [trace(USUAL, 2), trace(odd, 3), trace(USUAL, 4)])
    assert {one.change for one in found} == {"same"}


def test_what_few_usual_traces_have_is_neither_missing_nor_new() -> None:
    rare = USUAL + "  cache put 90-91\n"
    usual = [trace(USUAL, number) for number in range(2, 6)]
    assert {one.change for one in compare(trace(USUAL), [*usual, trace(rare, 7)])} == {"same"}
    assert {one.change for one in compare(trace(rare), [*usual, trace(rare, 7)])} == {"same"}


def test_spans_under_each_other_in_a_ring_end() -> None:
    first = trace("web GET / 0-100\n  cart get 10-60").spans
    ring = Trace(trace_id="1" * 32, spans=(first[0].model_copy(update={"parent_span_id": first[1].span_id}), first[1]))
    assert compare(ring, [ring])
    assert length_ms(ring) == 100.0


def otlp(found: Trace) -> dict[str, Any]:
    nanoseconds = [int(span.start.timestamp()) * 10**9 + span.start.microsecond * 1000 for span in found.spans]
    return {
        "trace": {
            "resourceSpans": [
                {
                    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": span.service}}]},
                    "scopeSpans": [
                        {
                            "spans": [
                                {
                                    "spanId": span.span_id,
                                    "parentSpanId": span.parent_span_id,
                                    "name": span.name,
                                    "startTimeUnixNano": str(at),
                                    "endTimeUnixNano": str(at + int(span.duration_ms * 1e6)),
                                }
                            ]
                        }
                    ],
                }
                for span, at in zip(found.spans, nanoseconds, strict=True)
            ]
        },
        "status": "PARTIAL" if found.trace_id.endswith("9") else "COMPLETE",
    }


class Store:
    """A Tempo with these traces; remembers searches."""

    def __init__(self, *traces: Trace) -> None:
        self.traces = {found.trace_id: found for found in traces}
        self.searches: list[dict[str, str]] = []

    def app(self) -> Starlette:
        async def read(request: Request) -> Response:
            found = self.traces.get(request.path_params["trace"])
            return JSONResponse(otlp(found)) if found else PlainTextResponse("trace not found", 404)

        async def search(request: Request) -> Response:
            self.searches.append(dict(request.query_params))
            limit = int(request.query_params["limit"])
            names = [*self.traces, "f" * 32] if "gone" in request.query_params["q"] else list(self.traces)
            return JSONResponse({"traces": [{"traceID": name, "startTimeUnixNano": "1"} for name in names[:limit]]})

        routes = [Route(f"/api{version}/traces/{{trace}}", read) for version in ("", "/v2")]
        return Starlette(routes=[*routes, Route("/api/search", search)])


async def test_similar_traces_are_those_with_the_same_root_around_the_same_time() -> None:
    store = Store(trace(USUAL, 1), trace(USUAL, 2), trace(USUAL, 3))
    with serve(store.app()) as url:
        answer = await call(tempo.create_server(TempoSettings(url=url)), "compare_traces", trace_id="1")
    assert answer["baseline"] == [f"{number:032x}" for number in (2, 3)]
    (asked,) = store.searches
    assert asked["q"] == '{ rootServiceName = "web" && rootName = "GET /" }'
    at = int(START.timestamp())
    assert (int(asked["start"]), int(asked["end"])) == (at - 1800, at + 1800)
    assert (answer["duration_ms"], answer["baseline_duration_ms"]) == (100.0, 100.0)


async def test_a_named_trace_is_compared_without_searching() -> None:
    store = Store(trace(USUAL, 1), trace("web GET / 0-50", 2))
    with serve(store.app()) as url:
        server = tempo.create_server(TempoSettings(url=url))
        answer = await call(server, "compare_traces", trace_id="1", other_trace_id="2")
    assert answer["baseline"] == [f"{2:032x}"]
    assert store.searches == []


async def test_similar_traces_that_are_gone_are_counted_and_a_partial_trace_is_said_to_be_one() -> None:
    store = Store(trace(USUAL, 9), trace(USUAL, 2))
    with serve(store.app()) as url:
        server = tempo.create_server(TempoSettings(url=url))
        answer = await call(server, "compare_traces", trace_id="9", query="{ .gone }")
    assert "1 similar traces could not be read" in answer["note"]
    assert "only a part" in answer["note"]
    assert answer["truncated"]


async def test_nothing_to_compare_with_is_said() -> None:
    with serve(Store(trace(USUAL, 1)).app()) as url:
        server = tempo.create_server(TempoSettings(url=url))
        with pytest.raises(ToolNotFound, match="no trace like") as caught:
            await ask(server, "compare_traces", trace_id="1")
        assert "other_trace_id" in caught.value.next_step
        with pytest.raises(ToolRejected, match="not a trace id"):
            await ask(server, "compare_traces", trace_id="1", other_trace_id="../x")
