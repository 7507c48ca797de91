"""What is read from a question's words alone: intent, time, names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodevops.jamie import intent, names
from autodevops.jamie.intent import Reading
from autodevops.jamie.timephrase import describe, read_window
from autodevops.kernel.errors import UsageError

NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)

READINGS = [
    ("why are checkouts failing?", "investigate", "", ""),
    ("Why is payment slow", "investigate", "", ""),
    ("what's wrong in shop?", "investigate", "", ""),
    ("is everything ok?", "investigate", "", ""),
    ("how is the shop doing?", "investigate", "", ""),
    ("which services are failing?", "investigate", "", ""),
    ("orders are slow", "investigate", "", ""),
    ("why did the deploy of payment fail?", "investigate", "", ""),
    ("how many pods are not ready in shop?", "count", "Pod", "not_ready"),
    ("how many deployments are there?", "count", "Deployment", ""),
    ("number of nodes", "count", "Node", ""),
    ("list deployments", "list", "Deployment", ""),
    ("which pods are crashlooping?", "list", "Pod", "crashlooping"),
    ("show me the pods that restarted", "list", "Pod", "restarted"),
    ("what services are there", "list", "Service", ""),
    ("pods in staging", "list", "Pod", ""),
    ("are there any pending pods?", "list", "Pod", "pending"),
    ("which nodes aren't ready?", "list", "Node", "not_ready"),
    ("show me the logs of payment", "logs", "", ""),
    ("show me its logs", "logs", "", ""),
    ("what is firing?", "alerts", "", ""),
    ("any alerts?", "alerts", "", ""),
    ("what changed today?", "deploys", "", ""),
    ("what was deployed since yesterday", "deploys", "", ""),
    ("did anyone deploy anything?", "deploys", "", ""),
    ("show me the metrics of cart", "metrics", "", ""),
    ("plot the latency of checkout", "metrics", "", ""),
    ("since when?", "since_when", "", ""),
    ("when did it start?", "since_when", "", ""),
    ("restart payment", "action", "", ""),
    ("please roll back checkout", "action", "", ""),
    ("help", "help", "", ""),
    ("what can you do?", "help", "", ""),
    ("hello", "smalltalk", "", ""),
    ("cheers", "smalltalk", "", ""),
]


@pytest.mark.parametrize(("question", "wanted", "kind", "state"), READINGS, ids=[row[0] for row in READINGS])
def test_intent_is_read_from_the_words(question: str, wanted: str, kind: str, state: str) -> None:
    reading = intent.read(question)
    assert (reading.intent, reading.kind, reading.state) == (wanted, kind, state)
    assert reading.matched


def test_a_question_in_no_known_words_is_investigated_and_known_to_be_a_default() -> None:
    assert intent.read("warum dauert das so lange") == Reading("investigate", matched=False)


@given(st.text())
def test_any_text_has_a_reading(text: str) -> None:
    assert intent.read(text).intent


WINDOWS = [
    ("why in the last 30 minutes?", timedelta(minutes=30), timedelta(0)),
    ("what failed in the last hour", timedelta(hours=1), timedelta(0)),
    ("errors over the past 2 hours", timedelta(hours=2), timedelta(0)),
    ("errors since 2h", timedelta(hours=2), timedelta(0)),
    ("errors since 45 minutes ago", timedelta(minutes=45), timedelta(0)),
    ("errors since 14:00", timedelta(hours=1, minutes=30), timedelta(0)),
    ("errors since 16:00 UTC", timedelta(hours=23, minutes=30), timedelta(0)),
    ("what changed today?", timedelta(hours=15, minutes=30), timedelta(0)),
    ("what changed yesterday?", timedelta(days=1), timedelta(hours=15, minutes=30)),
    ("the last half an hour", timedelta(minutes=30), timedelta(0)),
    ("last 7 days", timedelta(days=7), timedelta(0)),
]


@pytest.mark.parametrize(("question", "length", "ago"), WINDOWS, ids=[row[0] for row in WINDOWS])
def test_time_phrases_become_windows(question: str, length: timedelta, ago: timedelta) -> None:
    window = read_window(question, NOW).window
    assert window is not None
    assert (window.length, NOW - window.end) == (length, ago)


def test_the_time_phrase_is_taken_out_of_the_question() -> None:
    assert read_window("why is cart slow in the last hour in shop?", NOW).rest == "why is cart slow in shop?"
    assert read_window("why is cart slow?", NOW).window is None


@pytest.mark.parametrize("question", ["last 30 days", "last 0 minutes", "since 9999999999 hours"])
def test_an_impossible_window_is_named(question: str) -> None:
    with pytest.raises(UsageError, match=question.split()[1]):
        read_window(question, NOW)


@given(st.text(alphabet="lastpincehour mdw0123456789:.", max_size=40))
def test_any_text_has_a_window_or_a_usage_error(text: str) -> None:
    try:
        timed = read_window(text, NOW)
    except UsageError:
        return
    assert timed.window is None or timed.window.end <= NOW


def test_a_window_is_told_with_its_zone() -> None:
    told = [(text, read_window(text, NOW).window) for text in ("last 60 min", "last 90 min", "last 2 h", "today")]
    assert [describe(window) for _, window in told if window] == [
        "last 60 min to 2026-11-24 15:30 UTC",
        "last 90 min to 2026-11-24 15:30 UTC",
        "last 2 h to 2026-11-24 15:30 UTC",
        "last 15 h 30 min to 2026-11-24 15:30 UTC",
    ]


WORKLOADS = ["checkout", "payments", "product-catalog", "ad-service", "cart"]
MATCHES = [
    ("why are checkouts failing", "checkout", ()),
    ("why is the payment slow", "payments", ()),
    ("product catalog errors", "product-catalog", ()),
    ("is ad slow", "ad-service", ()),
    ("the cart's latency", "cart", ()),
    ("why is chekout failing", "", ("checkout",)),
    ("logs of paymnets", "", ("payments",)),
    ("why is the card slow", "", ()),
]


@pytest.mark.parametrize(("text", "name", "near"), MATCHES, ids=[row[0] for row in MATCHES])
def test_names_are_matched_with_light_stemming_and_near_ones_are_not_taken(
    text: str, name: str, near: tuple[str, ...]
) -> None:
    found = names.find(names.words_of(text), WORKLOADS, intent.table().not_names)
    assert (found.name if found else "") == name
    assert (found.near if found else ()) == near
