"""Writes to nodes: cordon, uncordon, and drain, which evicts what may leave and says what stays and why.

A drain is bounded in time. It asks the disruption budgets like `kubectl drain`, leaves DaemonSets' and static pods
alone, and refuses as a whole, before it cordons, what would lose data or leave nobody to make the pod again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, get_args

from autodevops.domain.tool_results import DrainedPod, DrainResult, Undo, WriteResult
from autodevops.kernel.errors import ToolError, ToolNotFound, ToolRejected, ToolUnavailable
from autodevops.servers.kubernetes.changes import controller_of, guard, patch, result, said, subject
from autodevops.servers.kubernetes.cluster import MAX_OBJECTS, NODES, PODS, Cluster, Object
from autodevops.servers.kubernetes.pods import MIRROR, TOO_MANY_REQUESTS, blocked_by, evict_once

Outcome = Literal["gone", "leaving", "would_leave", "blocked", "stays", "refused"]

ASK_AGAIN_SECONDS = 5.0  # as kubectl drain waits after a 429
LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Leaving:
    """A pod on the node, and where its leaving stands."""

    pod: Object
    outcome: Outcome
    reason: str = ""

    @property
    def told(self) -> DrainedPod:
        metadata = self.pod["metadata"]
        return DrainedPod(
            namespace=metadata.get("namespace", ""), name=metadata["name"], outcome=self.outcome, reason=self.reason
        )


def cordon(cluster: Cluster, name: str, dry_run: bool, *, on: bool = True, uid: str = "") -> WriteResult:
    node = cluster.read_object(NODES, name, "")
    guard(NODES, node, uid)
    body = {"spec": {"unschedulable": on or None}}  # null takes the field away, as kubectl does
    reply = patch(cluster, NODES, node, body, patch_type="strategic", dry_run=dry_run)
    here, back = ("cordon_node", "uncordon_node") if on else ("uncordon_node", "cordon_node")
    state = "cordoned: no new pods are placed on it" if on else "uncordoned: new pods are placed on it again"
    return result(
        here,
        NODES,
        node,
        cluster.api.understood(reply),
        dry_run=dry_run,
        summary=f"{subject(NODES, node)} is {state}; the pods on it stay.",
        unchanged=f"{subject(NODES, node)} is {state.split(':')[0]} already.",
        undo=Undo(possible=True, tool=back, arguments={"name": name, "dry_run": False}),
        warnings=reply.warnings,
    )


def pods_on(cluster: Cluster, node: str, *, unmanaged: bool, empty_dir: bool) -> list[Leaving]:
    """Every pod on the node, and whether a drain takes it away."""
    params = [("fieldSelector", f"spec.nodeName={node}")]
    items, more = cluster.page(PODS.path(), params, MAX_OBJECTS, "Kind Pod")
    if more:
        raise ToolRejected(f"Node {node} has more than {MAX_OBJECTS} pods.", "Drain it with kubectl.")
    found = [_judged(item, unmanaged=unmanaged, empty_dir=empty_dir) for item in items]
    return sorted(found, key=lambda one: (one.told.namespace, one.told.name))


def refuse(node: str, pods: Sequence[Leaving]) -> None:
    """Raises ToolRejected when a pod would lose what nobody agreed to lose."""
    kept = [one for one in pods if one.outcome == "refused"]
    if not kept:
        return
    named = "; ".join(f"{one.told.namespace}/{one.told.name} ({one.reason})" for one in kept[:10])
    more = f" and {len(kept) - 10} more" if len(kept) > 10 else ""
    raise ToolRejected(
        f"Node {node} is not drained, and not cordoned: {named}{more}.",
        "Move those pods, or allow the loss with delete_emptydir_data or delete_unmanaged.",
    )


def ask_to_leave(cluster: Cluster, one: Leaving, grace: int | None, dry_run: bool) -> Leaving:
    """One eviction, asked once."""
    try:
        reply = evict_once(cluster, one.pod, grace, dry_run)
    except ToolNotFound:
        return replace(one, outcome="gone", reason="it had left by itself")
    except ToolError as error:
        return replace(one, outcome="blocked", reason=error.message)  # the others may leave all the same
    if reply.status == TOO_MANY_REQUESTS:
        return replace(one, outcome="blocked", reason=blocked_by(cluster, one.pod, reply))
    return replace(one, outcome="would_leave" if dry_run else "leaving", reason=_follows(one.pod))


def look(cluster: Cluster, one: Leaving) -> Leaving:
    """Whether a pod that was told to leave has gone: a StatefulSet makes its successor under the same name."""
    metadata = one.pod["metadata"]
    try:
        now = cluster.api.get(PODS.path(metadata.get("namespace", ""), metadata["name"]), missing="Pod")
    except ToolNotFound:
        return replace(one, outcome="gone")
    except ToolUnavailable:
        return one
    return one if now["metadata"].get("uid") == metadata.get("uid") else replace(one, outcome="gone")


async def drain(
    cluster: Cluster,
    name: str,
    *,
    unmanaged: bool,
    empty_dir: bool,
    grace: int | None,
    seconds: float,
    dry_run: bool,
    in_thread: Callable[[Callable[[], Any]], Awaitable[Any]],
    sleep: Callable[[float], Awaitable[None]],
    progress: Callable[[int, int, str], Awaitable[None]],
    uid: str = "",
) -> DrainResult:
    """Cordon, then evict until every pod has gone or `seconds` have passed; asks at least once."""
    pods = await in_thread(lambda: pods_on(cluster, name, unmanaged=unmanaged, empty_dir=empty_dir))
    cordoned: WriteResult = await in_thread(lambda: _cordoned(cluster, name, pods, dry_run, uid))
    left = seconds
    asked_before = ASK_AGAIN_SECONDS
    while True:
        again = asked_before >= ASK_AGAIN_SECONDS
        asked_before = 0.0 if again else asked_before
        pods = await in_thread(partial(_round, cluster, pods, grace, dry_run, again))
        moving = [one for one in pods if one.outcome in ("leaving", "blocked")]
        done = sum(one.outcome in ("gone", "would_leave") for one in pods)
        await progress(done, done + len(moving), f"{done} pods have left, {len(moving)} are on {name}")
        if dry_run or not moving or left <= 0:
            return _drained(cordoned, name, pods, dry_run)
        pause = min(LOOK_SECONDS, left)
        await sleep(pause)
        left -= pause
        asked_before += pause


def _cordoned(cluster: Cluster, name: str, pods: Sequence[Leaving], dry_run: bool, uid: str) -> WriteResult:
    if not dry_run:
        cluster.read_object(NODES, name, "")
        refuse(name, pods)
    return cordon(cluster, name, dry_run, uid=uid)


def _round(cluster: Cluster, pods: Sequence[Leaving], grace: int | None, dry_run: bool, ask: bool) -> list[Leaving]:
    return [_step(cluster, one, grace, dry_run, ask) for one in pods]


def _step(cluster: Cluster, one: Leaving, grace: int | None, dry_run: bool, ask: bool) -> Leaving:
    if one.outcome == "blocked" and ask:
        return ask_to_leave(cluster, one, grace, dry_run)
    return look(cluster, one) if one.outcome == "leaving" else one


def _drained(cordoned: WriteResult, name: str, pods: Sequence[Leaving], dry_run: bool) -> DrainResult:
    counts = {outcome: sum(one.outcome == outcome for one in pods) for outcome in get_args(Outcome)}
    words = {
        "gone": "left",
        "leaving": "leaving",
        "would_leave": "would leave",
        "blocked": "held back",
        "refused": "would be refused",
        "stays": "staying (DaemonSets and static pods)",
    }
    told = ", ".join(f"{counts[outcome]} {text}" for outcome, text in words.items() if counts[outcome])
    complete = not counts["blocked"] and not counts["leaving"] and not counts["refused"]
    undo = Undo(
        possible=True,
        tool="uncordon_node",
        arguments={"name": name, "dry_run": False},
        note="New pods are placed on it again; those that left stay where they are now.",
    )
    waiting = "" if complete or dry_run else " Call it again to go on; uncordon_node gives up."
    return DrainResult(
        **{
            **dict(cordoned),
            "tool": "drain_node",
            "changed": cordoned.changed or any(counts[one] for one in ("gone", "leaving", "would_leave")),
            "summary": said(
                f"Node {name} is cordoned; {f'its pods: {told}' if told else 'no pods were on it'}.{waiting}", dry_run
            ),
            "undo": undo,
        },
        complete=complete,
        pods=tuple(one.told for one in pods),
    )


def _judged(pod: Object, *, unmanaged: bool, empty_dir: bool) -> Leaving:
    owner = controller_of(pod)
    finished = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    if MIRROR in (pod["metadata"].get("annotations") or {}):
        return Leaving(pod, "stays", "it is a static pod of the node")
    if owner and owner.get("kind") == "DaemonSet" and not finished:
        return Leaving(pod, "stays", f"DaemonSet {owner['name']} runs on every node")
    if pod["metadata"].get("deletionTimestamp"):
        return Leaving(pod, "leaving", "it was being deleted already")
    if finished:
        return Leaving(pod, "blocked", "it has finished, and was not asked yet")
    if not owner and not unmanaged:
        return Leaving(pod, "refused", "no controller would make it again")
    volumes = [one["name"] for one in (pod.get("spec") or {}).get("volumes") or [] if "emptyDir" in one]
    if volumes and not empty_dir:
        return Leaving(pod, "refused", f"emptyDir volume {', '.join(volumes)} would be lost")
    return Leaving(pod, "blocked", "it was not asked yet")


def _follows(pod: Object) -> str:
    owner = controller_of(pod)
    return f"{owner['kind']} {owner['name']} makes it again elsewhere" if owner else "nobody makes it again"
