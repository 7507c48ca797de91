"""Log lines: what is read from them, which belong together, what kind of error they speak of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from autodevops.analysis import stack_traces
from autodevops.analysis.log_folding import fold, fold_records
from autodevops.analysis.log_lines import read, read_text
from autodevops.analysis.log_mining import mine
from autodevops.analysis.log_peers import peer_of
from autodevops.analysis.log_tails import errors_in
from autodevops.analysis.log_taxonomy import categorise
from autodevops.analysis.log_templates import group
from autodevops.domain.logs import LogRecord

CASES = yaml.safe_load((Path(__file__).parent / "log_lines.yaml").read_text())
FOLDS = yaml.safe_load((Path(__file__).parent / "log_folds.yaml").read_text())
KINDS = yaml.safe_load((Path(__file__).parent / "log_kinds.yaml").read_text())
START = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("case", CASES, ids=[case["line"][:50] or "empty" for case in CASES])
def test_a_line_is_read_as_its_writer_meant_it(case: dict[str, Any]) -> None:
    line = read_text(case["line"])
    assert line.level == case["level"]
    assert line.message == case["message"]
    assert line.exception == case.get("exception", "")
    assert line.exception_message == case.get("exception_message", "")
    assert line.top_frame == case.get("top_frame", "")


_PIECES = (
    "Error", "TypeError: x", "java.io.IOException", "  at f (a.js:1)", "at b", 'File "a.py", line 3, in f', "Timeout: ",
    "a.rb:3:in `b': no (Missing)", "  code: 'EPIPE'", "[cause]: x", "panic: x", "\t/a/b.go:12", "Caused by: ", "\n",
    " ", "Traceback (most recent call last):", "x",
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=8).map("".join))
def test_no_stack_trace_is_passed_over_at_first_sight(text: str) -> None:
    read_to_the_end = stack_traces._read(text) if len(text) >= 5 else stack_traces.StackTrace()
    assert stack_traces.read_stack(text) == read_to_the_end


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
        ("offset -7 of partition 3", "offset 12345 of partition 0"),
        ("deleting [1, 2, 3]", "deleting [9]"),
        ("freed 1.5 MB of /var/cache/a", "freed 12 KB of /tmp"),
        ("lock taken by=alice retry=true", "lock taken by=bob retry=false"),
        ("listening on 0.0.0.0:8080", "listening on [::1]:9090"),
    ],
)
def test_lines_that_differ_in_variables_share_a_template(one: str, other: str) -> None:
    templates, places = mine([one, other])
    assert places == [0, 0]
    assert templates[0].id == mine([other])[0][0].id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("connection refused", "connection reset"),
        ("disk full on /data", "disk slow on /data"),
        ("a failed", "b failed"),
        ("session opened for user", "session closed for user"),
        ("checkpoint starting: time", "checkpoint starting: xlog"),
    ],
)
def test_lines_that_say_different_things_do_not(one: str, other: str) -> None:
    assert len(mine([one, other, one, other])[0]) == 2


def test_a_word_is_a_variable_where_many_words_stand() -> None:
    users = ["ann", "bob", "carol", "dave", "eve"]
    lines = [f"session {act} for user {user}" for act in ("opened", "closed") for user in users]
    assert [template.text for template in mine(lines)[0]] == [
        "session closed for user <*>",
        "session opened for user <*>",
    ]


def test_free_text_of_any_length_is_one_variable() -> None:
    reasons = ["late", "out of stock", "no such colour", "customer asked", "address unknown to us", "why not", "broken"]
    templates, _ = mine([f"order {n} was rejected by hand: {reason}" for n, reason in enumerate(reasons)])
    assert [template.text for template in templates] == ["order <*> was rejected by hand: <*>"]


def test_groups_count_and_keep_the_first_occurrence() -> None:
    bodies = [f'{{"level":"error","msg":"order {n} failed"}}' for n in range(5)]
    records = [LogRecord(timestamp=START + timedelta(seconds=n), body=body) for n, body in enumerate(bodies)]
    healthy = LogRecord(timestamp=START, body='{"level":"info","msg":"0 errors"}')
    found = group(("cart", record) for record in [healthy, *reversed(records)])
    assert [(g.source, g.count, g.first_at, g.last_at) for g in found] == [
        ("cart", 5, START, START + timedelta(seconds=4))
    ]
    assert found[0].example.message == "order 0 failed"


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in KINDS.items() for text in texts])
def test_an_error_is_named_by_its_kind(kind: str, text: str) -> None:
    assert categorise(text) == ("" if kind == "none" else kind)


@pytest.mark.parametrize("case", FOLDS, ids=[case["name"] for case in FOLDS])
def test_the_lines_of_a_stack_trace_are_one_record(case: dict[str, Any]) -> None:
    records = fold(case["lines"])
    assert [len(record.split("\n")) for record in records] == case["takes"]
    if "exception" in case:
        assert case["exception"] in {read_text(record).exception for record in records}


def test_lines_of_other_pods_do_not_break_a_stack_trace() -> None:
    trace = next(case["lines"] for case in FOLDS if case["name"] == "java with causes")
    records = [
        LogRecord(timestamp=START + timedelta(milliseconds=10 * n), body=body, attributes={"pod": pod})
        for n, body in enumerate(trace)
        for pod in ("a", "b")
    ]
    folded = fold_records(records)
    assert sorted((record.attributes["pod"], record.body.count("\n")) for record in folded) == [
        ("a", 0), ("a", 5), ("b", 0), ("b", 5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["finished with 0 errors", "error_count=0", "no errors found", "errors: 0, warnings: 2", "error=null ok"]
)
def test_a_line_that_denies_errors_is_none_whatever_the_log_store_guesses(text: str) -> None:
    record = LogRecord(timestamp=START, body=text, attributes={"detected_level": "error"})
    assert not read(record).is_error
    assert group([("cart", record)]) == ()


def test_a_denied_error_beside_a_real_one_counts() -> None:
    record = LogRecord(timestamp=START, body="0 errors before, then: connection refused", severity="error")
    assert group([("cart", record)])[0].category == "connection refused"


def test_the_time_before_is_counted_by_template_and_kind() -> None:
    old = [LogRecord(timestamp=START, body=f"ERROR order {n} failed") for n in range(3)]
    new = [LogRecord(timestamp=START + timedelta(minutes=n), body=f"ERROR order {n} failed") for n in range(5)]
    other = LogRecord(timestamp=START, body="ERROR order 7 failed: connection refused")
    found = group((("cart", record) for record in (*new, other)), (("cart", record) for record in old))
    assert [(g.count, g.before, g.category) for g in found] == [(5, 3, ""), (1, 0, "connection refused")]


@pytest.mark.parametrize(
    ("text", "peer"),
    [
        ("dial tcp: lookup db.shop.svc on 10.96.0.10:53: no such host", "db.shop.svc"),
        ("dial tcp 10.0.0.5:5432: connect: connection refused", "10.0.0.5:5432"),
        ('connection to server at "db" (10.0.0.5), port 5432 failed: FATAL:  role "x" does not exist', "db:5432"),
        ("Error: connect ECONNREFUSED 10.0.0.5:6379", "10.0.0.5:6379"),
        ("HTTPConnectionPool(host='stock', port=8080): Max retries exceeded", "stock:8080"),
        ("Error 111 connecting to cache:6379. Connection refused.", "cache:6379"),
        ("Can't connect to MySQL server on 'db:3306' (111)", "db:3306"),
        ("amqp://guest:guest@rabbit:5672/ refused", "rabbit:5672"),
        ("Connection to node -1 (kafka/10.0.0.9:9092) could not be established", "kafka:9092"),
        ("it did not work", "None"),
    ],
)
def test_the_peer_that_a_line_names_is_read(text: str, peer: str) -> None:
    assert str(peer_of(text)) == peer


def test_the_end_of_a_tail_tells_what_ended_it() -> None:
    retries = ["WARN retrying: dial tcp 10.0.0.5:5432: connect: connection refused"] * 3
    lines = [*retries, 'FATAL: password authentication failed for user "app"', "shutting down"]
    errors = errors_in(lines)
    assert [(error.kind, error.count, error.last) for error in errors] == [
        ("database credentials refused", 1, 1), ("connection refused", 3, 2),
    ]  # fmt: skip


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_text_is_read_without_complaint(text: str) -> None:
    read_text(text)
    categorise(text)
    fold(text.split("\n"))
    assert sum(template.count for template in mine([text, text])[0]) == 2


_VALUES = st.one_of(
    st.integers(-(10**9), 10**9).map(str),
    st.uuids().map(str),
    st.ip_addresses(v=4).map(str),
    st.floats(0, 1e6).map(lambda value: f"{value:.3f}"),
    st.binary(min_size=8, max_size=8).map(lambda value: "0x" + value.hex()),
    st.lists(st.integers(0, 999), min_size=1, max_size=9).map(lambda ids: ", ".join(map(str, ids))),
)


@given(_VALUES, _VALUES, _VALUES)
@settings(max_examples=100, deadline=None)
def test_the_id_of_a_template_does_not_depend_on_values(one: str, two: str, three: str) -> None:
    (first,), _ = mine([f"worker {one} gave up on {two} (code {three})"])
    (second,), _ = mine(["worker 1 gave up on 2 (code 3)"])
    assert first.id == second.id


@given(st.permutations(range(12)), st.permutations(range(12)))
@settings(max_examples=40, deadline=None)
def test_lines_of_unrelated_services_in_any_order_change_nothing(order: list[int], others: list[int]) -> None:
    own = [LogRecord(timestamp=START + timedelta(seconds=n), body=f"ERROR order {n} failed") for n in range(12)]
    noise = [
        LogRecord(timestamp=START + timedelta(seconds=n), body=f"ERROR {'abcd'[n % 4]} {n} failed") for n in others
    ]
    alone = group(("cart", record) for record in own)
    mixed = group([*(("other", record) for record in noise), *(("cart", own[n]) for n in order)])
    assert [g for g in mixed if g.source == "cart"] == list(alone)


@given(st.lists(st.sampled_from(["order 1 failed", "order 2 failed", "no such host", "timeout"]), max_size=20))
@settings(max_examples=50, deadline=None)
def test_the_order_of_lines_changes_no_group(messages: list[str]) -> None:
    records = [
        LogRecord(timestamp=START + timedelta(seconds=n), body=f"ERROR {message}") for n, message in enumerate(messages)
    ]
    forward = group(("a", record) for record in records)
    assert forward == group(("a", record) for record in reversed(records))
    assert sum(g.count for g in forward) == len(messages)
