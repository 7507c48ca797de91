"""Scarlet runs what is due, survives what fails, and stops with the truth on disk."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from runbook_files import write_runbook

from autodevops.domain.run import Run
from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import RunFailed, UsageError
from autodevops.runbooks import RunRecord, RunRequest, StopSignal
from autodevops.runbooks.bundle import read_manifest
from autodevops.runbooks.progress import Observer
from autodevops.runbooks.storage_remote import manifests, open_bundles
from autodevops.scarlet.agent import Scarlet
from autodevops.settings import ScarletSettings

WAIT_SECONDS = 60
MINUTES = {"minutes": {"type": "int", "default": 60, "minimum": 5, "help": "how far back"}}


class Runner:
    """Stands where the runner would: keeps the requests and answers with a record, or does what it is told."""

    def __init__(self, act: Callable[[RunRequest, StopSignal], None] = lambda _request, _stop: None) -> None:
        self.requests: list[RunRequest] = []
        self._act = act

    async def __call__(self, request: RunRequest, *, stop: StopSignal, observer: Observer) -> RunRecord:
        self.requests.append(request)
        await asyncio.to_thread(self._act, request, stop)
        run = Run(
            id=f"run-{len(self.requests)}",
            runbook=request.runbook.name,
            title=request.runbook.front.title,
            trigger=request.trigger,
            requested_by=request.requested_by,
            parameters=dict(request.parameters),
            status=stop.requested.status if stop.requested else "succeeded",
            started_at=utc_now(),
            source_digest=request.runbook.digest,
        )
        return RunRecord(run, Path("nowhere"))


def _settings(tmp_path: Path, cells: tuple[str, ...] = ("1",), **schedules: str) -> ScarletSettings:
    write_runbook(tmp_path / "runbooks", cells, parameters=MINUTES)
    (tmp_path / "scheduled").mkdir(exist_ok=True)
    for name, content in schedules.items():
        (tmp_path / "scheduled" / f"{name}.yaml").write_text(content)
    return ScarletSettings(
        schedules=tmp_path / "scheduled", runbooks=(tmp_path / "runbooks",), artifacts=tmp_path / "artifacts"
    )


async def test_once_runs_every_enabled_schedule_with_its_parameters(tmp_path: Path) -> None:
    runner = Runner()
    settings = _settings(
        tmp_path,
        a="{runbook: probe, interval: 1h, parameters: {minutes: 30}, description: Half an hour}",
        b="{runbook: probe, interval: 1h, enabled: false}",
        c="{runbook: probe, cron: '0 3 * * *'}",
    )
    records = await Scarlet(settings, utc_now, perform=runner).run_once()
    assert [record.status for record in records] == ["succeeded", "succeeded"]
    assert [dict(request.parameters) for request in runner.requests] == [{"minutes": 30}, {}]
    assert [request.reason for request in runner.requests] == ["Half an hour", "schedule c"]
    assert {(request.trigger, request.requested_by) for request in runner.requests} == {("once", "scarlet")}


@pytest.mark.parametrize(
    ("schedule", "named"),
    [
        ("{runbook: missing, interval: 1h}", "no runbook 'missing'"),
        ("{runbook: probe, interval: 1h, parameters: {minutes: 1}}", "minutes of runbook probe cannot be 1"),
        ("{runbook: probe, interval: 1h, parameters: {hours: 1}}", "no parameter 'hours'"),
    ],
)
async def test_schedule_that_cannot_run_is_refused_before_anything_runs(
    tmp_path: Path, schedule: str, named: str
) -> None:
    runner = Runner()
    settings = _settings(tmp_path, a="{runbook: probe, interval: 1h}", z=schedule)
    for start in (Scarlet(settings, utc_now, perform=runner).run_once, Scarlet(settings, utc_now, perform=runner).run):
        with pytest.raises(UsageError, match="Schedule z: .*" + named):
            await start()
    assert runner.requests == []


async def test_daemon_fires_and_goes_on_after_a_failure(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    third = threading.Event()

    def act(_request: RunRequest, _stop: StopSignal) -> None:
        if len(runner.requests) == 1:
            raise RunFailed("The disk is full.", "Make room.")
        if len(runner.requests) == 2:
            raise ZeroDivisionError
        third.set()

    runner = Runner(act)
    daemon = asyncio.create_task(
        Scarlet(_settings(tmp_path, a="{runbook: probe, interval: 1s}"), utc_now, perform=runner).run()
    )
    with caplog.at_level(logging.INFO, logger="autodevops.scarlet.agent"):
        assert await asyncio.to_thread(third.wait, WAIT_SECONDS)
        daemon.cancel()
        with pytest.raises(asyncio.CancelledError):
            await daemon
    assert runner.requests[0].trigger == "schedule"
    assert "The disk is full. Make room." in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_cancelled_daemon_interrupts_its_run_and_waits_for_it(tmp_path: Path) -> None:
    running, ended = threading.Event(), threading.Event()

    def act(_request: RunRequest, stop: StopSignal) -> None:
        asked = threading.Event()
        with stop.listening(asked.set):
            running.set()
            assert asked.wait(WAIT_SECONDS)
        assert stop.requested is not None
        assert stop.requested.status == "interrupted"
        ended.set()

    settings = _settings(tmp_path, a="{runbook: probe, interval: 1s}")
    daemon = asyncio.create_task(Scarlet(settings, utc_now, perform=Runner(act)).run())
    assert await asyncio.to_thread(running.wait, WAIT_SECONDS)
    daemon.cancel()
    with pytest.raises(asyncio.CancelledError):
        await daemon
    assert ended.is_set()


async def test_once_that_is_cancelled_interrupts_its_run(tmp_path: Path) -> None:
    running, ended = threading.Event(), threading.Event()

    def act(_request: RunRequest, stop: StopSignal) -> None:
        asked = threading.Event()
        with stop.listening(asked.set):
            running.set()
            assert asked.wait(WAIT_SECONDS)
        ended.set()

    runner = Runner(act)
    settings = _settings(tmp_path, a="{runbook: probe, interval: 1h}", b="{runbook: probe, interval: 1h}")
    task = asyncio.create_task(Scarlet(settings, utc_now, perform=runner).run_once())
    assert await asyncio.to_thread(running.wait, WAIT_SECONDS)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
    assert len(runner.requests) == 1


async def test_failing_runbook_leaves_its_bundle_and_the_next_one_runs(tmp_path: Path) -> None:
    settings = _settings(
        tmp_path,
        cells=("assert minutes < 100, f'{minutes} is too much'",),
        a="{runbook: probe, interval: 1h, parameters: {minutes: 120}}",
        b="{runbook: probe, interval: 1h, parameters: {minutes: 30}}",
    )
    first, second = await Scarlet(settings, utc_now).run_once()
    assert (first.status, second.status) == ("failed", "succeeded")
    assert read_manifest(first.folder) == first.run
    assert first.run.error is not None
    assert (first.run.error.kind, first.run.error.message) == ("AssertionError", "120 is too much")
    assert first.run.parameters == {"minutes": 120}
    assert second.folder.parent == tmp_path / "artifacts" / "probe"
    assert second.run.id > first.run.id


DAEMON = """
import asyncio, sys
from pathlib import Path
from autodevops.kernel.clock import utc_now
from autodevops.runbooks.storage_remote import manifests, open_bundles
from autodevops.scarlet.agent import Scarlet
from autodevops.settings import ScarletSettings
root = Path(sys.argv[1])
settings = ScarletSettings(schedules=root / "scheduled", runbooks=(root / "runbooks",), artifacts=root / "artifacts")
asyncio.run(Scarlet(settings, utc_now).run())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_ends_the_daemon_with_whole_bundles(tmp_path: Path, number: signal.Signals) -> None:
    sign = tmp_path / "sign"
    os.mkfifo(sign)
    cell = f"import time\nopen({str(sign)!r}, 'w').write('x')\ntime.sleep(300)"
    _settings(tmp_path, cells=(cell,), a="{runbook: probe, interval: 1s}")
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DAEMON, str(tmp_path), stderr=asyncio.subprocess.PIPE, start_new_session=True
    )
    try:
        assert await asyncio.wait_for(asyncio.to_thread(sign.read_text), WAIT_SECONDS) == "x"
        daemon.send_signal(number)
        _, errors = await asyncio.wait_for(daemon.communicate(), WAIT_SECONDS)
    finally:
        if daemon.returncode is None:
            daemon.kill()
    (folder,) = (tmp_path / "artifacts" / "probe").iterdir()
    run = read_manifest(folder)
    assert run.status == "interrupted", errors
    assert [cell.status for cell in run.cells] == ["succeeded", "succeeded", "interrupted"]
    assert (folder / "report.html").is_file()
    assert daemon.returncode == (0 if number == signal.SIGTERM else -signal.SIGINT)


async def test_finished_bundles_go_where_artifacts_say_and_stay_when_that_fails(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """fsspec's memory is as far away as any other storage; a bucket nobody serves is further."""
    place = f"memory://{tmp_path.name}"
    settings = _settings(tmp_path, a="{runbook: probe, interval: 1h}")
    unreachable = settings.model_copy(update={"artifacts": "nonsense://x", "staging": tmp_path / "staging"})
    with pytest.raises(UsageError, match="nonsense://x is no address for bundles"):
        await Scarlet(unreachable, utc_now).run_once()
    distant = settings.model_copy(update={"artifacts": place, "staging": tmp_path / "staging"})
    (record,) = await Scarlet(distant, utc_now).run_once()
    assert record.where == f"run {record.run.id}"
    there = open_bundles(place, tmp_path / "staging")
    assert [(run.id, run.status) for _, run in manifests(there, there.refs())] == [(record.run.id, "succeeded")]
    assert list((tmp_path / "staging/probe").iterdir()) == []
    assert caplog.text == ""
