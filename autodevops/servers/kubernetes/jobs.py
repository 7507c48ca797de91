"""Deletes Jobs that have ended, and only those: a Job that still runs is somebody's work."""

from __future__ import annotations

from typing import Any

from autodevops.domain.tool_results import Undo, WriteResult
from autodevops.kernel.errors import ToolNotFound, ToolRejected
from autodevops.servers.kubernetes.changes import controller_of, guard, said, subject
from autodevops.servers.kubernetes.cluster import Cluster, Object
from autodevops.servers.kubernetes.discovery import ResourceType

JOBS = ResourceType(group="batch", version="v1", plural="jobs", kind="Job", namespaced=True)

_ENDS = ("Complete", "Failed")


def delete_finished(cluster: Cluster, name: str, namespace: str, uid: str, dry_run: bool) -> WriteResult:
    """Raises ToolRejected while it has not ended."""
    where = cluster.namespace_of(JOBS, namespace)
    job = cluster.read_object(JOBS, name, where)
    guard(JOBS, job, uid)
    end = _end(job)
    if not end:
        raise ToolRejected(f"{subject(JOBS, job)} has not ended; it is not deleted.", "Wait until it has.")
    options: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Background",  # with its pods; by themselves they would stay
        "preconditions": {"uid": job["metadata"].get("uid")},
        **({"dryRun": ["All"]} if dry_run else {}),
    }
    try:
        reply = cluster.write("DELETE", JOBS.path(where, name), options, dry_run=dry_run, missing=f"Job {name}")
    except ToolNotFound as error:
        raise cluster.not_found(JOBS, name, where) from error
    owner = controller_of(job)
    kept = f" {owner['kind']} {owner['name']} starts new ones by its schedule." if owner else ""
    return WriteResult(
        tool="delete_finished_job",
        subject=subject(JOBS, job),
        dry_run=dry_run,
        changed=True,
        summary=said(f"{subject(JOBS, job)} ({end}) is deleted with its pods and their logs.{kept}", dry_run),
        undo=Undo(possible=False, note="A deleted Job does not come back, nor do its pods' logs."),
        warnings=reply.warnings,
        uid=str(job["metadata"].get("uid", "")),
    )


def _end(job: Object) -> str:
    """`Complete`, `Failed`, or nothing while it runs."""
    conditions = (job.get("status") or {}).get("conditions") or []
    return next((one["type"] for one in conditions if one.get("type") in _ENDS and one.get("status") == "True"), "")
