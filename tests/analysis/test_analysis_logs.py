"""Log lines: what is read from them, which belong together, what kind of error they speak of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from autodevops.analysis.log_lines import read, read_text
from autodevops.analysis.log_templates import categorise, group, mask
from autodevops.domain.logs import LogRecord

CASES = yaml.safe_load((Path(__file__).parent / "log_lines.yaml").read_text())
START = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("case", CASES, ids=[case["line"][:50] or "empty" for case in CASES])
def test_a_line_is_read_as_its_writer_meant_it(case: dict[str, Any]) -> None:
    line = read_text(case["line"])
    assert line.level == case["level"]
    assert line.message == case["message"]
    assert line.exception == case.get("exception", "")
    assert line.exception_message == case.get("exception_message", "")
    assert line.top_frame == case.get("top_frame", "")


def test_the_stream_says_the_severity_where_the_line_does_not() -> None:
    record = LogRecord(timestamp=START, body="could not post", attributes={"detected_level": "error"})
    assert read(record).is_error


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order 1234 failed after 35 ms", "order 99 failed after 1.5 ms"),
        ("user 'bob' unknown", "user 'alice' unknown"),
        ("GET http://10.1.2.3:8080/x -> 503", "GET http://10.9.9.9:80/x -> 503"),
        ("trace 4bf92f3577b34da6a3ce929d0e0e4736", "trace 0af7651916cd43dd8448eb211c80319c"),
        ("id 123e4567-e89b-12d3-a456-426614174000 gone", "id 9b2e4567-e89b-12d3-a456-426614174abc gone"),
        ("at 2026-03-09T12:00:00Z lost", "at 2026-03-09T12:00:01.5Z lost"),
    ],
)
def test_lines_that_differ_in_variables_share_a_template(one: str, other: str) -> None:
    assert mask(one) == mask(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("connection refused", "connection reset"),
        ("disk full on /data", "disk slow on /data"),
        ("a failed", "b failed"),
    ],
)
def test_lines_that_say_different_things_do_not(one: str, other: str) -> None:
    assert mask(one) != mask(other)


def test_groups_count_and_keep_the_first_occurrence() -> None:
    bodies = [f'{{"level":"error","msg":"order {n} failed"}}' for n in range(5)]
    records = [LogRecord(timestamp=START + timedelta(seconds=n), body=body) for n, body in enumerate(bodies)]
    healthy = LogRecord(timestamp=START, body='{"level":"info","msg":"0 errors"}')
    found = group(("cart", record) for record in [healthy, *reversed(records)])
    assert [(g.source, g.count, g.first_at, g.last_at) for g in found] == [
        ("cart", 5, START, START + timedelta(seconds=4))
    ]
    assert found[0].example.message == "order 0 failed"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("dial tcp: lookup db on 10.0.0.10:53: no such host", "unknown host"),
        ("dial tcp 10.0.0.5:5432: connect: connection refused", "connection refused"),
        ("FATAL: sorry, too many clients already", "connection exhausted"),
        ("context deadline exceeded", "timeout"),
        ('password authentication failed for user "app"', "authentication"),
        ("x509: certificate has expired", "certificate"),
        ("write /data/x: no space left on device", "disk full"),
        ('relation "orders" does not exist', "missing schema"),
        ("KeyError: 'DB_URL'", "missing configuration"),
        ("java.lang.OutOfMemoryError: Java heap space", "out of memory"),
        ("all is well", ""),
    ],
)
def test_an_error_is_named_by_its_kind(text: str, kind: str) -> None:
    assert categorise(text) == kind


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_without_complaint(text: str) -> None:
    read_text(text)
    assert mask(mask(text)) == mask(mask(mask(text)))


@given(st.lists(st.sampled_from(["order 1 failed", "order 2 failed", "no such host", "timeout"]), max_size=20))
@settings(max_examples=50, deadline=None)
def test_the_order_of_lines_changes_no_group(messages: list[str]) -> None:
    records = [
        LogRecord(timestamp=START + timedelta(seconds=n), body=f"ERROR {message}") for n, message in enumerate(messages)
    ]
    forward = group(("a", record) for record in records)
    assert forward == group(("a", record) for record in reversed(records))
    assert sum(g.count for g in forward) == len(messages)
