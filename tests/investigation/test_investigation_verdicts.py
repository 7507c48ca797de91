"""The engine over a scripted world: what it blames, what it does not, and what it says when it cannot see."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from investigation.investigation_world import (
    END,
    Service,
    World,
    bad_deploy,
    between,
    cited,
    known,
    lines,
    minutes,
    since,
    stamp,
)

from autodevops.domain.chart import LogTable, MetricChart, ServiceMap, TraceChart
from autodevops.domain.investigation import Investigation
from autodevops.domain.stream import ChartReady, FindingRaised, TurnEvent
from autodevops.domain.subject import Subject
from autodevops.domain.window import TimeWindow
from autodevops.investigation import Request, investigate
from autodevops.investigation.replay import ReplaySource, capture
from autodevops.kernel.errors import UsageError
from autodevops.toolbox.recorder import Recorder

ONSET = END - minutes(25)


def _quiet(**world: Any) -> World:
    return World(
        [Service("gateway", calls=("ledger", "search")), Service("ledger", rate=12), Service("search", rate=9)],
        **world,
    )


def _alert(name: str, namespace: str, severity: str) -> dict[str, Any]:
    labels = {"alertname": name, "namespace": namespace, "severity": severity}
    return {"labels": labels, "state": "firing", "starts_at": stamp(ONSET)}


def _essence(result: Investigation) -> tuple[object, ...]:
    return (
        result.verdict,
        [(h.reason, h.subject.name, h.confidence) for h in result.hypotheses],
        sorted((f.reason, f.subject.name, f.severity) for f in result.findings),
    )


async def test_the_deploy_that_broke_it_is_named_with_its_code() -> None:
    world = bad_deploy()
    result = await world.investigate()
    top = result.hypotheses[0]
    assert result.verdict == "explained"
    assert (top.reason, top.subject) == ("BadRollout", world.subject("ledger"))
    assert top.confidence > 0.8
    assert top.summary.startswith("Revision 7 of ledger fails 29 % of its requests since 11:35 UTC")
    assert "gateway and transfers suffer with it" in result.summary
    why = " ".join(claim.text for claim in top.supports)
    for word in ("ledger:2.4 -> registry.example/ledger:2.5", "#42", "commit 3f2a9c1be4"):
        assert word in why
    assert "kubectl -n bank rollout undo deployment/ledger" in [a.command for a in top.suggested_actions]
    onset = next(f.onset for f in result.findings if f.reason == "ErrorRateIncreased" and f.subject == top.subject)
    assert onset is not None
    assert abs(onset - ONSET) <= timedelta(minutes=1)


async def test_without_a_commit_a_pull_request_is_named_as_probable() -> None:
    world = bad_deploy()
    old, (number, at, image, _) = world.services[3].revisions
    world.services[3].revisions = (old, (number, at, image, ""))
    world.pulls[0]["title"] = "Ledger: post in one step"
    result = await world.investigate()
    assert any("It probably brings pull request #42" in claim.text for claim in result.hypotheses[0].supports)
    assert "#42" not in result.summary


async def test_callers_that_only_suffer_are_not_blamed() -> None:
    result = await bad_deploy().investigate()
    assert all(h.confidence < 0.3 for h in result.hypotheses if h.subject.name != "ledger")
    assert any("suffer" in claim.text for claim in result.hypotheses[0].supports)


async def test_every_claim_cites_evidence_that_is_there_and_ok() -> None:
    result = await bad_deploy().investigate()
    evidence = known(result)
    assert cited(result) <= set(evidence)
    for hypothesis in result.hypotheses:
        for claim in (*hypothesis.supports, *hypothesis.contradicts):
            assert claim.evidence
            assert all(evidence[item].ok for item in claim.evidence)


async def test_charts_show_signals_with_marks_an_example_trace_and_the_errors() -> None:
    result = await bad_deploy().investigate()
    metrics = [chart for chart in result.charts if isinstance(chart, MetricChart)]
    assert [chart.unit for chart in metrics] == ["1", "s", "{request}/s"]
    assert {mark.kind for mark in metrics[0].marks} == {"onset", "change"}
    assert metrics[0].series[0].labels["workload"] == "ledger"
    assert any(isinstance(chart, TraceChart) for chart in result.charts)
    logs = next(chart for chart in result.charts if isinstance(chart, LogTable))
    assert all(record.severity == "error" for record in logs.records)
    assert sum(len(pattern.records) for pattern in logs.patterns) == len(logs.records)
    trace = next(chart for chart in result.charts if isinstance(chart, TraceChart))
    assert trace.critical_path
    assert set(trace.critical_path) <= {span.span_id for span in trace.trace.spans}


async def test_the_map_marks_who_is_suspected_and_who_suffers() -> None:
    result = await bad_deploy().investigate()
    shown = next(chart for chart in result.charts if isinstance(chart, ServiceMap))
    roles = {service.name: service.role for service in shown.services}
    assert [name for name, role in roles.items() if role == "suspect"] == ["ledger"]
    assert "suffers" in roles.values()
    ids = {service.id for service in shown.services}
    assert all(call.caller in ids and call.callee in ids for call in shown.calls)
    assert any(call.on_path and call.failed for call in shown.calls)
    assert set(shown.evidence) <= {item.id for item in result.evidence}
    assert [service.name for service in shown.services if service.kind == "Service"] == []  # each is its workload


async def test_what_is_emitted_is_what_is_returned() -> None:
    events: list[TurnEvent] = []
    result = await bad_deploy().investigate(emit=events.append)
    assert {e.finding for e in events if isinstance(e, FindingRaised)} == set(result.findings)
    assert [e.chart for e in events if isinstance(e, ChartReady)] == list(result.charts)


async def test_a_quiet_namespace_is_healthy() -> None:
    result = await _quiet().investigate()
    assert (result.verdict, result.hypotheses, result.findings) == ("healthy", (), ())
    assert result.charts


async def test_a_recovered_incident_is_healthy_now_and_told() -> None:
    world = _quiet()
    world.services[1].failing = between(END - minutes(45), END - minutes(20), 0.3)
    result = await world.investigate()
    assert (result.verdict, result.hypotheses) == ("healthy", ())
    assert "11:15 UTC to 11:39 UTC" in result.summary
    assert [f.severity for f in result.findings] == ["info"]


async def test_a_past_incident_is_told_from_where_it_began() -> None:
    """Callers failed as well, and an alphabetically earlier one as early; the rollout that began it is named."""
    world = bad_deploy()
    for service in world.services:
        if service.failing(END) > 0.01:
            service.failing = between(ONSET, END - minutes(8), service.failing(END))
        service.slower, service.logs, service.origin = (lambda _at: 1.0), (), False
    result = await world.investigate()
    assert result.verdict == "healthy"
    assert "Earlier: ledger failed 30 % of its requests from 11:35 UTC to 11:51 UTC" in result.summary
    assert "It began 1 min after revision 7 was rolled out" in result.summary


async def test_a_change_elsewhere_is_a_red_herring() -> None:
    """`search` was rolled out a minute before `ledger` began to fail without any change to it."""
    world = bad_deploy()
    ledger, search = world.services[3], world.services[2]
    search.revisions, ledger.revisions = ledger.revisions, ()
    result = await world.investigate()
    assert result.hypotheses[0].subject.name == "ledger"
    assert result.hypotheses[0].reason == "ErrorRateIncreased"
    assert "search" not in {h.subject.name for h in result.hypotheses}
    assert any("has no trouble of its own" in c.text for c in result.hypotheses[0].supports)


async def test_a_callers_deploy_at_the_same_time_is_a_red_herring() -> None:
    world = bad_deploy()
    world.services[1].revisions, world.services[3].revisions = world.services[3].revisions, ()
    result = await world.investigate()
    assert result.hypotheses[0].subject.name == "ledger"
    assert result.hypotheses[0].confidence > 0.5


async def test_a_rollout_after_the_onset_is_no_cause() -> None:
    world = bad_deploy()
    old, new = world.services[3].revisions
    world.services[3].revisions = (old, (new[0], ONSET + minutes(10), *new[2:]))
    result = await world.investigate()
    assert result.hypotheses[0].reason != "BadRollout"
    assert "rollout undo" not in " ".join(a.command for a in result.hypotheses[0].suggested_actions)


async def test_slowness_of_a_callee_explains_its_callers() -> None:
    world = bad_deploy()
    for service in world.services:
        service.failing, service.logs, service.origin = (lambda _at: 0.001), (), False
    world.services[0].slower = since(ONSET, 2.0, 1.0)
    world.services[1].slower = since(ONSET, 2.2, 1.0)
    result = await world.investigate()
    assert result.verdict == "explained"
    assert (result.hypotheses[0].reason, result.hypotheses[0].subject.name) == ("BadRollout", "ledger")


async def test_slow_traces_tell_who_is_slow_by_itself() -> None:
    """No rollout and no errors: only the time spent in `ledger` itself sets it apart from its callers."""
    world = bad_deploy()
    for service in world.services:
        service.failing, service.logs, service.origin, service.revisions = (lambda _at: 0.001), (), False, ()
    for service in world.services[:2]:
        service.slower = since(ONSET, 2.0, 1.0)
    world.services[3].work = since(ONSET, 20.0, 1.0)
    result = await world.investigate()
    assert result.hypotheses[0].subject.name == "ledger"
    assert [f.subject.name for f in result.findings if f.reason == "SlowSpansInService"] == ["ledger"]
    assert all(h.confidence < 0.3 for h in result.hypotheses[1:])


async def test_errors_without_any_trace_of_a_cause_stay_undetermined() -> None:
    world = _quiet()
    world.services[1].failing = since(ONSET, 0.3)
    result = await world.investigate()
    assert result.verdict == "undetermined"
    assert result.hypotheses[0].subject.name == "ledger"
    assert result.hypotheses[0].confidence < 0.5


async def test_two_independent_faults_are_two_hypotheses() -> None:
    world = bad_deploy()
    world.services[2].container_status = {
        "restartCount": 5,
        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": stamp(END - minutes(3))}},
    }
    result = await world.investigate()
    named = [(h.reason, h.subject.name) for h in result.hypotheses]
    assert named == [("BadRollout", "ledger"), ("OOMKilled", "search")]
    second = result.hypotheses[1]
    assert second.apart
    assert second.confidence > 0.7
    assert "suffer with it. A second cause, apart from it: " in result.summary


async def test_what_fails_alike_at_once_is_one_trouble() -> None:
    world = World([Service("ledger"), Service("search", rate=9)])
    for service in world.services:
        service.container_status = {
            "state": {"waiting": {"reason": "ErrImagePull", "message": f"{service.name}: not found"}}
        }
    _, second = (await world.investigate()).hypotheses
    assert not second.apart


async def test_an_address_in_the_environment_stands_in_for_missing_traces() -> None:
    world = bad_deploy(away=frozenset({"tempo"}))
    world.services[1].env = {"LEDGER_URL": "http://ledger.bank.svc:8080/v1"}
    world.services[0].env = {"UPSTREAM": "transfers:8080", "NOTE": "my ledger"}
    result = await world.investigate()
    assert result.hypotheses[0].subject.name == "ledger"
    assert all(h.confidence < 0.2 for h in result.hypotheses[1:])


@pytest.mark.parametrize("system", ["kubernetes", "prometheus", "loki", "tempo", "github"])
async def test_one_system_away_still_gives_an_answer(system: str) -> None:
    result = await bad_deploy(away=frozenset({system})).investigate()
    assert result.hypotheses[0].subject.name == "ledger"
    assert result.verdict == "explained"
    assert system in {gap.tool.split(".")[0] for gap in result.missing}
    assert "could not be read" in result.summary
    assert all("connection refused" in gap.error for gap in result.missing)


@pytest.mark.parametrize(
    ("system", "verdict"),
    [
        ("kubernetes", "undetermined"),
        ("prometheus", "undetermined"),
        ("loki", "healthy"),
        ("tempo", "healthy"),
        ("github", "healthy"),
    ],
)
async def test_health_is_claimed_only_by_who_can_see_it(system: str, verdict: str) -> None:
    result = await _quiet(away=frozenset({system})).investigate()
    assert (result.verdict, result.hypotheses) == (verdict, ())
    assert "could not be read" in result.summary


async def test_kube_state_metrics_stand_in_for_the_api() -> None:
    world = bad_deploy(away=frozenset({"kubernetes"}), kube_state=True)
    result = await world.investigate()
    top = result.hypotheses[0]
    assert (result.verdict, top.reason, top.subject) == ("explained", "BadRollout", world.subject("ledger"))
    assert result.summary.startswith("A new revision of ledger fails")
    assert "Kubernetes could not be read" in result.summary


async def test_nothing_reachable_is_said_so() -> None:
    systems = frozenset({"kubernetes", "prometheus", "loki", "tempo", "github"})
    result = await bad_deploy(away=systems).investigate()
    assert (result.verdict, result.hypotheses) == ("undetermined", ())
    assert "Kubernetes, Prometheus, Loki, Tempo and GitHub could not be read" in result.summary


async def test_unknown_namespace_is_named_with_its_neighbours() -> None:
    with pytest.raises(UsageError, match="Namespace bnak does not exist") as raised:
        await _quiet().investigate(namespace="bnak")
    assert "bank" in raised.value.next_step


@pytest.mark.parametrize("name", ["Bank", 'x"} or {namespace="y', "a" * 64])
async def test_what_cannot_be_a_namespace_is_never_asked_about(name: str) -> None:
    tools = _quiet().tools()
    request = Request(namespace=name, window=TimeWindow.ending(END, timedelta(hours=1)))
    with pytest.raises(UsageError, match="is not the name of a namespace"):
        await investigate(request, Recorder(tools))
    assert tools.calls == []


async def test_the_same_evidence_gives_the_same_investigation() -> None:
    first, second = await bad_deploy().investigate(), await bad_deploy().investigate()
    timeless = {"evidence": {"__all__": {"duration_ms"}}}
    assert first.model_dump_json(exclude=timeless) == second.model_dump_json(exclude=timeless)
    assert first.id == second.id


async def test_another_question_is_another_investigation() -> None:
    assert (await _quiet().investigate(question="a?")).id != (await _quiet().investigate(question="b?")).id


async def test_the_subject_asked_about_is_the_workload_of_that_name() -> None:
    world = _quiet()
    result = await world.investigate(subject=Subject(kind="Service", name="ledger", namespace="bank"))
    assert result.subject == world.subject("ledger")


async def test_the_order_of_answers_changes_nothing() -> None:
    plain, shuffled = await bad_deploy().investigate(), await bad_deploy(shuffled=True).investigate()
    assert _essence(plain) == _essence(shuffled)


@given(names=st.lists(st.from_regex(r"[a-z][a-z]{2,11}", fullmatch=True), min_size=5, max_size=5, unique=True))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_names_decide_nothing(names: list[str]) -> None:
    namespace, *new = names
    world = bad_deploy(namespace=namespace)
    renamed = dict(zip([s.name for s in world.services], new, strict=True))
    world.services = [
        replace(
            s,
            name=renamed[s.name],
            calls=tuple(renamed[c] for c in s.calls),
            revisions=tuple((n, at, image.replace(s.name, renamed[s.name]), sha) for n, at, image, sha in s.revisions),
        )
        for s in world.services
    ]
    result = await world.investigate()
    top = result.hypotheses[0]
    assert (result.verdict, top.reason, top.subject.name) == ("explained", "BadRollout", renamed["ledger"])


async def test_an_unrelated_healthy_workload_changes_nothing() -> None:
    world = bad_deploy()
    plain = await world.investigate()
    recent = (END - minutes(30), "registry.example/batch:2", "")
    world.services.append(
        Service("batch", rate=3, revisions=((1, END - timedelta(days=1), "registry.example/batch:1", ""), (2, *recent)))
    )
    assert _essence(plain) == _essence(await world.investigate())


async def test_unrelated_log_noise_raises_no_confidence() -> None:
    world = bad_deploy()
    plain = await world.investigate()
    noise = '{"level":"error","msg":"cache miss for key <n>"}'
    world.services[2].logs = lines(END - timedelta(hours=2), END, noise, minutes(1))
    assert _essence(plain) == _essence(await world.investigate())


async def test_a_new_error_that_hurts_no_request_is_context_only() -> None:
    world = _quiet()
    world.services[2].logs = lines(ONSET, END, '{"level":"error","msg":"cannot refresh cache"}', minutes(2))
    result = await world.investigate()
    assert result.verdict == "healthy"
    assert [(f.reason, f.severity) for f in result.findings] == [("ErrorLogsNew", "info")]


async def test_an_error_back_at_its_usual_rate_is_over() -> None:
    """Errors that occur now and then go on after the burst of an incident; only the burst is told, and as past."""
    world = _quiet()
    world.services[1].rate = 0  # without request metrics, logs are all there is to judge by
    usual = lines(END - timedelta(hours=2), END, '{"level":"error","msg":"upstream answered 502"}', minutes(6))
    burst = lines(END - minutes(50), END - minutes(30), usual[0][1], timedelta(seconds=10))
    world.services[1].logs = tuple(sorted(usual + burst))
    result = await world.investigate()
    assert [(f.reason, f.severity) for f in result.findings] == [("ErrorLogsNew", "info")]
    assert result.findings[0].onset is not None
    assert abs(result.findings[0].onset - (END - minutes(50))) <= minutes(1)
    assert result.verdict == "healthy"


async def test_stray_failing_traces_blame_nobody_when_requests_are_only_slow() -> None:
    world = bad_deploy()
    for service in world.services:
        service.failing, service.logs, service.origin = (lambda _at: 0.001), (), False
    world.services[2].failing, world.services[2].origin = (lambda _at: 0.02), True  # as always, and Tempo shows it
    world.services[0].slower = since(ONSET, 2.0, 1.0)
    result = await world.investigate()
    assert {h.subject.name for h in result.hypotheses} == {"ledger"}


async def test_a_firing_alert_alone_is_not_explained() -> None:
    alert = _alert("QueueGrows", "bank", "critical")
    watchdog, other = _alert("Watchdog", "bank", "none"), _alert("Elsewhere", "shop", "critical")
    result = await _quiet(alerts=[alert, watchdog, other]).investigate()
    assert result.verdict == "undetermined"
    assert [(f.reason, f.severity) for f in result.findings] == [("AlertFiring", "error")]
    assert [entry.kind for entry in result.timeline] == ["alert"]


async def test_errors_older_than_the_baseline_are_not_called_healthy() -> None:
    world = _quiet()
    world.services[1].failing = lambda _at: 0.2
    result = await world.investigate()
    assert result.verdict == "undetermined"
    assert result.hypotheses[0].reason == "ErrorRateHigh"


async def test_a_few_failures_of_a_seldom_asked_workload_are_no_incident() -> None:
    world = _quiet()
    world.services[1].rate = 0.01
    world.services[1].failing = since(ONSET, 0.4)
    assert (await world.investigate()).verdict == "healthy"


async def test_an_alert_of_an_exporter_is_about_the_workload_it_names() -> None:
    alert = _alert("KubeDeploymentReplicasMismatch", "bank", "warning")
    labels = {**alert["labels"], "deployment": "ledger", "job": "kube-state-metrics", "service": "ksm"}
    world = _quiet(alerts=[{**alert, "labels": labels}, _alert("Other", "bank", "warning")])
    result = await world.investigate()
    assert {str(f.subject) for f in result.findings} == {"Deployment bank/ledger", "Namespace bank"}


async def test_our_own_time_stays_under_its_budget(tmp_path: Path) -> None:
    """A second of CPU for a typical namespace; a replay leaves nothing but the engine in the measurement."""
    world = bad_deploy()
    world.services += [Service(f"extra{n}", rate=5 + n) for n in range(12)]
    source = ReplaySource(capture(await world.investigate(), tmp_path))
    spent = []
    for _ in range(3):
        started = time.process_time()
        await investigate(source.request, source)
        spent.append(time.process_time() - started)
    assert min(spent) < 1


async def test_a_hypothesis_says_why_it_comes_before_the_next() -> None:
    result = await bad_deploy().investigate()
    said = [claim for claim in result.hypotheses[0].supports if claim.text.startswith("It comes before ")]
    assert len(said) == 1
    assert "failing or slow requests start in it" in said[0].text or "it was changed just before" in said[0].text
    assert set(said[0].evidence) <= set(known(result))
