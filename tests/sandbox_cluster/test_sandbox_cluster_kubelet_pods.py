"""What a kubelet makes of a pod: a table of pods, worlds, and what is seen when (`kubelet_cases.yaml`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from sandbox_cluster.kubelet_bench import BORN, cluster_of, key_of_pod, pod_of, seen, told

from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.cluster.surroundings import Answer, PlainSurroundings, Program, Pull

_CASES = yaml.safe_load(Path(__file__).with_name("kubelet_cases.yaml").read_text())


def _surroundings(case: Json) -> PlainSurroundings:
    return PlainSurroundings(
        pulls={image: Pull(**one) for image, one in case.get("pulls", {}).items()},
        programs={image: Program(**one) for image, one in case.get("programs", {}).items()},
        answers_by_image={
            image: tuple(Answer(*piece) for piece in pieces) for image, pieces in case.get("answers", {}).items()
        },
        hooks=case.get("hooks", {}),
    )


def _view(pod: Json, expected: Json) -> dict[str, Any]:
    """What of the pod the case speaks of."""
    status = pod["status"]
    (web,) = status["containerStatuses"]
    init = (status.get("initContainerStatuses") or [{}])[0]
    conditions = {one["type"]: one for one in status["conditions"]}
    waiting = web["state"].get("waiting", {})
    found = {
        "phase": status["phase"],
        "reason": waiting.get("reason"),
        "message": waiting.get("message"),
        "ended": web["state"].get("terminated", {}).get("reason"),
        "last": web["lastState"].get("terminated", {}).get("reason"),
        "ready": web["ready"],
        "started": web["started"],
        "restarts": web["restartCount"],
        "podIP": status.get("podIP"),
        "qos": status["qosClass"],
        "pod_reason": status.get("reason"),
        "pod_message": status.get("message"),
        "init_reason": init.get("state", {}).get("waiting", {}).get("reason"),
        "conditions": {kind: conditions[kind].get("reason") for kind in expected.get("conditions", ())},
        "texts": {kind: conditions[kind].get("message") for kind in expected.get("texts", ())},
    }
    return {name: found[name] for name in expected}


@pytest.mark.parametrize("case", _CASES, ids=[case["name"] for case in _CASES])
def test_a_pod_is_seen_as_a_real_kubelet_would_show_it(case: Json) -> None:
    cluster = cluster_of(_surroundings(case), "n1", images=("cached:1", "init:1", "proxy:1"))
    for item in case.get("objects", ()):
        cluster.store.create(item)
    item = pod_of("web", container=case.get("container"), **case.get("pod", {}))
    cluster.at(BORN, lambda store: store.create(item))
    for moment, items in case.get("later", {}).items():
        cluster.at(BORN + moment, lambda store, items=items: [store.create(one) for one in items])  # type: ignore[misc]
    if "delete" in case:
        cluster.at(BORN + case["delete"], lambda store: store.delete(key_of_pod("web")))
    cluster.advance(BORN + max(case["at"]) + 1)
    born = seen(cluster, "web", BORN)
    assert born is not None
    text = yaml.safe_dump(case, width=10_000).replace("$uid", born["metadata"]["uid"])
    case = yaml.safe_load(text)
    for moment, expected in case["at"].items():
        pod = seen(cluster, "web", BORN + moment)
        if expected is None:
            assert pod is None, moment
        else:
            assert pod is not None, moment
            assert _view(pod, expected) == expected, moment
    events = told(cluster, "web")
    assert [one for one in case.get("events", ()) if one not in events] == [], "\n".join(events)
    assert [one for one in events for word in case.get("not_events", ()) if word in one] == []
