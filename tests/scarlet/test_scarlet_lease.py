"""Daemons with ledgers of their own in one cluster: its Lease lets one of them act. A real executor, real kubectl."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from executor.executor_world import writing_tools
from executor.lamps import House
from programs import require
from scarlet.chaos_world import Proxy
from scarlet.deaths_world import generation_of
from scarlet.response_world import START, World, cause, signal

from autodevops.domain.base import Json
from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.operation import Operation, Proposal
from autodevops.domain.remedy import Remedy
from autodevops.domain.tool_results import LeaseResult
from autodevops.executor.acting import Acting
from autodevops.executor.executor import Executor
from autodevops.executor.leading import DEADLINE, LENGTH, RETRY, Leader
from autodevops.executor.means import Sleep
from autodevops.kernel.errors import LedgerConflict, ToolUnavailable
from autodevops.sandbox import Sandbox
from autodevops.sandbox.basics.clocks import MovedClock
from autodevops.scarlet.response.loop import Loop, response
from autodevops.scarlet.response.machine import Means
from autodevops.settings import ScarletSettings, Settings, load_settings
from autodevops.toolbox.protocol import Tools
from autodevops.toolbox.testing import ScriptedTools

DOCS = Path(__file__).parents[2] / "docs" / "scarlet.md"
STEP = 10  # seconds between two rounds


@dataclass
class Place:
    sandbox: Sandbox
    clock: MovedClock
    folder: Path
    settings: Settings

    @property
    def lease(self) -> str:
        return self.folder.name.replace("_", "-")

    @property
    def restarts(self) -> int:
        return generation_of(self.sandbox)

    def kubectl(self, *arguments: str, given: str = "") -> str:
        command = [require("kubectl", "kubernetes-client"), "--kubeconfig", str(self.folder / "kubeconfig"), *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=180).stdout

    async def sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def leader(self, tools: Tools, name: str, house: World | House, sleep: Sleep | None = None) -> Leader:
        return Leader(
            tools,
            house.ledger,
            name=self.lease,
            namespace="default",
            holder=name,
            actor="scarlet",
            clock=self.clock,
            ticks=lambda: self.clock().timestamp(),
            sleep=sleep or self.sleep,
        )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, MovedClock]]:
    clock = MovedClock(lambda: START)
    with Sandbox("healthy", 1, clock=clock, origin=START - timedelta(hours=1), systems=("kubernetes",)) as sandbox:
        yield sandbox, clock


@pytest.fixture
def place(cluster: tuple[Sandbox, MovedClock], tmp_path: Path) -> Place:
    sandbox, clock = cluster
    settings = load_settings(
        kubernetes={"allow_writes": True, "kubeconfig": sandbox.write_kubeconfig(tmp_path / "kubeconfig")},
        executor={"autonomy": "act", "stop_file": tmp_path / "stop", "cooldown_minutes": 0, "poll_seconds": 5},
    )
    return Place(sandbox, clock, tmp_path, settings)


class Hand(Acting):
    """The real executor behind the causes of a made-up world."""

    world: World

    async def remedies(self, hypothesis: Hypothesis) -> tuple[Remedy, ...]:
        return await self.world.remedies(hypothesis)

    async def propose(self, proposal: Proposal) -> Operation:
        return await super().propose(proposal.model_copy(update={"confidence": 0.99}))


class Daemon(World):
    """What one machine runs: a ledger, an executor, a loop. Its time is the cluster's."""

    hand: Hand
    loop_: Loop
    place: Place

    @property
    def acts(self) -> Hand:  # type: ignore[override]
        return self.hand

    def clock(self) -> datetime:
        return self.place.clock()

    async def round(self) -> bool:
        leads = await self.loop_.round()
        await self.loop_.settled()
        return leads


@asynccontextmanager
async def daemon(place: Place, name: str, tools: Tools, *, asking: Tools | None = None) -> AsyncIterator[Daemon]:
    """`asking`: what it reaches the cluster by for its Lease, where that is another way."""
    it = Daemon(ScarletSettings(group_seconds=0), signals=[signal("HighErrors")], causes=[cause("cart")])
    it.place = place
    leader = place.leader(asking or tools, name, it)
    executor = Executor(
        tools,
        it.ledger,
        place.settings.executor,
        actor=name,
        clock=place.clock,
        sleep=place.sleep,
        watches=False,
        leader=leader,
    )
    it.hand = Hand(executor, tools, it.ledger)
    object.__setattr__(it.hand, "world", it)
    means = Means(it, it.ledger, it.settings, it.clock)
    async with response(means, it, place.folder / f"{name}.sqlite", holder=name, leads=leader) as it.loop_:
        yield it


async def test_of_two_with_ledgers_of_their_own_one_acts_and_the_other_takes_over_when_it_is_gone(
    place: Place,
) -> None:
    async with writing_tools(place.settings) as tools, daemon(place, "one", tools) as one:
        async with daemon(place, "two", tools) as two:
            before = place.restarts
            for _ in range(3):
                assert await one.round()
                assert not await two.round()
                place.clock.advance(STEP)
            assert (place.restarts, two.incidents) == (before + 1, [])
            name, holder, _age = place.kubectl("get", "lease", "-n", "default", "--no-headers").split()
            assert (name, holder) == (place.lease, "one")

            waited = STEP  # `one` is gone without a word
            while not await two.round():
                place.clock.advance(STEP)
                waited += STEP
            assert LENGTH <= waited <= LENGTH + STEP
            place.clock.advance(STEP)
            for _ in range(3):
                await two.round()
                place.clock.advance(STEP)
            assert (place.restarts, two.phases) == (before + 2, ["verifying"])
            proposed = one.hand.operation(one.incidents[0].operations[0]).proposal
            late = await one.hand.propose(proposed)  # it only was away
            with pytest.raises(LedgerConflict, match="two holds the Lease"):
                await one.hand.execute(late.id)
            assert not await one.round()
            assert place.restarts == before + 2
        place.clock.advance(RETRY)
        assert await one.round()  # `two` said good-bye: no waiting
        assert "released" in {event.what for event in two.ledger.events(kind="lease")}


async def test_who_looks_only_once_waits_for_a_dead_ones_lease_and_not_for_a_living_ones(place: Place) -> None:
    async with writing_tools(place.settings) as tools:
        one = place.leader(tools, "one", World())
        assert await one.confirm() == ""

        async def one_lives(seconds: float) -> None:
            place.clock.advance(seconds)
            await one.confirm()

        two, three = place.leader(tools, "two", World(), one_lives), place.leader(tools, "three", World())
        began = place.clock()
        await two.outwait()
        assert await two.stands_by()
        assert place.clock() - began <= timedelta(seconds=2 * RETRY)
        await three.outwait()
        assert not await three.stands_by()
        assert await three.confirm() == ""


async def test_who_does_not_reach_the_lease_changes_nothing_after_its_deadline_and_goes_on_looking(
    place: Place,
) -> None:
    url = urlsplit(place.sandbox.addresses["kubernetes"])
    before = Proxy(str(url.hostname), url.port or 0)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(before.serving())
        path = place.folder / "by-proxy"
        text = (place.folder / "kubeconfig").read_text("utf-8")
        path.write_text(text.replace(f":{url.port}", f":{before.address}"), "utf-8")
        section = place.settings.kubernetes.model_copy(update={"kubeconfig": path})
        far = await stack.enter_async_context(writing_tools(place.settings.model_copy(update={"kubernetes": section})))
        tools = await stack.enter_async_context(writing_tools(place.settings))
        one = await stack.enter_async_context(daemon(place, "one", tools, asking=far))
        assert await one.round()
        generation, (incident,) = place.restarts, one.incidents
        proposal = one.hand.operation(incident.operations[0]).proposal.model_copy(update={"incident": ""})
        place.clock.advance(RETRY)
        await one.round()
        before.set("down")
        place.clock.advance(DEADLINE - RETRY)
        soon = await one.hand.propose(proposal)
        assert (await one.hand.execute(soon.id)).stage == "closed"  # the Lease is hers still
        assert place.restarts == generation + 1
        place.clock.advance(DEADLINE)
        late = await one.hand.propose(proposal)
        with pytest.raises(LedgerConflict, match="is not known"):
            await one.hand.execute(late.id)
        assert await one.round()
        before.set(None)
        place.clock.advance(RETRY)
        assert (await one.hand.execute(late.id)).stage == "closed"
        assert place.restarts == generation + 2


async def test_what_is_being_written_when_the_deadline_passes_is_broken_off(tmp_path: Path) -> None:
    house = House(tmp_path, autonomy="act")
    held = LeaseResult(
        name="l",
        namespace="n",
        dry_run=False,
        holder="one",
        held=True,
        seconds=LENGTH,
        transitions=0,
        resource_version="1",
    )
    answers = [held]

    def answer(_: Mapping[str, Json]) -> LeaseResult | ToolUnavailable:
        return answers.pop() if answers else ToolUnavailable("nobody answers")

    tools = ScriptedTools({"kubernetes.hold_lease": answer})
    leader = Leader(
        tools,
        house.ledger,
        name="l",
        namespace="n",
        holder="one",
        actor="scarlet",
        clock=lambda: house.now,
        ticks=lambda: house.now.timestamp(),
    )

    async def slowly() -> None:
        house.now += timedelta(seconds=DEADLINE + 1)
        await asyncio.Event().wait()

    house.lamps.before_write = slowly
    done = await house.executor_of("scarlet", leader).run(house.notice())
    assert done.outcome is not None
    assert (done.outcome.result, house.lamps.sent) == ("not_applied", [])
    assert "could not be renewed" in done.outcome.words


async def test_the_rights_that_the_docs_name_are_enough_and_without_them_a_warning_says_which(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    section = place.settings.kubernetes.model_copy(update={"as_user": "system:serviceaccount:default:scarlet"})
    world = World()
    async with writing_tools(place.settings.model_copy(update={"kubernetes": section})) as tools:
        leader = place.leader(tools, "one", world)
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                assert await leader.confirm() == ""  # the ledger's lease alone
                assert not await leader.stands_by()
                place.clock.advance(RETRY)
        (warning,) = [one.getMessage() for one in caplog.records]
        assert "Grant get, create and update of leases" in warning
        found = re.search(r"```yaml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
        assert found is not None
        place.kubectl("apply", "-f", "-", given=found[1])
        name = place.lease
        assert await leader.confirm() == ""
        assert name in place.kubectl("get", "lease", "-n", "default", "-o", "name")
        await leader.let_go()
        gone = place.kubectl("get", "lease", name, "-n", "default", "-o", "jsonpath={.spec.holderIdentity}")
        assert gone == ""
