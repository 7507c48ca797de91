"""Rows of what makes pods."""

from __future__ import annotations

from typing import Any

from autodevops.sandbox.basics.moments import parse_rfc3339
from autodevops.sandbox.cluster.meta import condition_of
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes.printing.text import (
    NONE,
    age,
    containers,
    human_duration,
    name,
    pairs,
    selector,
    since,
    spec,
    status,
)


def _template(item: Json) -> list[Any]:
    return containers((spec(item).get("template") or {}).get("spec") or {})


def deployment(item: Json, now: float) -> list[Any]:
    s = status(item)
    return [
        name(item), f"{s.get('readyReplicas', 0)}/{spec(item).get('replicas', 0)}", s.get("updatedReplicas", 0),
        s.get("availableReplicas", 0), age(item, now), *_template(item), selector(spec(item).get("selector")),
    ]  # fmt: skip


def replica_set(item: Json, now: float) -> list[Any]:
    s = status(item)
    wanted = spec(item).get("selector")
    shown = selector(wanted) if item["kind"] == "ReplicaSet" else pairs(wanted)
    return [
        name(item), spec(item).get("replicas", 0), s.get("replicas", 0), s.get("readyReplicas", 0), age(item, now),
        *_template(item), shown,
    ]  # fmt: skip


def stateful_set(item: Json, now: float) -> list[Any]:
    ready = f"{status(item).get('readyReplicas', 0)}/{spec(item).get('replicas', 0)}"
    return [name(item), ready, age(item, now), *_template(item)]


def daemon_set(item: Json, now: float) -> list[Any]:
    s = status(item)
    fields = (
        "desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled", "numberAvailable",
    )  # fmt: skip
    pod_spec = (spec(item).get("template") or {}).get("spec") or {}
    return [
        name(item), *(s.get(field, 0) for field in fields), pairs(pod_spec.get("nodeSelector")), age(item, now),
        *_template(item), selector(spec(item).get("selector")),
    ]  # fmt: skip


def job(item: Json, now: float) -> list[Any]:
    s, wanted = status(item), spec(item)
    done = s.get("succeeded", 0)
    if wanted.get("completions") is not None:
        completions = f"{done}/{wanted['completions']}"
    else:
        parallel = wanted.get("parallelism") or 0
        completions = f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"
    duration = ""
    if s.get("startTime"):
        end = parse_rfc3339(s["completionTime"]) if s.get("completionTime") else now
        duration = human_duration(end - parse_rfc3339(s["startTime"]))
    return [
        name(item), _job_status(item), completions, duration, age(item, now), *_template(item),
        selector(wanted.get("selector")),
    ]  # fmt: skip


def _job_status(item: Json) -> str:
    def holds(kind: str) -> bool:
        return (condition_of(item, kind) or {}).get("status") == "True"

    if holds("Complete"):
        return "Complete"
    if holds("Failed"):
        return "Failed"
    if item["metadata"].get("deletionTimestamp"):
        return "Terminating"
    if holds("Suspended"):
        return "Suspended"
    if holds("FailureTarget"):
        return "FailureTarget"
    return "SuccessCriteriaMet" if holds("SuccessCriteriaMet") else "Running"


def cron_job(item: Json, now: float) -> list[Any]:
    s, wanted = status(item), spec(item)
    last = since(s["lastScheduleTime"], now) if s.get("lastScheduleTime") else NONE
    job_spec = (wanted.get("jobTemplate") or {}).get("spec") or {}
    return [
        name(item), wanted.get("schedule", ""), wanted.get("timeZone") or NONE,
        str(bool(wanted.get("suspend"))).capitalize(), len(s.get("active") or ()), last, age(item, now),
        *containers((job_spec.get("template") or {}).get("spec") or {}), selector(job_spec.get("selector")),
    ]  # fmt: skip


def revision(item: Json, now: float) -> list[Any]:
    owner = next((one for one in item["metadata"].get("ownerReferences") or () if one.get("controller")), None)
    controller = NONE
    if owner is not None:
        group = owner["apiVersion"].rpartition("/")[0]
        controller = f"{owner['kind'].lower()}{f'.{group}' if group else ''}/{owner['name']}"
    return [name(item), controller, item.get("revision", 0), age(item, now)]


def autoscaler(item: Json, now: float) -> list[Any]:
    wanted, s = spec(item), status(item)
    target = wanted.get("scaleTargetRef") or {}
    return [
        name(item), f"{target.get('kind')}/{target.get('name')}", _metrics(wanted, s),
        str(wanted["minReplicas"]) if wanted.get("minReplicas") is not None else "<unset>",
        str(wanted.get("maxReplicas", 0)), s.get("currentReplicas", 0), age(item, now),
    ]  # fmt: skip


def _metrics(wanted: Json, s: Json) -> str:
    if "targetCPUUtilizationPercentage" in wanted or "metrics" not in wanted:
        used, target = s.get("currentCPUUtilizationPercentage"), wanted.get("targetCPUUtilizationPercentage")
        shown = "<unknown>" if used is None else f"{used}%"
        return f"cpu: {shown}/{'<unset>' if target is None else f'{target}%'}"
    current = s.get("currentMetrics") or []
    found = []
    for index, metric in enumerate(wanted.get("metrics") or ()):
        kind = metric.get("type", "")
        source = metric.get(kind[:1].lower() + kind[1:]) or {}
        now = (current[index].get(kind[:1].lower() + kind[1:]) or {}).get("current") if index < len(current) else None
        target, label = source.get("target") or {}, source.get("name") or ""
        if target.get("averageUtilization") is not None:
            used = (now or {}).get("averageUtilization")
            text = f"{'<unknown>' if used is None else f'{used}%'}/{target['averageUtilization']}%"
        else:
            field = "averageValue" if target.get("averageValue") is not None else "value"
            text = f"{(now or {}).get(field) or '<unknown>'}/{target.get(field)}"
            text += " (avg)" if field == "averageValue" and kind != "Resource" and kind != "Pods" else ""
        found.append(f"{label}: {text}" if kind in ("Resource", "ContainerResource") else text)
    if not found:
        return NONE
    most = 2
    return ", ".join(found[:most]) + (f" + {len(found) - most} more..." if len(found) > most else "")


def budget(item: Json, now: float) -> list[Any]:
    wanted = spec(item)
    low, high = wanted.get("minAvailable"), wanted.get("maxUnavailable")
    return [
        name(item), "N/A" if low is None else str(low), "N/A" if high is None else str(high),
        status(item).get("disruptionsAllowed", 0), age(item, now),
    ]  # fmt: skip
