"""The HTTP API's shapes and refusals, the metric families, the rules, and Alertmanager's JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sandbox_prometheus.prometheus_serving import NOW, ORIGIN, make_world
from starlette.testclient import TestClient

from autodevops.sandbox.alertmanager.alerts import fingerprint
from autodevops.sandbox.alertmanager.app import create_app as create_alertmanager
from autodevops.sandbox.prometheus.app import create_app
from autodevops.sandbox.prometheus.encode import number, timestamp
from autodevops.sandbox.prometheus.rules import Alerting, expand, parse_rules, shipped_rules
from autodevops.sandbox.promql.engine import instant, range_query
from autodevops.sandbox.promql.labels import NAME, make_labels, value_of
from autodevops.sandbox.promql.memory import MemorySource
from autodevops.sandbox.world.metrics import WorldMetrics
from autodevops.sandbox.world.world import World

AT = int(NOW.timestamp() * 1000)
ONSET = int((ORIGIN - timedelta(minutes=20)).timestamp() * 1000)


@pytest.fixture(scope="module")
def client(bad_deploy: World) -> Iterator[TestClient]:
    with TestClient(create_app(bad_deploy)) as client:
        yield client


@pytest.fixture(scope="module")
def metrics(bad_deploy: World) -> WorldMetrics:
    return WorldMetrics(bad_deploy)


def data(client: TestClient, path: str, **params: str) -> Any:
    response = client.get(f"/api/v1/{path}", params=params)
    body = response.json()
    assert body["status"] == "success", body
    return body["data"]


def test_post_form_answers_as_get_does(client: TestClient) -> None:
    form = {"query": "up", "time": str(AT / 1000)}
    assert client.post("/api/v1/query", data=form).json() == client.get("/api/v1/query", params=form).json()


def test_times_may_be_rfc3339_and_steps_durations(client: TestClient) -> None:
    found = data(client, "query_range", query="vector(1)", start="2026-11-24T08:00:00Z", end="2026-11-24T08:10:00Z",
                 step="5m")  # fmt: skip
    assert [pair[1] for pair in found["result"][0]["values"]] == ["1", "1", "1"]
    assert found["result"][0]["values"][0][0] == 1795507200


@pytest.mark.parametrize(
    ("path", "params", "status", "kind", "message"),
    [
        ("query", {"query": "up +"}, 400, "bad_data", 'invalid parameter "query": 1:5: parse error: unexpected end'),
        ("query", {"query": "up", "time": "x"}, 400, "bad_data", 'invalid parameter "time": cannot parse "x"'),
        ("query_range", {"query": "up", "start": "2", "end": "1", "step": "1"}, 400, "bad_data", "must not be before"),
        ("query_range", {"query": "up", "start": "0", "end": "9", "step": "0"}, 400, "bad_data", "zero or negative"),
        ("query_range", {"query": "up", "start": "0", "end": "99999", "step": "1"}, 400, "bad_data", "11,000 points"),
        ("query_range", {"query": "up", "start": "0", "end": "9", "step": "1x"}, 400, "bad_data", "valid duration"),
        ("query_range", {"query": "up[5m]", "start": "0", "end": "9", "step": "1"}, 422, "execution", "range vector"),
        ("query", {"query": "info(up)"}, 422, "execution", "function info() is not supported"),
        ("query", {"query": "up + on () up"}, 422, "execution", "many-to-many matching not allowed"),
        ("series", {}, 400, "bad_data", "no match[] parameter provided"),
        ("series", {"match[]": "{"}, 400, "bad_data", 'invalid parameter "match[]": 1:2: parse error'),
    ],
)
def test_bad_requests_are_refused_in_prometheus_json(
    client: TestClient, path: str, params: dict[str, str], status: int, kind: str, message: str
) -> None:
    response = client.get(f"/api/v1/{path}", params=params)
    body = response.json()
    assert (response.status_code, body["status"], body["errorType"]) == (status, "error", kind)
    assert message in body["error"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, "3"), (0.25, "0.25"), (float("nan"), "NaN"), (float("-inf"), "-Inf"), (1e-7, "1e-07"), (1.5e21, "1.5e+21"),
     (2e20, "200000000000000000000"), (0.00001, "0.00001"), (-0.5, "-0.5")],
)  # fmt: skip
def test_values_are_spelled_as_go_spells_them(value: float, text: str) -> None:
    assert number(value) == text


def test_values_of_long_answers_are_spelled_the_same_way(client: TestClient) -> None:
    query = "vector(time() % 7 / 4) or vector(1e20)"
    found = data(client, "query_range", query=query, start="100", end="130", step="1")["result"][0]["values"]
    assert [value for _, value in found] == [number(at % 7 / 4) for at, _ in found]
    assert timestamp(1435781430781) == "1435781430.781"


def test_other_routes_have_the_vendors_shapes(client: TestClient) -> None:
    assert data(client, "status/buildinfo")["version"].startswith("3.")
    assert {"yaml"} == set(data(client, "status/config"))
    assert data(client, "metadata", metric="up")["up"][0]["type"] == "gauge"
    target = next(t for t in data(client, "targets")["activeTargets"] if t["labels"]["job"] == "payment")
    assert target["health"] == "up"
    assert target["scrapePool"] == "payment"
    assert "job" in data(client, "labels")
    assert client.get("/-/healthy").status_code == client.get("/-/ready").status_code == 200


def test_rules_show_the_alerts_they_raise(client: TestClient) -> None:
    rules = {rule["name"]: rule for group in data(client, "rules")["groups"] for rule in group["rules"]}
    firing = rules["HighErrorRate"]
    assert (firing["state"], firing["type"], firing["duration"]) == ("firing", "alerting", 300)
    services = {alert["labels"]["service"] for alert in firing["alerts"]}
    assert "payment" in services
    assert rules["TargetDown"]["state"] == "inactive"
    alerts = data(client, "alerts")["alerts"]
    assert {alert["labels"]["service"] for alert in alerts} >= services
    assert "e-01" in alerts[0]["value"]


def test_only_living_pods_have_samples_and_new_ones_start_at_zero(metrics: WorldMetrics, bad_deploy: World) -> None:
    text = 'http_server_request_duration_seconds_count{service="payment",http_response_status_code="201"}'
    shown = {value_of(series.labels, "pod") for series in instant(text, metrics, AT).series}
    alive = {pod.name for pod in bad_deploy.pods(bad_deploy.now()) if pod.service == "payment"}
    assert shown == alive
    before = {value_of(series.labels, "pod") for series in instant(text, metrics, ONSET - 60_000).series}
    assert before.isdisjoint(alive)
    for series in range_query(text, metrics, ONSET - 600_000, AT, 15_000).series:
        assert (np.diff(series.values) >= 0).all()
        if value_of(series.labels, "pod") in alive:
            assert series.values[0] < 60


def test_names_are_listed_although_a_pod_never_ran() -> None:
    world = make_world("wrong-image-tag")
    assert any(not pod.runs for pod in world.all_pods())
    with TestClient(create_app(world)) as client:
        names = data(client, "label/__name__/values", **{"match[]": '{namespace="shop"}'})
    assert "process_start_time_seconds" in names


def test_histogram_buckets_agree_with_count(metrics: WorldMetrics) -> None:
    name = "http_server_request_duration_seconds"
    difference = f'{name}_bucket{{le="+Inf"}} - ignoring (le) {name}_count'
    found = instant(difference, metrics, AT).series
    assert found
    assert all(series.values[0] == 0 for series in found)
    assert instant(f'{name}_bucket{{le="0.1"}} > ignoring (le) {name}_bucket{{le="0.25"}}', metrics, AT).series == []


@pytest.mark.parametrize(
    "name",
    [
        "kube_pod_status_phase", "kube_pod_status_ready", "kube_pod_container_status_restarts_total", "kube_pod_owner",
        "kube_pod_container_resource_limits", "kube_replicaset_owner", "kube_deployment_status_replicas_available",
        "kube_deployment_status_observed_generation", "kube_node_status_condition", "container_cpu_usage_seconds_total",
        "container_memory_working_set_bytes", "container_cpu_cfs_throttled_periods_total",
        "container_network_receive_bytes_total", "node_cpu_seconds_total", "node_memory_MemAvailable_bytes", "up",
        "process_start_time_seconds", "pg_stat_database_xact_commit", "redis_commands_processed_total",
    ],
)  # fmt: skip
def test_metric_family_has_series_and_metadata(metrics: WorldMetrics, name: str) -> None:
    assert instant(name, metrics, AT).series
    assert metrics.metadata()[name].help


def test_every_name_with_samples_is_documented(metrics: WorldMetrics) -> None:
    known = metrics.metadata()
    names = {value_of(s.labels, NAME) for s in instant('count by (__name__) ({__name__!=""})', metrics, AT).series}
    plain = {name if name in known else name.rpartition("_")[0] for name in names}
    assert plain <= set(known)


def test_reading_the_past_twice_gives_the_same_whatever_was_asked_between(bad_deploy: World) -> None:
    text = "sum by (pod) (rate(container_cpu_usage_seconds_total[5m]))"
    window = (AT - 7_200_000, AT - 3_600_000, 30_000)
    first = WorldMetrics(bad_deploy)
    alone = range_query(text, first, *window).series
    range_query(text, first, AT - 20_000_000, AT, 60_000)
    later = range_query(text, WorldMetrics(make_world("bad-deploy")), *window).series
    again = range_query(text, first, *window).series
    for one, two, three in zip(alone, again, later, strict=True):
        assert one.labels == two.labels == three.labels
        assert (one.values == two.values).all()
        assert np.allclose(one.values, three.values, rtol=1e-9)


def test_label_sets_listed_are_those_with_samples(metrics: WorldMetrics) -> None:
    selector = ((),)
    listed = metrics.series(selector, AT - 1_800_000, AT)
    read = {
        labels
        for block in metrics.select(selector, AT - 1_800_000, AT)
        for row, labels in enumerate(block.labels)
        if not np.isnan(block.values[row]).all()
    }
    assert listed == read


@pytest.mark.parametrize("scenario", ["healthy", "recovered"])
def test_rules_are_silent_when_all_is_well(scenario: str) -> None:
    alerting = Alerting(WorldMetrics(make_world(scenario)), shipped_rules())
    assert alerting.at(AT) == ()


def test_bad_deploy_fires_after_its_hold_time(metrics: WorldMetrics) -> None:
    alerting = Alerting(metrics, shipped_rules())
    alert = next(a for a in alerting.at(AT) if value_of(a.labels, "service") == "payment")
    assert ONSET < alert.active_at < ONSET + 300_000
    assert alert.fired_at == alert.active_at + 300_000
    pending = [a for a in alerting.at(alert.active_at + 60_000) if a.labels == alert.labels]
    assert [one.firing for one in pending] == [False]
    assert alerting.at(ONSET - 60_000) == ()


def test_rule_holds_only_over_an_unbroken_run() -> None:
    rules = parse_rules("groups: [{name: g, interval: 30s, rules: [{alert: A, expr: m > 0, for: 2m}]}]")
    values = [0, 1, 1, 1, 1, 1, 0, 1, 1, 1]
    source = MemorySource({make_labels({NAME: "m"}): {30_000 * i: float(v) for i, v in enumerate(values)}})
    alerting = Alerting(source, rules)
    states = [[("firing" if a.firing else "pending", a.active_at) for a in alerting.at(30_000 * i)] for i in range(10)]
    assert states[4] == [("pending", 30_000)]
    assert states[5] == [("firing", 30_000)]
    assert states[6] == []
    assert states[9] == [("pending", 210_000)]


def test_the_same_evaluation_is_not_read_twice(metrics: WorldMetrics, monkeypatch: pytest.MonkeyPatch) -> None:
    alerting = Alerting(metrics, shipped_rules())
    first = alerting.at(AT)
    monkeypatch.setattr(metrics, "select", None)
    assert alerting.at(AT + 20_000) == first
    with pytest.raises(TypeError):
        alerting.at(AT + 60_000)


def test_templates_are_filled_and_unknown_ones_refused() -> None:
    labels = make_labels({"service": "x"})
    assert expand("{{ $labels.service }}: {{ $value | humanizePercentage }}", labels, 0.3539) == "x: 35.39%"
    assert expand('{{ printf "%.1f" $value }}', labels, 2.25) == "2.2"
    assert expand("{{ $value | humanizeDuration }}", labels, 3725) == "1h 2m 5s"
    with pytest.raises(ValueError, match="not supported"):
        expand("{{ query `up` }}", labels, 0.0)


def test_alertmanager_alerts_have_the_vendors_fields(bad_deploy: World) -> None:
    with TestClient(create_alertmanager(bad_deploy)) as client:
        alerts = client.get("/api/v2/alerts").json()
        assert alerts
        for alert in alerts:
            assert set(alert) == {
                "annotations", "endsAt", "fingerprint", "receivers", "startsAt", "status", "updatedAt",
                "generatorURL", "labels",
            }  # fmt: skip
            assert alert["status"] == {"inhibitedBy": [], "silencedBy": [], "state": "active"}
            assert alert["fingerprint"] == fingerprint(alert["labels"])
            assert {"alertname", "severity", "namespace", "service"} <= set(alert["labels"])
            assert {"summary", "description", "runbook_url"} <= set(alert["annotations"])
        assert client.get("/api/v2/alerts", params={"filter": 'service="payment"'}).json() == [
            alert for alert in alerts if alert["labels"]["service"] == "payment"
        ]
        assert client.get("/api/v2/alerts", params={"active": "false"}).json() == []
        assert client.get("/api/v2/alerts", params={"filter": "nonsense"}).status_code == 400
        groups = client.get("/api/v2/alerts/groups").json()
        assert sum(len(group["alerts"]) for group in groups) == len(alerts)
        assert client.get("/api/v2/receivers").json() == [{"name": "default"}]
        assert client.get("/api/v2/status").json()["versionInfo"]["version"] == "0.25.0"
        assert client.get("/-/healthy").status_code == 200


def test_a_silence_without_a_matcher_that_excludes_anything_is_refused(bad_deploy: World) -> None:
    with TestClient(create_alertmanager(bad_deploy)) as client:
        body = {
            "matchers": [{"name": "alertname", "value": ".*", "isRegex": True}],
            "startsAt": ORIGIN.isoformat(),
            "endsAt": (NOW + timedelta(hours=1)).isoformat(),
            "createdBy": "x",
            "comment": "y",
        }
        assert client.post("/api/v2/silences", json=body).status_code == 400
        assert client.post("/api/v2/silences", content=b"{").status_code == 400
        assert client.delete("/api/v2/silence/nope").status_code == 422


def test_fingerprint_is_the_one_prometheus_computes() -> None:
    # The fingerprint of an empty label set is FNV-1a's offset basis, as in prometheus/common.
    assert fingerprint({}) == "cbf29ce484222325"
    assert fingerprint({"a": "b"}) != fingerprint({"a": "c"})
