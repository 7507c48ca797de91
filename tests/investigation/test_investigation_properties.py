"""What must not move a verdict: names of namespaces, the order of lists, healthy neighbours, unrelated noise.

Each property is held against every state of `kubernetes_states`, not against states made for it.
"""

from __future__ import annotations

from typing import Any

import pytest
from investigation.investigation_world import END, Service, World, minutes, stamp
from investigation.test_investigation_kubernetes_states import CASES, make_world

from autodevops.domain.investigation import Investigation

_IDS = [case["name"] for case in CASES]
_PLAIN: dict[str, Investigation] = {}  # as each state is judged when nothing is added
_Told = tuple[str, list[tuple[str, str, float]]]


async def _plain(case: dict[str, Any]) -> Investigation:
    if case["name"] not in _PLAIN:
        _PLAIN[case["name"]] = await make_world(case).investigate()
    return _PLAIN[case["name"]]


def _told(result: Investigation, namespace: str = "bank") -> _Told:
    """The verdict, and each hypothesis' reason, subject and confidence."""
    return result.verdict, [
        (one.reason, str(one.subject).replace(namespace, "bank"), one.confidence) for one in result.hypotheses
    ]


def _renamed(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, dict):
        return {_renamed(key, old, new): _renamed(item, old, new) for key, item in value.items()}
    return [_renamed(item, old, new) for item in value] if isinstance(value, list) else value


def _noise(world: World) -> list[dict[str, Any]]:
    """Events of a day like any other: pods of others that come and go, a probe that failed once, a slow start."""
    neighbour = next(service for service in world.services if service.name == "search")
    return [
        {
            "metadata": {"name": f"noise-{reason}"},
            "involvedObject": {"kind": "Pod", "name": world.pod_name(neighbour)},
            "reason": reason,
            "type": kind,
            "message": message,
            "count": 1,
            "firstTimestamp": stamp(END - minutes(50)),
            "lastTimestamp": stamp(END - minutes(50)),
        }
        for reason, kind, message in (
            ("Pulled", "Normal", "Container image already present on machine"),
            ("Unhealthy", "Warning", "Readiness probe failed: dial tcp 10.1.0.9:8080: connect: connection refused"),
            ("FailedScheduling", "Warning", "0/2 nodes are available: 2 Insufficient cpu."),
            ("FailedMount", "Warning", 'MountVolume.SetUp failed for volume "kube-api-access-x" : timed out'),
        )
    ]


@pytest.mark.parametrize("case", CASES, ids=_IDS)
async def test_names_of_namespaces_and_the_order_of_lists_change_nothing(case: dict[str, Any]) -> None:
    world = make_world(_renamed(case, "bank", "till-7"), namespace="till-7")
    world.shuffled = True
    assert _told(await world.investigate(), "till-7") == _told(await _plain(case))


@pytest.mark.parametrize("case", CASES, ids=_IDS)
async def test_healthy_neighbours_and_noise_change_no_verdict_and_raise_no_confidence(case: dict[str, Any]) -> None:
    beside = make_world(case)
    # Where nobody counts requests, nobody counts theirs; and they share no node, or they would speak for it.
    counted = any(service.rate > 0 for service in beside.services)
    beside.services += [
        Service(f"neighbour-{index}", rate=7.0 + index if counted else 0.0, placed=False) for index in range(3)
    ]
    beside.events = [*beside.events, *_noise(beside)]
    first, second = await _plain(case), await beside.investigate()
    assert first.verdict == second.verdict
    assert [(h.reason, h.subject) for h in first.hypotheses] == [(h.reason, h.subject) for h in second.hypotheses]
    before = {one.subject: one.confidence for one in first.hypotheses}
    assert all(one.confidence <= before[one.subject] for one in second.hypotheses)
