"""All five servers, through the toolbox, against the sandbox: one incident seen from every side."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from patience import patient
from pydantic import BaseModel

from autodevops import servers
from autodevops.domain.tool_results import (
    AlertGroupList,
    AlertList,
    CommitResult,
    Comparison,
    DeploymentList,
    FileResult,
    LogResult,
    LogTail,
    MetadataList,
    NameList,
    PodLogs,
    PullRequestList,
    PullRequestResult,
    ResourceList,
    RolloutHistory,
    RuleList,
    SeriesResult,
    TargetList,
    TraceComparison,
    TraceList,
    TraceResult,
)
from autodevops.kernel.errors import ToolDenied, ToolNotFound, ToolRejected
from autodevops.sandbox import Sandbox
from autodevops.servers import github
from autodevops.settings import GitHubSettings, load_settings
from autodevops.toolbox import McpToolbox, ReadOnly, Timeout
from autodevops.toolbox.protocol import Tools

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
WINDOW = {"start": (NOW - timedelta(minutes=60)).isoformat(), "end": NOW.isoformat()}
M = TypeVar("M", bound=BaseModel)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(scenario="bad-deploy", seed=1, now=NOW) as running:
        yield running


@pytest.fixture
async def tools(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Tools]:
    for name, value in patient(sandbox).items():
        monkeypatch.setenv(name, value)
    sandbox.write_kubeconfig(tmp_path / "kubeconfig")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    settings = load_settings()
    async with McpToolbox({name: servers.create(name, settings) for name in servers.NAMES}) as toolbox:
        yield Timeout(ReadOnly(toolbox), 90)


def culprit_of(sandbox: Sandbox) -> str:
    assert sandbox.truth.subject is not None
    return sandbox.truth.subject.name


async def read(tools: Tools, model: type[M], tool: str, **arguments: Any) -> M:
    return model.model_validate((await tools.call(tool, arguments)).data)


async def test_the_rollout_before_the_errors_is_in_the_history(sandbox: Sandbox, tools: Tools) -> None:
    culprit = culprit_of(sandbox)
    history = await read(tools, RolloutHistory, "kubernetes.get_rollout_history", kind="deploy", name=culprit)
    assert history.namespace == "shop"
    newest, *older = history.revisions
    assert older
    assert newest.images != older[0].images
    assert sandbox.truth.onset is not None
    onset = NOW + timedelta(seconds=sandbox.truth.onset)
    assert NOW - timedelta(minutes=60) < newest.created_at <= onset + timedelta(minutes=1)


async def test_objects_events_and_logs_are_there(tools: Tools) -> None:
    pods = await read(tools, ResourceList, "kubernetes.list_resources", kind="pods", namespace="shop", output="full")
    assert pods.items
    assert {item["kind"] for item in pods.items} == {"Pod"}
    name = pods.items[0]["metadata"]["name"]  # type: ignore[index, call-overload]
    logs = await read(tools, PodLogs, "kubernetes.get_pod_logs", name=name, namespace="shop", tail_lines=5)
    assert 0 < len(logs.lines) <= 5
    events = await read(tools, ResourceList, "kubernetes.list_events", namespace="shop")
    assert events.items


async def test_requests_are_counted_and_the_alert_fires(tools: Tools) -> None:
    query = 'sum by (service) (rate(http_server_request_duration_seconds_count{namespace="shop"}[5m]))'
    rates = await read(tools, SeriesResult, "prometheus.query_range", query=query, step_seconds=60, **WINDOW)
    assert len(rates.series) > 1
    assert all(len(line.samples) > 50 for line in rates.series)
    metrics = await read(tools, NameList, "prometheus.list_metrics")
    assert {"up", "kube_pod_info"} <= set(metrics.names)
    alerts = await read(tools, AlertList, "prometheus.list_alerts")
    assert any(alert.state == "firing" for alert in alerts.alerts)
    groups = await read(tools, AlertGroupList, "prometheus.list_alert_groups")
    assert any(alert.state == "firing" for group in groups.groups for alert in group.alerts)


async def test_errors_are_in_the_logs_with_a_trace_to_follow(sandbox: Sandbox, tools: Tools) -> None:
    query = f'{{namespace="shop",app="{culprit_of(sandbox)}"}} | detected_level="error"'
    logs = await read(tools, LogResult, "loki.query_logs", query=query, limit=20, **WINDOW)
    assert logs.records
    assert {record.severity for record in logs.records} == {"error"}
    trace_id = next(record.trace_id for record in logs.records if record.trace_id)
    trace = (await read(tools, TraceResult, "tempo.get_trace", trace_id=trace_id)).trace
    assert any(span.status == "error" for span in trace.spans)
    assert len([span for span in trace.spans if not span.parent_span_id]) == 1


async def test_failing_traces_are_found(sandbox: Sandbox, tools: Tools) -> None:
    query = f'{{ resource.service.name="{culprit_of(sandbox)}" && status=error }}'
    found = await read(tools, TraceList, "tempo.search_traces", query=query, **WINDOW)
    assert found.traces
    services = await read(tools, NameList, "tempo.list_tag_values", tag="resource.service.name")
    assert culprit_of(sandbox) in services.names


async def test_the_merged_pull_request_and_its_commit_are_found(sandbox: Sandbox, tools: Tools) -> None:
    pulls = await read(tools, PullRequestList, "github.list_pulls", repository="acme/shop")
    merged = next(pull for pull in pulls.pulls if pull.merged_at and pull.merge_commit_sha)
    whole = await read(tools, PullRequestResult, "github.get_pull", repository="acme/shop", number=merged.number)
    assert whole.pull.files
    sha = merged.merge_commit_sha
    commit = await read(tools, CommitResult, "github.get_commit", repository="acme/shop", sha=sha)
    assert commit.commit.sha == sha


async def test_what_is_scraped_and_what_rules_measure_is_read(tools: Tools) -> None:
    targets = await read(tools, TargetList, "prometheus.list_targets", health="up")
    assert targets.up == len(targets.targets) > 10
    rules = await read(tools, RuleList, "prometheus.list_rules", type="alerting", name="errorrate")
    assert [rule.name for rule in rules.rules] == ["HighErrorRate"]
    metadata = await read(tools, MetadataList, "prometheus.get_metadata", metric="kube_pod_info")
    assert [one.type for one in metadata.metrics] == ["gauge"]


async def test_a_failing_trace_differs_from_those_before_the_rollout_where_the_culprit_is(
    sandbox: Sandbox, tools: Tools
) -> None:
    culprit = culprit_of(sandbox)
    query = f'{{ resource.service.name="{culprit}" && status=error }}'
    failing = (await read(tools, TraceList, "tempo.search_traces", query=query, limit=1, **WINDOW)).traces[0]
    before = {"start": (NOW - timedelta(hours=3)).isoformat(), "end": (NOW - timedelta(hours=1)).isoformat()}
    found = await read(tools, TraceComparison, "tempo.compare_traces", trace_id=failing.trace_id, limit=5, **before)
    assert len(found.baseline) == 5
    assert found.errors > found.baseline_errors == 0
    first = found.operations[0]
    assert first.change == "failing"
    assert first.path[-1].startswith(f"{culprit} ")


async def test_logs_are_followed_as_they_are_written(tools: Tools) -> None:
    start = (NOW - timedelta(minutes=1)).isoformat()
    query = '{namespace="shop"}'
    seen = await read(tools, LogTail, "loki.tail_logs", query=query, start=start, seconds=30, max_lines=5)
    assert (len(seen.records), seen.via, seen.truncated) == (5, "websocket", True)


async def test_the_rollout_is_a_deployment_whose_version_brought_the_commit(sandbox: Sandbox, tools: Tools) -> None:
    found = (await read(tools, DeploymentList, "github.list_deployments", repository="acme/shop", limit=20)).deployments
    culprit = culprit_of(sandbox)
    new, old, *_ = (one for one in found if one.ref.startswith(f"{culprit}-"))
    assert new.state == "success"
    brought = await read(tools, Comparison, "github.compare_refs", repository="acme/shop", base=old.ref, head=new.ref)
    assert brought.ahead_by == len(brought.commits) > 0
    assert any(culprit in file.path for file in brought.files)
    path = next(file.path for file in brought.files if file.status == "modified")
    whole = await read(tools, FileResult, "github.get_file", repository="acme/shop", path=path, ref=new.ref)
    assert whole.text


@pytest.mark.parametrize(
    ("tool", "arguments", "error", "says"),
    [
        ("kubernetes.list_resources", {"kind": "pods", "namespace": "shp"}, ToolNotFound, "Namespace shp"),
        ("prometheus.query_instant", {"query": "sum(rate("}, ToolRejected, "parse error"),
        ("loki.query_logs", {"query": "{", **WINDOW}, ToolRejected, "parse error"),
        ("tempo.search_traces", {"query": "{ nope", **WINDOW}, ToolRejected, "TraceQL"),
        ("tempo.get_trace", {"trace_id": "f" * 32}, ToolNotFound, "does not exist"),
        ("github.list_commits", {"repository": "acme/nope"}, ToolNotFound, "acme/nope"),
    ],
)
async def test_bad_questions_are_named(
    tools: Tools, tool: str, arguments: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error) as caught:
        await tools.call(tool, arguments)
    assert type(caught.value) is error
    assert says.lower() in str(caught.value).lower()


async def test_wrong_github_token_is_denied(sandbox: Sandbox) -> None:
    url = sandbox.environment()["AUTODEVOPS_GITHUB__URL"]
    server = github.create_server(GitHubSettings.model_validate({"url": url, "token": "tok-wrong"}))
    async with McpToolbox({"github": server}) as toolbox:
        with pytest.raises(ToolDenied, match="AUTODEVOPS_GITHUB__TOKEN") as caught:
            await toolbox.call("github.list_commits", {"repository": "acme/shop"})
    assert "tok-wrong" not in str(caught.value)
