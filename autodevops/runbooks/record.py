"""What is on disk of a run that is going on, and the bookkeeping in the notebook's metadata.

Papermill's keeper of metadata, with true statuses. A run of ours notes each cell that begins and ends as one line in
its journal, which survives a kill of the runner, and writes the whole notebook, synced, at most `SAVE_SECONDS` later
and before a cell that does something: what a machine that goes down may forget is that much. A run started by
Papermill itself has no journal; there the notebook is written with each change, as Papermill does.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from papermill.engines import NotebookExecutionManager

from autodevops.domain.run import GOOD, CellStatus, Rollback, RunError, RunStatus
from autodevops.kernel.clock import Clock, monotonic_ms
from autodevops.kernel.files import sync
from autodevops.runbooks.files import notebook_bytes, write_atomically, write_quickly

log = logging.getLogger(__name__)

SAVE_SECONDS = 2.0
_SAVING_SHARE = 4  # a notebook that takes 1 s to write is written every 4 s


class Journal:
    """One line for each change of a cell, appended to a file that is there while the run is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)

    def note(self, cell: int, metadata: dict[str, Any]) -> None:
        os.write(self._descriptor, json.dumps({"cell": cell, **metadata}).encode() + b"\n")

    def sync(self) -> None:
        """The journal, what lies beside it, and the way to it outlive the machine from here on."""
        folder = self._path.parent
        for path in (*folder.iterdir(), folder, folder.parent, folder.parent.parent):
            sync(path)

    def close(self) -> None:
        os.close(self._descriptor)


def replay(path: Path, notebook: Any) -> None:
    """Bring the notebook's metadata up to what the journal says; a last line that was torn is left out."""
    for line in path.read_bytes().splitlines():
        try:
            noted = json.loads(line)
            notebook.cells[noted.pop("cell")].metadata["papermill"] = noted
        except (ValueError, LookupError, TypeError, AttributeError):
            log.warning("A line of the journal %s cannot be read: %r", path, line[:200])


class RunManager(NotebookExecutionManager):  # type: ignore[misc]  # papermill has no types
    def __init__(
        self,
        nb: Any,
        *,
        clock: Clock,
        journal: Journal | None = None,
        kept: Callable[[Any], Any] = lambda notebook: notebook,
        output_path: str | None = None,
        **options: Any,
    ) -> None:
        """`kept` gives what may be written of the notebook."""
        self._clock = clock
        self._journal = journal
        self._kept = kept
        self._path = Path(output_path) if output_path else None
        self._timer: asyncio.TimerHandle | None = None
        self._pause = SAVE_SECONDS
        super().__init__(nb, output_path=output_path, **options)

    def now(self) -> datetime:
        return self._clock()

    def save(self, **_kwargs: Any) -> None:
        """Papermill calls this with each change."""
        if self._journal is None:
            self.settle()
        else:
            self._changed()

    def autosave_cell(self) -> None:
        """Papermill calls this with every message."""
        if self._journal is None:
            super().autosave_cell()
        else:
            self._changed()

    def settle(self) -> None:
        """All that is known so far is on disk when this returns."""
        self._stop_timer()
        began = monotonic_ms()
        if self._path is not None:
            write_atomically(self._path, notebook_bytes(self._kept(self.nb)))
        if self._journal is not None:
            self._journal.sync()
        self.last_save_time = self.now()
        self._pause = max(SAVE_SECONDS, _SAVING_SHARE * (monotonic_ms() - began) / 1000)

    def notebook_start(self, **kwargs: Any) -> None:
        self.nb.metadata.setdefault("papermill", {})
        self.nb.metadata.papermill["status"] = "running"
        self.nb.metadata.papermill["error"] = None
        super().notebook_start(**kwargs)
        if self._journal is not None and self._path is not None:
            write_quickly(self._path, notebook_bytes(self._kept(self.nb)))

    def cell_start(self, cell: Any, cell_index: int, **kwargs: Any) -> None:
        super().cell_start(cell, cell_index, **kwargs)
        if self._journal is not None:
            self._journal.note(cell_index, cell.metadata.papermill)

    def cell_end(self, cell: Any, cell_index: int, status: CellStatus, error: str) -> float:
        """Returns how long it took, in seconds."""
        meta = cell.metadata.papermill
        end = self.now()
        duration = (end - datetime.fromisoformat(meta["start_time"])).total_seconds() if meta["start_time"] else 0.0
        meta["status"] = status
        meta["error"] = error
        meta["exception"] = status not in GOOD
        meta["end_time"] = end.isoformat()
        meta["duration"] = duration
        self.save()
        if self._journal is not None:
            self._journal.note(cell_index, meta)
        if self.pbar:
            self.pbar.update(1)
        return duration

    def run_end(self, status: RunStatus, error: RunError | None) -> None:
        self.nb.metadata.papermill["status"] = status
        self.nb.metadata.papermill["error"] = error.model_dump() if error else None
        self.nb.metadata.papermill["exception"] = True if status not in GOOD else None

    def rolled_back(self, outcome: Rollback) -> None:
        self.nb.metadata.papermill["rollback"] = outcome

    def notebook_complete(self, **_kwargs: Any) -> None:
        """Cells that were not reached say so; Papermill would call them completed."""
        self._stop_timer()
        mark_unreached(self.nb)
        self.end_time = self.now()
        self.nb.metadata.papermill["end_time"] = self.end_time.isoformat()
        self.nb.metadata.papermill["duration"] = (self.end_time - self.start_time).total_seconds()
        self.cleanup_pbar()
        if self._journal is None:
            self.save()  # else whoever keeps the journal writes the notebook with the rest of the bundle

    def _changed(self) -> None:
        """There is something to save, soon."""
        if self._timer is None and self._path is not None:
            self._timer = asyncio.get_running_loop().call_later(self._pause, self._save_now)

    def _save_now(self) -> None:
        self._timer = None
        try:
            self.settle()
        except OSError as error:
            log.error("The notebook %s could not be saved and will be tried again: %s", self._path, error)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def mark_unreached(notebook: Any, *, running_as: CellStatus = "interrupted") -> None:
    """Give every code cell a final status, and take Papermill's bookkeeping off cells that are not code."""
    for cell in notebook.cells:
        if cell.cell_type != "code":
            cell.metadata.pop("papermill", None)
            continue
        meta = cell.metadata.setdefault("papermill", {})
        if meta.get("status", "pending") == "pending":
            meta["status"] = "not_run"
        elif meta["status"] == "running":
            meta["status"] = running_as
            meta["exception"] = True
