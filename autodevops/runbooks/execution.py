"""Executing one notebook, and telling the truth about what ran: the work of the Papermill engine `engine` names.

Stock Papermill writes `completed` into cells that timed out or never ran, and hides the cause of a timeout behind an
AssertionError of its own. This engine keeps one status per cell and one for the run (`autodevops.domain.run`), writes
them into the notebook's `papermill` metadata (`record`), asks a gate before a cell that does something (`gates`), and
ends the kernel in every case. It knows nothing of runbooks, bundles and schedules.

It raises NotebookEnded when the run ended in another way than `succeeded` or `stopped_early`, after the notebook was
saved; Ctrl-C in the main thread ends the run as `interrupted` and is then raised as KeyboardInterrupt.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty
from typing import Any, TypeVar

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from traitlets import Instance

from autodevops.domain.base import Json
from autodevops.domain.run import GOOD, RunError, RunStatus
from autodevops.kernel.clock import Clock, monotonic_ms, utc_now
from autodevops.kernel.errors import RunFailed
from autodevops.runbooks import gates
from autodevops.runbooks.gates import CellRequest, DenyingGate, Gate
from autodevops.runbooks.kernels import START_SECONDS, ColdKernels, Kernel, Kernels, Surroundings
from autodevops.runbooks.masking import Masking, StreamMasking
from autodevops.runbooks.progress import CellFinished, CellStarted, CellWaiting, Observer, OutputChunk
from autodevops.runbooks.record import Journal, RunManager
from autodevops.runbooks.stop import StopSignal, sigterm_calls
from autodevops.runbooks.texts import cut

T = TypeVar("T")

# A cell's last outputs may come this long after its reply; nbclient's 4 s is too short on a busy machine.
OUTPUT_GRACE_SECONDS = 30
INTERRUPT_SECONDS = 0.4  # for a cell that is interrupted to clean up, before its kernel is killed
ABANDON_SECONDS = 5.0
ALIVE_SECONDS = 0.5  # between two looks at the kernel's process
_MESSAGE = 500  # characters of an error's message


@dataclass(frozen=True)
class Conduct:
    """How a run is to be executed, and who is told."""

    run_id: str = ""
    runbook: str = ""
    parameters: Mapping[str, Json] = field(default_factory=dict)
    surroundings: Surroundings = field(default_factory=Surroundings.here)
    kernels: Kernels = field(default_factory=ColdKernels)
    gate: Gate = field(default_factory=DenyingGate)
    masking: Masking = field(default_factory=Masking)
    observer: Observer = lambda _event: None
    stop: StopSignal = field(default_factory=StopSignal)
    run_timeout: float | None = None  # seconds
    cell_timeout: float | None = None
    start_timeout: float = START_SECONDS


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


class RunClient(PapermillNotebookClient):  # type: ignore[misc]  # papermill has no types
    """Executes the cells in one event loop, so that a stop, a deadline or a signal reaches a waiting cell at once."""

    conduct = Instance(Conduct)

    async def run(self) -> None:
        self.reset_execution_trackers()
        self.on_cell_executed = self._note_reply
        self._exit_asked = False
        self._streams: dict[str, StreamMasking] = {}
        self._deadline: float | None = None
        self._stop_asked = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        kernel: Kernel | None = None
        status: RunStatus = "failed"
        error: RunError | None = RunError(kind="EngineFailed", message="the engine itself failed")
        with (
            self.conduct.stop.listening(self._wake),
            sigterm_calls(self._loop, self._told_to_end),
        ):
            try:
                kernel = await self._take_kernel()
                # Starting a kernel has its own limit; a busy machine must not eat up the time the cells have.
                limit = self.conduct.run_timeout
                self._deadline = monotonic_ms() + limit * 1000 if limit else None
                await self._execute_cells()
                status, error = "succeeded", None
            except _Ended as ended:
                status, error = ended.status, ended.error
            except OSError as problem:
                error = RunError(kind=type(problem).__name__, message=cut(str(problem), _MESSAGE))
                raise
            except asyncio.CancelledError:
                status, error = "interrupted", RunError(kind="Interrupted", message="the runner was interrupted")
                raise
            finally:
                self.nb_man.run_end(status, error)
                if kernel is not None:
                    await self.conduct.kernels.end(kernel, graceful=status == "succeeded")

    async def _take_kernel(self) -> Kernel:
        self._check_stop()
        conduct = self.conduct
        try:
            kernel = await self._race(
                conduct.kernels.take(self.kernel_name, conduct.surroundings, conduct.start_timeout),
                given_up=self._end_unused,
            )
        except (RuntimeError, OSError, LookupError) as error:
            message = cut(conduct.masking.text(str(error)), _MESSAGE)
            raise _Ended("failed", RunError(kind="KernelNotStarted", message=message)) from error
        self.km, self.kc = kernel.manager, kernel.client
        language = dict(kernel.language_info)
        self.nb.metadata["language_info"] = language
        self.nb.metadata.papermill["kernel"] = {
            "name": kernel.name,
            "language": f"{language.get('name', '')} {language.get('version', '')}".strip(),
            "warm": kernel.warm,
        }
        return kernel

    async def _end_unused(self, kernel: Kernel) -> None:
        await self.conduct.kernels.end(kernel, graceful=False)

    async def _execute_cells(self) -> None:
        """Those tagged `rollback` are left out, and run when an action or what verifies it did not go well."""
        self._acted = False
        for index, cell in self._code_cells(rollback=False):
            try:
                await self._execute_one(cell, index)
            except _Ended as ended:
                if self._acted and ended.status not in GOOD and any(self._code_cells(rollback=True)):
                    self.nb_man.rolled_back("not_run")
                    if _calls_for_rollback(cell, ended):
                        await self._roll_back(ended)
                raise

    def _code_cells(self, *, rollback: bool) -> Iterator[tuple[int, Any]]:
        for index, cell in enumerate(self.nb.cells):
            tags = cell.metadata.get("tags", [])
            wanted = self.skip_cells_with_tag not in tags and (gates.ROLLBACK in tags) == rollback
            if cell.cell_type == "code" and wanted:
                yield index, cell

    async def _roll_back(self, cause: _Ended) -> None:
        """Run the rollback cells, up to the first that does not succeed. The run ends as it would have without."""
        try:
            if cause.status == "timed_out":
                await self._race(self._end_what_runs())
            for index, cell in self._code_cells(rollback=True):
                self.nb_man.rolled_back("interrupted")  # true until the next line is known
                await self._execute_one(cell, index)
            self.nb_man.rolled_back("succeeded")
        except _Ended as ended:
            self.nb_man.rolled_back("succeeded" if ended.status == "stopped_early" else ended.status)

    async def _end_what_runs(self) -> None:
        """Interrupt the cell that took too long: it holds up what is to take it back. Raises _Ended if it goes on."""
        with suppress(RuntimeError, OSError):
            await self.km.interrupt_kernel()
        limit = self.timeout or ABANDON_SECONDS
        try:
            await self.kc.kernel_info(reply=True, timeout=limit)
        except TimeoutError:
            message = f"the cell went on for {limit:g} s after it was interrupted"
            raise _Ended("timed_out", RunError(kind="CellTimeout", message=message)) from None
        # Its listener would take the next cell's outputs.
        await asyncio.wait({self._listener}, timeout=limit)
        self._listener.cancel()

    async def _execute_one(self, cell: Any, index: int) -> None:
        self._check_stop()
        gated = await self._pass_gate(cell, index)
        self._acted = self._acted or gated
        self.nb_man.cell_start(cell, index)
        if gated:
            self.nb_man.settle()  # that it began must be known even when the machine goes down with it
        self.conduct.observer(CellStarted(self.conduct.run_id, index))
        ended = _Ended("failed", RunError(kind="EngineFailed", message="the engine itself failed", cell=index))
        try:
            self._aborted = True
            while self._aborted:  # the kernel discards what reaches it while it ends a failed cell
                await self._race(self.async_execute_cell(cell, index), interrupting=True)
            ended = _Ended("succeeded", None)
            if self._exit_asked:
                ended = _Ended(
                    "stopped_early",
                    RunError(kind="SystemExit", message="the notebook asked to end here", cell=index),
                )
        except CellExecutionError as error:
            ended = self._from_exception(error, index)
        except CellTimeoutError as error:
            ended = _Ended("timed_out", RunError(kind="CellTimeout", message=self._timeout_words(error), cell=index))
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
            self._end_streams(cell, index)
            words = f"{ended.error.kind}: {ended.error.message}" if ended.error else ""
            seconds = self.nb_man.cell_end(cell, index, ended.status, words)
            self.conduct.observer(CellFinished(self.conduct.run_id, index, ended.status, seconds, words))
        if ended.status != "succeeded":
            raise ended

    async def _pass_gate(self, cell: Any, index: int) -> bool:
        """Returns when the cell may run, with whether it stood behind a gate; it must not reach the kernel before."""
        tag = gates.tag_of(cell.metadata)
        if tag is None:
            return False
        conduct = self.conduct
        source = str(cell.source)
        request = CellRequest(
            run_id=conduct.run_id,
            runbook=conduct.runbook,
            cell=index,
            tag=tag,
            digest=gates.source_digest(source),
            source=conduct.masking.known(source),
            parameters=conduct.masking.known_value(dict(conduct.parameters)),
        )
        self.nb_man.settle()
        conduct.observer(CellWaiting(conduct.run_id, index, tag))
        try:
            why = gates.objection(request, await self._race(conduct.gate.ask(request)))
        except _Ended:
            raise
        except Exception as error:  # noqa: BLE001  # whatever is wrong with the gate, it has not granted the cell
            why = f"the gate failed: {type(error).__name__}: {error}"
        if why:
            error_of_run = RunError(kind="Denied", message=cut(conduct.masking.text(why), _MESSAGE), cell=index)
            words = f"Denied: {error_of_run.message}"
            self.nb_man.cell_end(cell, index, "denied", words)
            conduct.observer(CellFinished(conduct.run_id, index, "denied", 0.0, words))
            raise _Ended("denied", error_of_run)
        return True

    async def _async_poll_output_msg(self, parent_msg_id: str, cell: Any, cell_index: int) -> None:
        listener = asyncio.current_task()
        assert listener is not None
        self._listener = listener
        with suppress(Empty):  # it was cancelled
            await super()._async_poll_output_msg(parent_msg_id, cell, cell_index)

    async def _async_poll_kernel_alive(self) -> None:
        """nbclient's own goes on after its cell was given up, and asks a client that is gone."""
        reply = self.task_poll_for_reply
        assert reply is not None
        while not (await asyncio.wait({reply}, timeout=ALIVE_SECONDS))[0]:
            if not await self.km.is_alive():
                reply.cancel()
                return

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        """Nothing of what the kernel says is kept before it is masked."""
        kind, content = msg["msg_type"], msg["content"]
        masking = self.conduct.masking
        if kind == "status" and content.get("execution_state") == "idle":
            self._end_streams(cell, cell_index)
        elif kind == "stream":
            name = str(content.get("name", "stdout"))
            stream = self._streams.setdefault(name, masking.stream())
            content["text"] = stream.feed(str(content.get("text", "")))
            if not content["text"]:
                return None
        elif kind in ("execute_result", "display_data", "update_display_data", "error"):
            msg["content"] = masking.known_value(content)
        output = super().process_message(msg, cell, cell_index)
        if output is not None:
            self._tell(cell_index, output)
            if kind == "stream":
                _join_streams(cell.outputs)
        return output

    def _end_streams(self, cell: Any, index: int) -> None:
        from nbformat.v4 import new_output

        streams, self._streams = self._streams, {}
        for name, stream in streams.items():
            if rest := stream.end():
                output = new_output("stream", name=name, text=rest)
                cell.outputs.append(output)
                self._tell(index, output)
                _join_streams(cell.outputs)

    def _tell(self, index: int, output: Any) -> None:
        name, text = _as_text(output)
        if text:
            self.conduct.observer(OutputChunk(self.conduct.run_id, index, name, self.conduct.masking.text(text)))

    async def _race(
        self,
        work: Awaitable[T],
        *,
        interrupting: bool = False,
        given_up: Callable[[T], Awaitable[None]] | None = None,
    ) -> T:
        """The result of `work`, unless a stop is asked for or the run's time is over; then `work` is given up.

        `interrupting`: the kernel is interrupted first, so that the cell may say its last words. `given_up` is called
        with a result that came too late.
        """
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self._stop_asked.wait())
        remaining = None if self._deadline is None else max(0.0, self._deadline - monotonic_ms()) / 1000
        try:
            await asyncio.wait({task, stop}, timeout=remaining, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if interrupting:
                await self._interrupt(task)
        finally:
            stop.cancel()
            if not task.done():
                task.cancel()
                # nbclient turns a cancelled cell into DeadKernelError; it is not asked what happened.
                await asyncio.wait({task}, timeout=ABANDON_SECONDS)
                if task.done() and not task.cancelled() and task.exception() is None and given_up is not None:
                    await given_up(task.result())
            elif not task.cancelled():
                task.exception()
        self._check_stop()
        raise _Ended(
            "timed_out",
            RunError(kind="RunTimeout", message=f"the run took longer than {self.conduct.run_timeout:g} s"),
        )

    async def _interrupt(self, task: asyncio.Future[Any]) -> None:
        try:
            await self.km.interrupt_kernel()
        except (RuntimeError, OSError):
            return  # it died meanwhile
        await asyncio.wait({task}, timeout=INTERRUPT_SECONDS)

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._stop_asked.set)

    def _told_to_end(self) -> None:
        self.conduct.stop.request("interrupted", "the runner was told to end (SIGTERM)")

    def _check_stop(self) -> None:
        request = self.conduct.stop.requested
        if request is not None:
            message = self.conduct.masking.text(request.why)
            raise _Ended(request.status, RunError(kind=request.status.capitalize(), message=message))

    def _note_reply(self, *, execute_reply: Mapping[str, Any], **_cell: Any) -> None:
        """`exit()` and `quit()` raise nothing in a kernel: they ask whoever runs it to end."""
        self._aborted = execute_reply["content"]["status"] == "aborted"
        payload = execute_reply["content"].get("payload") or []
        self._exit_asked = self._exit_asked or any(item.get("source") == "ask_exit" for item in payload)

    def _timeout_words(self, error: CellTimeoutError) -> str:
        if "IOPub" in str(error):
            return f"the cell ended but its output did not arrive within {self.iopub_timeout} s"
        return f"the cell took longer than {self.timeout:g} s"

    def _from_exception(self, error: CellExecutionError, index: int) -> _Ended:
        if error.ename == "SystemExit" and error.evalue in {"", "0", "None"}:
            return _Ended(
                "stopped_early", RunError(kind="SystemExit", message="the notebook asked to end here", cell=index)
            )
        masking = self.conduct.masking
        message = cut(masking.text(error.evalue), _MESSAGE)
        return _Ended("failed", RunError(kind=masking.text(error.ename), message=message, cell=index))


def _calls_for_rollback(cell: Any, ended: _Ended) -> bool:
    """An action or a verification failed or took too long by itself, and there is a kernel to take it back with."""
    if gates.tag_of(cell.metadata) is None and gates.VERIFY not in cell.metadata.get("tags", []):
        return False
    kind = ended.error.kind if ended.error else ""
    return ended.status in {"failed", "timed_out"} and kind not in {"KernelDied", "RunTimeout", "EngineFailed"}


async def execute_notebook(
    nb: Any,
    kernel_name: str,
    conduct: Conduct,
    *,
    clock: Clock = utc_now,
    output_path: str | None = None,
    journal: Journal | None = None,
    progress_bar: bool | dict[str, Any] = False,
    log_output: bool = False,
    autosave_cell_every: float = 30,
    **options: Any,
) -> None:
    """Execute the notebook in place. Raises NotebookEnded."""
    manager = RunManager(
        nb,
        clock=clock,
        journal=journal,
        kept=lambda notebook: kept(notebook, conduct.masking),
        output_path=output_path,
        progress_bar=progress_bar,
        log_output=log_output,
        autosave_cell_every=autosave_cell_every,
    )
    manager.notebook_start()
    try:
        client = RunClient(
            manager,
            conduct=conduct,
            timeout=int(conduct.cell_timeout) if conduct.cell_timeout else None,
            iopub_timeout=OUTPUT_GRACE_SECONDS,
            kernel_name=kernel_name,
            log=_quiet_log(log_output),
            log_output=log_output,
            store_widget_state=False,
            **options,
        )
        await client.run()
    finally:
        manager.notebook_complete()
    meta = nb.metadata.papermill
    if meta["status"] not in GOOD:
        raise NotebookEnded(meta["status"], RunError.model_validate(meta["error"]))


def execute(
    nb: Any,
    kernel_name: str,
    *,
    start_timeout: float = START_SECONDS,
    execution_timeout: float | None = None,
    input_path: str | None = None,
    **options: Any,
) -> Any:
    """What Papermill calls: execute the notebook in place, in a kernel of its own. Raises NotebookEnded.

    There is nobody to ask, so cells tagged `approval` or `action` are denied.
    """
    del input_path  # Papermill passes it to every engine
    conduct = Conduct(
        run_id=str(options.get("output_path") or ""), cell_timeout=execution_timeout, start_timeout=start_timeout
    )
    drive(lambda: execute_notebook(nb, kernel_name, conduct, **options))
    return nb


def _quiet_log(log_output: bool) -> logging.Logger:
    """nbclient's debug log has every source and message as they are, before anything is masked."""
    log = logging.getLogger("papermill" if log_output else f"{__name__}.nbclient")
    if not log_output:
        log.setLevel(logging.WARNING)
    return log


def kept(notebook: Any, masking: Masking) -> Any:
    """The notebook as it may be written; `notebook` itself when nothing had to be taken out."""
    from nbformat import from_dict

    masked = masking.value(notebook)
    return notebook if masked is notebook else from_dict(masked)


def drive(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to the end in this thread, or in one of its own when an event loop runs here already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(main())
    with ThreadPoolExecutor(1, thread_name_prefix="autodevops-run") as pool:
        return pool.submit(asyncio.run, main()).result()


def _as_text(output: Any) -> tuple[str, str]:
    """What a person who follows the run sees of an output."""
    if output.output_type == "stream":
        return output.name, output.text
    if output.output_type == "error":
        return "error", f"{output.ename}: {output.evalue}"
    name = "result" if output.output_type == "execute_result" else "display"
    return name, _words(output.data)


def _words(data: Mapping[str, Any]) -> str:
    """What a terminal can show of an output: what was written for people before the name of a Python object."""
    plain = str(data.get("text/plain", ""))
    nameless = len(data) > 1 and re.fullmatch(r"<[\w.]+ object(?: at 0x[0-9a-f]+)?>", plain)
    return str(data.get("text/markdown", "" if nameless else plain))


def _join_streams(outputs: list[Any]) -> None:
    """One text for what one stream said without interruption: no secret is torn in two by the pieces it came in."""
    if len(outputs) > 1 and outputs[-1].output_type == "stream" and outputs[-1].name == outputs[-2].get("name"):
        outputs[-2]["text"] += outputs.pop()["text"]
