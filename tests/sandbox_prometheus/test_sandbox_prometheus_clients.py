"""promtool and amtool, which nobody here wrote, against the served APIs."""

from __future__ import annotations

import subprocess
from importlib.resources import files

from programs import require
from sandbox_prometheus.prometheus_serving import NOW, ORIGIN, make_world, served

from autodevops.sandbox.prometheus.app import create_app

AT = f"{NOW.timestamp():.0f}"
EARLIER = f"{NOW.timestamp() - 600:.0f}"


def run(program: str, package: str, *arguments: str, status: int = 0) -> str:
    found = subprocess.run([require(program, package), *arguments], capture_output=True, text=True, timeout=180)
    assert found.returncode == status, found.stdout + found.stderr
    return found.stdout + found.stderr


def promtool(*arguments: str, status: int = 0) -> str:
    return run("promtool", "prometheus", *arguments, status=status)


def amtool(address: str, *arguments: str) -> str:
    return run("amtool", "prometheus-alertmanager", "--alertmanager.url", address, *arguments)


def test_promtool_accepts_the_shipped_rules() -> None:
    path = files("autodevops.sandbox.prometheus") / "rules.yaml"
    assert "SUCCESS: 42 rules found" in promtool("check", "rules", str(path))


def test_instant_query_shows_which_service_fails(prometheus: str) -> None:
    text = (
        'sum by (service) (rate(http_server_request_duration_seconds_count{http_response_status_code="500"}[5m]))'
        " / sum by (service) (rate(http_server_request_duration_seconds_count[5m])) > 0.2"
    )
    out = promtool("query", "instant", prometheus, text, "--time", AT)
    assert out.startswith('{service="payment"} => 0.3')
    assert len(out.splitlines()) == 1


def test_range_query_shows_samples_at_each_step(prometheus: str) -> None:
    out = promtool(
        "query", "range", prometheus, 'kube_deployment_spec_replicas{deployment="payment"}',
        "--start", EARLIER, "--end", AT, "--step", "60s",
    )  # fmt: skip
    assert out.count("3 @[") == 11


def test_a_parse_error_reaches_the_client_in_prometheus_words(prometheus: str) -> None:
    out = promtool("query", "instant", prometheus, "sum(up", "--time", AT, status=1)
    assert 'bad_data: invalid parameter "query": 1:7: parse error: unclosed left parenthesis' in out


def test_series_lists_the_pods_of_the_new_version(prometheus: str, bad_deploy: object) -> None:
    out = promtool(
        "query", "series", prometheus, "--match", 'kube_pod_info{pod=~"payment-.*"}', "--start", EARLIER, "--end", AT
    )
    pods = {line.split('pod="')[1].split('"')[0] for line in out.splitlines()}
    world = make_world("bad-deploy")
    assert pods == {pod.name for pod in world.pods(world.now()) if pod.service == "payment"}


def test_label_values_are_listed_over_promtools_year_long_default_window(prometheus: str) -> None:
    world = make_world("bad-deploy")
    world.cluster.advance(world.now())
    names = {item["metadata"]["name"] for item in world.cluster.store.items("Namespace")}
    assert {"kube-system", "shop"} < names  # the observability stack itself is scraped from outside the cluster
    assert promtool("query", "labels", prometheus, "namespace").split() == sorted({*names, "observability"})


def test_healthy_world_has_no_alerts_series() -> None:
    with served(create_app(make_world("healthy"))) as address:
        out = promtool("query", "range", address, "ALERTS", "--start", EARLIER, "--end", AT, "--step", "30s")
    assert out.strip() == ""


def test_amtool_shows_silences_and_expires_alerts(alertmanager: str) -> None:
    assert amtool(alertmanager, "alert", "query").count("HighErrorRate") == 2
    assert amtool(alertmanager, "alert", "query", "service=payment").count("HighErrorRate") == 1
    silence = amtool(
        alertmanager, "silence", "add", "alertname=HighErrorRate", "service=~pay.*", "--author", "tester",
        "--comment", "known", "--start", ORIGIN.isoformat(), "--end", "2099-01-01T00:00:00Z",
    ).strip()  # fmt: skip
    assert "known" in amtool(alertmanager, "silence", "query")
    assert amtool(alertmanager, "alert", "query").count("HighErrorRate") == 1
    assert "suppressed" in amtool(alertmanager, "alert", "query", "--silenced")
    amtool(alertmanager, "silence", "expire", silence)
    assert amtool(alertmanager, "alert", "query").count("HighErrorRate") == 2
    assert "receiver: default" in amtool(alertmanager, "config", "show")


def test_amtool_adds_an_alert_and_sees_where_it_goes(alertmanager: str) -> None:
    amtool(alertmanager, "alert", "add", "alertname=DiskFull", "host=db-1", "--annotation=summary=full")
    assert "DiskFull" in amtool(alertmanager, "alert", "query", "host=db-1")
    assert "default" in amtool(alertmanager, "config", "routes", "test", "alertname=DiskFull")
