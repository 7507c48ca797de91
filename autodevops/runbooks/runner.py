"""One run of one runbook: check the parameters, open a bundle, execute through Papermill, close the bundle.

Synchronous; it starts a kernel of its own and waits for it. Call it from the main thread, where Ctrl-C and SIGTERM end
the run as `interrupted`, or from a worker thread with a StopSignal.
"""

from __future__ import annotations

import logging
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from autodevops.domain.base import Json
from autodevops.domain.run import CellRun, Run, RunError
from autodevops.kernel.clock import Clock
from autodevops.kernel.ids import time_sortable_id
from autodevops.runbooks.bundle import Bundle, RunRecord
from autodevops.runbooks.catalogue import Runbook
from autodevops.runbooks.parameters import Value, as_code, resolve
from autodevops.runbooks.stop import StopSignal

log = logging.getLogger(__name__)

_PACKAGES = ("autodevops", "papermill", "nbclient", "ipykernel", "pandas", "plotly")


@dataclass(frozen=True)
class RunRequest:
    runbook: Runbook
    parameters: Mapping[str, Json] = field(default_factory=dict)
    trigger: str = "manual"
    requested_by: str = ""
    reason: str = ""


def run_runbook(
    request: RunRequest,
    *,
    artifacts: Path,
    clock: Clock,
    stop: StopSignal | None = None,
    environment: Mapping[str, str] | None = None,
) -> RunRecord:
    """Run it and return the record, however the run ended. `environment` is added to the kernel's.

    Raises UsageError before anything is written when the parameters are wrong, RunFailed when the artifacts folder
    cannot be written, and KeyboardInterrupt, after the bundle is whole, when Ctrl-C ended the run.
    """
    runbook = request.runbook
    values = resolve(runbook.name, runbook.front.parameters, request.parameters)
    notebook = _prepared(runbook, values)
    started = clock()
    run = Run(
        id=time_sortable_id(started),
        runbook=runbook.name,
        title=runbook.front.title,
        trigger=request.trigger,
        requested_by=request.requested_by,
        reason=request.reason,
        parameters=dict(values),
        status="running",
        started_at=started,
        source_digest=runbook.digest,
        versions=_versions(),
        runner={"host": platform.node(), "pid": os.getpid()},
    )
    bundle = Bundle.create(artifacts, run)
    try:
        _execute(runbook, notebook, bundle, clock, stop, environment)
    finally:
        record = _finish(bundle, run, notebook, clock)
    return record


def _execute(
    runbook: Runbook,
    notebook: Any,
    bundle: Bundle,
    clock: Clock,
    stop: StopSignal | None,
    environment: Mapping[str, str] | None,
) -> None:
    from papermill.engines import papermill_engines

    from autodevops.runbooks import engine
    from autodevops.runbooks.execution import NotebookEnded

    engine.register()
    try:
        papermill_engines.execute_notebook_with_engine(
            engine.NAME,
            notebook,
            kernel_name=notebook.metadata.get("kernelspec", {}).get("name", "python3"),
            output_path=str(bundle.notebook),
            progress_bar=False,
            execution_timeout=runbook.front.cell_time_limit_seconds,
            run_timeout=runbook.front.time_limit_seconds,
            stop=stop,
            clock=clock,
            environment=environment,
        )
    except NotebookEnded as ended:
        log.warning("Runbook %s: %s", runbook.name, ended.message)


def _prepared(runbook: Runbook, values: Mapping[str, Value]) -> Any:
    """The notebook to execute: the runbook's cells without old outputs, and the parameters as one cell of literals."""
    import nbformat

    notebook = nbformat.reads(runbook.source.decode(), as_version=4)
    tags = [cell.metadata.get("tags", []) for cell in notebook.cells]
    notebook.cells = [cell for cell, own in zip(notebook.cells, tags, strict=True) if "injected-parameters" not in own]
    if values:
        cell = nbformat.v4.new_code_cell(source=as_code(values), metadata={"tags": ["injected-parameters"]})
        place = next(i for i, own in enumerate(notebook.cells) if "parameters" in own.metadata.get("tags", []))
        notebook.cells.insert(place + 1, cell)
    notebook.metadata["papermill"] = {"parameters": dict(values), "input_path": runbook.path.name}
    return notebook


def _finish(bundle: Bundle, run: Run, notebook: Any, clock: Clock) -> RunRecord:
    from autodevops.runbooks.report import report

    meta = notebook.metadata.papermill
    if meta.get("status", "running") == "running":
        # The engine did not come to write a status: it failed before, or beside, the cells.
        cause = sys.exc_info()[1]
        interrupted = isinstance(cause, KeyboardInterrupt)
        error = RunError(kind=type(cause).__name__, message=" ".join(str(cause).split()))
        meta.update(status="interrupted" if interrupted else "failed", error=error.model_dump(), exception=True)
    final = run.model_copy(
        update={
            "status": meta["status"],
            "finished_at": clock(),
            "cells": cell_runs(notebook),
            "error": RunError.model_validate(meta["error"]) if meta.get("error") else None,
        }
    )
    return bundle.finish(final, notebook, report(final, notebook))


def cell_runs(notebook: Any) -> tuple[CellRun, ...]:
    """What the executed notebook says of its code cells."""
    rows = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        meta = cell.metadata.get("papermill", {})
        started = meta.get("start_time")
        rows.append(
            CellRun(
                index=index,
                status=meta.get("status", "not_run"),
                started_at=datetime.fromisoformat(started) if started else None,
                duration_seconds=meta.get("duration"),
                error=meta.get("error") or "",
            )
        )
    return tuple(rows)


@cache
def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
