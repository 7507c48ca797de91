"""What becomes of slots and events, look by look, over a clock that tests move: overlap, pauses, matrices, the told."""

from __future__ import annotations

import asyncio
import http.server
import json
import logging
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from runbook_files import write_runbook

from autodevops.domain.base import Json
from autodevops.domain.run import Run
from autodevops.kernel.errors import ToolUnavailable, UsageError
from autodevops.runbooks import Means, RunQueue, RunRecord, RunRequest, StopSignal
from autodevops.runbooks.progress import Observer
from autodevops.scarlet.hooks import AlertHook, listening
from autodevops.scarlet.schedules.book import Book
from autodevops.scarlet.schedules.diary import calendar, history
from autodevops.scarlet.schedules.scheduler import Scheduler
from autodevops.settings import ChannelSettings, ScarletSettings, WebhookSettings
from autodevops.stores.ledger_twin import MemoryLedger
from autodevops.toolbox.protocol import ToolAnswer, ToolSpec

NOON = datetime(2026, 11, 24, 12, 0, 30, tzinfo=UTC)
PARAMETERS: dict[str, dict[str, Any]] = {
    "namespace": {"type": "str", "default": "", "pattern": "[a-z0-9-]*", "help": "where"},
    "minutes": {"type": "int", "default": 60, "minimum": 5, "help": "how far back"},
}


@dataclass
class World:
    """A folder of schedules, a clock, and a runner that ends runs when it is told to."""

    folder: Path
    now: datetime = NOON
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    requests: list[RunRequest] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)  # of the next runs; then succeeded
    held: asyncio.Event | None = None  # runs wait for it
    alerts: list[dict[str, Json]] = field(default_factory=list)
    revisions: dict[str, str] = field(default_factory=dict)  # namespace/workload: revision
    down: bool = False

    def write(self, **schedules: str) -> None:
        for name, text in schedules.items():
            (self.folder / "scheduled" / f"{name}.yaml").write_text(text)

    def clock(self) -> datetime:
        return self.now

    async def perform(self, request: RunRequest, *, stop: StopSignal, observer: Observer) -> RunRecord:
        self.requests.append(request)
        status = self.statuses.pop(0) if self.statuses else "succeeded"
        if self.held is not None:
            asked = asyncio.Event()
            loop = asyncio.get_running_loop()

            def wake() -> None:
                loop.call_soon_threadsafe(asked.set)

            with stop.listening(wake):
                waits = [asyncio.ensure_future(self.held.wait()), asyncio.ensure_future(asked.wait())]
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                for wait in waits:
                    wait.cancel()
        run = Run.model_validate(
            {
                "id": f"run-{len(self.requests)}",
                "runbook": request.runbook.name,
                "title": "Probe",
                "trigger": request.trigger,
                "requested_by": request.requested_by,
                "parameters": dict(request.parameters),
                "status": stop.requested.status if stop.requested else status,
                "started_at": self.now,
                "source_digest": request.runbook.digest,
                "slot": request.slot,
            }
        )
        return RunRecord(run, Path("nowhere"))

    # The tools that events are looked for with.

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        return ()

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        if self.down:
            raise ToolUnavailable("It does not answer.", "Start it.")
        if tool == "prometheus.list_alert_groups":
            return ToolAnswer({"groups": [{"labels": {}, "receiver": "x", "alerts": list(self.alerts)}]})
        assert tool == "kubernetes.list_resources"
        rows: list[Json] = [
            [*place.split("/"), revision]
            for place, revision in self.revisions.items()
            if arguments["kind"] == "Deployment"
        ]
        return ToolAnswer({"columns": ["a", "b", "c"], "rows": rows})

    def fates(self) -> list[tuple[str, str]]:
        """What the ledger has become of slots: wall clock and what."""
        found = history(self.ledger, self.folder / "scheduled")
        return [(past.slot.partition("@")[2], past.what) for past in found if past.slot]


@pytest.fixture
def world(tmp_path: Path) -> World:
    write_runbook(tmp_path / "runbooks", ("1",), parameters=PARAMETERS)
    (tmp_path / "scheduled").mkdir()
    return World(tmp_path)


@asynccontextmanager
async def scheduling(world: World, channels: Mapping[str, ChannelSettings] | None = None) -> AsyncIterator[Scheduler]:
    settings = ScarletSettings(schedules=world.folder / "scheduled", runbooks=(world.folder / "runbooks",))
    means = Means(world.folder / "artifacts", world.clock)
    async with RunQueue(means, perform=world.perform) as queue:
        book = Book(world.ledger, settings.schedules, "scarlet")
        scheduler = Scheduler(settings, queue, book, world.clock, channels=channels, tools=world)
        scheduler.read()
        await scheduler.look()
        yield scheduler
        await scheduler.ended()


async def later(world: World, scheduler: Scheduler, **span: float) -> None:
    world.now += timedelta(**span)
    await scheduler.look()
    if world.held is None:
        await scheduler.ended()


async def test_due_slot_runs_once_with_its_reason(world: World) -> None:
    world.write(nightly="{runbook: probe, cron: '*/10 * * * *', parameters: {minutes: 30}, description: Often}")
    async with scheduling(world) as scheduler:
        await later(world, scheduler, minutes=9)
        assert world.requests == []
        await later(world, scheduler, minutes=1)
        await later(world, scheduler, seconds=1)
    (request,) = world.requests
    assert (request.trigger, request.reason, request.slot) == ("schedule", "Often", "nightly@2026-11-24T12:10")
    assert dict(request.parameters) == {"minutes": 30}
    assert world.fates() == [("2026-11-24T12:10", "succeeded")]


async def test_downtime_is_caught_up_by_the_next_daemon_and_what_was_missed_is_written_down(world: World) -> None:
    world.write(nightly="{runbook: probe, cron: '0 * * * *'}")
    async with scheduling(world):
        pass
    world.now += timedelta(hours=3)
    async with scheduling(world):
        pass
    assert [request.slot for request in world.requests] == ["nightly@2026-11-24T15:00"]
    assert world.fates() == [
        ("2026-11-24T13:00", "missed"),
        ("2026-11-24T14:00", "missed"),
        ("2026-11-24T15:00", "succeeded"),
    ]


async def test_two_daemons_run_a_slot_once(world: World) -> None:
    world.write(nightly="{runbook: probe, cron: '* * * * *'}")
    async with scheduling(world) as one, scheduling(world) as other:
        for _ in range(5):
            world.now += timedelta(minutes=1)
            await asyncio.gather(one.look(), other.look())
            await asyncio.gather(one.ended(), other.ended())
    assert len(world.requests) == len({request.slot for request in world.requests}) == 5


async def test_slot_of_a_daemon_that_died_is_interrupted_and_not_run_again(world: World) -> None:
    world.write(nightly="{runbook: probe, cron: '0 * * * *', tell: {failure: [oncall]}}")
    world.held = asyncio.Event()
    async with scheduling(world) as dead:
        await later(world, dead, hours=1)
        async with scheduling(world) as heir:
            await heir.take_over()
        assert world.fates() == [("2026-11-24T13:00", "interrupted")]
        world.held.set()
    assert len(world.requests) == 1


@pytest.mark.parametrize(
    ("overlap", "slots", "statuses"),
    [
        ("skip", ["12:10"], {"12:20": "overlapped", "12:10": "succeeded"}),
        ("queue", ["12:10", "12:20"], {"12:10": "succeeded", "12:20": "succeeded"}),
        ("replace", ["12:10", "12:20"], {"12:10": "cancelled", "12:20": "succeeded"}),
    ],
)
async def test_slot_that_comes_while_the_last_one_runs(
    world: World, overlap: str, slots: list[str], statuses: dict[str, str]
) -> None:
    world.write(nightly=f"{{runbook: probe, cron: '*/10 * * * *', overlap: {overlap}}}")
    world.held = asyncio.Event()
    async with scheduling(world) as scheduler:
        await later(world, scheduler, minutes=10)
        await later(world, scheduler, minutes=10)
        world.held.set()
    assert [request.slot[-5:] for request in world.requests] == slots
    assert {slot[-5:]: what for slot, what in world.fates()} == statuses


async def test_matrix_runs_each_combination_and_the_slot_is_as_good_as_the_worst(world: World) -> None:
    world.write(nightly="{runbook: probe, cron: '0 * * * *', matrix: {namespace: [a, b], minutes: [5, 10]}}")
    world.statuses = ["succeeded", "failed"]
    async with scheduling(world) as scheduler:
        await later(world, scheduler, hours=1)
    assert sorted((str(r.parameters["namespace"]), r.parameters["minutes"]) for r in world.requests) == [
        ("a", 5), ("a", 10), ("b", 5), ("b", 10),
    ]  # fmt: skip
    assert world.fates() == [("2026-11-24T13:00", "failed")]


async def test_paused_schedule_starts_nothing_and_catches_nothing_up(world: World) -> None:
    world.write(nightly="{runbook: probe, cron: '0 * * * *'}")
    book = Book(world.ledger, world.folder / "scheduled", "ann")
    async with scheduling(world) as scheduler:
        book.pause("nightly", "ann", world.now, None, "migration")
        await later(world, scheduler, hours=2)
        book.resume("nightly", world.now)
        await later(world, scheduler, minutes=30)
        assert world.requests == []
        await later(world, scheduler, minutes=30)
    assert [request.slot for request in world.requests] == ["nightly@2026-11-24T15:00"]
    assert [what for _, what in world.fates()] == ["paused", "paused", "succeeded"]
    with pytest.raises(UsageError, match="nightly is not paused"):
        book.resume("nightly", world.now)


async def test_pause_ends_by_itself(world: World) -> None:
    world.write(nightly="{runbook: probe, cron: '0 * * * *'}")
    async with scheduling(world) as scheduler:
        until = world.now + timedelta(minutes=30)
        Book(world.ledger, world.folder / "scheduled", "ann").pause("nightly", "ann", world.now, until, "")
        await later(world, scheduler, hours=1)
    assert len(world.requests) == 1


async def test_clock_that_was_years_ahead_does_not_silence_a_schedule(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.write(nightly="{runbook: probe, cron: '0 * * * *'}")
    async with scheduling(world) as scheduler:
        await later(world, scheduler, days=3650)
        await later(world, scheduler, days=-3650)
        await later(world, scheduler, hours=1)
    assert [request.slot for request in world.requests][-1] == "nightly@2026-11-24T13:00"
    assert "The clock was set back by" in caplog.text


async def test_edit_counts_from_the_next_look_and_a_broken_one_leaves_all_as_it_was(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.write(nightly="{runbook: probe, cron: '0 * * * *'}")
    async with scheduling(world) as scheduler:
        world.write(nightly="{runbook: probe, cron: nonsense}")
        await later(world, scheduler, hours=1)
        assert len(world.requests) == 1
        assert "nightly.yaml" in caplog.text
        world.write(nightly="{runbook: probe, cron: '*/5 * * * *', parameters: {minutes: 7}}")
        await later(world, scheduler, minutes=5)
    assert dict(world.requests[-1].parameters) == {"minutes": 7}


def alert(name: str, starts: datetime, **labels: str) -> dict[str, Json]:
    every: dict[str, Json] = {"alertname": name, "namespace": "shop", **labels}
    return {"labels": every, "state": "firing", "starts_at": starts.isoformat(), "fingerprint": f"{name}{labels}"}


async def test_alert_starts_a_run_once_with_its_labels(world: World) -> None:
    world.write(
        errors="""
runbook: probe
event: {alert: {alertname: High.*, severity: page|critical}}
parameters: {namespace: "{namespace}", minutes: 15}
at_most_every: 30m
"""
    )
    world.alerts = [alert("HighOld", NOON, severity="page")]  # it fired before anybody looked
    async with scheduling(world) as scheduler:
        await later(world, scheduler, minutes=1)
        assert world.requests == []
        world.alerts += [alert("HighErrors", world.now, severity="page"), alert("HighLoad", world.now, severity="info")]
        await later(world, scheduler, minutes=1)
        await later(world, scheduler, minutes=1)
        assert [dict(request.parameters) for request in world.requests] == [{"namespace": "shop", "minutes": 15}]
        world.alerts = [alert("HighErrors", world.now, severity="page")]  # it flaps
        await later(world, scheduler, minutes=1)
        assert len(world.requests) == 1
        world.alerts = []
        await later(world, scheduler, minutes=40)
        world.alerts = [alert("HighErrors", world.now, severity="page")]
        await later(world, scheduler, minutes=1)
    assert [request.trigger for request in world.requests] == ["event", "event"]
    assert [what for _, what in world.fates()] == ["succeeded", "too_soon", "succeeded"]


async def test_fact_that_is_no_allowed_value_is_refused_and_never_becomes_code(world: World) -> None:
    world.write(errors="{runbook: probe, event: {alert: {alertname: .*}}, parameters: {namespace: '{namespace}'}}")
    async with scheduling(world) as scheduler:
        world.alerts = [alert("X", world.now, namespace="x'; import os #"), alert("Y", world.now, namespace="fine")]
        await later(world, scheduler, minutes=1)
    assert [request.parameters["namespace"] for request in world.requests] == ["fine"]
    assert [what for _, what in world.fates()] == ["refused", "succeeded"]


async def test_values_of_a_matrix_take_facts_too(world: World) -> None:
    world.write(errors="{runbook: probe, event: {alert: {alertname: .*}}, matrix: {namespace: ['{namespace}', all]}}")
    async with scheduling(world) as scheduler:
        world.alerts = [alert("X", world.now)]
        await later(world, scheduler, minutes=1)
    assert [request.parameters["namespace"] for request in world.requests] == ["shop", "all"]


async def test_new_version_of_a_workload_is_a_deploy_and_an_unreachable_cluster_is_none(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.write(
        deploys="{runbook: probe, event: {deploy: {namespace: shop, workload: 'check.*'}}, "
        "parameters: {namespace: '{namespace}'}, overlap: queue}"
    )
    world.revisions = {"shop/checkout": "3", "shop/cart": "1", "other/checkout": "1"}
    async with scheduling(world) as scheduler:
        world.down = True
        await later(world, scheduler, minutes=1)
        world.down = False
        world.revisions |= {"shop/checkout": "4", "shop/cart": "2", "other/checkout": "2"}
        await later(world, scheduler, minutes=1)
        await later(world, scheduler, minutes=1)
    assert [request.slot.partition(" ")[2] for request in world.requests] == ["Deployment/shop/checkout"]
    assert caplog.text.count("Deploys cannot be looked for: It does not answer.") == 1


@contextmanager
def receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An HTTP server that keeps what is posted to it."""
    heard: list[dict[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            heard.append({**json.loads(body), "authorization": self.headers.get("authorization", "")})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_args: Any) -> None:
            return None

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_the_told_hear_of_failure_and_of_recovery_and_a_dead_channel_stops_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.write(
        nightly="{runbook: probe, cron: '0 * * * *', "
        "tell: {failure: [oncall, dead, nobody], success: [], recovery: [oncall, slack]}}"
    )
    world.statuses = ["failed", "succeeded", "succeeded"]
    with receiver() as (url, heard), caplog.at_level(logging.ERROR):
        channels = {
            "oncall": ChannelSettings.model_validate({"url": url, "token": "let-me-in"}),
            "slack": ChannelSettings.model_validate({"slack_webhook": url}),
            "dead": ChannelSettings.model_validate({"url": "http://127.0.0.1:9"}),
        }
        async with scheduling(world, channels) as scheduler:
            for _ in range(3):
                await later(world, scheduler, hours=1)
    assert [one["text"] for one in heard] == [
        "nightly (probe): failed. run run-1",
        "nightly (probe): works again. run run-2",
        "nightly (probe): works again. run run-2",
    ]
    assert heard[0]["authorization"] == "Bearer let-me-in"
    assert (heard[0]["status"], heard[0]["run"]) == ("failed", "run-1")
    assert "Channel dead was not told" in caplog.text
    assert "there is no channel nobody" in caplog.text


async def test_webhook_starts_what_waits_for_it_and_nothing_else(world: World) -> None:
    world.write(
        report="{runbook: probe, event: {webhook: nightly-report}, parameters: {minutes: '{minutes}'}, overlap: queue}"
    )
    settings = WebhookSettings.model_validate({"port": 0, "token": "let-me-in"})
    auth = {"Authorization": "Bearer let-me-in"}
    async with (
        scheduling(world) as scheduler,
        listening(settings, scheduler.call) as address,
        httpx.AsyncClient(base_url=address) as client,
    ):
        answers = [
            await client.post("nightly-report", json={"minutes": 7}),
            await client.post("other", json={}, headers=auth),
            await client.post("nightly-report", content=b"{", headers=auth),
            await client.post("nightly-report", content=b"[1]", headers=auth),
            await client.post("nightly-report", content=b" " * 200_000, headers=auth),
            await client.post("nightly-report", json={"minutes": 7}, headers=auth),
            await client.get("nightly-report", headers=auth),
        ]
        await scheduler.ended()
    assert [answer.status_code for answer in answers] == [401, 404, 400, 400, 413, 202, 405]
    assert [request.parameters for request in world.requests] == [{"minutes": 7}]
    assert answers[5].json()["slots"] == [world.requests[0].slot]


async def test_alertmanager_wakes_who_watches_and_nonsense_wakes_nobody(world: World) -> None:
    woken: list[str] = []
    hook = AlertHook("alertmanager", lambda: woken.append("once"))
    alert = {"status": "firing", "labels": {"alertname": "Down"}, "startsAt": "2026-11-24T12:00:00Z", "endsAt": "0001"}
    async with (
        scheduling(world) as scheduler,
        listening(WebhookSettings.model_validate({"port": 0}), scheduler.call, hook) as address,
        httpx.AsyncClient(base_url=address) as client,
    ):
        answers = [
            await client.post("alertmanager", json={"version": "4", "alerts": [alert]}),
            await client.post("alertmanager", json={"version": "4", "alerts": [{"labels": "Down"}]}),
            await client.post("alertmanager", json={"alerts": []}),
            await client.post("alertmanagers", json={"version": "4", "alerts": [alert]}),
        ]
    assert [answer.status_code for answer in answers] == [202, 422, 422, 404]
    assert woken == ["once"]


async def test_two_daemons_that_start_together_do_not_both_say_they_hear_hooks() -> None:
    """Two sockets that do not listen yet may be bound to one port: the loser would fail much later, and unseen."""

    async def called(_name: str, _facts: Mapping[str, str]) -> tuple[str, ...]:
        return ()

    async with listening(WebhookSettings.model_validate({"port": 0}), called) as address:
        taken = WebhookSettings.model_validate({"port": int(address.rstrip("/").split(":")[-1].split("/")[0])})
        with pytest.raises(UsageError, match=r"Address already in use\. Set AUTODEVOPS_WEBHOOK__HOST"):
            async with listening(taken, called):
                pass


async def test_hooks_beyond_loopback_need_a_token() -> None:
    async def called(_name: str, _facts: Mapping[str, str]) -> tuple[str, ...]:
        return ()

    with pytest.raises(UsageError, match=r"could be called by anybody\. Set AUTODEVOPS_WEBHOOK__TOKEN"):
        async with listening(WebhookSettings(host="0.0.0.0", port=0), called):
            pass


def test_calendar_has_all_schedules_in_order_with_what_is_left_out(world: World) -> None:
    world.write(
        a="{runbook: probe, cron: '0 */6 * * *', blackouts: [{start: '17:00', end: '19:00'}]}",
        b="{runbook: probe, interval: 8h}",
        c="{runbook: probe, event: {webhook: x}}",
    )
    from autodevops.scarlet.schedules.schedule import load_schedules

    planned = calendar(load_schedules(world.folder / "scheduled"), NOON, NOON + timedelta(hours=12))
    assert [(one.schedule, f"{one.due:%d %H}", bool(one.why_not)) for one in planned] == [
        ("b", "24 16", False),
        ("a", "24 18", True),
        ("a", "25 00", False),
        ("b", "25 00", False),
    ]
