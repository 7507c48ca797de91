"""Running a run again: the source that ran and the parameters it ran with, as a new run that names the old one."""

from __future__ import annotations

from pathlib import Path

from autodevops.domain.run import Run
from autodevops.kernel.errors import UsageError
from autodevops.kernel.ids import bytes_digest
from autodevops.runbooks.bundle import SOURCE
from autodevops.runbooks.catalogue import Catalogue, Runbook, parse_runbook
from autodevops.runbooks.runner import RunRequest
from autodevops.runbooks.storage import BundleRef, Bundles


def rerun_request(
    bundles: Bundles, ref: BundleRef, run: Run, *, current: Catalogue | None = None, requested_by: str, reason: str = ""
) -> RunRequest:
    """What to run. With `current`, today's runbook of that name instead of the one kept in the bundle.

    Raises UsageError when the source is not there, is not what ran, or takes other parameters today.
    """
    return RunRequest(
        runbook=_kept(bundles, ref, run) if current is None else current.load(run.runbook),
        parameters=run.parameters,
        trigger="manual",
        requested_by=requested_by,
        reason=reason or f"{run.id} again",
        rerun_of=run.id,
    )


def _kept(bundles: Bundles, ref: BundleRef, run: Run) -> Runbook:
    try:
        source = bundles.read(ref, SOURCE)
    except UsageError as error:
        raise UsageError(
            f"Run {run.id} did not keep the source of {run.runbook}: it was made by an older version.",
            "Run today's runbook with --current.",
        ) from error
    if bytes_digest(source) != run.source_digest:
        raise UsageError(
            f"The source kept by run {run.id} is not what ran: it was changed, or a secret in it was masked.",
            "Run today's runbook with --current.",
        )
    return parse_runbook(Path(bundles.where(ref, SOURCE)), source, name=run.runbook)
