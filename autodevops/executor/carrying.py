"""From the written intent to the outcome. The same way is gone by whoever sent the change and by whoever finds it after
a crash: every step asks the world, not a memory, how far it is.

Each change is preceded by its intent in the ledger and by a renewal of the lease, which only one process can have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

from autodevops.domain.base import Json
from autodevops.domain.operation import Book, Operation
from autodevops.domain.outcome import EffectCheck, Outcome, Result
from autodevops.domain.plan import WorkloadState
from autodevops.domain.tool_results import ResourceChange
from autodevops.executor import operations
from autodevops.executor.kinds import AnyKind, Progress
from autodevops.executor.means import WritingMeans
from autodevops.executor.operations import Held
from autodevops.executor.planning import errand_of
from autodevops.executor.reading import workload_state
from autodevops.executor.verifying import check, overall
from autodevops.kernel.errors import LedgerConflict, ToolError, ToolUnavailable
from autodevops.stores import leases
from autodevops.stores.leases import Lease
from autodevops.stores.ledger import Ledger

T = TypeVar("T")
SWITCH_SECONDS = 0.25  # how often the kill switch is looked at while something is written or waited for
WATCH_SECONDS = 5  # how long one watch waits: what it does not see is looked at then
MOST_WATCHES = 8  # at once, of the workloads of a drain
OUTAGE_SECONDS = 15  # the longest pause before a system that does not answer is asked again
IN_DOUBT_SECONDS = 30  # the shortest lease: longer than any request of ours may take


class Stopped(ToolError):
    """The kill switch was pulled, or the cluster's Lease lost, while something was being written."""

    code = "stopped"


class Hand:
    """One operation in the hand of one executor. Raises LedgerConflict as soon as it is in another's."""

    def __init__(self, means: WritingMeans, kind: AnyKind, held: Held, lease: Lease) -> None:
        self.means = means
        self.kind = kind
        self.held = held
        self._lease = lease
        states = held.operation.plan.pre.workloads if held.operation.plan else ()
        self._watched = {state.subject: state for state in states[:MOST_WATCHES]}  # each as it was seen last

    @property
    def operation(self) -> Operation:
        return self.held.operation

    def move(self, what: str, **changes: Any) -> None:
        self.held = self.means.move(self.held, what, **changes)

    def renew(self, *, at_once: bool = True) -> None:
        now, length = self.means.clock(), timedelta(seconds=self.means.settings.lease_seconds)
        if at_once or self._lease.until - now < length / 2:
            self._lease = leases.renew(self.means.ledger, self._lease, now=now, length=length)

    def close(self, result: Result, words: str, *, interrupted: bool = False, **changes: Any) -> Operation:
        """Enter the outcome, then give the place in the book back; a crash between is mended by `recover`."""
        checks, now = self.operation.checks, self.means.clock()
        outcome = Outcome(result=result, words=words, checks=checks, at=now, interrupted=interrupted)
        data = {"result": result, "words": words}
        self.move("closed", stage="closed", outcome=outcome, data=data, **changes)
        self.leave_book()
        return self.operation

    def leave_book(self) -> None:
        means, operation = self.means, self.operation
        leave_book(means.ledger, operation, now=means.clock(), actor=means.actor)

    def let_go(self) -> None:
        with suppress(LedgerConflict):  # it is another's already
            leases.release(self.means.ledger, self._lease, now=self.means.clock())

    async def send(self) -> None:
        """Send the change that has been intended; what came of it is asked of the world, whatever is answered."""
        self.renew()
        if why := await self.means.ask_leave():
            raise Stopped(why)
        applied = await self._writing(self.kind.apply(self.means.tools, errand_of(self.operation)))
        self.move("applied", stage="applied", data={"answer": applied.summary, **applied.data})

    async def carry_on(self, said: str = "", *, in_doubt: bool = False) -> Operation:
        """Until it is closed. Asked for at any stage from `intended` on.

        `said` is what kept it from being applied; `in_doubt`: the request may still be under way, and is waited for.
        """
        if self.operation.stage == "intended":
            progress = await (self._once_arrived() if in_doubt else self._ask(self.kind.look))
            if progress is None:
                return self.close("unverified", f"{said} Whether it was applied cannot be seen.".strip())
            if progress.state == "not_applied":
                return self.close("not_applied", said or progress.words)
            self.move("found applied", stage="applied", data={"words": progress.words})
        if self.operation.stage == "applied":
            await self._settle()
        if self.operation.stage == "settled" and (done := await self._verify()):
            return done
        return await self._undo()

    async def _settle(self) -> None:
        progress = await self._until_settled(self.kind.look, undone=False)
        checks: tuple[EffectCheck, ...] = ()
        if progress is None:
            checks = (EffectCheck(name="settled", judgement="unknown", words="The system does not answer."),)
        elif progress.state == "applied" and (why := self.means.stopped):
            words = f"Not complete when everything was stopped, {why}: {progress.words}"
            checks = (EffectCheck(name="settled", judgement="unknown", words=words),)
        elif progress.state != "settled":
            late = f"Not complete after {self.means.settings.settle_seconds:g} s: {progress.words}"
            words = progress.words if progress.state == "lost" else late
            checks = (EffectCheck(name="settled", judgement="worse", words=words),)
        words = progress.words if progress else "The system does not answer."
        self.move("settled" if not checks else "did not settle", stage="settled", checks=checks, data={"words": words})

    async def _verify(self) -> Operation | None:
        """None when it has to be undone."""
        settings, operation = self.means.settings, self.operation
        unsettled = tuple(one for one in operation.checks if one.name == "settled")
        until = self.means.clock() + timedelta(seconds=settings.verify_seconds)
        silent_until = self.means.clock() + timedelta(seconds=settings.settle_seconds)  # outages pass
        while True:
            found = await check(
                self.means.tools,
                self.kind,
                errand_of(operation),
                operation.proposal.symptom,
                operation.symptom_before,
            )
            checks = (*unsettled, *found)
            judgement = overall(checks)
            last = silent_until if any(one.unanswered for one in found) else until
            if judgement == "good" or unsettled or self.means.clock() >= last or self.means.stopped:
                break
            await self._pause(self.means.sleep(settings.poll_seconds))
        told = {"judgement": judgement, "checks": [one.model_dump(mode="json") for one in checks]}
        self.move("looked at", checks=checks, data=told)
        words = " ".join(one.words for one in checks if one.judgement == judgement) or "Nothing could be checked."
        if judgement == "good":
            return self.close("verified", words)
        if judgement == "unknown":
            return self.close("unverified", f"It was applied; what came of it cannot be seen. {words}")
        if not (operation.plan and operation.plan.undo):
            return self.close("unverified", f"{words} It cannot be taken back.")
        if why := self.means.stopped:
            return self.close("undo_failed", f"{words} It was not taken back, for everything is stopped: {why}.")
        self.move("undoing", stage="undoing", data={"because": words})
        return None

    async def _undo(self) -> Operation:
        """Sent anew unless the world shows that it was."""
        because = " ".join(one.words for one in self.operation.checks if one.judgement in ("worse", "no_effect"))
        progress = await self._ask(self.kind.look_undone)
        if progress is None or progress.state == "not_applied":
            self.renew()
            if why := await self.means.ask_leave():
                return self.close("undo_failed", f"{because} It was not taken back. {why}")
            try:
                undone = await self._writing(self.kind.undo(self.means.tools, errand_of(self.operation)))
                self.move("undo sent", data={"answer": undone.summary})
            except (ToolUnavailable, Stopped):
                pass  # it may have arrived: the world is asked
            except ToolError as error:
                return self.close("undo_failed", f"{because} Taking it back was refused: {error}")
        progress = await self._until_settled(self.kind.look_undone, undone=True)
        if progress is not None and progress.state == "settled":
            return self.close("undone", f"{because} {progress.words}".strip())
        words = progress.words if progress else "The system does not answer."
        return self.close("undo_failed", f"{because} Taken back, but not complete: {words}".strip())

    async def _once_arrived(self) -> Progress | None:
        """What the world says when a request that nobody waits for any more has arrived or never will."""
        until = self.means.clock() + timedelta(seconds=IN_DOUBT_SECONDS)
        while True:
            progress = await self._ask(self.kind.look)
            if progress is None or progress.state != "not_applied" or progress.final or self.means.clock() >= until:
                return progress
            self.renew(at_once=False)
            await self.means.sleep(self.means.settings.poll_seconds)

    async def _until_settled(self, look: Callable[..., Awaitable[Progress]], *, undone: bool) -> Progress | None:
        until = self.means.clock() + timedelta(seconds=self.means.settings.settle_seconds)
        cleared = False
        while True:
            progress = await self._ask(look, until)
            if progress is None or progress.state in ("settled", "lost") or self.means.clock() >= until:
                return progress
            if self.means.stopped:
                return progress
            if progress.state == "applied" and not cleared:
                cleared = await self._clear(undone=undone)
            await self._pause(self._news())

    async def _clear(self, *, undone: bool) -> bool:
        """Whether nothing is left to be taken out of the way. What it was refused is not asked for again."""
        tools, errand = self.means.tools, errand_of(self.operation)
        try:
            found = await self.kind.obstacles(tools, errand, undone=undone)
            if not found:
                return found is not None
            self.renew()
            if why := await self.means.ask_leave():
                raise Stopped(why)
            words = await self._writing(self.kind.clear(tools, errand, found))
        except (ToolUnavailable, Stopped):
            return False
        except ToolError as error:
            words = f"What is in its way stays: {error}"
        if words:
            self.move("made way", data={"words": words})
        return True

    async def _news(self) -> None:
        """Until one of the workloads changes, by watches where the server has them; else for `poll_seconds`."""
        poll = self.means.settings.poll_seconds
        if not self._watched or not self.means.watches:
            await self.means.sleep(poll)
            return
        watches = [asyncio.ensure_future(self._watch(state)) for state in self._watched.values()]
        try:
            done, _ = await asyncio.wait(watches, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in watches:
                one.cancel()
            await asyncio.wait(watches)
        for one in done:
            one.result()  # what nobody expected is not passed over
        # What changes all the time is not asked about all the time.
        await self.means.sleep(min(poll, SWITCH_SECONDS) if self._watched else poll)

    async def _watch(self, seen: WorkloadState) -> None:
        subject = seen.subject
        arguments: dict[str, Json] = {
            "kind": subject.kind,
            "name": subject.name,
            "namespace": subject.namespace,
            "resource_version": seen.resource_version,
            "timeout_seconds": WATCH_SECONDS,
        }
        try:
            answer = await self.means.tools.call("kubernetes.wait_for_change", arguments)
            change = ResourceChange.model_validate(answer.data)
        except (ToolError, ValueError):
            change = ResourceChange(changed=False)
        if change.resource is None:  # gone, or it cannot be watched
            self._watched.pop(subject)
        else:
            self._watched[subject] = workload_state(change.resource, subject)

    async def _pause(self, waiting: Awaitable[object]) -> None:
        """No longer than until everything is stopped."""
        self.renew(at_once=False)
        with suppress(Stopped):
            await self.keeping(waiting, lambda: self.means.stopped)

    async def _ask(self, look: Callable[..., Awaitable[Progress]], until: datetime | None = None) -> Progress | None:
        """What the world says; None when it cannot be asked. One that does not answer is asked again, by default for as
        long as a change may take: outages pass."""
        until = until or self.means.clock() + timedelta(seconds=self.means.settings.settle_seconds)
        pause = self.means.settings.poll_seconds
        while True:
            try:
                return await look(self.means.tools, errand_of(self.operation))
            except ToolUnavailable:
                if self.means.clock() >= until or self.means.stopped:
                    return None
                await self._pause(self.means.sleep(pause))
                pause = max(pause, min(2 * pause, OUTAGE_SECONDS))
            except ToolError:
                return None

    async def _writing(self, work: Awaitable[T]) -> T:
        return await self.keeping(work, lambda: self.means.forbidden)

    async def keeping(self, work: Awaitable[T], against: Callable[[], str] = lambda: "") -> T:
        """Keep the operation in hand meanwhile. Raises Stopped, and `work` is cancelled, as soon as there is a word
        `against` it."""
        task = asyncio.ensure_future(work)
        try:
            while True:
                done, _ = await asyncio.wait({task}, timeout=SWITCH_SECONDS)
                if done:
                    return task.result()
                if why := against():
                    raise Stopped(why)
                self.renew(at_once=False)
        finally:
            task.cancel()
            await asyncio.wait({task})


def leave_book(ledger: Ledger, operation: Operation, *, now: datetime, actor: str) -> None:
    """Its place is free. That it acted goes on counting for budgets and cooldown; what was not applied never did."""
    acted = operation.outcome is None or operation.outcome.result != "not_applied"

    def left(book: Book) -> Book:
        others = (one for one in book.admissions if one.operation != operation.id)
        its_own = (one for one in book.admissions if one.operation == operation.id and acted)
        return Book(admissions=(*others, *(one.model_copy(update={"in_flight": False}) for one in its_own)))

    book, _ = operations.read_book(ledger)
    if any(one.operation == operation.id and one.in_flight for one in book.admissions):
        operations.change_book(ledger, left, operation, "left", now=now, actor=actor)
