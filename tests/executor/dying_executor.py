"""Executors that are killed: a process that forks one for each step, and another that recovers what it left.

    dying_executor.py KUBECONFIG FOLDER WHAT END FIRST LAST

WHAT is done, scale or rollback, by the real kinds; END, verified or undone, is how it ends when nobody dies. A third,
unblock, rolls back a StatefulSet that waits for a pod which never starts.

The child kills itself (SIGKILL) right before its n-th step: a change of the ledger's state, or a call that writes. For
each n from FIRST until before LAST, or until a child lives, a line of JSON says what world and ledger are like after.
FIRST and LAST may be one and the same name of a step: one life, which ends before it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from executor.executor_world import IN_VAIN, asked, settings_for, writing_tools

from autodevops.domain.action import ACTION, Action
from autodevops.domain.base import Json
from autodevops.domain.ledger import Entry, LedgerEvent, NewEvent
from autodevops.domain.operation import Operation
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import RolloutHistory
from autodevops.executor import operations
from autodevops.executor.catalogue import KINDS
from autodevops.executor.executor import Executor
from autodevops.executor.kinds import AnyKind
from autodevops.executor.reading import is_ready, read_object, read_workload
from autodevops.kernel.clock import utc_now
from autodevops.kernel.errors import ToolNotFound
from autodevops.stores.sqlite_ledger import SqliteLedger
from autodevops.toolbox.protocol import ToolAnswer, Tools, ToolSpec

NAMES = {"scale": "cart", "rollback": "catalog", "unblock": "redis"}
ABSENT = "registry.example/shop/redis:0.0.0"
SETTLE_SECONDS = 30.0  # two and a half hours of the world's time


class Steps:
    def __init__(self, last: int | str) -> None:
        self.left = last if isinstance(last, int) else 0
        self.named = last if isinstance(last, str) else ""
        self.names: list[str] = []

    def take(self, name: str) -> None:
        self.left -= 1
        self.names.append(name)
        if self.left == 0 or name == self.named:
            os.write(2, f"died before {name}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)


class DyingLedger(SqliteLedger):
    steps = Steps(0)

    def change(
        self, kind: str, key: str, value: Mapping[str, Json], *, expected: int, event: NewEvent
    ) -> tuple[Entry, LedgerEvent]:
        self.steps.take(f"{event.kind} {event.what}")
        return super().change(kind, key, value, expected=expected, event=event)


class DyingTools:
    def __init__(self, inner: Tools, steps: Steps) -> None:
        self._inner = inner
        self._steps = steps

    async def list_tools(self, server: str = "") -> tuple[ToolSpec, ...]:
        return await self._inner.list_tools(server)

    async def call(self, tool: str, arguments: Mapping[str, Json]) -> ToolAnswer:
        if arguments.get("dry_run") is False:
            self._steps.take(f"the call of {tool}")
        return await self._inner.call(tool, arguments)


def subject_of(what: str) -> Subject:
    kind = "StatefulSet" if NAMES[what] == "redis" else "Deployment"
    return Subject(kind=kind, name=NAMES[what], namespace="shop", api_version="apps/v1")


async def wish(tools: Tools, what: str) -> Action:
    where: dict[str, Json] = {"namespace": "shop", "name": NAMES[what]}
    if what == "unblock":
        history = await tools.call("kubernetes.get_rollout_history", {"kind": "StatefulSet", **where})
        number = RolloutHistory.model_validate(history.data).revisions[0].revision
        await _block(tools, where)
        fields = {"kind": "rollback_workload", "workload": "StatefulSet", "to_revision": number, **where}
        return ACTION.validate_python(fields)
    if what == "scale":
        return ACTION.validate_python({"kind": "scale_workload", "workload": "Deployment", "replicas": 3, **where})
    history = await tools.call("kubernetes.get_rollout_history", {"kind": "Deployment", **where})
    number = RolloutHistory.model_validate(history.data).revisions[1].revision
    fields = {"kind": "rollback_workload", "workload": "Deployment", "to_revision": number, **where}
    return ACTION.validate_python(fields)


async def _block(tools: Tools, where: Mapping[str, Json]) -> None:
    """Its pod waits for an image that there is not."""
    patch: Json = {"spec": {"template": {"spec": {"containers": [{"name": "redis", "image": ABSENT}]}}}}
    arguments: dict[str, Json] = {"kind": "StatefulSet", **where, "patch": patch, "dry_run": False}
    await tools.call("kubernetes.patch_resource", arguments)
    pod = Subject(kind="Pod", name=f"{where['name']}-0", namespace="shop", api_version="v1")
    while True:
        with suppress(ToolNotFound):
            found = await read_object(tools, pod)
            if found["spec"]["containers"][0]["image"] == ABSENT and not is_ready(found):
                return
        await asyncio.sleep(0.05)


async def act(kubeconfig: Path, folder: Path, what: str, kinds: Mapping[str, AnyKind], last: int | str) -> None:
    settings = settings_for(kubeconfig, folder, settle_seconds=SETTLE_SECONDS)
    steps, ledger = Steps(last), DyingLedger(folder / "ledger")
    ledger.steps = steps
    async with writing_tools(settings) as tools:
        executor = Executor(DyingTools(tools, steps), ledger, settings.executor, actor="alice", kinds=kinds)
        operation = await executor.propose(asked(await wish(tools, what)))
        assert operation.plan is not None, operation
        executor.answer(operation.id, granted=True, digest=operation.plan.digest, by="alice", where="test")
        done = await executor.execute(operation.id)
        assert done.outcome is not None
        os.write(2, f"lived: {done.outcome.result}\n".encode())


async def recover(kubeconfig: Path, folder: Path, what: str, kinds: Mapping[str, AnyKind]) -> dict[str, Any]:
    settings = settings_for(kubeconfig, folder, settle_seconds=SETTLE_SECONDS)

    def later() -> datetime:
        return utc_now() + timedelta(minutes=40)  # the lease of the dead is over, and the time to answer and to act

    async with writing_tools(settings) as tools:
        ledger = SqliteLedger(folder / "ledger")
        executor = Executor(tools, ledger, settings.executor, actor="bob", kinds=kinds, clock=later)
        await executor.recover()
        again = await executor.recover()
        found: list[Operation] = operations.load_all(ledger)
        book, _ = operations.read_book(ledger)
        state = await read_workload(tools, subject_of(what))
        return {
            "stages": [one.stage for one in found],
            "results": [one.outcome.result for one in found if one.outcome],
            "words": [one.outcome.words for one in found if one.outcome],
            "recovered_again": len(again),
            "in_flight": sum(one.in_flight for one in book.admissions),
            "ready": state.ready == state.replicas and not state.rolling,
            "generation": state.generation,
            "spec": [state.replicas, state.template],
        }


def in_child(work: Callable[[], Coroutine[Any, Any, Any]]) -> tuple[int, str]:
    """Its exit status (-9: killed), and what it returned as JSON or said."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.dup2(writing, 2)
        answer = asyncio.run(work())
        if answer is not None:
            os.write(2, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as said:
        text = said.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text


def main(kubeconfig: Path, folder: Path, what: str, end: str, first: str, last: str) -> None:
    kinds = IN_VAIN if end == "undone" else KINDS
    # Here and not in a child: what it imports is there for all who are forked. No thread outlives it.
    before = asyncio.run(recover(kubeconfig, folder / f"{what}-{end}", what, kinds))
    steps = range(int(first), int(last)) if first.isdigit() else [first]
    for step in steps:
        place = folder / f"{what}-{end}-{step}"
        status, said = in_child(partial(act, kubeconfig, place, what, kinds, step))
        recovering, text = in_child(partial(recover, kubeconfig, place, what, kinds))
        after = json.loads(text) if recovering == 0 else {"error": text}
        print(json.dumps({"step": step, "status": status, "said": said, "before": before, "after": after}), flush=True)
        before = after
        if status == 0:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5], sys.argv[6])
