"""Finding runs: by part of an id, newest first, by runbook, status and time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from autodevops.domain.run import Run
from autodevops.kernel.errors import UsageError
from autodevops.kernel.ids import time_sortable_id
from autodevops.runbooks.storage import BundleRef, Bundles
from autodevops.runbooks.storage_remote import manifests

_SHOWN = 5  # candidates named in an error


def find(bundles: Bundles, part: str) -> tuple[BundleRef, Run]:
    """The one run whose id begins or ends with `part`. Raises UsageError naming the candidates when there are more."""
    wanted = part.strip().rpartition("/")[2]
    found = [ref for ref in bundles.refs() if wanted and (ref.run_id.startswith(wanted) or ref.run_id.endswith(wanted))]
    found = [ref for ref in found if ref.run_id == wanted] or found
    if not found:
        raise UsageError(f"There is no run {part!r} in {bundles.place}.", "See `autodevops run list`.")
    if len(found) > 1:
        names = ", ".join(ref.run_id for ref in found[:_SHOWN])
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise UsageError(f"{len(found)} runs begin or end with {part!r}: {names}{more}.", "Give more of the id.")
    run = bundles.manifest(found[0])
    if run is None:
        raise UsageError(
            f"Run {found[0].run_id} has no manifest that can be read.", f"Look at {bundles.where(found[0])}."
        )
    return found[0], run


def listed(
    bundles: Bundles, *, runbook: str = "", status: str = "", since: datetime | None = None
) -> Iterator[tuple[BundleRef, Run]]:
    """Runs, newest first; lazy."""
    refs = [ref for ref in bundles.refs() if (not runbook or ref.runbook == runbook) and _is_since(ref, since)]
    for ref, run in manifests(bundles, refs):
        if not status or run.status == status:
            yield ref, run


def _is_since(ref: BundleRef, since: datetime | None) -> bool:
    """Ids sort by time."""
    return since is None or ref.run_id >= time_sortable_id(since)[:18]
