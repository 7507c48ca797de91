"""A pod's status as its kubelet writes it: phase, conditions, container statuses, from what its containers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.cluster.kubelet import images
from autodevops.sandbox.cluster.kubelet.box import Box, container_id
from autodevops.sandbox.cluster.meta import condition_of, set_condition
from autodevops.sandbox.cluster.store import Json

_COMPUTE = ("cpu", "memory")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why the kubelet has made a pod fail as a whole, such as `Evicted`."""

    reason: str
    message: str
    disrupts: bool = False
    """The pod was running and becomes a DisruptionTarget."""
    rejects: bool = False
    """The pod was never taken in, so its containers have no status."""


def pod_status(
    pod: Json, boxes: Sequence[Box], ips: Mapping[str, str], sandbox: bool, verdict: Verdict | None, now: float
) -> Json:
    """The whole status; conditions of others stay as they are."""
    before: Json = pod.get("status") or {}
    inits = [box for box in boxes if box.init]
    mains = [box for box in boxes if not box.init]
    phase = "Failed" if verdict else phase_of(pod, inits, mains)
    generation = pod["metadata"].get("generation", 1)
    status: Json = {**before, "phase": phase, "observedGeneration": generation}
    if verdict:
        status |= {"reason": verdict.reason, "message": verdict.message}
    status |= {"hostIP": ips["hostIP"], "hostIPs": [{"ip": ips["hostIP"]}]}
    if ips.get("podIP"):
        status |= {"podIP": ips["podIP"], "podIPs": [{"ip": ips["podIP"]}]}
    status.setdefault("startTime", rfc3339(now))
    if "qosClass" not in status:
        status["qosClass"] = qos_class(pod)
    if verdict and verdict.rejects:
        return status
    if inits:
        status["initContainerStatuses"] = [container_status(pod, box) for box in inits]
    status["containerStatuses"] = [container_status(pod, box) for box in mains]
    status["conditions"] = _conditions(pod, status, inits, mains, sandbox, verdict, now)
    return status


def phase_of(pod: Json, inits: Sequence[Box], mains: Sequence[Box]) -> str:
    """The phase that follows from the containers."""
    policy = str(pod["spec"].get("restartPolicy") or "Always")
    pending = False
    for box in inits:
        if box.sidecar:
            pending = pending or not (box.started or box.last or "terminated" in box.state)
        elif (code := _exit_code(box)) is None or code != 0:
            if code is not None and policy == "Never" and box.step == "ended":
                return "Failed"
            pending = True
    running = sum("running" in box.state for box in mains)
    waiting = sum("waiting" in box.state and box.last is None for box in mains)
    if (pending and not running and not any(box.attempt >= 0 for box in mains)) or waiting:
        return "Pending"
    if running or any("running" in box.state for box in inits if box.sidecar):
        return "Running"
    codes = [_exit_code(box) for box in mains]
    if any(box.step != "ended" for box in mains):
        return "Running"
    return "Succeeded" if all(code == 0 for code in codes) else "Failed"


def _exit_code(box: Box) -> int | None:
    ended = box.state.get("terminated") or (box.last if "waiting" in box.state else None)
    return None if ended is None else int(ended["exitCode"])


def container_status(pod: Json, box: Box) -> Json:
    """One entry of containerStatuses."""
    image = str(box.spec.get("image", ""))
    known = box.attempt >= 0
    status: Json = {
        "name": box.name,
        "state": box.state,
        "lastState": {"terminated": box.last} if box.last and box.last != box.state.get("terminated") else {},
        "ready": box.ready,
        "started": box.started,
        "restartCount": max(0, box.attempt),
        "image": _shown(image) if known else image,
        "imageID": images.image_id(image) if known else "",
    }
    if known:
        status["containerID"] = container_id(pod, box)
    if resources := box.spec.get("resources"):
        status["resources"] = resources
        if resources.get("requests") and "running" in box.state:
            status["allocatedResources"] = resources["requests"]
    return status


def _shown(image: str) -> str:
    try:
        return images.qualified(images.with_tag(image))
    except images.BadName:
        return image


def _conditions(
    pod: Json,
    status: Json,
    inits: Sequence[Box],
    mains: Sequence[Box],
    sandbox: bool,
    verdict: Verdict | None,
    now: float,
) -> list[Json]:
    conditions = [*((pod.get("status") or {}).get("conditions") or ())]
    phase = status["phase"]
    more = {"observedGeneration": status["observedGeneration"], "lastProbeTime": None}

    def put(kind: str, good: bool, reason: str = "", message: str = "") -> None:
        set_condition(conditions, kind, "True" if good else "False", now, reason, message, **more)

    put("PodReadyToStartContainers", sandbox and phase not in ("Succeeded", "Failed"))
    incomplete = [box.name for box in inits if not (box.started if box.sidecar else box.ready)]
    if phase == "Succeeded":
        put("Initialized", True, "PodCompleted")
    elif incomplete and not any(box.attempt >= 0 for box in mains):
        names = " ".join(incomplete)
        put("Initialized", False, "ContainersNotInitialized", f"containers with incomplete status: [{names}]")
    else:
        put("Initialized", True)
    unready = [box.name for box in (*inits, *mains) if not box.ready and (box.sidecar or not box.init)]
    if phase in ("Succeeded", "Failed"):
        found = (False, "PodCompleted" if phase == "Succeeded" else "PodFailed", "")
    elif unready:
        found = (False, "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
    else:
        found = (True, "", "")
    put("Ready", *(_gates(pod) if found[0] else found))
    put("ContainersReady", *found)
    if condition_of(pod, "PodScheduled") is None:
        put("PodScheduled", True)
    if verdict and verdict.disrupts:
        put("DisruptionTarget", True, "TerminationByKubelet", verdict.message)
    return conditions


def _gates(pod: Json) -> tuple[bool, str, str]:
    """What the readiness gates say."""
    found = []
    for gate in pod["spec"].get("readinessGates") or ():
        kind = gate["conditionType"]
        condition = condition_of(pod, kind)
        if condition is None:
            found.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif condition["status"] != "True":
            found.append(f'the status of pod readiness gate "{kind}" is not "True", but {condition["status"]}')
    return (False, "ReadinessGatesNotReady", ", ".join(found)) if found else (True, "", "")


def qos_class(pod: Json) -> str:
    """Guaranteed, Burstable or BestEffort."""
    containers = [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]
    demands = [one.get("resources") or {} for one in containers]
    named = [
        {name: str(amount) for name, amount in (demand.get(part) or {}).items() if name in _COMPUTE}
        for demand in demands
        for part in ("requests", "limits")
    ]
    if not any(named):
        return "BestEffort"
    for requests, limits in zip(named[::2], named[1::2], strict=True):
        if set(limits) != set(_COMPUTE) or any(requests.get(name, limits[name]) != limits[name] for name in _COMPUTE):
            return "Burstable"
    return "Guaranteed"
