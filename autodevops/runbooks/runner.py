"""One run of one runbook: check the parameters, fetch the secrets, open a bundle, execute, close the bundle.

`perform` is the process itself, in an event loop; `run_runbook` is the same for callers without one. Call that from the
main thread, where Ctrl-C and SIGTERM end the run as `interrupted`, or from a worker thread with a StopSignal. Waiting
for a turn and trying again are not here (`queue`).
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import platform
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

from autodevops.domain.base import Json
from autodevops.domain.run import CellRun, Run, RunError
from autodevops.kernel.clock import Clock
from autodevops.kernel.errors import RunFailed
from autodevops.kernel.ids import time_sortable_id
from autodevops.runbooks import entries, keeper
from autodevops.runbooks.bundle import LEASE, Bundle, RunRecord
from autodevops.runbooks.catalogue import Runbook
from autodevops.runbooks.gates import ROLLBACK, CellRequest, DenyingGate, Gate, GateAnswer, objection
from autodevops.runbooks.kernels import ColdKernels, Kernels, Surroundings
from autodevops.runbooks.masking import Masking
from autodevops.runbooks.parameters import Value, as_code, resolve
from autodevops.runbooks.progress import Observer, RunFinished, RunStarted
from autodevops.runbooks.provenance import image_digest, package_state, runbook_state
from autodevops.runbooks.secrets import Places, fetch_secrets
from autodevops.runbooks.stop import StopSignal
from autodevops.stores.ledger import Ledger

log = logging.getLogger(__name__)

T = TypeVar("T")

_PACKAGES = ("autodevops", "papermill", "nbclient", "ipykernel", "pandas", "plotly")


@dataclass(frozen=True)
class RunRequest:
    runbook: Runbook
    parameters: Mapping[str, Json] = field(default_factory=dict)
    trigger: str = "manual"
    requested_by: str = ""
    reason: str = ""
    attempt: int = 1
    retry_of: str = ""  # id of the first attempt
    rerun_of: str = ""  # id of the run that is repeated
    slot: str = ""  # the occurrence of a schedule that it is for
    operation: str = ""  # of the executor, which it is the doing of


@dataclass(frozen=True)
class Means:
    """What runs are made with; the same for many of them."""

    artifacts: Path
    clock: Clock
    ledger: Ledger | None = None
    kernels: Kernels = field(default_factory=ColdKernels)
    gate: Gate = field(default_factory=DenyingGate)
    secrets: Places = field(default_factory=Places)
    environment: Mapping[str, str] = field(default_factory=dict)  # added to the kernels'
    redacting: bool = True  # by the general rules; a run's own secrets are always masked


def run_runbook(
    request: RunRequest,
    *,
    artifacts: Path,
    clock: Clock,
    stop: StopSignal | None = None,
    environment: Mapping[str, str] | None = None,
    ledger: Ledger | None = None,
) -> RunRecord:
    """Run it in a kernel of its own and return the record, however the run ended; raises as `perform` does, and
    KeyboardInterrupt, after the bundle is whole, when Ctrl-C ended the run.
    """
    from autodevops.runbooks.execution import drive

    means = Means(artifacts, clock, ledger=ledger, environment=environment or {})
    return drive(lambda: perform(request, means, stop=stop))


async def perform(
    request: RunRequest,
    means: Means,
    *,
    stop: StopSignal | None = None,
    observer: Observer = lambda _event: None,
) -> RunRecord:
    """Run it and return the record, however the run ended.

    Raises UsageError before anything is written when the parameters are wrong or a secret is missing, RunFailed when
    the artifacts folder or the ledger cannot be written, and CancelledError, after the bundle is whole, when it was
    cancelled.
    """
    runbook = request.runbook
    values = resolve(runbook.name, runbook.front.parameters, request.parameters)
    names = runbook.front.secrets
    secrets = await asyncio.to_thread(fetch_secrets, runbook.name, names, means.secrets) if names else {}
    masking = Masking(secrets, redacting=means.redacting)
    notebook = _prepared(runbook, values)
    run = _masked(_begun(request, values, means.clock), masking)
    _stay_inside(means.artifacts, runbook.name)
    bundle = Bundle.create(means.artifacts, run, _kept_source(runbook.source, masking))
    if means.ledger is not None:
        try:
            await _surely(means.ledger.append, entries.started(run))
        except BaseException as error:
            bundle.discard()
            if not isinstance(error, Exception):
                raise
            raise RunFailed(
                f"The run of {runbook.name} did not start: the ledger cannot be written: {error}.",
                "Make room or correct the rights of the ledger's folder.",
            ) from error
    observer(RunStarted(run.id, runbook.name, bundle.folder, run.attempt, _code_cells(notebook)))
    try:
        await _execute(runbook, run, notebook, bundle, means, masking, secrets, stop or StopSignal(), observer)
    finally:
        record = await _surely(_finish, bundle, run, notebook, means, masking, sys.exc_info()[1])
        observer(RunFinished(run.id, record.status, record.folder))
    return record


async def _execute(
    runbook: Runbook,
    run: Run,
    notebook: Any,
    bundle: Bundle,
    means: Means,
    masking: Masking,
    secrets: Mapping[str, str],
    stop: StopSignal,
    observer: Observer,
) -> None:
    from autodevops.runbooks.execution import Conduct, NotebookEnded, execute_notebook
    from autodevops.runbooks.record import Journal

    conduct = Conduct(
        run_id=run.id,
        runbook=runbook.name,
        parameters=run.parameters,
        surroundings=Surroundings.here({**means.environment, **secrets, **keeper.variables(bundle.staging, secrets)}),
        kernels=means.kernels,
        gate=_RecordingGate(means.gate, run, means) if means.ledger else means.gate,
        masking=masking,
        observer=observer,
        stop=stop,
        run_timeout=runbook.front.time_limit_seconds,
        cell_timeout=runbook.front.cell_time_limit_seconds,
    )
    journal = Journal(bundle.folder / LEASE)
    try:
        await execute_notebook(
            notebook,
            notebook.metadata.get("kernelspec", {}).get("name", "python3"),
            conduct,
            clock=means.clock,
            output_path=str(bundle.notebook),
            journal=journal,
        )
    except NotebookEnded as ended:
        log.warning("Runbook %s: %s", runbook.name, ended.message)
    finally:
        journal.close()


@dataclass(frozen=True)
class _RecordingGate:
    """Enters each answer in the ledger before the cell runs; what cannot be entered is not granted."""

    gate: Gate
    run: Run
    means: Means

    async def ask(self, request: CellRequest) -> GateAnswer:
        answer = await self.gate.ask(request)
        assert self.means.ledger is not None
        event = entries.answered(self.run, request, answer, objection(request, answer), self.means.clock())
        await asyncio.to_thread(self.means.ledger.append, event)
        return answer


def _begun(request: RunRequest, values: Mapping[str, Value], clock: Clock) -> Run:
    started = clock()
    return Run(
        id=time_sortable_id(started),
        runbook=request.runbook.name,
        title=request.runbook.front.title,
        trigger=request.trigger,
        requested_by=request.requested_by,
        reason=request.reason,
        parameters=dict(values),
        status="running",
        attempt=request.attempt,
        retry_of=request.retry_of,
        started_at=started,
        source_digest=request.runbook.digest,
        versions=_versions(),
        runner={"host": platform.node(), "pid": os.getpid(), "boot": boot_id()},
        rerun_of=request.rerun_of,
        slot=request.slot,
        operation=request.operation,
        runbook_code=runbook_state(request.runbook.path, request.runbook.source),
        package_code=package_state(),
        image=image_digest(),
    )


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


def _stay_inside(artifacts: Path, name: str) -> None:
    """Raises RunFailed when the runbook's folder leads out of the artifacts folder."""
    with suppress(OSError):  # what is wrong with the folder itself is said when the bundle is made
        root = artifacts.resolve()
        if (root / name).resolve() != root / name:
            raise RunFailed(
                f"The folder {artifacts / name} is a link out of the artifacts folder.",
                "Remove the link, or move the artifacts folder itself.",
            )


def _finish(
    bundle: Bundle, run: Run, notebook: Any, means: Means, masking: Masking, cause: BaseException | None
) -> RunRecord:
    from autodevops.runbooks.execution import kept
    from autodevops.runbooks.report import report

    meta = notebook.metadata.papermill
    if meta.get("status", "running") == "running":
        # The engine did not come to write a status: it failed before, or beside, the cells.
        interrupted = isinstance(cause, KeyboardInterrupt | asyncio.CancelledError)
        words = masking.text(" ".join(str(cause).split()))
        error = RunError(kind="Interrupted" if interrupted else type(cause).__name__, message=words)
        meta.update(status="interrupted" if interrupted else "failed", error=error.model_dump(), exception=True)
    clean = kept(notebook, masking)
    final = run.model_copy(
        update={
            "status": meta["status"],
            "finished_at": means.clock(),
            "cells": cell_runs(clean),
            "error": RunError.model_validate(meta["error"]) if meta.get("error") else None,
            "kernel": dict(meta.get("kernel", {})),
            "rollback": meta.get("rollback", ""),
        }
    )
    final = bundle.with_evidence(final, masking.known_value)
    enter = entries.entering(means.ledger, means.clock, means.artifacts)
    return bundle.finish(final, clean, report(final, clean), enter)


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


def boot_id() -> str:
    """Another one after the machine went down; empty where the machine does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _masked(run: Run, masking: Masking) -> Run:
    """A parameter or a reason may hold a secret's value by mistake; general rules would spoil what a rerun needs."""
    document = run.model_dump(mode="json")
    masked = masking.known_value(document)
    return run if masked is document else Run.model_validate(masked)


def _kept_source(source: bytes, masking: Masking) -> bytes:
    """The runbook as it is kept for a rerun: byte by byte, unless somebody wrote a secret's value into it."""
    if not masking.spelled:
        return source
    document = json.loads(source)
    masked = masking.known_value(document)
    return source if masked is document else json.dumps(masked, ensure_ascii=False, indent=1).encode() + b"\n"


def _code_cells(notebook: Any) -> int:
    """Those that run when all goes well."""
    return sum(cell.cell_type == "code" and ROLLBACK not in cell.metadata.get("tags", []) for cell in notebook.cells)


async def _surely(work: Callable[..., T], *arguments: Any) -> T:
    """Blocking work in a thread, done to its end also when the caller is cancelled meanwhile."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()
        raise


@cache
def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
