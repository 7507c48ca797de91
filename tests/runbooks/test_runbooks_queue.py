"""The queue: nothing is lost, caps hold, what failed is tried again, and a stop reaches everybody."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from runbook_files import write_runbook
from runbooks.running import WAIT_SECONDS, Sign, check_bundle

from autodevops.domain.run import Run, RunStatus
from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import UsageError
from autodevops.runbooks import KernelPool, Means, RunQueue, RunRecord, RunRequest, StopSignal, load_runbook
from autodevops.runbooks.bundle import read_manifest
from autodevops.runbooks.progress import (
    CellFinished,
    CellStarted,
    ChunksLost,
    Feed,
    Observer,
    OutputChunk,
    RunEvent,
    RunFinished,
    RunQueued,
    RunRetrying,
    RunStarted,
)
from autodevops.runbooks.queue import take_key

AREA = {"area": {"type": "str", "default": "a", "help": "where"}}


@dataclass
class Runner:
    """Stands where `perform` would: says when a run begins, and ends it when told."""

    ends: Callable[[RunRequest], RunStatus] = lambda _request: "succeeded"
    running: list[RunRequest] = field(default_factory=list)
    most: int = 0
    requests: list[RunRequest] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: RunRequest, *, stop: StopSignal, observer: Observer) -> RunRecord:
        self.requests.append(request)
        number = len(self.requests)
        if stop.requested is None:
            self.running.append(request)
            self.most = max(self.most, len(self.running))
            self.began.set()
            stopped = asyncio.Event()
            loop = asyncio.get_running_loop()
            with stop.listening(lambda: _set(loop, stopped)):
                waits = [asyncio.ensure_future(self.go_on.wait()), asyncio.ensure_future(stopped.wait())]
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                for wait in waits:
                    wait.cancel()
            self.running.remove(request)
        run = Run(
            id=f"run-{number}",
            runbook=request.runbook.name,
            title="",
            trigger="manual",
            requested_by="",
            parameters={},
            status=stop.requested.status if stop.requested else self.ends(request),
            attempt=request.attempt,
            retry_of=request.retry_of,
            started_at=utc_now(),
            source_digest="",
        )
        return RunRecord(run, Path("nowhere"))


def _set(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    loop.call_soon_threadsafe(event.set)


def _request(tmp_path: Path, area: str = "a", **front: Any) -> RunRequest:
    path = write_runbook(tmp_path / "runbooks", ["1"], parameters=AREA, **front)
    return RunRequest(load_runbook(path), {"area": area})


def _queue(tmp_path: Path, runner: Runner, at_once: int = 4) -> RunQueue:
    return RunQueue(Means(tmp_path / "artifacts", utc_now), at_once=at_once, perform=runner)


async def _turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_no_more_run_than_may_and_none_is_lost(tmp_path: Path) -> None:
    runner = Runner()
    request = _request(tmp_path)
    async with _queue(tmp_path, runner, at_once=3) as queue:
        handles = [queue.submit(request) for _ in range(50)]
        await _turns()
        assert len(runner.running) == 3
        runner.go_on.set()
        records = [await handle.result() for handle in handles]
    assert runner.most == 3
    assert len({record.run.id for record in records}) == 50


async def test_runs_with_one_key_do_not_overlap_and_do_not_hold_up_others(tmp_path: Path) -> None:
    runner = Runner()
    front: dict[str, Any] = {"concurrency_key": "deploy {area}", "concurrency": 2}
    async with _queue(tmp_path, runner) as queue:
        handles = [queue.submit(_request(tmp_path, area, **front)) for area in ("a", "a", "a", "a", "b")]
        await _turns()
        assert [request.parameters["area"] for request in runner.running] == ["a", "a", "b"]
        runner.go_on.set()
        for handle in handles:
            assert (await handle.result()).status == "succeeded"
    assert runner.most == 3
    assert list((tmp_path / "artifacts" / ".keys").iterdir()) == []


HOLDER = """
import sys
from pathlib import Path
from autodevops.runbooks.queue import take_key
lease = take_key(Path(sys.argv[1]), "deploy", 1)
print(lease is not None, flush=True)
sys.stdin.read()
"""


async def test_key_is_held_across_processes_and_ends_with_them(tmp_path: Path) -> None:
    keys = tmp_path / "artifacts" / ".keys"
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(keys), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    runner = Runner()
    runner.go_on.set()
    try:
        assert holder.stdout is not None
        assert await holder.stdout.readline() == b"True\n"
        async with _queue(tmp_path, runner) as queue:
            handle = queue.submit(_request(tmp_path, concurrency_key="deploy"))
            await _turns()
            assert runner.requests == []
            holder.send_signal(signal.SIGKILL)
            record = await asyncio.wait_for(handle.result(), WAIT_SECONDS)
    finally:
        if holder.returncode is None:
            holder.kill()
        await holder.communicate()
    assert record.status == "succeeded"


def test_key_whose_file_was_removed_meanwhile_has_one_holder(tmp_path: Path) -> None:
    first = take_key(tmp_path, "k", 1)
    assert first is not None
    assert take_key(tmp_path, "k", 1) is None
    first.end()
    second = take_key(tmp_path, "k", 1)
    assert second is not None
    assert second.is_current()
    assert take_key(tmp_path, "k", 1) is None
    second.end()


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        (("failed", "timed_out", "succeeded"), ("failed", "timed_out", "succeeded")),
        (("failed", "failed", "failed", "succeeded"), ("failed", "failed", "failed")),
        (("denied", "succeeded"), ("denied",)),
        (("cancelled", "succeeded"), ("cancelled",)),
        (("interrupted", "succeeded"), ("interrupted",)),
        (("stopped_early", "succeeded"), ("stopped_early",)),
    ],
)
async def test_only_what_failed_or_took_too_long_is_tried_again_each_time_as_a_run(
    tmp_path: Path, ends: tuple[RunStatus, ...], expected: tuple[str, ...]
) -> None:
    runner = Runner(lambda request: ends[request.attempt - 1])
    runner.go_on.set()
    async with _queue(tmp_path, runner) as queue:
        handle = queue.submit(_request(tmp_path, retries=2, retry_pause_seconds=0))
        record = await handle.result()
        events = [event async for event in handle.progress]
    assert record.status == expected[-1]
    assert [request.attempt for request in runner.requests] == list(range(1, len(expected) + 1))
    assert [request.retry_of for request in runner.requests] == ["", *["run-1"] * (len(expected) - 1)]
    assert [event.status for event in events if isinstance(event, RunRetrying)] == list(expected[:-1])


async def test_stop_during_the_pause_ends_the_tries(tmp_path: Path) -> None:
    runner = Runner(lambda _request: "failed")
    runner.go_on.set()
    async with _queue(tmp_path, runner) as queue:
        handle = queue.submit(_request(tmp_path, retries=3, retry_pause_seconds=3600))
        async for event in handle.progress:
            if isinstance(event, RunRetrying):
                handle.cancel("no more")
        assert (await handle.result()).status == "failed"
    assert len(runner.requests) == 1


async def test_wrong_parameters_are_refused_at_once(tmp_path: Path) -> None:
    async with _queue(tmp_path, Runner()) as queue:
        with pytest.raises(UsageError, match="no parameter 'size'"):
            queue.submit(RunRequest(_request(tmp_path).runbook, {"size": 3}))


def test_key_that_names_no_parameter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"concurrency_key names \{zone\}"):
        load_runbook(write_runbook(tmp_path, ["1"], concurrency_key="{zone}"))


async def test_error_of_one_run_is_its_own(tmp_path: Path) -> None:
    def fail(request: RunRequest) -> RunStatus:
        if request.parameters["area"] == "a":
            raise ZeroDivisionError("boom")
        return "succeeded"

    runner = Runner(fail)
    runner.go_on.set()
    async with _queue(tmp_path, runner, at_once=1) as queue:
        bad, good = queue.submit(_request(tmp_path, "a")), queue.submit(_request(tmp_path, "b"))
        with pytest.raises(ZeroDivisionError):
            await bad.result()
        assert (await good.result()).status == "succeeded"


async def test_closing_interrupts_what_runs_and_what_waits(tmp_path: Path) -> None:
    runner = Runner()
    async with _queue(tmp_path, runner, at_once=1) as queue:
        handles = [queue.submit(_request(tmp_path)) for _ in range(3)]
        await runner.began.wait()
    assert [(await handle.result()).status for handle in handles] == ["interrupted"] * 3
    assert runner.most == 1


async def test_feed_gives_up_chunks_of_output_first_and_says_so() -> None:
    feed = Feed(limit=10)
    feed.put(RunQueued("probe", 0))
    for number in range(30):
        feed.put(OutputChunk("r", 0, "stdout", str(number)))
    feed.put(RunFinished("r", "succeeded", Path("x")))
    feed.close()
    events = [event async for event in feed]
    assert len(events) == 11
    assert events[0] == ChunksLost(22)
    assert events[1] == RunQueued("probe", 0)
    assert events[-1] == RunFinished("r", "succeeded", Path("x"))


async def test_feed_never_gives_up_what_is_no_output() -> None:
    feed = Feed(limit=10)
    for cell in range(30):
        feed.put(CellStarted("r", cell))
    feed.close()
    assert [event async for event in feed] == [CellStarted("r", cell) for cell in range(30)]


TABLE_AND_WORDS = """
from IPython.display import HTML, Markdown, display
display(HTML("<table></table>"), Markdown("**well**"))
1 + 1
"""


async def test_progress_of_a_real_run_is_told_as_it_happens(tmp_path: Path) -> None:
    path = write_runbook(tmp_path / "runbooks", ["print('one')", TABLE_AND_WORDS, "raise ValueError('no')", "3"])
    async with RunQueue(Means(tmp_path / "artifacts", utc_now, kernels=KernelPool(1, imports=()))) as queue:
        handle = queue.submit(RunRequest(load_runbook(path)))
        events: list[RunEvent] = [event async for event in handle.progress]
        record = await handle.result()
    run = record.run
    queued, started, *cells, finished = events
    assert queued == RunQueued("probe", 0)
    assert started == RunStarted(run.id, "probe", record.folder, 1, 4)
    assert finished == RunFinished(run.id, "failed", record.folder)
    assert [
        (type(event).__name__, event.cell, getattr(event, "text", getattr(event, "status", "")))
        for event in cells
        if isinstance(event, CellStarted | CellFinished | OutputChunk)
    ] == [
        ("CellStarted", 0, ""),
        ("OutputChunk", 0, "one\n"),
        ("CellFinished", 0, "succeeded"),
        ("CellStarted", 1, ""),
        ("OutputChunk", 1, "**well**"),
        ("OutputChunk", 1, "2"),
        ("CellFinished", 1, "succeeded"),
        ("CellStarted", 2, ""),
        ("OutputChunk", 2, "ValueError: no"),
        ("CellFinished", 2, "failed"),
    ]


async def test_cancelled_run_and_cancelled_waiting_run_both_leave_their_bundles(tmp_path: Path) -> None:
    with Sign(tmp_path) as sign:
        path = write_runbook(tmp_path / "runbooks", ["print('partial')", sign.cell, "print('must not run')"])
        request = RunRequest(load_runbook(path))
        async with RunQueue(Means(tmp_path / "artifacts", utc_now), at_once=1) as queue:
            running, waiting = queue.submit(request), queue.submit(request)
            await asyncio.to_thread(sign.wait)
            waiting.cancel("not needed")
            waited = check_bundle((await waiting.result()).folder)
            running.cancel("enough")
            ran = check_bundle((await running.result()).folder)
        sign.assert_kernel_ends()
    assert (waited.status, [cell.status for cell in waited.cells]) == ("cancelled", ["not_run"] * 3)
    assert (ran.status, [cell.status for cell in ran.cells]) == ("cancelled", ["succeeded", "cancelled", "not_run"])
    assert ran.error is not None
    assert ran.error.message == "enough"


async def test_interrupted_cell_has_its_last_words(tmp_path: Path) -> None:
    with Sign(tmp_path) as sign:
        cell = "try:\n" + "\n".join(f"    {line}" for line in sign.cell.splitlines())
        cell += "\nexcept KeyboardInterrupt:\n    print('lock released')"
        path = write_runbook(tmp_path / "runbooks", [cell, "print('must not run')"])
        async with RunQueue(Means(tmp_path / "artifacts", utc_now)) as queue:
            handle = queue.submit(RunRequest(load_runbook(path)))
            await asyncio.to_thread(sign.wait)
            handle.cancel("enough")
            record = await handle.result()
    run = check_bundle(record.folder)
    assert [cell.status for cell in run.cells] == ["cancelled", "not_run"]
    assert "lock released" in (record.folder / "notebook.ipynb").read_text()


QUEUE = """
import asyncio, sys
from pathlib import Path
from autodevops.kernel.clock import utc_now
from autodevops.runbooks import KernelPool, Means, RunQueue, RunRequest, load_runbook

async def main():
    means = Means(Path(sys.argv[2]), utc_now, kernels=KernelPool(1, imports=()))
    async with RunQueue(means, at_once=1) as queue:
        handles = [queue.submit(RunRequest(load_runbook(Path(sys.argv[1])))) for _ in range(2)]
        for handle in handles:
            print((await handle.result()).status, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_to_the_queue_leaves_whole_bundles_of_warm_runs(tmp_path: Path, number: signal.Signals) -> None:
    with Sign(tmp_path) as sign:
        path = write_runbook(tmp_path / "runbooks", [sign.cell, "print('must not run')"])
        process = subprocess.Popen(
            [sys.executable, "-c", QUEUE, str(path), str(tmp_path / "artifacts")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            sign.wait()
            process.send_signal(number)
            out, err = process.communicate(timeout=WAIT_SECONDS)
        finally:
            process.kill()
        sign.assert_kernel_ends()
    folders = sorted((tmp_path / "artifacts" / "probe").iterdir())
    runs = [check_bundle(folder) for folder in folders]
    assert [run.status for run in runs] == ["interrupted", "interrupted"], err
    assert [cell.status for cell in runs[0].cells] == ["interrupted", "not_run"]
    assert [cell.status for cell in runs[1].cells] == ["not_run", "not_run"]
    if number == signal.SIGTERM:
        assert (out.split(), process.returncode) == (["interrupted", "interrupted"], 0)
    assert read_manifest(folders[0]).finished_at is not None
