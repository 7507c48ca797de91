"""Telling the truth about runs whose runner was killed.

Such a bundle says `running`, and nobody holds its lease. It becomes `interrupted`: the cell that ran is `interrupted`,
those after it are `not_run`, and the end is unknown, so it stays empty.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from autodevops.domain.run import CellRun, Run, RunError
from autodevops.kernel.clock import Clock
from autodevops.runbooks.bundle import LEASE, NOTEBOOK, Bundle, Lease, RunRecord, read_manifest, remove_staging

log = logging.getLogger(__name__)


def reconcile(artifacts: Path, *, clock: Clock) -> tuple[RunRecord, ...]:
    """Mark dead runs as interrupted and return them. Safe while other runners work in the same folder."""
    found = []
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
            remove_staging(folder)
            continue
        try:
            run = read_manifest(folder)
        except (OSError, ValidationError):
            log.warning("The manifest of %s cannot be read; the bundle is left as it is.", folder)
            lease.end()
            continue
        if run.status == "running":
            found.append(_interrupt(folder, lease, run, clock))
        else:
            lease.end()
    return tuple(found)


def _interrupt(folder: Path, lease: Lease, run: Run, clock: Clock) -> RunRecord:
    from autodevops.runbooks.execution import mark_unreached
    from autodevops.runbooks.report import report
    from autodevops.runbooks.runner import cell_runs

    notebook = _notebook(folder)
    cells: tuple[CellRun, ...] = ()
    error = RunError(kind="RunnerDied", message="the runner ended without a word: killed, or the machine went down")
    if notebook is not None:
        mark_unreached(notebook)
        cells = cell_runs(notebook)
        error = error.model_copy(
            update={"cell": next((cell.index for cell in cells if cell.status == "interrupted"), None)}
        )
        meta = notebook.metadata.setdefault("papermill", {})
        meta.update(status="interrupted", error=error.model_dump(), exception=True)
    final = run.model_copy(update={"status": "interrupted", "cells": cells, "error": error, "reconciled_at": clock()})
    return Bundle(folder, lease).finish(final, notebook, report(final, notebook))


def _notebook(folder: Path) -> Any | None:
    import nbformat

    try:
        return nbformat.read(folder / NOTEBOOK, as_version=4)
    except FileNotFoundError:
        return None
