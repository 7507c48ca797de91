"""A pod's row; its STATUS column says what best tells how the pod is."""

from __future__ import annotations

from typing import Any

from autodevops.sandbox.basics.moments import parse_rfc3339
from autodevops.sandbox.cluster.meta import condition_of, is_ready
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes.printing.text import NONE, age, human_duration, name, spec, status


def pod(item: Json, now: float) -> list[Any]:
    wanted, state = spec(item), status(item)
    statuses = state.get("containerStatuses") or []
    sidecars = {one["name"] for one in wanted.get("initContainers") or () if one.get("restartPolicy") == "Always"}
    initial = state.get("initContainerStatuses") or []
    reason, initializing = _reason(item, initial, statuses, sidecars)
    ready = sum(bool(one.get("ready") and "running" in (one.get("state") or {})) for one in statuses)
    ready += sum(bool(one.get("ready")) for one in initial if one["name"] in sidecars)
    total = len(wanted.get("containers") or ()) + len(sidecars)
    counted = initial if initializing else [*(one for one in initial if one["name"] in sidecars), *statuses]
    gates = wanted.get("readinessGates") or []
    passed = sum((condition_of(item, one["conditionType"]) or {}).get("status") == "True" for one in gates)
    return [
        name(item), f"{ready}/{total}", reason, _restarts(counted, now), age(item, now), state.get("podIP") or NONE,
        wanted.get("nodeName") or NONE, state.get("nominatedNodeName") or NONE,
        f"{passed}/{len(gates)}" if gates else NONE,
    ]  # fmt: skip


def _restarts(statuses: list[Json], now: float) -> str:
    count = sum(one.get("restartCount", 0) for one in statuses)
    ends = [((one.get("lastState") or {}).get("terminated") or {}).get("finishedAt") for one in statuses]
    last = max((parse_rfc3339(one) for one in ends if one), default=None)
    return f"{count} ({human_duration(now - last)} ago)" if count and last is not None else str(count)


def _reason(item: Json, initial: list[Json], statuses: list[Json], sidecars: set[str]) -> tuple[str, bool]:
    """The word for the pod, and whether it is still initializing."""
    state = status(item)
    reason = str(state.get("reason") or state.get("phase") or "")
    scheduled = condition_of(item, "PodScheduled")
    if scheduled is not None and scheduled.get("reason") == "SchedulingGated":
        reason = "SchedulingGated"
    initializing = False
    for index, one in enumerate(initial):
        now = one.get("state") or {}
        ended, waits = now.get("terminated"), now.get("waiting") or {}
        if ended is not None and ended.get("exitCode") == 0:
            continue
        if one["name"] in sidecars and one.get("started"):
            continue
        initializing = True
        if ended is not None:
            reason = f"Init:{_end(ended)}"
        elif waits.get("reason") and waits["reason"] != "PodInitializing":
            reason = f"Init:{waits['reason']}"
        else:
            reason = f"Init:{index}/{len(spec(item).get('initContainers') or ())}"
        break
    if not initializing:
        running = False
        for one in reversed(statuses):
            now = one.get("state") or {}
            if (now.get("waiting") or {}).get("reason"):
                reason = now["waiting"]["reason"]
            elif now.get("terminated") is not None:
                reason = _end(now["terminated"])
            elif one.get("ready") and "running" in now:
                running = True
        if reason == "Completed" and running:
            reason = "Running" if is_ready(item) else "NotReady"
    if item["metadata"].get("deletionTimestamp"):
        if state.get("reason") == "NodeLost":
            return "Unknown", initializing
        if state.get("phase") not in ("Succeeded", "Failed"):
            return "Terminating", initializing
    return reason, initializing


def _end(terminated: Json) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"
