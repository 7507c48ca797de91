"""Scarlets that are killed: a process that forks one after the other, and two at a time, over one ledger.

    dying_scarlet.py CONTROL TOKEN     where the world's time passes; settings come from the environment

A child kills itself (SIGKILL) right after the entry of the ledger that it is told; the last one lives until the
incident is closed. A line of JSON says how each ended and what is in the ledger then.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from datetime import datetime

import httpx

from autodevops.domain.base import Json
from autodevops.domain.ledger import Entry, LedgerEvent, NewEvent
from autodevops.executor import operations
from autodevops.kernel.errors import AutoDevOpsError
from autodevops.settings import load_settings
from autodevops.stores import incidents
from autodevops.stores.sqlite_ledger import SqliteLedger, folder_of
from autodevops.workbench import Workbench

LIVES = (
    ("incident opened",),
    ("decision act",),
    ("action intended",),
    ("action applied", "incident verifying"),  # two at a time: who acts dies, the other takes over
    ("nothing",),
)
ROUNDS = 40
STEP = 45.0


class DyingLedger(SqliteLedger):
    last = ""

    def change(
        self, kind: str, key: str, value: Mapping[str, Json], *, expected: int, event: NewEvent
    ) -> tuple[Entry, LedgerEvent]:
        found = super().change(kind, key, value, expected=expected, event=event)
        if f"{event.kind} {event.what}" == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        return found


class FarClock:
    """The world's clock, in another process: read and moved over its control route."""

    def __init__(self, control: str, token: str) -> None:
        self._client = httpx.Client(base_url=control, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        self._now = self._read(self._client.get("/"))

    def __call__(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._now = self._read(self._client.post("/advance", json={"seconds": max(seconds, 1.0)}))

    @staticmethod
    def _read(answer: httpx.Response) -> datetime:
        return datetime.fromisoformat(answer.raise_for_status().json()["now"])


async def live(control: str, token: str, last: str) -> None:
    settings, clock = load_settings(), FarClock(control, token)
    ledger = DyingLedger(folder_of(settings.ledger))
    ledger.last = last
    bench = Workbench(settings, clock=clock, ledger=ledger, actor="scarlet", sleep=clock.sleep)
    async with bench, bench.response() as loop:
        for _ in range(ROUNDS):
            try:
                await loop.round()
                await loop.settled()
                await bench.executor.recover()
            except AutoDevOpsError as error:
                print(error, file=sys.stderr)
            known = incidents.all_incidents(ledger)
            if known and all(one.phase == "closed" for one in known):
                return
            await clock.sleep(STEP)


def begin(control: str, token: str, last: str) -> int:
    child = os.fork()
    if child:
        return child
    asyncio.run(live(control, token, last))
    os._exit(0)


def main(control: str, token: str) -> None:
    for lasts in LIVES:
        children = [begin(control, token, last) for last in lasts]
        ends = sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
        with SqliteLedger(folder_of(load_settings().ledger), read_only=True) as ledger:
            known, done = incidents.all_incidents(ledger), operations.load_all(ledger)
        told = {
            "until": lasts[0],
            "ends": ends,
            "causes": [one.cause.subject.name if one.cause else "" for one in known],
            "phases": [one.phase for one in known],
            "results": [one.outcome.result if one.outcome else one.stage for one in done],
        }
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
