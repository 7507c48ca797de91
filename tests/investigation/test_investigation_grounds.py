"""`healthy` is said only with what health rests on: each thing that may be missing, and what is then said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from investigation.investigation_world import END, Service, World, bad_deploy, minutes

from autodevops.domain.base import Json
from autodevops.domain.evidence import Evidence
from autodevops.domain.window import TimeWindow
from autodevops.investigation import Request, investigate
from autodevops.investigation.grounds import doubt_of
from autodevops.investigation.inventory import Inventory
from autodevops.investigation.picture import Picture
from autodevops.investigation.request import Span
from autodevops.kernel.errors import ToolDenied, ToolError, ToolRejected, ToolTimeout, ToolUnavailable, UsageError
from autodevops.toolbox.protocol import ToolAnswer, Tools, ToolSpec
from autodevops.toolbox.recorder import Recorder

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("grounds.yaml").read_text("utf-8"))

FAILURES: Mapping[str, ToolError] = {
    "unavailable": ToolUnavailable("It does not answer: connection refused.", "Start it."),
    "timeout": ToolTimeout("It took longer than 10 s.", "Narrow the query."),
    "denied": ToolDenied("It says 403.", "Ask for the right."),
    "rejected": ToolRejected("It says 400.", "Correct the query."),
}


@dataclass(frozen=True)
class Faulty:
    """`Tools` of which some calls fail or answer something else, as a case says."""

    inner: Tools
    faults: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    metrics_end: float | None = None

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        return await self.inner.list_tools(server)

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        for fault in self.faults:
            if _meant(fault, tool, arguments):
                raise FAILURES[fault["fails"]]
        answer = await self.inner.call(tool, arguments)
        for other in self.answers:
            if _meant(other, tool, arguments):
                return ToolAnswer(other.get("data", answer.data), other.get("truncated", False))
        if self.metrics_end is not None and tool == "prometheus.query_range":
            data: Any = json.loads(json.dumps(answer.data))
            for series in data["series"]:
                series["samples"] = [sample for sample in series["samples"] if sample[0] <= self.metrics_end]
            return ToolAnswer(data)
        return answer


def _meant(entry: Mapping[str, Any], tool: str, arguments: Mapping[str, Json]) -> bool:
    wanted = entry.get("with", "")
    named = tool == entry["tool"] or tool.startswith(f"{entry['tool']}.")
    return named and (wanted in str(arguments.get("query", "")) or arguments.get("kind") == wanted)


def _world(case: Mapping[str, Any]) -> World:
    services = [] if case.get("empty") else [Service("accounts", ("ledger",)), Service("ledger", rate=30)]
    return World(services)


def _tools(case: Mapping[str, Any], world: World) -> Faulty:
    ago = case.get("metrics_end_minutes_ago")
    end = (END - minutes(ago)).timestamp() if ago is not None else None
    return Faulty(world.tools(), case.get("faults", []), case.get("answers", []), end)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_health_is_said_only_with_what_it_rests_on(case: dict[str, Any]) -> None:
    world = _world(case)
    request = Request(namespace=world.namespace, window=TimeWindow.ending(END, timedelta(hours=1)))
    result = await investigate(request, Recorder(_tools(case, world), clock=lambda: END))
    assert (result.verdict, result.hypotheses) == (case["verdict"], ()), result.summary
    assert case["says"] in result.summary
    assert case.get("next", "") in result.next_step
    assert bool(result.next_step) == (result.verdict == "undetermined")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_what_is_missing_never_hides_a_deploy_that_broke_things(case: dict[str, Any]) -> None:
    """The same gaps over a real incident: whatever is said, it is not that all is well."""
    if case.get("empty"):
        return
    world = bad_deploy()
    request = Request(namespace=world.namespace, window=TimeWindow.ending(END, timedelta(hours=1)))
    result = await investigate(request, Recorder(_tools(case, world), clock=lambda: END))
    assert result.verdict != "healthy", result.summary


async def test_a_namespace_is_not_said_to_have_no_telemetry_when_that_could_not_be_read() -> None:
    world = World([Service("accounts")])
    request = Request(namespace="bnak", window=TimeWindow.ending(END, timedelta(hours=1)))
    case = {"faults": [{"tool": "prometheus", "fails": "timeout"}, {"tool": "loki", "fails": "timeout"}]}
    with pytest.raises(UsageError, match="does not exist, and Prometheus and Loki could not be read"):
        await investigate(request, Recorder(_tools(case, world), clock=lambda: END))


def _listed(**arguments: Json) -> Evidence:
    return Evidence.record(
        tool="kubernetes.list_resources", arguments={"kind": "Deployment", "namespace": "bank", **arguments},
        query="Deployment", window=None, data=None, truncated=False,
        error=None if "fields" in arguments else "timeout: It took longer than 10 s.",
        collected_at=END, duration_ms=1.0,
    )  # fmt: skip


def test_who_edited_the_workloads_does_not_stand_in_for_the_workloads() -> None:
    whole, edits = _listed(output="full"), _listed(fields=["metadata.managedFields"])
    picture = Picture(Span.of(TimeWindow.ending(END, timedelta(hours=1))), Inventory("bank", known=True))
    doubt = doubt_of(picture, (whole, edits), frozenset({whole.id}))
    assert doubt is not None
    assert "left 1 of " in doubt.why
