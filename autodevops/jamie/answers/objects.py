"""Listing and counting Kubernetes objects, exactly: from the objects, not from a model's reading of them.

Filters are the question's own: a state, a node, a workload, an image, restarts within its time. What was cut is said
with its numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from autodevops.domain.base import Json
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import ResourceList
from autodevops.jamie import intent
from autodevops.jamie.answers import Answer, Object, images, metadata, more, understood
from autodevops.jamie.context import Context
from autodevops.jamie.markdown import cites, code, table
from autodevops.toolbox.protocol import Emit, EvidenceSource

READ = 2000  # objects; what the server allows in one call
SHOWN = 50  # rows; more is scrolled past

_PLURALS = {"Ingress": "Ingresses"}
_ABBREVIATED = {"PersistentVolumeClaim": "PVC", "HorizontalPodAutoscaler": "HPA"}
_STATES = {
    "not_ready": "are not ready",
    "crashlooping": "are in a crash loop",
    "restarted": "have restarted",
    "pending": "are pending",
    "failing": "are failing",
    "completed": "have completed",
    "running": "are running",
    "ready": "are ready",
}
_BAD_WAITING = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    }
)


async def answer(context: Context, source: EvidenceSource, emit: Emit) -> Answer:
    kind, state = context.reading.kind, context.reading.state
    if kind == "Image":
        return await images.answer(context, source)
    scoped = kind not in intent.table().cluster_scoped
    arguments: dict[str, Json] = {"kind": kind, "output": "full", "limit": READ}
    if scoped:
        arguments["namespace"] = context.namespace
    evidence = await source.collect("kubernetes.list_resources", arguments)
    listed = understood(evidence, ResourceList)
    everything: list[Object] = [item for item in listed.items if belongs(item, context) and _is_there(item, context)]
    if context.image and not everything:
        return await images.answer(context, source)
    chosen = [item for item in everything if not state or _chosen(kind, item, state, context)]
    text = _sentence(context, kind, len(chosen), len(everything), listed.truncated) + cites([evidence.id])
    if listed.truncated:
        text += f"\n\nThe list was cut: {code(listed.note or 'there are more objects than one call returns', 200)}"
    completed = sum(_in_state("Pod", item, "completed") for item in everything) if kind == "Pod" else 0
    if state == "not_ready" and completed:
        text += f"\n\nPods that ran to completion ({completed}) are not counted as unready."
    if chosen and (context.reading.intent == "list" or state):
        text += "\n\n" + table_of(kind, chosen)
    return Answer(text, (evidence,), _follow_ups(context, kind, chosen), items_in(kind, chosen))


def _sentence(context: Context, kind: str, count: int, total: int, cut: bool) -> str:
    where = f" in {code(context.namespace)}" if kind not in intent.table().cluster_scoped else ""
    of = f" of {code(context.subject.name)}" if context.subject else ""
    of += f" on {code(context.node)}" if context.node and kind == "Pod" else ""
    least = "at least " if cut else ""
    state = context.reading.state
    if not state:
        noun = noun_of(kind, count)
        return f"**There {'is' if count == 1 else 'are'} {least}{count} {noun}{of}{where}.**"
    said = _STATES[state] + (f" ({context.told})" if state == "restarted" and _timed(context) else "")
    if count == 1:
        said = said.replace("are ", "is ", 1).replace("have ", "has ", 1)
    return f"**{least}{count} of {total} {noun_of(kind, total)}{of}{where} {said}.**".replace("**at", "**At")


def noun_of(kind: str, count: int) -> str:
    short = _ABBREVIATED.get(kind, kind)
    plural = short if count == 1 else _PLURALS.get(short, short if short.endswith("s") else f"{short}s")
    return plural.lower() if kind in {"Pod", "Node", "Namespace", "Event", "Job"} else plural


def belongs(item: Object, context: Context) -> bool:
    """Whether an object is the named workload, or carries the labels its selector asks for."""
    if context.workload is None:
        return True
    here = metadata(item)
    if item.get("involvedObject"):
        about, name = str(item["involvedObject"].get("name", "")), context.workload.subject.name
        return about == name or about.startswith(f"{name}-")
    if item.get("kind") == context.workload.subject.kind or context.reading.kind == context.workload.subject.kind:
        return bool(here.get("name") == context.workload.subject.name)
    labels, wanted = here.get("labels") or {}, context.workload.match_labels
    return bool(wanted) and all(labels.get(key) == value for key, value in wanted.items())


def _is_there(item: Object, context: Context) -> bool:
    """On the node that was named, and made from the image that was."""
    spec: dict[str, Any] = item.get("spec") or {}
    kind = item.get("kind") or context.reading.kind
    if context.node and kind == "Pod" and spec.get("nodeName") != context.node:
        return False
    if context.node and kind == "Node" and metadata(item).get("name") != context.node:
        return False
    if not context.image:
        return True
    template = spec if kind == "Pod" else (spec.get("template") or {}).get("spec") or {}
    return any(context.image in str(each.get("image", "")).lower() for each in template.get("containers") or ())


def _timed(context: Context) -> bool:
    """Whether the question named a time, which then limits what has happened and not what is."""
    return context.text != context.question


def _chosen(kind: str, item: Object, state: str, context: Context) -> bool:
    if state == "restarted" and kind == "Pod" and _timed(context):
        return restarted_since(item, context.window.start, context.window.end)
    return _in_state(kind, item, state)


def restarted_since(pod: Object, start: datetime, end: datetime | None = None) -> bool:
    """Whether a container ended in that time and was started again."""
    for each in _containers(pod):
        ended = ((each.get("lastState") or {}).get("terminated") or {}).get("finishedAt")
        if ended and int(each.get("restartCount", 0)):
            moment = datetime.fromisoformat(str(ended))
            if moment >= start and (end is None or moment < end):
                return True
    return False


def is_ready(item: Object) -> bool:
    """A pod, or a node."""
    return _condition(item, "Ready")


def items_in(kind: str, items: list[Object]) -> tuple[Subject, ...]:
    """As the table shows them."""
    return tuple(
        Subject(
            kind=kind,
            name=str(metadata(item).get("name", "")),
            namespace=str(metadata(item).get("namespace") or ""),
            api_version=str(item.get("apiVersion") or ""),
        )
        for item in _ordered(kind, items)[:SHOWN]
    )


def _ordered(kind: str, items: list[Object]) -> list[Object]:
    """By name; pods that restarted most first."""
    return sorted(
        items, key=lambda item: (-restarts(item) if kind == "Pod" else 0, str(metadata(item).get("name", "")))
    )


def _in_state(kind: str, item: Object, state: str) -> bool:
    if kind == "Pod":
        return _POD_STATES[state](item)
    status = item.get("status") or {}
    if kind == "Node":
        ready = _condition(item, "Ready")
        return ready if state in {"ready", "running"} else not ready if state in {"not_ready", "failing"} else False
    if kind == "Job":
        by_state = {
            "failing": _condition(item, "Failed"),
            "completed": _condition(item, "Complete"),
            "running": bool(status.get("active")),
        }
        return by_state.get(state, False)
    if kind == "PersistentVolumeClaim":
        bound = status.get("phase") == "Bound"
        return bound if state in {"ready", "running"} else not bound
    have, want = replicas(item)
    return have >= want if state in {"ready", "running"} else have < want


def _condition(item: Object, kind: str) -> bool:
    conditions = (item.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == kind and each.get("status") == "True" for each in conditions)


def _containers(item: Object) -> list[Object]:
    return list((item.get("status") or {}).get("containerStatuses") or ())


def _waiting(item: Object) -> list[str]:
    return [((each.get("state") or {}).get("waiting") or {}).get("reason", "") for each in _containers(item)]


def _phase(item: Object) -> str:
    return str((item.get("status") or {}).get("phase", ""))


_POD_STATES: dict[str, Callable[[Object], bool]] = {
    "not_ready": lambda pod: not _condition(pod, "Ready") and _phase(pod) != "Succeeded",
    "ready": lambda pod: _condition(pod, "Ready"),
    "crashlooping": lambda pod: "CrashLoopBackOff" in _waiting(pod),
    "restarted": lambda pod: restarts(pod) > 0,
    "pending": lambda pod: _phase(pod) == "Pending",
    "failing": lambda pod: _phase(pod) == "Failed" or bool(_BAD_WAITING & set(_waiting(pod))),
    "completed": lambda pod: _phase(pod) == "Succeeded",
    "running": lambda pod: _phase(pod) == "Running",
}


def restarts(pod: Object) -> int:
    return sum(int(each.get("restartCount", 0)) for each in _containers(pod))


def replicas(item: Object) -> tuple[int, int]:
    """Ready and wanted."""
    status, spec = item.get("status") or {}, item.get("spec") or {}
    if "desiredNumberScheduled" in status:
        return int(status.get("numberReady", 0)), int(status["desiredNumberScheduled"])
    return int(status.get("readyReplicas") or 0), int(spec.get("replicas", 1))


def pod_status(pod: Object) -> str:
    """What `kubectl get pods` says: the waiting or terminated reason, else the phase."""
    for each in _containers(pod):
        state = each.get("state") or {}
        found = (state.get("waiting") or {}).get("reason") or (state.get("terminated") or {}).get("reason")
        if found:
            return str(found)
    return str((pod.get("status") or {}).get("reason") or _phase(pod) or "Unknown")


def table_of(kind: str, items: list[Object]) -> str:
    ordered = _ordered(kind, items)
    head, row = _COLUMNS.get(kind, (("Name", "Created (UTC)"), lambda item: [_created(item)]))
    rows = [[code(str(metadata(item).get("name", ""))), *row(item)] for item in ordered[:SHOWN]]
    return table(head, rows) + more(len(items), SHOWN)


def _created(item: Object) -> str:
    return str(metadata(item).get("creationTimestamp") or "")[:16].replace("T", " ")


def _images(item: Object) -> str:
    spec = ((item.get("spec") or {}).get("template") or {}).get("spec") or {}
    return ", ".join(code(str(each.get("image", ""))) for each in spec.get("containers") or ())


def _pod_row(pod: Object) -> list[str]:
    states = _containers(pod)
    ready = f"{sum(bool(each.get('ready')) for each in states)}/{len(states)}"
    return [ready, code(pod_status(pod)), str(restarts(pod)), code(str((pod.get("spec") or {}).get("nodeName", "")))]


def _workload_row(item: Object) -> list[str]:
    have, want = replicas(item)
    return [f"{have}/{want}", _images(item)]


def _node_row(node: Object) -> list[str]:
    version = ((node.get("status") or {}).get("nodeInfo") or {}).get("kubeletVersion", "")
    return ["Ready" if _condition(node, "Ready") else "NotReady", code(str(version))]


def _event_row(event: Object) -> list[str]:
    about = event.get("involvedObject") or {}
    seen = str(event.get("lastTimestamp") or event.get("eventTime") or metadata(event).get("creationTimestamp") or "")
    said = code(str(event.get("message", "")), 160)
    return [
        seen[:16].replace("T", " "),
        code(str(event.get("reason", ""))),
        code(f"{about.get('kind', '')} {about.get('name', '')}"),
        said,
    ]


_WORKLOAD = (("Name", "Ready", "Images"), _workload_row)
_COLUMNS: dict[str, tuple[tuple[str, ...], Callable[[Object], list[str]]]] = {
    "Pod": (("Name", "Ready", "Status", "Restarts", "Node"), _pod_row),
    "Node": (("Name", "Status", "Kubelet"), _node_row),
    "Deployment": _WORKLOAD,
    "StatefulSet": _WORKLOAD,
    "DaemonSet": _WORKLOAD,
    "ReplicaSet": _WORKLOAD,
    "Event": (("Name", "Last seen (UTC)", "Reason", "About", "Message"), _event_row),
}


def _follow_ups(context: Context, kind: str, chosen: list[Object]) -> tuple[str, ...]:
    where = f" in {context.namespace}"
    if kind == "Pod" and context.reading.state != "not_ready":
        return (f"Which pods are not ready{where}?", f"What is wrong{where}?")
    if kind in {"Namespace", "Node"}:
        return (f"What is wrong{where}?", "What is firing?")
    return (f"What is wrong{where}?", f"What changed today{where}?")
