"""TraceQL, specified by the cases in traceql_cases.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from autodevops.sandbox.tempo.evaluate import evaluate, mentioned
from autodevops.sandbox.tempo.parser import parse_query, parse_traceql
from autodevops.sandbox.tempo.syntax import TraceQLError
from autodevops.sandbox.world.traces import Span, SpanEvent, Trace

CASES: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "traceql_cases.yaml").read_text())
MS = 1_000_000


def _span(trace_id: str, row: list[Any]) -> Span:
    identity, parent, service, name, kind, start, end, status, attributes, *events = row
    return Span(
        trace_id=trace_id,
        span_id=identity,
        parent_id=parent,
        name=name,
        kind=kind,
        start_ns=start * MS,
        end_ns=end * MS,
        status=status,
        attributes=attributes,
        resource={"service.name": service},
        events=tuple(SpanEvent(at * MS, title, values) for at, title, values in (events[0] if events else ())),
    )


TRACES = [Trace(key, tuple(_span(key, row) for row in rows)) for key, rows in CASES["traces"].items()]


@pytest.mark.parametrize("case", CASES["queries"], ids=lambda case: case["q"])
def test_query_matches_its_spans(case: dict[str, Any]) -> None:
    pipeline = parse_traceql(case["q"])
    found: dict[int, list[str]] = {}
    for trace in TRACES:
        for one in evaluate(pipeline, trace):
            found.setdefault(int(trace.trace_id[-1]), []).extend(span.span_id for span in one.spans)
    assert {key: sorted(spans) for key, spans in found.items()} == {
        key: sorted(spans) for key, spans in case["is"].items()
    }


@pytest.mark.parametrize("query", CASES["valid"])
def test_valid_query_is_taken(query: str) -> None:
    assert parse_query(query)


@pytest.mark.parametrize(("query", "message"), CASES["errors"], ids=lambda part: str(part)[:60])
def test_wrong_query_is_refused_in_tempos_words(query: str, message: str) -> None:
    with pytest.raises(TraceQLError) as failure:
        parse_query(query)
    assert message in str(failure.value)
    assert str(failure.value).startswith("invalid TraceQL query: parse error at line 1, col ")


def test_attributes_named_anywhere_in_a_query_are_shown_once() -> None:
    query = "{ span.a = 1 && resource.b = 2 } >> { span.a > 0 } | avg(span.c) > 1 | select(span.d)"
    assert [str(attribute) for attribute in mentioned(parse_traceql(query))] == [
        "span.a",
        "resource.b",
        "span.c",
        "span.d",
    ]


@given(st.text(max_size=40))
def test_any_text_parses_or_is_refused_with_a_message(text: str) -> None:
    message = "invalid TraceQL query"
    try:
        parse_query("{" + text)
    except TraceQLError as error:
        message = str(error)
    assert message.startswith("invalid TraceQL query")
