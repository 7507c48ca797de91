"""LogQL, specified by the cases in logql_cases.yaml."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from autodevops.sandbox.loki.evaluate import NANOS, Statistics, evaluate_metric, even_times, quantile, read_rows
from autodevops.sandbox.loki.parser import parse_query
from autodevops.sandbox.loki.pipeline import LabelTest
from autodevops.sandbox.loki.row import Row
from autodevops.sandbox.loki.syntax import LogQLError, LogQuery
from autodevops.sandbox.wire.go import format_float, parse_bytes, parse_duration
from autodevops.sandbox.world.logs import LogEntry, LogStream

CASES: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "logql_cases.yaml").read_text())
STREAMS = [
    LogStream(
        stream["labels"],
        tuple(LogEntry(entry[0] * NANOS, entry[1], entry[2] if len(entry) > 2 else {}) for entry in stream["entries"]),
    )
    for stream in CASES["streams"]
]


def logs(wanted: LabelTest, start: int, end: int) -> Iterable[LogStream]:
    for stream in STREAMS:
        if wanted(stream.labels):
            yield LogStream(stream.labels, [entry for entry in stream.entries if start <= entry.timestamp < end])


def rows_of(text: str) -> list[Row]:
    query = parse_query(text)
    assert isinstance(query, LogQuery)
    return sorted(read_rows(query, logs, 0, 1000 * NANOS, Statistics()), key=lambda row: row.timestamp)


def vector_at(text: str, seconds: int) -> dict[Any, float]:
    query = parse_query(text)
    assert not isinstance(query, LogQuery)
    return dict(evaluate_metric(query, logs, [seconds * NANOS], Statistics())[0])


@pytest.mark.parametrize("case", CASES["logs"], ids=lambda case: case["query"])
def test_log_query_selects_its_lines_and_labels(case: dict[str, Any]) -> None:
    rows = rows_of(case["query"])
    assert [row.timestamp // NANOS for row in rows] == case["lines"]
    for name, value in case.get("labels", {}).items():
        assert rows[0].labels.get(name) == value
    if "text" in case:
        assert rows[0].line == case["text"]


@pytest.mark.parametrize("case", CASES["metrics"], ids=lambda case: f"{case['query']} @{case['at']}")
def test_metric_query_gives_its_vector(case: dict[str, Any]) -> None:
    vector = vector_at(case["query"], case["at"])
    if "scalar" in case:
        assert vector == {None: case["scalar"]}
        return
    expected = {tuple(sorted(labels.items())): value for labels, value in case["expect"]}
    assert vector == {labels: pytest.approx(value) for labels, value in expected.items()}


@pytest.mark.parametrize(("query", "message"), CASES["errors"], ids=lambda part: str(part)[:60])
def test_wrong_query_is_refused_in_lokis_words(query: str, message: str) -> None:
    with pytest.raises(LogQLError) as failure:
        parse_query(query)
    assert message in str(failure.value)


def test_metric_query_over_lines_that_fail_to_parse_is_an_error_not_a_wrong_number() -> None:
    with pytest.raises(LogQLError, match="pipeline error: 'JSONParserErr'"):
        vector_at('sum(count_over_time({app="web"} | json [1m]))', 30)


@given(start=st.integers(0, 40), step=st.integers(1, 15), count=st.integers(1, 8), window=st.integers(1, 40))
def test_a_range_query_is_the_instant_queries_at_its_steps(start: int, step: int, count: int, window: int) -> None:
    query = parse_query(f'sum by (app) (count_over_time({{app=~".+"}}[{window}s]))')
    assert not isinstance(query, LogQuery)
    times = even_times(start * NANOS, (start + step * (count - 1)) * NANOS, step * NANOS)
    together = evaluate_metric(query, logs, times, Statistics())
    alone = [evaluate_metric(query, logs, [time], Statistics())[0] for time in times]
    assert together == alone


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.floats(0, 1))
def test_quantile_lies_within_its_values(values: list[float], share: float) -> None:
    assert min(values) - 1e-6 <= quantile(share, values) <= max(values) + 1e-6


@given(st.text(max_size=40))
def test_any_text_parses_or_is_refused_with_a_message(text: str) -> None:
    message = "parse error"
    try:
        parse_query("{" + text)
    except LogQLError as error:
        message = str(error)
    assert message.startswith("parse error")


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1h30m", 5400 * NANOS),
        ("250ms", 250_000_000),
        ("1.5s", 1_500_000_000),
        ("2d", 172_800 * NANOS),
        ("-5s", -5 * NANOS),
        ("0", 0),
    ],
)
def test_durations_are_read_as_go_writes_them(text: str, nanoseconds: int) -> None:
    assert parse_duration(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "5", "5x", "s", "1h30", "5s "])
def test_wrong_durations_are_named(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"), [("5KB", 5000), ("5KiB", 5120), ("1.5MB", 1_500_000), ("200B", 200), ("7", 7)]
)
def test_sizes_follow_their_base(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (0.1, "0.1"), (1e-7, "0.0000001"), (1e21, "1" + "0" * 21), (float("nan"), "NaN"), (-0.5, "-0.5")],
)
def test_sample_values_have_no_exponent(value: float, text: str) -> None:
    assert format_float(value) == text
