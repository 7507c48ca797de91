"""What schedules may wait for: alerts that fire, and new versions of workloads. Asked for over the toolbox.

Each look gives all that is the case now, by key; what is new against the look before is an event. Nothing is an event
when a schedule is first looked at: an alert that fires since yesterday, a version that runs since March.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from autodevops.domain.alert import Alert
from autodevops.domain.base import Json
from autodevops.domain.tool_results import ResourceList
from autodevops.scarlet.schedules.book import Seen
from autodevops.scarlet.schedules.schedule import Event
from autodevops.scarlet.watching.alerts import told
from autodevops.toolbox.protocol import Tools

_REVISIONS = {  # kind: the field that changes with each new version of it
    "Deployment": "metadata.annotations.deployment\\.kubernetes\\.io/revision",
    "StatefulSet": "status.updateRevision",
    "DaemonSet": "metadata.generation",
}


@dataclass(frozen=True)
class Case:
    """Something that is so: the key of what it is about, what is said of it, and its facts for parameters."""

    key: str
    value: str
    facts: Mapping[str, str]


async def firing(tools: Tools) -> list[Case]:
    """Alerts that fire, without those silenced or inhibited where Alertmanager answers.

    Raises ToolError when nobody does, and ValidationError.
    """
    alerts, _ = await told(tools)
    return list({case.key: case for alert in alerts if alert.state == "firing" for case in (_alert(alert),)}.values())


async def versions(tools: Tools) -> list[Case]:
    """The version of every workload that has one. Raises ToolError."""
    cases: list[Case] = []
    for kind, field in _REVISIONS.items():
        fields: list[Json] = ["metadata.namespace", "metadata.name", field]
        answer = await tools.call("kubernetes.list_resources", {"kind": kind, "fields": fields, "limit": 5000})
        for row in ResourceList.model_validate(answer.data).rows:
            namespace, name, revision = (str(cell or "") for cell in row)
            if revision and revision != "<none>":
                facts = {"namespace": namespace, "workload": name, "kind": kind, "revision": revision}
                cases.append(Case(f"{kind}/{namespace}/{name}", revision, facts))
    return cases


def matching(event: Event, cases: list[Case]) -> list[Case]:
    wanted = event.alert or {str(name): value for name, value in event.deploy.items()}
    return [
        case
        for case in cases
        if all(re.fullmatch(pattern, case.facts.get(name, "")) for name, pattern in wanted.items())
    ]


def news(
    event: Event, cases: list[Case], before: Mapping[str, Seen], *, first: bool
) -> tuple[list[Case], dict[str, Seen]]:
    """The cases that are events, and what is to be remembered of all.

    A workload that appears is a deploy; one that is not there now is remembered, for it may only not have been listed.
    An alert that no longer fires is remembered when it started something: `at_most_every` asks when.
    """
    fresh = [case for case in cases if case.key not in before or before[case.key].value != case.value]
    seen = {
        case.key: Seen(value=case.value, started=before[case.key].started if case.key in before else None)
        for case in cases
    }
    gone = {key: known for key, known in before.items() if key not in seen and (event.deploy or known.started)}
    return ([] if first else fresh), {**gone, **seen}


def _alert(alert: Alert) -> Case:
    identity = alert.fingerprint or ",".join(f"{name}={value}" for name, value in sorted(alert.labels.items()))
    return Case(identity, alert.starts_at.isoformat(), alert.labels)
