"""What the write tools have in common: a patch of one object, told as what was, what is, and how to undo it.

Every one of them is a dry run unless told otherwise: a call that forgets the flag must change nothing, and the price
of that mistake is one more call. A dry run is the API server's own (`dryRun=All`): admission, validation, quotas and
policies judge it, and nothing of it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from autodevops.domain.field_edit import FieldEdit
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import Undo, WriteResult
from autodevops.kernel.errors import ToolNotFound, ToolRejected
from autodevops.servers.kubernetes.api import Reply
from autodevops.servers.kubernetes.cluster import Cluster, Object, Params
from autodevops.servers.kubernetes.discovery import ResourceType
from autodevops.servers.kubernetes.edits import MAX_EDITS, edits, path_of
from autodevops.servers.kubernetes.objects import MASK, SECRET_FIELDS, tidy
from autodevops.servers.kubernetes.refusals import Conflict

ATTEMPTS = 4  # controllers write status all the time; so often a write is tried on the newest state

T = TypeVar("T")
DECIDE_ANEW = "Read it again, and decide anew."
NOT_NEEDED = Undo(possible=False, note="Nothing has changed.")


def on_newest(write: Callable[[], T]) -> T:
    """`write` reads and writes an object; done again while others come between. Raises Conflict when they always do."""
    for _ in range(ATTEMPTS - 1):
        try:
            return write()
        except Conflict:
            continue
    return write()


def patch(
    cluster: Cluster,
    kind: ResourceType,
    before: Object,
    body: object,
    *,
    patch_type: str,
    dry_run: bool,
    params: Params = (),
    subresource: str = "",
) -> Reply:
    """Raises ToolError as the cluster refuses it."""
    metadata = before["metadata"]
    name, namespace = metadata["name"], metadata.get("namespace", "")
    path = kind.path(namespace, name) + (f"/{subresource}" if subresource else "")
    try:
        return cluster.write(
            "PATCH",
            path,
            body,
            dry_run=dry_run,
            missing=f"{kind.kind} {name}",
            patch_type=patch_type,
            params=params,
        )
    except ToolNotFound as error:
        raise cluster.not_found(kind, name, namespace) from error


def result(
    tool: str,
    kind: ResourceType,
    before: Object,
    after: Object,
    *,
    dry_run: bool,
    summary: str,
    undo: Undo,
    unchanged: str = "",
    warnings: Sequence[str] = (),
) -> WriteResult:
    """`summary` says what was done, in the past tense; `unchanged` what to say when there was nothing to do."""
    old, new = (
        tidy(item, api_version=kind.api_version, kind=kind.kind, secret=kind.is_secret) for item in (before, after)
    )
    found = (*edits(old, new), *(_masked_edits(before, after) if kind.is_secret else ()))
    changed = bool(found)
    metadata = after["metadata"]
    return WriteResult(
        tool=tool,
        subject=subject(kind, after),
        dry_run=dry_run,
        changed=changed,
        summary=said(
            summary if changed else unchanged or f"{subject(kind, after)} is so already.", dry_run and changed
        ),
        edits=found[:MAX_EDITS],
        undo=undo if changed else NOT_NEEDED,
        warnings=tuple(warnings),
        uid=str(metadata.get("uid", "")),
        resource_version=str((before if dry_run else after)["metadata"].get("resourceVersion", "")),
        truncated=len(found) > MAX_EDITS,
        note=f"Only the first {MAX_EDITS} of {len(found)} edits." if len(found) > MAX_EDITS else "",
    )


def _masked_edits(before: Object, after: Object) -> Iterator[FieldEdit]:
    """The values of a Secret that differ, which look the same once they are masked."""
    for name in SECRET_FIELDS:
        old, new = before.get(name) or {}, after.get(name) or {}
        for key in sorted(old.keys() & new.keys()):
            if old[key] != new[key]:
                yield FieldEdit(path=path_of(name, key), before=MASK, after=MASK)


def subject(kind: ResourceType, item: Object) -> Subject:
    metadata = item["metadata"]
    return Subject(
        kind=kind.kind,
        name=metadata["name"],
        namespace=metadata.get("namespace", ""),
        api_version=kind.api_version,
    )


def guard(kind: ResourceType, item: Object, uid: str, generation: int | None = None) -> None:
    """Raises ToolRejected when the object is another one by now, or its spec was changed since `generation`.

    Not its resource version, which controllers move with every status they report.
    """
    metadata = item["metadata"]
    if uid and metadata.get("uid") != uid:
        raise ToolRejected(
            f"{subject(kind, item)} is not the one with uid {uid} any more; it was made anew.", DECIDE_ANEW
        )
    found = metadata.get("generation")
    if generation is not None and found != generation:
        raise ToolRejected(
            f"{subject(kind, item)} was changed meanwhile: its generation is {found}, not {generation}.", DECIDE_ANEW
        )


def said(summary: str, dry_run: bool) -> str:
    return f"Dry run, nothing was changed: {summary}" if dry_run else summary


def controller_of(item: Object) -> dict[str, Any] | None:
    """The owner that makes a new one when this one goes."""
    owners = item["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)
