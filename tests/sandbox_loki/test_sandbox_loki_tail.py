"""Tailing logs over a websocket, with a client nobody here wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from autodevops.sandbox.serve import Sandbox

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
WAIT = 20.0  # s until a test gives up


class _Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def clock() -> _Clock:
    return _Clock()


@pytest.fixture(scope="module")
def sandbox(clock: _Clock) -> Iterator[Sandbox]:
    with Sandbox("bad-deploy", clock=clock, systems=["loki"]) as one:
        yield one


def _url(sandbox: Sandbox, **params: str | int) -> str:
    return f"{sandbox.addresses['loki'].replace('http', 'ws', 1)}/loki/api/v1/tail?{urlencode(params)}"


def _lines(client: ClientConnection) -> list[tuple[int, str]]:
    message = json.loads(client.recv(timeout=WAIT))
    lines = [(int(stamp), line) for stream in message["streams"] for stamp, line in stream["values"]]
    return sorted(lines)


def test_tail_tells_the_newest_lines_then_each_new_one_once(sandbox: Sandbox, clock: _Clock) -> None:
    with connect(_url(sandbox, query='{app="payment"}', limit=5)) as client:
        first = _lines(client)
        assert len(first) == 5
        clock.now += timedelta(seconds=60)
        later = _lines(client)
        clock.now += timedelta(seconds=60)
        last = _lines(client)
    assert later
    assert last
    told = [*first, *later, *last]
    assert len(told) == len(set(told))
    assert all(stamp <= clock.now.timestamp() * 1e9 for stamp, _ in told)
    assert max(later)[0] > max(first)[0]


def test_tail_filters_and_parses_as_a_query_does(sandbox: Sandbox) -> None:
    with connect(_url(sandbox, query='{app="payment"} | json | line_format "{{.msg}}"', limit=1)) as client:
        (line,) = _lines(client)
    assert not line[1].startswith("{")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"query": "{}"}, "queries require at least one regexp or equality matcher"),
        ({"query": 'rate({app="payment"}[1m])'}, "only log selector is supported"),
        ({"query": '{app="payment"}', "delay_for": 6}, "delay_for can't be greater than 5"),
    ],
)
def test_wrong_tail_is_refused_before_it_opens(sandbox: Sandbox, params: dict[str, str | int], message: str) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(_url(sandbox, **params)):
        pass
    assert refused.value.response.status_code == 400
    assert message in (refused.value.response.body or b"").decode()
