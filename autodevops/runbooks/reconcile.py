"""Telling the truth about runs whose runner was killed.

Such a bundle says `running`, and nobody holds its lease. It becomes `interrupted`: the cell that ran is `interrupted`,
those after it are `not_run`, and the end is unknown, so it stays empty.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from autodevops.domain.run import CellRun, Run, RunError
from autodevops.kernel.clock import Clock
from autodevops.runbooks import entries
from autodevops.runbooks.bundle import (
    LEASE,
    MANIFEST,
    NOTEBOOK,
    Bundle,
    Lease,
    RunRecord,
    read_manifest,
)
from autodevops.stores.ledger import Ledger

log = logging.getLogger(__name__)


def reconcile(artifacts: Path, *, clock: Clock, ledger: Ledger | None = None) -> tuple[RunRecord, ...]:
    """Mark dead runs as interrupted and return them. Safe while other runners work in the same folder.

    A run whose end did not come into the ledger, because it could not be written or its runner died in between, is
    entered. Raises what the ledger raises.
    """
    found = []
    enter = entries.entering(ledger, clock, artifacts)
    for lease_path in sorted(artifacts.glob(f"*/*/{LEASE}")):
        folder = lease_path.parent
        try:
            lease = Lease.take(lease_path)
        except FileNotFoundError:
            continue
        if lease is None:
            continue
        if folder.name.startswith("."):
            lease.end()
            shutil.rmtree(folder, ignore_errors=True)  # it died before its folder appeared: nothing had happened yet
            continue
        try:
            run = read_manifest(folder)
        except (OSError, ValidationError):
            log.warning("The manifest of %s cannot be read; the bundle is left as it is.", folder)
            lease.end()
            continue
        if run.status == "running":
            found.append(_interrupt(folder, lease, run, clock, enter))
        else:
            if ledger is not None and enter is not None:
                manifest = (folder / MANIFEST).read_bytes()
                if not entries.is_entered(ledger, run, manifest):
                    enter(run, manifest)
            lease.end()
    return tuple(found)


def _interrupt(
    folder: Path, lease: Lease, run: Run, clock: Clock, enter: Callable[[Run, bytes], None] | None
) -> RunRecord:
    from autodevops.runbooks.record import SAVE_SECONDS, mark_unreached, replay
    from autodevops.runbooks.report import report
    from autodevops.runbooks.runner import boot_id, cell_runs

    notebook = _notebook(folder)
    cells: tuple[CellRun, ...] = ()
    error = RunError(kind="RunnerDied", message="the runner ended without a word: it was killed")
    if run.runner.get("boot", boot_id()) != boot_id():
        words = f"the machine went down; what ran in its last {SAVE_SECONDS:g} s may be missing here"
        error = RunError(kind="MachineDied", message=words)
    if notebook is not None:
        replay(folder / LEASE, notebook)
        mark_unreached(notebook)
        cells = cell_runs(notebook)
        error = error.model_copy(
            update={"cell": next((cell.index for cell in cells if cell.status == "interrupted"), None)}
        )
        meta = notebook.metadata.setdefault("papermill", {})
        meta.update(status="interrupted", error=error.model_dump(), exception=True)
    bundle = Bundle(folder, lease)
    final = run.model_copy(update={"status": "interrupted", "cells": cells, "error": error, "reconciled_at": clock()})
    if notebook is not None:
        final = final.model_copy(update={"kernel": dict(notebook.metadata.papermill.get("kernel", {}))})
    final = bundle.with_evidence(final)
    return bundle.finish(final, notebook, report(final, notebook), enter)


def _notebook(folder: Path) -> Any | None:
    import nbformat

    try:
        return nbformat.read(folder / NOTEBOOK, as_version=4)
    except FileNotFoundError:
        return None
