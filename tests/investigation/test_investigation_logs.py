"""What log lines tell the engine: causes by their own reason, near misses that must stay silent, who is at fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from investigation.investigation_world import END, Service, World, lines, minutes, since

from autodevops.domain.investigation import Investigation
from autodevops.investigation.rules import RULES
from autodevops.kernel.errors import ToolNotFound

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "log_states.yaml").read_text())
_CRASHING = {
    "restartCount": 7,
    "ready": False,
    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
    "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-03-09T11:58:00Z"}},
}
_RUNNING = {"restartCount": 0, "ready": True, "state": {"running": {"startedAt": "2026-03-01T00:00:00Z"}}}
_KINDS = {rule.reason for rule in RULES if rule.id >= "LOG010" and rule.id.startswith("LOG")}


@dataclass
class LoggingWorld(World):
    """A world whose containers that run have a log too."""

    tails: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def _pod_logs(self, arguments: Mapping[str, Any]) -> Any:
        if arguments["previous"]:
            return super()._pod_logs(arguments)
        found = next((tail for name, tail in self.tails.items() if str(arguments["name"]).startswith(name)), None)
        return {"lines": list(found)} if found is not None else ToolNotFound("no such container")


def _world(case: dict[str, Any]) -> World:
    onset = END - minutes(case.get("since", 20))
    written = case.get("lines")
    ledger = Service(
        "ledger",
        container_status=_CRASHING if "crash" in case else _RUNNING,
        previous_logs=tuple(case.get("crash", ())),
        logs=lines(onset, END, written, timedelta(seconds=case["every"])) if written else (),
        failing=since(onset, case["failing"]) if "failing" in case else Service("").failing,
    )
    away = frozenset({"loki"}) if "tail" in case else frozenset[str]()
    tails = {"ledger-": tuple(case.get("tail", ()))}
    return LoggingWorld([Service("gateway", calls=("ledger",)), ledger, Service("search")], away=away, tails=tails)


def _found(result: Investigation) -> list[str]:
    return sorted({finding.reason for finding in result.findings} & _KINDS)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_what_a_workload_writes_is_named_by_its_own_reason(case: dict[str, Any]) -> None:
    result = await _world(case).investigate()
    assert _found(result) == sorted(case["finds"])
    if "top" in case:
        assert result.hypotheses[0].reason == case["top"]
        assert result.hypotheses[0].subject.name == "ledger"
    if "says" in case:
        assert any(case["says"] in finding.message for finding in result.findings)
    if "verdict" in case:
        assert result.verdict == case["verdict"], result.summary


async def test_who_refuses_is_the_culprit_where_it_is_in_trouble_itself() -> None:
    world = LoggingWorld(
        [
            Service("gateway"),
            Service("ledger", container_status=_CRASHING, previous_logs=("connect ECONNREFUSED store:5432",)),
            Service("store", container_status=_CRASHING, previous_logs=("PANIC: No space left on device",)),
        ]
    )
    result = await world.investigate()
    assert _found(result) == ["ConnectionRefused", "VolumeFull"]
    assert (result.hypotheses[0].subject.name, result.hypotheses[0].reason) == ("store", "VolumeFull")


async def test_a_database_that_refuses_a_client_is_not_the_one_without_credentials() -> None:
    onset = END - minutes(20)
    body = 'FATAL:  password authentication failed for user "app<n>"'
    database = Service(
        "store",
        revisions=((1, END - timedelta(days=9), "docker.io/library/postgres:16", ""),),
        logs=lines(onset, END, f"error {body}", timedelta(seconds=10)),
    )
    result = await LoggingWorld([Service("gateway"), database]).investigate()
    assert _found(result) == []


async def test_a_container_between_two_starts_is_asked_for_its_present_log() -> None:
    tails = {"ledger-": ("required key PORT missing value",)}
    world = LoggingWorld([Service("gateway"), Service("ledger", container_status=_CRASHING)], tails=tails)
    assert _found(await world.investigate()) == ["EnvironmentMissing"]


async def test_a_database_whose_words_a_client_repeats_is_the_one_at_fault() -> None:
    onset = END - minutes(20)
    body = '{"level":"error","msg":"order <n>: store: ERROR:  cannot execute INSERT in a read-only transaction"}'
    ledger = Service(
        "ledger", logs=lines(onset, END, body, timedelta(seconds=10)), failing=since(onset, 0.3), origin=True
    )
    result = await LoggingWorld([Service("gateway", calls=("ledger",)), ledger, Service("store", rate=0)]).investigate()
    assert _found(result) == ["DatabaseReadOnly"]
    assert (result.hypotheses[0].subject.name, result.hypotheses[0].reason) == ("store", "DatabaseReadOnly")
    assert all(hypothesis.confidence < 0.5 for hypothesis in result.hypotheses[1:])


@pytest.mark.parametrize(("writers", "found"), [(("ledger", "search"), True), (("ledger",), False)])
async def test_dns_is_at_fault_where_several_cannot_resolve_what_is_there(
    writers: tuple[str, ...], found: bool
) -> None:
    onset = END - minutes(20)
    body = "ERROR request <n>: lookup gateway on 10.96.0.10:53: i/o timeout"
    services = [
        Service(name, logs=lines(onset, END, body, timedelta(seconds=10)), failing=since(onset, 0.3))
        for name in writers
    ]
    world = LoggingWorld([Service("gateway"), *services])
    named = {"name": "coredns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}}
    runs = {"replicas": 2, "availableReplicas": 2, "readyReplicas": 2}
    world.system = [{"kind": "Deployment", "metadata": named, "spec": {"replicas": 2}, "status": runs}]
    result = await world.investigate()
    assert ("DNSFailing" in {finding.reason for finding in result.findings}) == found
    if found:
        assert result.hypotheses[0].subject.name == "coredns"


@pytest.mark.parametrize(("until", "gone"), [(70, True), (30, False)])
async def test_an_error_that_ended_before_the_window_is_told_and_blames_nobody(until: int, gone: bool) -> None:
    written = lines(END - minutes(110), END - minutes(until), "ERROR order <n> failed", timedelta(seconds=60))
    result = await LoggingWorld([Service("gateway"), Service("ledger", logs=written)]).investigate()
    assert ("ErrorLogsGone" in {finding.reason for finding in result.findings}) == gone
    assert result.verdict == "healthy"


@pytest.mark.parametrize(
    ("noise", "every"), [(25.0, 30.0), (25.0, 2.0), (25.0, 0.5), (4.0, 2.0), (4.0, 1.0), (2.0, 0.5)]
)
async def test_when_lines_began_does_not_depend_on_how_many_of_them_are_read(noise: float, every: float) -> None:
    onset = END - minutes(22)
    now_and_then = lines(END - minutes(58), END, "ERROR retried: connection reset by peer", timedelta(seconds=noise))
    refused = lines(onset, END, "ERROR call failed: token used before issued", timedelta(seconds=every))
    ledger = Service("ledger", container_status=_RUNNING, failing=since(onset, 0.4), logs=(*now_and_then, *refused))
    result = await World([Service("gateway", calls=("ledger",)), ledger, Service("search", rate=9)]).investigate()
    told = {finding.reason: finding.onset for finding in result.findings}
    began = told["ClockSkewed"]
    assert began is not None
    assert abs(began - onset) < timedelta(minutes=1)
