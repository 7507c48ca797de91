"""The pipeline: propose, plan, guard, decide, ask, admit, intend, apply, settle, verify, undo, close.

Every step is an event of the ledger, entered before the next begins. Whoever comes after a crash reads there how far it
was (`recover`), and asks the world about the rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta

from autodevops.domain.decision import Refusal
from autodevops.domain.operation import Book, Operation, Proposal
from autodevops.domain.outcome import Outcome
from autodevops.domain.plan import Plan
from autodevops.executor import approvals, operations, switch
from autodevops.executor.carrying import Hand, Stopped, leave_book
from autodevops.executor.catalogue import KINDS
from autodevops.executor.kinds import AnyKind
from autodevops.executor.leading import Leader
from autodevops.executor.means import Sleep, WritingMeans
from autodevops.executor.operations import Held, load
from autodevops.executor.planning import decision_on, facts_about, make_plan, objections
from autodevops.executor.record import Record, keep_record, read_record
from autodevops.executor.verifying import measure
from autodevops.kernel.clock import Clock, utc_now
from autodevops.kernel.errors import LedgerConflict, LedgerDamaged, ToolError, ToolUnavailable, UsageError
from autodevops.kernel.ids import time_sortable_id
from autodevops.settings import ExecutorSettings
from autodevops.stores import leases
from autodevops.stores.ledger import Ledger
from autodevops.toolbox.protocol import Tools

log = logging.getLogger(__name__)

REMEMBERED = timedelta(days=1)  # how long the book keeps who is no longer in flight: longer than any budget looks back


class _NotAdmitted(Exception):
    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        self.words = " ".join(no.words for no in refusals)


class Executor:
    """`tools` may write; nobody else has them. `actor` is on whose behalf this process works. A `leader` holds it back
    while another process may act in the cluster."""

    def __init__(
        self,
        tools: Tools,
        ledger: Ledger,
        settings: ExecutorSettings,
        *,
        actor: str,
        zone: str = "",
        clock: Clock = utc_now,
        sleep: Sleep = asyncio.sleep,
        kinds: Mapping[str, AnyKind] = KINDS,
        watches: bool = True,
        leader: Leader | None = None,
    ) -> None:
        self._kinds = kinds
        self._zone = zone
        self._means = WritingMeans(
            tools=tools,
            ledger=ledger,
            settings=settings,
            clock=clock,
            sleep=sleep,
            actor=actor,
            holder=f"{actor} {time_sortable_id(clock())}",
            stop_file=switch.stop_file(settings),
            watches=watches,
            leader=leader,
        )

    @property
    def record(self) -> Record:
        return read_record(self._means.ledger)

    async def propose(self, proposal: Proposal) -> Operation:
        """Plan it and decide about it. What comes back is cleared, awaits people, or is closed with the reason.

        Raises UsageError for a kind that does not exist, LedgerConflict when another took this one for dead.
        """
        kind, now = self._kind(proposal.action.kind), self._means.clock()
        operation = Operation(id=time_sortable_id(now), proposal=proposal, proposed_at=now, changed_at=now)
        hand = self._take(operations.begin(self._means.ledger, operation), kind)
        try:
            return await self._propose(hand)
        finally:
            hand.let_go()

    async def execute(self, operation_id: str) -> Operation:
        """Do what is cleared, to the outcome. Raises UsageError when it is not cleared, LedgerConflict when another
        executor has it, or may have the cluster."""
        means = self._means
        held = load(means.ledger, operation_id)
        self._require_cleared(held.operation)
        if means.leader and (why := await means.leader.confirm()):
            raise LedgerConflict(why, "It stays cleared for a while, and is done when the Lease is to be had.")
        kind = self._kind(held.operation.proposal.action.kind)
        hand = self._take(held, kind)
        try:
            return await self._execute(hand)
        finally:
            hand.let_go()

    async def run(self, proposal: Proposal) -> Operation:
        """`propose`, and `execute` what needs nobody's yes."""
        operation = await self.propose(proposal)
        return await self.execute(operation.id) if operation.stage == "cleared" else operation

    def answer(
        self, operation_id: str, *, granted: bool, digest: str, by: str, where: str, words: str = ""
    ) -> Operation:
        """A person's yes or no, see `approvals.answer`. Nothing is done by it: `execute` does."""
        means = self._means
        return approvals.answer(
            means.ledger,
            operation_id,
            granted=granted,
            digest=digest,
            by=by,
            where=where,
            now=means.clock(),
            settings=means.settings,
            words=words,
        )

    def withdraw(self, operation_id: str, words: str) -> Operation:
        """End what waits for people or is cleared and not begun. Raises UsageError for anything else."""
        held = load(self._means.ledger, operation_id)
        if held.operation.stage not in ("awaiting", "cleared"):
            raise UsageError(f"Operation {operation_id} is {held.operation.stage}.", "It cannot be withdrawn any more.")
        void = approvals.with_state(held.operation, "void")
        outcome = Outcome(result="not_applied", words=words, at=self._means.clock())
        return self._means.move(
            held, "withdrawn", stage="closed", approval=void, outcome=outcome, data={"words": words}
        ).operation

    async def recover(self) -> list[Operation]:
        """Bring to an end what others left behind, and escalate what nobody answered. Nothing new is begun.

        What an executor still has in hand, or had until less than a lease ago, is left to it; what is cleared waits for
        as long as a yes is good.
        """
        means, ended = self._means, approvals.expire(self._means.ledger, self._means.clock(), actor=self._means.actor)
        for waiting in operations.unfinished(means.ledger):
            if waiting.stage == "awaiting" or self._is_fresh(waiting):
                continue
            try:
                held = load(means.ledger, waiting.id)
                kind = self._kinds.get(held.operation.proposal.action.kind)
                if kind is None:  # a runbook's cell, whose run is over
                    ended.append(self._end(held, "closed", "Who asked for it is gone.").operation)
                    continue
                hand = self._take(held, kind)
            except LedgerConflict:
                continue
            except LedgerDamaged as error:
                log.warning("%s", error)
                continue
            try:
                ended.append(await self._recover(hand))
            except LedgerConflict:
                continue
            finally:
                hand.let_go()
        self._empty_book()
        return ended

    async def _propose(self, hand: Hand) -> Operation:
        means, operation = self._means, hand.operation
        try:
            plan = await hand.keeping(make_plan(means.tools, hand.kind, operation, means.clock()))
            before = await hand.keeping(self._before(operation.proposal))
        except ToolError as error:
            silent = isinstance(error, ToolUnavailable)
            return self._end(hand.held, "could not be planned", str(error), interrupted=silent).operation
        data = {"plan": plan.model_dump(mode="json"), "symptom": before}
        hand.move("planned", stage="planned", plan=plan, symptom_before=before, data=data)
        return self._decide(hand.held, plan, hand.kind).operation

    async def _recover(self, hand: Hand) -> Operation:
        stage = hand.operation.stage
        if stage in ("proposed", "planned", "cleared", "admitted"):
            words = f"It was interrupted when it was {stage}; nothing had been sent."
            return hand.close("not_applied", words, interrupted=True)
        hand.move("recovered", data={"stage": stage})
        return await hand.carry_on()

    async def _execute(self, hand: Hand) -> Operation:
        means, planned = self._means, hand.operation.plan
        assert planned is not None
        try:
            again = make_plan(means.tools, hand.kind, hand.operation, means.clock())
            plan = await hand.keeping(again)
        except ToolError as error:
            return self._void(hand, f"It cannot be planned any more: {error}")
        if plan.digest != planned.digest:
            return self._void(hand, f"It would be another plan by now: {difference(planned, plan)} Propose it anew.")
        hand.move("checked again", plan=plan, data={"digest": plan.digest})  # readiness and versions of now
        if no := self._no_longer_decided(hand, plan):
            return self._void(hand, no)
        if means.settings.dry_run:
            return hand.close("not_applied", "Everything but the change itself was done: executor.dry_run is on.")
        try:
            self._admit(hand, plan)
        except _NotAdmitted as refused:
            return self._void(hand, refused.words)
        hand.move("admitted", stage="admitted")
        used = approvals.with_state(hand.operation, "used")
        hand.move("intended", stage="intended", approval=used, data={"digest": plan.digest})
        try:
            await hand.send()
        except ToolError as error:
            in_doubt = isinstance(error, ToolUnavailable | Stopped)  # it may have arrived
            hand.move("unanswered" if in_doubt else "rejected", data={"words": str(error)})
            return await hand.carry_on(str(error), in_doubt=in_doubt)
        return await hand.carry_on()

    def _admit(self, hand: Hand, plan: Plan) -> None:
        """Take a place in the book, judged by the very book it is entered in. Raises _NotAdmitted."""
        means, operation = self._means, hand.operation
        now = means.clock()

        def entered(book: Book) -> Book:
            facts = facts_about(operation, plan, hand.kind, book, means.stopped, now, self._zone)
            if refused := objections(facts, hand.kind, means.settings):
                raise _NotAdmitted(refused)
            kept = tuple(one for one in book.admissions if one.in_flight or now - one.at < REMEMBERED)
            return Book(admissions=(*kept, operations.admission_of(operation, now)))

        operations.change_book(means.ledger, entered, operation, "entered", now=now, actor=means.actor)

    def _decide(self, held: Held, plan: Plan, kind: AnyKind) -> Held:
        means, now = self._means, self._means.clock()
        book, _ = operations.read_book(means.ledger)
        facts = facts_about(held.operation, plan, kind, book, means.stopped, now, self._zone)
        record = self.record
        decision = decision_on(facts, kind, means.settings, record, held.operation.signature)
        keep_record(means.ledger, record, now=now, actor=means.actor)
        data = {"decision": decision.model_dump(mode="json")}
        if decision.verdict == "act":
            return means.move(held, "act", kind="decision", stage="cleared", decision=decision, data=data)
        if decision.verdict == "seek_approval":
            asked = approvals.question(plan.digest, decision.risk, decision.approvals, now, means.settings)
            return means.move(
                held,
                "seek_approval",
                kind="decision",
                stage="awaiting",
                decision=decision,
                approval=asked,
                data={**data, "approval": asked.model_dump(mode="json")},
            )
        why = {
            "refuse": " ".join(no.words for no in decision.refusals),
            "observe": "It is written down and not done: machines only observe with this kind of action.",
        }.get(decision.verdict, "It is for a person to decide and to do.")
        outcome = Outcome(result="not_applied", words=why, at=now)
        return means.move(
            held, decision.verdict, kind="decision", stage="closed", decision=decision, outcome=outcome, data=data
        )

    def _no_longer_decided(self, hand: Hand, plan: Plan) -> str:
        """A machine's own leave is for the moment: the hour, the record and the settings may be others by now."""
        operation, means = hand.operation, self._means
        if operation.approval is not None:
            role = approvals.members(operation.approval.role, means.settings)
            yes = {one.by for one in operation.approval.answers if one.granted and one.by in role}
            if means.clock() >= operation.approval.expires_at:
                return "The approval has expired."
            return "" if len(yes) >= operation.approval.needed else "Who approved it has the role no longer."
        book, _ = operations.read_book(means.ledger)
        facts = facts_about(operation, plan, hand.kind, book, means.stopped, means.clock(), self._zone)
        again = decision_on(facts, hand.kind, means.settings, self.record, operation.signature)
        if again.verdict == "act":
            return ""
        why = " ".join(no.words for no in again.refusals)
        return f"Decided anew it is no longer to be done ({again.verdict.replace('_', ' ')}). {why}".strip()

    def _void(self, hand: Hand, words: str) -> Operation:
        return hand.close("not_applied", words, approval=approvals.with_state(hand.operation, "void"))

    def _require_cleared(self, operation: Operation) -> None:
        if operation.stage == "cleared":
            return
        if operation.stage == "awaiting":
            raise UsageError(
                f"Operation {operation.id} waits for an answer.", f"`autodevops approve grant {operation.id}`."
            )
        if operation.outcome is not None:
            raise UsageError(
                f"Operation {operation.id} is over: {operation.outcome.result}. {operation.outcome.words}",
                "Propose it anew.",
            )
        raise UsageError(f"Operation {operation.id} is {operation.stage} already.", "`autodevops act recover` ends it.")

    def _take(self, held: Held, kind: AnyKind) -> Hand:
        means = self._means
        length = timedelta(seconds=means.settings.lease_seconds)
        name = f"operation:{held.operation.id}"
        lease = leases.take(means.ledger, name, means.holder, now=means.clock(), length=length)
        if lease is None:
            raise LedgerConflict(
                f"Operation {held.operation.id} is in the hands of another executor.", "Wait for its outcome."
            )
        return Hand(means, kind, load(means.ledger, held.operation.id), lease)

    def _is_fresh(self, operation: Operation) -> bool:
        """What is cleared may be carried out later, by another process; it is looked at anew then."""
        settings, age = self._means.settings, self._means.clock() - operation.changed_at
        if operation.stage == "cleared" and operation.proposal.action.kind in self._kinds:
            return age < timedelta(minutes=settings.approval_minutes)
        return age < timedelta(seconds=settings.lease_seconds)

    def _empty_book(self) -> None:
        """Places of what is closed: its executor died between the two entries."""
        means = self._means
        book, _ = operations.read_book(means.ledger)
        for admission in book.admissions:
            if admission.in_flight:
                operation = load(means.ledger, admission.operation).operation
                if operation.stage == "closed":
                    leave_book(means.ledger, operation, now=means.clock(), actor=means.actor)

    async def _before(self, proposal: Proposal) -> float | None:
        return await measure(self._means.tools, proposal.symptom.query) if proposal.symptom else None

    def _end(self, held: Held, what: str, words: str, *, interrupted: bool = False) -> Held:
        outcome = Outcome(result="not_applied", words=words, at=self._means.clock(), interrupted=interrupted)
        return self._means.move(held, what, stage="closed", outcome=outcome, data={"words": words})

    def _kind(self, name: str) -> AnyKind:
        if name not in self._kinds:
            raise UsageError(f"There is no action {name!r}.", f"There are: {', '.join(sorted(self._kinds))}.")
        return self._kinds[name]


def difference(planned: Plan, now: Plan) -> str:
    """What makes two plans different ones, in words."""
    for name, value in planned.pre.bound.items():
        if now.pre.bound.get(name) != value:
            return f"{name} of {planned.subject} is no longer what it was."
    if planned.blast != now.blast:
        was = f"{planned.blast.pods} of {planned.blast.of_pods}"
        return f"It would touch {now.blast.pods} of {now.blast.of_pods} pods, not {was}."
    return "The dry run gives other edits."
