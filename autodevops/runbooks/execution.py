"""Executing one notebook, and telling the truth about what ran: the work of the Papermill engine `engine` names.

Stock Papermill writes `completed` into cells that timed out or never ran, and hides the cause of a timeout behind an
AssertionError of its own. This engine keeps one status per cell and one for the run (`autodevops.domain.run`), writes
them into the notebook's `papermill` metadata, and ends the kernel in every case. It knows nothing of runbooks, bundles
and schedules.

It raises NotebookEnded when the run ended in another way than `succeeded` or `stopped_early`, after the notebook was
saved; Ctrl-C in the main thread ends the run as `interrupted` and is then raised as KeyboardInterrupt.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NotebookExecutionManager
from traitlets import Float, Instance

from autodevops.domain.run import CellStatus, RunError, RunStatus
from autodevops.kernel.clock import Clock, monotonic_ms, utc_now
from autodevops.kernel.errors import RunFailed
from autodevops.runbooks.files import notebook_bytes, write_atomically
from autodevops.runbooks.stop import StopSignal, sigterm_calls

T = TypeVar("T")

# A cell's last outputs may come this long after its reply; nbclient's 4 s is too short on a busy machine.
OUTPUT_GRACE_SECONDS = 30
ABANDON_SECONDS = 5.0


class NotebookEnded(RunFailed):
    """The notebook did not run to its end."""

    def __init__(self, status: RunStatus, error: RunError) -> None:
        super().__init__(
            f"The notebook ended as {status}: {error.kind}: {error.message}.", "The saved notebook has the details."
        )
        self.status = status
        self.error = error


class _Ended(Exception):
    """Inside the engine: the run is over, with this status."""

    def __init__(self, status: RunStatus, error: RunError | None) -> None:
        super().__init__(status)
        self.status = status
        self.error = error


class RunManager(NotebookExecutionManager):  # type: ignore[misc]  # papermill has no types
    """Papermill's keeper of metadata, with true statuses and whole files."""

    def __init__(self, nb: Any, *, clock: Clock, **options: Any) -> None:
        self._clock = clock
        super().__init__(nb, **options)

    def now(self) -> datetime:
        return self._clock()

    def save(self, **_kwargs: Any) -> None:
        if self.output_path:
            write_atomically(Path(self.output_path), notebook_bytes(self.nb))
        self.last_save_time = self.now()

    def notebook_start(self, **kwargs: Any) -> None:
        self.nb.metadata.setdefault("papermill", {})
        self.nb.metadata.papermill["status"] = "running"
        self.nb.metadata.papermill["error"] = None
        super().notebook_start(**kwargs)

    def cell_end(self, cell: Any, status: CellStatus, error: str) -> None:
        meta = cell.metadata.papermill
        end = self.now()
        meta["status"] = status
        meta["error"] = error
        meta["exception"] = status not in {"succeeded", "stopped_early"}
        meta["end_time"] = end.isoformat()
        meta["duration"] = (end - datetime.fromisoformat(meta["start_time"])).total_seconds()
        self.save()
        if self.pbar:
            self.pbar.update(1)

    def run_end(self, status: RunStatus, error: RunError | None) -> None:
        self.nb.metadata.papermill["status"] = status
        self.nb.metadata.papermill["error"] = error.model_dump() if error else None
        self.nb.metadata.papermill["exception"] = True if status not in {"succeeded", "stopped_early"} else None

    def notebook_complete(self, **_kwargs: Any) -> None:
        """Cells that were not reached say so; Papermill would call them completed."""
        mark_unreached(self.nb)
        self.end_time = self.now()
        self.nb.metadata.papermill["end_time"] = self.end_time.isoformat()
        self.nb.metadata.papermill["duration"] = (self.end_time - self.start_time).total_seconds()
        self.cleanup_pbar()
        self.save()


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


class RunClient(PapermillNotebookClient):  # type: ignore[misc]  # papermill has no types
    """Executes the cells in one event loop, so that a stop, a deadline or a signal reaches a waiting cell at once."""

    run_timeout = Float(0.0, help="seconds for the whole run; 0: no limit")
    stop = Instance(StopSignal)

    def execute(self, **start_options: Any) -> Any:
        _drive(lambda: self._run(start_options))
        return self.nb

    async def _run(self, start_options: Mapping[str, Any]) -> None:
        self.reset_execution_trackers()
        self.on_cell_executed = self._note_reply
        self._exit_asked = False
        self._deadline = monotonic_ms() + self.run_timeout * 1000 if self.run_timeout else None
        self._stop_asked = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        status: RunStatus = "failed"
        error: RunError | None = RunError(kind="EngineFailed", message="the engine itself failed")
        sockets = tempfile.mkdtemp(prefix="autodevops-")
        with (
            self.stop.listening(self._wake),
            sigterm_calls(self._loop, self._told_to_end),
        ):
            try:
                await self._start_kernel(sockets, start_options)
                await self._execute_cells()
                status, error = "succeeded", None
            except _Ended as ended:
                status, error = ended.status, ended.error
            except OSError as problem:
                error = RunError(kind=type(problem).__name__, message=_one_line(str(problem)))
                raise
            except asyncio.CancelledError:
                status, error = "interrupted", RunError(kind="Interrupted", message="the runner was interrupted")
                raise
            finally:
                self.nb_man.run_end(status, error)
                self.shutdown_kernel = "graceful" if status == "succeeded" else "immediate"
                if self.km is not None:
                    await self._async_cleanup_kernel()
                shutil.rmtree(sockets, ignore_errors=True)

    async def _start_kernel(self, sockets: str, start_options: Mapping[str, Any]) -> None:
        self._check_stop()
        try:
            manager = self.create_kernel_manager()
            # Sockets in a folder of ours alone: nobody else on the machine can reach the kernel, as over TCP.
            manager.transport = "ipc"
            manager.ip = os.path.join(sockets, "kernel")
            # Not raced: given up half way, it would leave a process that nobody knows.
            await self.async_start_new_kernel(**start_options)
            await self._race(self.async_start_new_kernel_client())
            reply = await self._race(self._kernel_info())
        except (RuntimeError, OSError, LookupError) as error:
            raise _Ended("failed", RunError(kind="KernelNotStarted", message=_one_line(str(error)))) from error
        self.nb.metadata["language_info"] = reply["content"]["language_info"]

    async def _kernel_info(self) -> Any:
        return await self.async_wait_for_reply(self.kc.kernel_info())

    async def _execute_cells(self) -> None:
        for index, cell in enumerate(self.nb.cells):
            if cell.cell_type != "code" or self.skip_cells_with_tag in cell.metadata.get("tags", []):
                continue
            self.nb_man.cell_start(cell, index)
            ended = _Ended("failed", RunError(kind="EngineFailed", message="the engine itself failed", cell=index))
            try:
                await self._race(self.async_execute_cell(cell, index))
                ended = _Ended("succeeded", None)
                if self._exit_asked:
                    ended = _Ended(
                        "stopped_early",
                        RunError(kind="SystemExit", message="the notebook asked to end here", cell=index),
                    )
            except CellExecutionError as error:
                ended = _from_exception(error, index)
            except CellTimeoutError as error:
                ended = _Ended(
                    "timed_out", RunError(kind="CellTimeout", message=self._timeout_words(error), cell=index)
                )
            except DeadKernelError:
                message = "the kernel died while this cell ran (killed, out of memory, or crashed)"
                ended = _Ended("failed", RunError(kind="KernelDied", message=message, cell=index))
            except _Ended as stopped:
                cause = stopped.error.model_copy(update={"cell": index}) if stopped.error else None
                ended = _Ended(stopped.status, cause)
            except asyncio.CancelledError:
                ended = _Ended(
                    "interrupted", RunError(kind="Interrupted", message="the runner was interrupted", cell=index)
                )
                raise
            finally:
                words = f"{ended.error.kind}: {ended.error.message}" if ended.error else ""
                self.nb_man.cell_end(cell, _cell_status(ended.status), words)
            if ended.status != "succeeded":
                raise ended

    async def _race(self, work: Awaitable[T]) -> T:
        """The result of `work`, unless a stop is asked for or the run's time is over; then `work` is given up."""
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self._stop_asked.wait())
        remaining = None if self._deadline is None else max(0.0, self._deadline - monotonic_ms()) / 1000
        try:
            await asyncio.wait({task, stop}, timeout=remaining, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        finally:
            stop.cancel()
            if not task.done():
                task.cancel()
                # nbclient turns a cancelled cell into DeadKernelError; it is not asked what happened.
                await asyncio.wait({task}, timeout=ABANDON_SECONDS)
                if task.done() and not task.cancelled():
                    task.exception()
        self._check_stop()
        raise _Ended(
            "timed_out", RunError(kind="RunTimeout", message=f"the run took longer than {self.run_timeout:g} s")
        )

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._stop_asked.set)

    def _told_to_end(self) -> None:
        self.stop.request("interrupted", "the runner was told to end (SIGTERM)")

    def _check_stop(self) -> None:
        request = self.stop.requested
        if request is not None:
            raise _Ended(request.status, RunError(kind=request.status.capitalize(), message=request.why))

    def _note_reply(self, *, execute_reply: Mapping[str, Any], **_cell: Any) -> None:
        """`exit()` and `quit()` raise nothing in a kernel: they ask whoever runs it to end."""
        payload = execute_reply["content"].get("payload") or []
        self._exit_asked = self._exit_asked or any(item.get("source") == "ask_exit" for item in payload)

    def _timeout_words(self, error: CellTimeoutError) -> str:
        if "IOPub" in str(error):
            return f"the cell ended but its output did not arrive within {self.iopub_timeout} s"
        return f"the cell took longer than {self.timeout:g} s"


def execute(
    nb: Any,
    kernel_name: str,
    *,
    output_path: str | None = None,
    progress_bar: bool | dict[str, Any] = False,
    log_output: bool = False,
    autosave_cell_every: float = 30,
    clock: Clock = utc_now,
    **options: Any,
) -> Any:
    """Execute the notebook in place. Raises NotebookEnded."""
    manager = RunManager(
        nb,
        clock=clock,
        output_path=output_path,
        progress_bar=progress_bar,
        log_output=log_output,
        autosave_cell_every=autosave_cell_every,
    )
    manager.notebook_start()
    try:
        _execute_managed(manager, kernel_name, log_output=log_output, **options)
    finally:
        manager.notebook_complete()
    meta = nb.metadata.papermill
    if meta["status"] not in {"succeeded", "stopped_early"}:
        raise NotebookEnded(meta["status"], RunError.model_validate(meta["error"]))
    return nb


def _execute_managed(
    manager: RunManager,
    kernel_name: str,
    *,
    log_output: bool,
    stdout_file: Any = None,
    stderr_file: Any = None,
    start_timeout: float = 60,
    execution_timeout: float | None = None,
    run_timeout: float | None = None,
    stop: StopSignal | None = None,
    environment: Mapping[str, str] | None = None,
    input_path: str | None = None,
    **options: Any,
) -> None:
    del input_path  # Papermill passes it to every engine
    client = RunClient(
        manager,
        timeout=int(execution_timeout) if execution_timeout else None,
        startup_timeout=int(start_timeout),
        run_timeout=float(run_timeout or 0.0),
        iopub_timeout=OUTPUT_GRACE_SECONDS,
        kernel_name=kernel_name,
        log_output=log_output,
        stdout_file=stdout_file,
        stderr_file=stderr_file,
        stop=stop or StopSignal(),
        store_widget_state=False,
        **options,
    )
    # The stock renderer may put all of plotly.js into each output.
    client.execute(env={**os.environ, "PLOTLY_RENDERER": "plotly_mimetype", **(environment or {})})


def _cell_status(status: RunStatus) -> CellStatus:
    return status


def _from_exception(error: CellExecutionError, index: int) -> _Ended:
    message = _one_line(error.evalue)
    if error.ename == "SystemExit" and error.evalue in {"", "0", "None"}:
        return _Ended(
            "stopped_early", RunError(kind="SystemExit", message="the notebook asked to end here", cell=index)
        )
    return _Ended("failed", RunError(kind=error.ename, message=message, cell=index))


def _one_line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 500 else flat[:499] + "…"


def _drive(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run to the end in this thread, or in one of its own when an event loop runs here already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(main())
    else:
        with ThreadPoolExecutor(1, thread_name_prefix="autodevops-run") as pool:
            pool.submit(asyncio.run, main()).result()
