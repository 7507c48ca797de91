"""What an agent that works alone needs: to propose with what speaks for it, to poll by id, and to go on elsewhere."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from executor.lamps import House

from autodevops.domain.operation import Symptom
from autodevops.executor.operations import load
from autodevops.kernel.errors import UsageError
from autodevops.stores.sqlite_ledger import SqliteLedger

ANEW = """
import asyncio, sys
from pathlib import Path
from executor.test_executor_alone import go_on
asyncio.run(go_on(Path(sys.argv[1]), sys.argv[2:]))
"""


async def go_on(folder: Path, ids: list[str]) -> None:
    """In another process, five minutes later."""
    with SqliteLedger(folder / "ledger") as ledger:
        house = House(folder, ledger=ledger, autonomy="act")
        house.script["prometheus.query_instant"] = {"series": [{"samples": [[0, "0"]]}]}
        executor = house.executor_of("scarlet")
        house.now += timedelta(minutes=5)
        told = []
        assert await executor.recover() == []
        for name in ids:
            try:
                done = await executor.execute(name)
                told.append([done.stage, done.outcome.result if done.outcome else "", str(done.symptom_before)])
            except UsageError as error:
                told.append([load(ledger, name).operation.stage, str(error), ""])
        print(json.dumps({"told": told, "sent": house.lamps.sent}))


async def test_what_was_proposed_is_polled_by_id_and_carried_out_by_a_process_that_was_started_anew(
    tmp_path: Path,
) -> None:
    with SqliteLedger(tmp_path / "ledger") as ledger:
        house = House(tmp_path, ledger=ledger, autonomy="act")
        house.script["prometheus.query_instant"] = {"series": [{"samples": [[0, "7"]]}]}
        executor = house.executor_of("scarlet")
        symptom = Symptom(query="errors", good=0)
        more: dict[str, Any] = {"incident": "inc-1", "evidence": ("ev-1",), "symptom": symptom, "why": "It is dark."}
        left, right = [await executor.propose(house.notice(name, **more)) for name in ("left", "right")]
        asked, waiting = [await executor.propose(house.notice(name, confidence=0.6, **more)) for name in ("a", "b")]
        assert [one.stage for one in (left, right, asked, waiting)] == ["cleared", "cleared", "awaiting", "awaiting"]
        assert asked.plan is not None
        executor.answer(asked.id, granted=True, digest=asked.plan.digest, by="bob", where="test")
        polled = load(ledger, asked.id).operation
        assert (polled.stage, polled.proposal.incident, polled.proposal.evidence) == ("cleared", "inc-1", ("ev-1",))
        executor.withdraw(left.id, "It shines by itself.")
    ids = [one.id for one in (left, right, asked, waiting)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        ANEW,
        str(tmp_path),
        *ids,
        cwd=Path(__file__).parents[1],
        stdout=asyncio.subprocess.PIPE,
    )
    answer, _ = await process.communicate()
    assert process.returncode == 0
    after = json.loads(answer)
    (over, *_), *done, (still, why, _) = after["told"]
    assert (over, still) == ("closed", "awaiting")
    assert "waits for an answer" in why
    assert done == [["closed", "verified", "7.0"]] * 2
    assert after["sent"] == ["on right", "on a"]


async def test_one_action_at_a_time_for_an_incident(tmp_path: Path) -> None:
    house = House(tmp_path, autonomy="act")
    first, second = [await house.executor.propose(house.notice(name, incident="inc-1")) for name in ("left", "right")]

    async def meanwhile() -> None:
        ended = await house.executor_of("bob").execute(second.id)
        assert ended.outcome is not None
        assert "is still going on for incident inc-1" in ended.outcome.words

    house.lamps.before_write = meanwhile
    await house.executor.execute(first.id)
    assert house.lamps.sent == ["on left"]
