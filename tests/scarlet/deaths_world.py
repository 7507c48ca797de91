"""`autodevops scarlet run` as a real process in a world with a bad release, killed (SIGKILL) at some of her steps and
started anew each time, until the incident is over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from patience import patient

from autodevops.domain.incident import Incident
from autodevops.domain.ledger import LedgerEvent
from autodevops.domain.operation import Operation
from autodevops.executor.operations import load_all
from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import LedgerUnavailable
from autodevops.sandbox import Sandbox
from autodevops.sandbox.basics.clocks import MovedClock
from autodevops.sandbox.world.scenario import load_scenario
from autodevops.stores.incidents import all_incidents
from autodevops.stores.sqlite_ledger import SqliteLedger

Phase = Literal["investigating", "intended", "verifying"]
PHASES: tuple[Phase, ...] = ("investigating", "intended", "verifying")
DAEMON = Path(__file__).with_name("mortal_daemon.py")
LEASES = 130.0  # seconds after which every lease of a dead daemon in the ledger is over
PATIENCE = 240.0  # real seconds, for a busy machine
TICK = 0.25
GENTLY = 4.0  # seconds of the world's time a tick: what is being written is not broken off for want of a Lease


@dataclass
class Life:
    """What came of it."""

    incidents: list[Incident]
    operations: list[Operation]
    deaths: list[Phase]
    restored: int = 0  # generations of the workload's spec since before
    log: str = field(default="", repr=False)


def generation_of(sandbox: Sandbox) -> int:
    """How often the spec of the Deployment cart was set."""
    cluster = sandbox.world.cluster
    with cluster.lock:
        cluster.advance(sandbox.world.now())
        item = cluster.store.get("Deployment", "shop", "cart")
    assert item is not None
    return int(item["metadata"]["generation"])


class Place:
    def __init__(self, folder: Path, sandbox: Sandbox, clock: MovedClock) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self._clock = clock
        self._later = 0.0
        self._file = folder / "later"
        self.advance(0)

    def advance(self, seconds: float) -> None:
        self._later += seconds
        part = self._file.with_suffix(".part")
        part.write_text(str(self._later), "utf-8")
        part.replace(self._file)
        self._clock.advance(seconds)

    @contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[bytes]]:
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, str(DAEMON), str(self._file), "scarlet", "run"],
                env=self._environment(),
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    def until(self, seen: Callable[[SqliteLedger], bool], process: subprocess.Popen[bytes], *, pace: float) -> None:
        """While the process lives, with `pace` seconds of the world's time at each look."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends and process.poll() is None:
            try:
                with self.ledger() as ledger:
                    if seen(ledger):
                        return
            except LedgerUnavailable:
                pass  # it has none yet
            time.sleep(TICK)
            self.advance(pace)
        raise AssertionError(f"It did not come to pass.\n{self.log}")

    def ledger(self) -> SqliteLedger:
        return SqliteLedger(self.folder / "ledger", read_only=True)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **patient(self.sandbox),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "AUTODEVOPS_KUBERNETES__KUBECONFIG": str(self.folder / "kubeconfig"),
            "AUTODEVOPS_KUBERNETES__ALLOW_WRITES": "true",
            "AUTODEVOPS_LEDGER__FOLDER": str(self.folder / "ledger"),
            "AUTODEVOPS_EXECUTOR__AUTONOMY": "act",
            "AUTODEVOPS_EXECUTOR__STOP_FILE": str(self.folder / "stop"),
            "AUTODEVOPS_EXECUTOR__POLL_SECONDS": "0.5",
            "AUTODEVOPS_SCARLET__DOCUMENTS": "false",
            "AUTODEVOPS_SCARLET__GROUP_SECONDS": "0",
            "AUTODEVOPS_SCARLET__SCHEDULES": str(self.folder / "scheduled"),
            "AUTODEVOPS_SCARLET__ARTIFACTS": str(self.folder / "artifacts"),
            "AUTODEVOPS_RUNS__WARM_KERNELS": "0",
            "AUTODEVOPS_WATCH__SOURCES": "alerts, objects",
            "AUTODEVOPS_WATCH__EVERY_SECONDS": "3",
            "AUTODEVOPS_WATCH__HOOK": "",
        }


def play(phases: Sequence[Phase], folder: Path) -> Life:
    """One incident, with a death in each of these phases."""
    clock = MovedClock(utc_now)
    (folder / "scheduled").mkdir()
    scenario = load_scenario(Path(__file__).with_name("chaos_scenario.yaml"))
    systems = ("kubernetes", "prometheus", "alertmanager")
    with Sandbox(scenario, 1, clock=clock, origin=clock() - timedelta(minutes=1), systems=systems) as sandbox:
        sandbox.write_kubeconfig(folder / "kubeconfig")
        place = Place(folder, sandbox, clock)
        before = generation_of(place.sandbox)
        for phase in phases:
            with place.daemon() as process:
                place.until(REACHED[phase], process, pace=GENTLY)
                process.send_signal(signal.SIGKILL)
                assert process.wait(60) == -signal.SIGKILL
            place.advance(LEASES)
        with place.daemon() as process:
            place.until(REACHED["verifying"], process, pace=GENTLY)
            place.until(_over, process, pace=15)
        with place.ledger() as ledger:
            found, done = all_incidents(ledger), load_all(ledger)
        return Life(found, done, list(phases), generation_of(place.sandbox) - before, place.log)


def problems(life: Life) -> list[str]:
    """What may not be, whenever she dies; empty where all is as it should be."""
    found: list[str] = []
    applied = [one for one in life.operations if one.outcome and one.outcome.result != "not_applied"]
    if [(one.phase, one.cause and one.cause.subject.name) for one in life.incidents] != [("closed", "cart")]:
        found.append(f"incidents are {[(str(one.phase), one.title) for one in life.incidents]}")
    if [one.outcome and one.outcome.result for one in applied] != ["verified"]:
        found.append(f"operations are {[(one.stage, one.outcome) for one in life.operations]}")
    if life.restored != 1:
        found.append(f"the workload was changed {life.restored} times")
    return found


def _seen(ledger: SqliteLedger, kind: str, test: Callable[[LedgerEvent], bool]) -> bool:
    return any(test(event) for event in ledger.events(kind=kind))  # type: ignore[arg-type]


REACHED: dict[Phase, Callable[[SqliteLedger], bool]] = {
    # what is watched here asks for no series: an investigation does
    "investigating": lambda ledger: _seen(ledger, "tool_call", lambda event: event.subject == "prometheus.query_range"),
    "intended": lambda ledger: _seen(ledger, "action", lambda event: event.what == "intended"),
    "verifying": lambda ledger: _seen(ledger, "incident", lambda event: event.what == "verifying"),
}


def _over(ledger: SqliteLedger) -> bool:
    known = all_incidents(ledger)
    return bool(known) and all(one.phase in ("closed", "escalated") for one in known)
