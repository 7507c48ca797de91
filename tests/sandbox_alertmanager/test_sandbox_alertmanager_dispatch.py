"""Who is told what and when, in the world's time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml
from starlette.testclient import TestClient

from autodevops.sandbox.alertmanager.api import AlertmanagerApi
from autodevops.sandbox.alertmanager.config import ConfigError, Webhook, parse_config
from autodevops.sandbox.prometheus.rules import ActiveAlert, Rule
from autodevops.sandbox.promql.labels import make_labels

START = 1_790_000_010
STEP = 30

CONFIG = """
route:
  receiver: team
  group_by: [alertname]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 1h
  routes:
  - matchers: [severity="info"]
    receiver: quiet
  - match: {service: cart}
    receiver: cart
    continue: true
  - matchers: [service=~"cart|payment"]
    receiver: money
    group_by: [service]
receivers:
- name: team
  webhook_configs: [{url: "http://team.test/"}]
- name: quiet
- name: cart
  webhook_configs: [{url: "http://cart.test/", send_resolved: false}]
- name: money
  webhook_configs: [{url: "http://money.test/", max_alerts: 1}]
inhibit_rules:
- source_matchers: [alertname="Down"]
  target_matchers: [alertname="Slow"]
  equal: [service]
"""


@dataclass
class Fires:
    """Alerts that fire over given spans: (labels, from, to), in seconds after START."""

    spans: Sequence[tuple[dict[str, str], float, float]]

    def at(self, now_ms: int) -> Iterable[ActiveAlert]:
        now = now_ms / 1000 // STEP * STEP - START
        for labels, start, end in self.spans:
            if start <= now < end:
                rule = Rule(labels["alertname"], "up == 0", 0, {}, {})
                moment = (START + start) * 1000
                evaluated = int((START + now) * 1000)
                yield ActiveAlert(rule, make_labels(labels), {"summary": "It is."}, int(moment), evaluated, 1.0)

    def changes(self, start_ms: int, end_ms: int) -> Sequence[int]:
        edges = {int((START + edge) * 1000) for _, start, end in self.spans for edge in (start, end)}
        return sorted(edge for edge in edges if start_ms < edge <= end_ms)


@dataclass
class Told:
    """What was delivered: whole, and as (host, status, each alert with what it is)."""

    said: list[dict[str, Any]] = field(default_factory=list)
    lines: list[tuple[str, str, list[str]]] = field(default_factory=list)
    refusals: int = 0

    def __call__(self, webhook: Webhook, message: dict[str, Any]) -> bool | None:
        if self.refusals:
            self.refusals -= 1
            return None
        self.said.append(message)
        names = [
            f"{one['labels']['alertname']} {one['labels'].get('service', '')} {one['status']}"
            for one in message["alerts"]
        ]
        self.lines.append((webhook.url.split("/")[2].removesuffix(".test"), message["status"], names))
        return True


def world(spans: Sequence[tuple[dict[str, str], float, float]]) -> tuple[AlertmanagerApi, Told, list[float]]:
    clock, told = [float(START)], Told()
    return AlertmanagerApi(Fires(spans), lambda: clock[0], parse_config(CONFIG), told), told, clock


def labels(name: str, service: str = "web", **more: str) -> dict[str, str]:
    return {"alertname": name, "service": service, **more}


def pass_time(api: AlertmanagerApi, clock: list[float], until: float, step: float) -> None:
    api.advance()
    while clock[0] < START + until:
        clock[0] = min(clock[0] + step, START + until)
        api.advance()


@pytest.mark.parametrize("step", [1.0, 17.0, 7200.0], ids=["second by second", "in steps", "at once"])
def test_same_notifications_whether_time_passes_slowly_or_at_once(step: float) -> None:
    spans = [
        (labels("Errors"), 60, 4000),
        (labels("Errors", "api"), 210, 900),
        (labels("Slow", "payment"), 300, 330),
        (labels("Down", "payment"), 600, 7200),
    ]
    api, told, clock = world(spans)
    pass_time(api, clock, 7200, step)
    assert (
        told.lines
        == [
            ("team", "firing", ["Errors web firing"]),
            ("money", "firing", ["Slow payment firing"]),
            ("team", "firing", ["Errors api firing", "Errors web firing"]),
            ("money", "firing", ["Down payment firing"]),
            ("team", "firing", ["Errors api resolved", "Errors web firing"]),
            ("team", "resolved", ["Errors web resolved"]),
            ("money", "firing", ["Down payment firing"]),
        ]
        or told.lines
    )


def test_group_waits_then_speaks_once_and_repeats() -> None:
    api, told, clock = world([(labels("Errors"), 60, 99_000)])
    pass_time(api, clock, 89, 1)
    assert told.lines == []
    pass_time(api, clock, 90, 1)
    assert len(told.lines) == 1
    pass_time(api, clock, 3600, 10)
    assert len(told.lines) == 1
    pass_time(api, clock, 4000, 10)
    assert len(told.lines) == 2


def test_routes_with_continue_reach_both_and_send_resolved_is_honoured() -> None:
    api, told, clock = world([(labels("Errors", "cart"), 30, 600)])
    pass_time(api, clock, 1800, 30)
    assert told.lines == [
        ("cart", "firing", ["Errors cart firing"]),
        ("money", "firing", ["Errors cart firing"]),
        ("money", "resolved", ["Errors cart resolved"]),
    ]
    assert [one["groupKey"] for one in told.said[:2]] == [
        '{}/{service="cart"}:{alertname="Errors"}',
        '{}/{service=~"cart|payment"}:{service="cart"}',
    ]


def test_receiver_without_webhooks_is_silent() -> None:
    api, told, clock = world([(labels("Errors", severity="info"), 30, 600)])
    pass_time(api, clock, 1800, 30)
    assert told.lines == []


def test_inhibited_alert_is_told_to_nobody_and_shown_as_suppressed() -> None:
    api, told, clock = world([(labels("Down"), 30, 9000), (labels("Slow"), 60, 9000), (labels("Slow", "db"), 60, 9000)])
    pass_time(api, clock, 600, 30)
    assert told.lines == [
        ("team", "firing", ["Down web firing"]),
        ("team", "firing", ["Slow db firing"]),
    ]
    with TestClient(api.app()) as client:
        states = {
            (one["labels"]["alertname"], one["labels"]["service"]): one["status"]["state"]
            for one in client.get("/api/v2/alerts").json()
        }
        assert states == {("Down", "web"): "active", ("Slow", "web"): "suppressed", ("Slow", "db"): "active"}
        shown = client.get("/api/v2/alerts", params={"inhibited": "false"}).json()
        assert len(shown) == 2
        by_receiver = client.get("/api/v2/alerts", params={"receiver": "mon.*"}).json()
        assert by_receiver == []


def test_silenced_alert_is_told_when_the_silence_ends() -> None:
    api, told, clock = world([(labels("Errors"), 60, 99_000)])
    with TestClient(api.app()) as client:
        body = {
            "matchers": [{"name": "alertname", "value": "Errors", "isRegex": False}],
            "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-09-21T15:00:00Z", "createdBy": "x", "comment": "y",
        }  # fmt: skip
        assert client.post("/api/v2/silences", json=body).status_code == 200
    ends = 1_790_002_800 - START
    pass_time(api, clock, ends - 1, 60)
    assert told.lines == []
    pass_time(api, clock, ends + 300, 60)
    assert told.lines == [("team", "firing", ["Errors web firing"])]


def test_unanswered_notification_is_tried_again_and_not_lost() -> None:
    api, told, clock = world([(labels("Errors"), 60, 99_000)])
    told.refusals = 3
    pass_time(api, clock, 89, 1)
    assert told.lines == []
    pass_time(api, clock, 95, 1)
    assert told.lines == [("team", "firing", ["Errors web firing"])]


def test_alert_sent_from_outside_is_held_told_and_times_out() -> None:
    api, told, clock = world([])
    with TestClient(api.app()) as client:
        api.advance()
        sent = [{"labels": {"alertname": "Disk", "host": "db-1"}, "annotations": {"summary": "full"}}]
        assert client.post("/api/v2/alerts", json=sent).status_code == 200
        assert [one["labels"]["alertname"] for one in client.get("/api/v2/alerts").json()] == ["Disk"]
        pass_time(api, clock, 3000, 10)
        assert client.get("/api/v2/alerts").json() == []
    assert [(status, names) for _, status, names in told.lines] == [
        ("firing", ["Disk  firing"]),
        ("resolved", ["Disk  resolved"]),
    ]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ([{"labels": {}}], 400, "at least one label pair required"),
        ([{}], 422, {"code": 602, "message": "0.labels in body is required"}),
        ([{"labels": {"a-b": "x"}}], 400, 'invalid label set: invalid name "a-b"'),
        (
            [{"labels": {"a": "x"}, "startsAt": "2026-01-02T00:00:00Z", "endsAt": "2026-01-01T00:00:00Z"}],
            400,
            "start time must be before end time",
        ),
    ],
)
def test_wrong_alerts_are_refused_in_alertmanagers_words(body: Any, status: int, said: Any) -> None:
    api, _, _ = world([])
    with TestClient(api.app()) as client:
        answer = client.post("/api/v2/alerts", json=body)
        assert (answer.status_code, answer.json()) == (status, said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"route": None}, "no route provided in config"),
        ({"route": {"receiver": "nobody"}}, 'undefined receiver "nobody" used in route'),
        ({"route": {}}, "root route must specify a default receiver"),
        ({"receivers": [{"name": "a"}, {"name": "a"}], "route": {"receiver": "a"}}, '"a" is not unique'),
        ({"route": {"receiver": "team", "continue": True}}, "cannot have continue in root route"),
        ({"route": {"receiver": "team", "grup_by": []}}, "field grup_by not found in type route"),
        ({"route": {"receiver": "team", "group_interval": "0s"}}, "group_interval cannot be zero"),
        ({"time_intervals": []}, "knows no time intervals"),
    ],
)
def test_wrong_configurations_say_what_is_wrong(change: dict[str, Any], said: str) -> None:
    data = yaml.safe_load(CONFIG) | change
    with pytest.raises(ConfigError, match=said):
        parse_config(yaml.safe_dump(data))
