"""Doing what a scenario's truth lists, as an executor would: how its effects are measured, by tests and rehearsals."""

from __future__ import annotations

from collections.abc import Iterator

from autodevops.sandbox.cluster.controllers.job_parts import finished
from autodevops.sandbox.cluster.meta import controlled_by, is_ready
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.world.scenario import Remediation, Step, Subject
from autodevops.sandbox.world.world import World

_KEPT = 3


def carry_out(world: World, step: Step) -> None:
    """Do it now, and what has to follow it. Raises UsageError."""
    subject = step.subject
    target = "/".join(part for part in (subject.kind, subject.namespace, subject.name) if part)
    match step.action:
        case "rollback":
            world.do("undo", target, **({"image": step.image} if step.image else {}))
        case "restart" | "scale" | "patch" | "apply" | "delete":
            world.do(step.action, target, **step.body)
        case "delete_pod":
            pods = sorted(pods_of_subject(world, subject), key=is_ready)
            for pod in pods[:1]:
                _delete(world, pod)
        case "clean_jobs":
            for job in _ended_jobs(world, subject)[:-_KEPT]:
                world.do("delete", f"Job/{subject.namespace}/{job['metadata']['name']}")
        case "cordon" | "uncordon":
            world.do("patch", target, spec={"unschedulable": True if step.action == "cordon" else None})
        case "drain":
            world.do("patch", target, spec={"unschedulable": True})
            for pod in world.cluster.store.items("Pod"):
                owners = {owner["kind"] for owner in pod["metadata"].get("ownerReferences") or ()}
                if pod["spec"].get("nodeName") == subject.name and "DaemonSet" not in owners:
                    _delete(world, pod)
    for after in step.then if isinstance(step, Remediation) else ():
        carry_out(world, after)


def pods_of_subject(world: World, subject: Subject) -> Iterator[Json]:
    """The pods that a subject is, or is about, as they are now."""
    store = world.cluster.store
    owner = store.get(subject.kind, subject.namespace, subject.name)
    middle = [one for one in store.items("ReplicaSet", subject.namespace) if owner and controlled_by(one, owner)]
    for pod in store.items("Pod", subject.namespace):
        meta = pod["metadata"]
        if (
            (subject.kind, subject.name) == ("Pod", meta["name"])
            or (subject.kind == "Node" and pod["spec"].get("nodeName") == subject.name)
            or (owner and any(controlled_by(pod, one) for one in (owner, *middle)))
        ):
            yield pod


def _ended_jobs(world: World, subject: Subject) -> list[Json]:
    """Those of a CronJob, the oldest first."""
    store = world.cluster.store
    owner = store.get(subject.kind, subject.namespace, subject.name)
    ended = [
        job for job in store.items("Job", subject.namespace) if owner and controlled_by(job, owner) and finished(job)
    ]
    return sorted(ended, key=lambda job: str(job["metadata"]["creationTimestamp"]))


def _delete(world: World, pod: Json) -> None:
    world.do("delete", f"Pod/{pod['metadata']['namespace']}/{pod['metadata']['name']}")
