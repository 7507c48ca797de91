"""One execution of a runbook: what was asked for, what happened to each cell, and how it ended.

A record never says more than happened. `running` in a record that nobody holds any more means that its runner died;
whoever finds it reconciles it to `interrupted` (`autodevops.runbooks.reconcile`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from autodevops.domain.base import Json, Noun, UtcDatetime
from autodevops.domain.kept import CodeState, KeptEvidence, KeptInvestigation

CellStatus = Literal[
    "pending",
    "running",
    "succeeded",
    "failed",
    "timed_out",
    "cancelled",
    "interrupted",
    "stopped_early",
    "denied",
    "not_run",
]
RunStatus = Literal[
    "running", "succeeded", "failed", "timed_out", "cancelled", "interrupted", "stopped_early", "denied"
]
Rollback = Literal["", "succeeded", "failed", "timed_out", "cancelled", "interrupted", "denied", "not_run"]
GOOD = frozenset({"succeeded", "stopped_early"})  # ends that need nobody's attention


class CellRun(Noun):
    """What happened to one code cell. `index` is its place in the executed notebook."""

    index: int
    status: CellStatus
    started_at: UtcDatetime | None = None
    duration_seconds: float | None = None
    error: str = ""  # one line: the exception's name and message


class RunError(Noun):
    """Why a run ended as it did. `cell` is None when no cell is at fault, e.g. the kernel did not start."""

    kind: str  # exception name, or what we call it: CellTimeout, RunTimeout, KernelDied, Interrupted, ...
    message: str
    cell: int | None = None


class Run(Noun):
    """The manifest of a bundle.

    `files` has the sha256 of every other file of the bundle, `sizes` its bytes; both are empty while the run is
    `running`. `finished_at` is None for a run whose end nobody saw; `reconciled_at` then says when that was found out.
    Version 1 has nothing of what stands after `files`.
    """

    version: Literal[1, 2] = 2
    id: str
    runbook: str
    title: str
    trigger: str  # "schedule", "once", "manual"
    requested_by: str
    reason: str = ""
    parameters: dict[str, Json]
    status: RunStatus
    attempt: int = 1
    retry_of: str = ""  # id of the first attempt; empty for a first attempt
    kernel: dict[str, Json] = {}  # its name, language, and whether it was waiting, warm, when the run came
    started_at: UtcDatetime
    finished_at: UtcDatetime | None = None
    reconciled_at: UtcDatetime | None = None
    cells: tuple[CellRun, ...] = ()
    error: RunError | None = None
    source_digest: str  # sha256 of the runbook's file
    versions: dict[str, str] = {}
    runner: dict[str, Json] = {}  # host and process id, for a person to look at
    files: dict[str, str] = {}
    sizes: dict[str, int] = {}  # bytes, by the names in `files`
    rerun_of: str = ""  # the run whose source and parameters were taken again
    slot: str = ""  # the occurrence of a schedule that it was for, `<schedule>@<wall clock>`
    runbook_code: CodeState = CodeState()  # the runbook's own repository
    package_code: CodeState = CodeState()  # that of autodevops, when it ran from a checkout; `versions` has its version
    image: str = ""  # digest of the container image the runner ran in, where that is known
    evidence: tuple[KeptEvidence, ...] = ()
    investigations: tuple[KeptInvestigation, ...] = ()
    rollback: Rollback = ""  # how its rollback cells ended; empty when there was nothing to take back, or no such cell
    operation: str = ""  # of the executor, when it is one's doing: an operation is run once
    left_out: str = ""  # in words: evidence that was not kept, and why

    @property
    def ended_at(self) -> datetime | None:
        """When it ended, or when it was found out that it had. None while it runs."""
        return self.finished_at or self.reconciled_at
