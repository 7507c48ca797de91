"""The state machine of one incident: analyze, decide, act or ask or escalate, verify, close. LangGraph, checkpointed.

The state is ids and counts; what they stand for is in the ledger. Each step may be begun again after a crash: it first
looks what the ledger knows of it. Where something has to happen outside (a person's answer, an end of what was
noticed) the machine stops with a `Wait`, and goes on when its loop says that it has happened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal, TypedDict, cast

from autodevops.domain.hypothesis import Hypothesis
from autodevops.domain.incident import Incident
from autodevops.domain.ledger import SCARLET
from autodevops.domain.operation import Operation, Proposal, Symptom
from autodevops.domain.remedy import Remedy
from autodevops.kernel.clock import Clock
from autodevops.kernel.errors import LedgerConflict, ToolError, UsageError
from autodevops.scarlet.response import cases
from autodevops.scarlet.response.causes import cause_for, same
from autodevops.scarlet.response.hands import Acts, Hands
from autodevops.scarlet.response.rechecking import unseen, why_not_any_more
from autodevops.settings import ScarletSettings
from autodevops.stores.incidents import all_incidents, find_incident
from autodevops.stores.ledger import Ledger

Kind = Literal["evidence", "approval", "executor", "recovery", "people", "sight"]
Event = Literal["due", "quiet", "answered", "resolved", "joined", "sighted"]
CODE: Final = "github.com"
"""The api version of what is changed in a repository."""
_FIRST_REST, _LONGEST_REST = 120.0, 1800.0  # seconds until she looks again at what people have; each twice the last
_QUIET_WORDS = "What was noticed ended by itself, or people ended it."


class Wait(TypedDict):
    """What the machine stands still for; `until`, an ISO time, is when it goes on without."""

    kind: Kind
    until: str


class State(TypedDict, total=False):
    incident: str
    looks: int  # investigations that left the cause open
    tried: list[str]  # operations that were proposed, whatever came of them
    operation: str  # in hand
    why: str  # it is left to people, or over
    unseen: bool  # it is left to people only because something cannot be seen
    rests: int  # pauses after which she looked again at what people have
    again: bool  # people have it: only another cause is news
    told: str  # what people were told last
    drains: bool  # its cause is mended and not seen any more: what piled up was given its time, once
    happened: Event  # what ended the last wait


@dataclass(frozen=True)
class Means:
    hands: Hands
    ledger: Ledger
    settings: ScarletSettings
    clock: Clock
    every_seconds: float = 30  # between two rounds


def build(means: Means, checkpointer: Any) -> Any:
    """The compiled graph; a thread of it is an incident, by its id."""
    from langgraph.graph import START, StateGraph

    steps = Steps(means)
    graph: Any = StateGraph(State)
    graph.add_edge(START, "analyze")
    for name, (step, after) in steps.table.items():
        graph.add_node(name, step, destinations=after)
    return graph.compile(checkpointer=checkpointer)


class Steps:
    def __init__(self, means: Means) -> None:
        self._means = means

    @property
    def table(self) -> dict[str, tuple[Callable[[State], Any], tuple[str, ...]]]:
        """Each step with those that may follow it."""
        return {
            "analyze": (
                self.analyze,
                ("decide", "await_evidence", "await_recovery", "escalate", "await_people", "close"),
            ),
            "await_evidence": (self.await_evidence, ("analyze", "close")),
            "decide": (
                self.decide,
                ("act", "await_approval", "await_executor", "await_evidence", "decide", "escalate"),
            ),
            "await_approval": (self.await_approval, ("recheck", "judge", "await_executor", "close")),
            "recheck": (self.recheck, ("act", "await_executor", "await_recovery", "analyze")),
            "act": (self.act, ("judge", "await_executor")),
            "await_executor": (self.await_executor, ("act", "judge")),
            "judge": (self.judge, ("await_recovery", "analyze", "escalate")),
            "await_recovery": (self.await_recovery, ("close", "analyze")),
            "escalate": (self.escalate, ("await_people",)),
            "await_people": (self.await_people, ("close", "analyze")),
            "close": (self.close, ()),
        }

    async def analyze(self, state: State) -> Any:
        means, incident, now = self._means, self._incident(state), self._means.clock()
        looks = state.get("looks", 0)
        found = incident.investigation
        if found is None or now - found.window.end > timedelta(seconds=means.every_seconds / 2):
            found = await means.hands.investigate(incident.namespace, cases.window_of(incident.signals, now))
            newer = cause_for(incident, found)
            if state.get("again") and not _is_news(newer, incident):
                return _go("await_people")
            if other := self._of_that_cause(newer, incident):
                cases.join(means.ledger, other.id, incident.signals, now)
                left = f"What is left has the cause of {other.id}, and is followed there."
                return _go("close", looks=looks + 1, why=f"{self._helped(state)} {left}".strip())
            cases.put_down_to(means.ledger, incident.id, found, newer, now)
        hypothesis = cause_for(incident, found)
        dark = unseen(found)
        if hypothesis is None or dark:
            if looks + 1 < means.settings.looks:
                return _go("await_evidence", looks=looks + 1, again=False)
            if hypothesis is None and found.verdict == "healthy":
                return _go("close", looks=looks + 1, why=self._helped(state) or f"It is over: {found.summary}")
            if self._helped(state) and not dark and not state.get("drains"):
                return _go("await_recovery", drains=True)
            why = f"{' and '.join(dark)} cannot be seen." if dark else "No cause stands out."
            return _go("escalate", looks=looks + 1, why=why, unseen=bool(dark), again=False)
        return _go("decide", looks=looks + 1, unseen=False, again=False)

    async def await_evidence(self, state: State) -> Any:
        happened = self._wait("evidence", seconds=self._means.every_seconds)
        return _go("close", why=_QUIET_WORDS) if happened in ("quiet", "resolved") else _go("analyze")

    async def decide(self, state: State) -> Any:
        """Propose the next remedy that was not tried; an operation that a crash left unnoted is the one."""
        means, incident = self._means, self._incident(state)
        tried = state.get("tried", [])
        operation = next((one for one in means.hands.acts.operations_for(incident.id) if one.id not in tried), None)
        hypothesis = cause_for(incident, incident.investigation) if incident.investigation else None
        if operation is None:
            if hypothesis is None:
                return _go("escalate", why="The cause is not to be seen any more.")
            if left := _left_open(means.hands.acts, tried):
                return _go("escalate", why=left)
            if _attempts(means.hands.acts, tried) >= means.settings.attempts:
                return _go("escalate", why=f"{means.settings.attempts} actions did not end it.")
            remedy = await self._next_remedy(incident, hypothesis, tried)
            if isinstance(remedy, str):
                return _go("escalate", why=remedy)
            operation = await means.hands.acts.propose(_proposal(incident, hypothesis, remedy))
        step, phase, words = _decided(operation)
        if phase:
            cases.move(means.ledger, incident.id, phase, words, means.clock(), operation=operation.id)
        return _go(step, operation=operation.id, tried=[*tried, operation.id], why=words)

    async def await_approval(self, state: State) -> Any:
        happened = self._wait("approval")
        if happened in ("quiet", "resolved"):
            self._means.hands.acts.withdraw(state["operation"], "What it was for is over: nothing is done.")
            return _go("close", why=_QUIET_WORDS)
        stage = self._means.hands.acts.operation(state["operation"]).stage
        return _go({"cleared": "recheck", "closed": "judge"}.get(stage, "await_executor"))

    async def recheck(self, state: State) -> Any:
        """A yes is for what people were told: what has another cause by now, or none, is not done; they are told."""
        means, incident = self._means, self._incident(state)
        operation = means.hands.acts.operation(state["operation"])
        if operation.stage != "cleared":  # somebody carried it out
            return _go("act")
        why = await why_not_any_more(
            means.hands.investigate, means.hands.acts.remedies, incident, operation.proposal, means.clock()
        )
        if why is None:
            return _go("act")
        words = f"{_what(operation)} was approved and is not done. {why.words}"
        means.hands.acts.withdraw(operation.id, words)
        if means.hands.acts.operation(operation.id).stage != "closed":  # somebody began it meanwhile
            return _go("await_executor")
        await means.hands.tell(_told(incident, words, ""), {"incident": incident.id, "operation": operation.id})
        return _go("await_recovery" if why.over else "analyze", looks=0, why=words)

    async def act(self, state: State) -> Any:
        means, name = self._means, state["operation"]
        operation = means.hands.acts.operation(name)
        if operation.stage == "cleared":
            cases.move(means.ledger, state["incident"], "acting", _what(operation), means.clock(), operation=name)
            try:
                operation = await means.hands.acts.execute(name)
            except (LedgerConflict, UsageError):
                operation = means.hands.acts.operation(name)
        return _go("judge" if operation.stage == "closed" else "await_executor")

    async def await_executor(self, state: State) -> Any:
        """Another process has it in hand, or had: who recovers it ends it."""
        self._wait("executor")
        return _go("judge" if self._means.hands.acts.operation(state["operation"]).stage == "closed" else "act")

    async def judge(self, state: State) -> Any:
        """What the executor's outcome means for the incident."""
        means, operation = self._means, self._means.hands.acts.operation(state["operation"])
        outcome = operation.outcome
        if outcome is not None and outcome.result == "verified":
            words = f"{_what(operation)}: {outcome.words}"
            cases.move(means.ledger, state["incident"], "verifying", words, means.clock())
            return _go("await_recovery")
        if (outcome is not None and outcome.result == "undone") or _came_to_nothing(operation):
            return _go("analyze", looks=0)
        return _go("escalate", why=f"{_what(operation)}: {outcome.words if outcome else operation.stage}")

    async def await_recovery(self, state: State) -> Any:
        happened = self._wait("recovery", seconds=60 * self._means.settings.recovery_minutes)
        if happened in ("quiet", "resolved"):
            return _go("close", why=self._helped(state) or _QUIET_WORDS)
        return _go("analyze", looks=self._means.settings.looks - 1)

    async def escalate(self, state: State) -> Any:
        """To people, with an executed notebook and not a sentence; once for one cause and reason, and its severity."""
        means, incident = self._means, self._incident(state)
        why = state.get("why", "")
        cause = f"{incident.cause.reason} {incident.cause.subject}" if incident.cause else ""
        told = f"{incident.severity}: {cause}: {why}"
        if told == state.get("told"):
            cases.move(means.ledger, incident.id, "escalated", why, means.clock())
            return _go("await_people")
        bundle = await means.hands.document(incident, "diagnosis") if means.settings.documents else ""
        incident = cases.move(
            means.ledger,
            incident.id,
            "escalated",
            why,
            means.clock(),
            bundle=bundle,
            operation=state.get("operation", ""),
        )
        await means.hands.tell(_told(incident, why, bundle), {"incident": incident.id, "run": bundle})
        return _go("await_people", told=told)

    async def await_people(self, state: State) -> Any:
        """She looks again now and then: what told too little when it began may have told more since."""
        rests = state.get("rests", 0)
        pause = min(_FIRST_REST * 2**rests, _LONGEST_REST)
        happened = self._wait("sight" if state.get("unseen") else "people", seconds=pause)
        if happened in ("joined", "sighted", "due"):
            due = happened == "due"
            return _go("analyze", looks=self._means.settings.looks - 1, again=due, rests=rests + due)
        return _go("close", why=_QUIET_WORDS)

    async def close(self, state: State) -> Any:
        means = self._means
        incident = cases.close(means.ledger, state["incident"], state.get("why", ""), means.clock())
        if means.settings.documents:
            bundle = await means.hands.document(incident, "record")
            cases.move(means.ledger, incident.id, "closed", "documented", means.clock(), bundle=bundle)
        return None

    def _of_that_cause(self, newer: Hypothesis | None, incident: Incident) -> Incident | None:
        """Another open incident that has the cause to which this one, which had another, would be put down now."""
        if newer is None or (incident.cause is not None and same(newer.subject, incident.cause.subject)):
            return None
        for one in all_incidents(self._means.ledger, investigations=False):
            going_on = one.id != incident.id and one.phase not in (None, "closed")
            if going_on and one.cause is not None and same(newer.subject, one.cause.subject):
                return one
        return None

    def _helped(self, state: State) -> str:
        """What she did that ended it, if she did."""
        operation = self._means.hands.acts.operation(state["operation"]) if state.get("operation") else None
        verified = operation is not None and operation.outcome is not None and operation.outcome.result == "verified"
        return f"{_what(operation)} ended it." if operation is not None and verified else ""

    async def _next_remedy(self, incident: Incident, hypothesis: Hypothesis, tried: Sequence[str]) -> Remedy | str:
        """Or, in words, why there is none."""
        operations = [self._means.hands.acts.operation(name) for name in tried]
        before = [one.proposal for one in operations if not _came_to_nothing(one)]
        again = [one.proposal for one in operations if _came_to_nothing(one)]
        try:
            offered = await self._means.hands.acts.remedies(hypothesis)
        except ToolError as error:
            return f"What could be done cannot be told: {error}"
        if not incident.namespace:  # it is in no cluster: only its code can be changed
            offered = tuple(remedy for remedy in offered if remedy.action.subject.api_version == CODE)
        left = [
            remedy
            for remedy in offered
            if not any(one.is_as(remedy) for one in before)
            and sum(one.is_as(remedy) for one in again) < self._means.settings.attempts
        ]
        if left:
            return left[0]
        return "Nothing else is known to help." if offered else "No action of hers mends this cause."

    def _wait(self, kind: Kind, *, seconds: float | None = None) -> Event:
        from langgraph.types import interrupt

        until = self._means.clock() + timedelta(seconds=seconds) if seconds is not None else None
        return cast(Event, interrupt(Wait(kind=kind, until=until.isoformat() if until else "")))

    def _incident(self, state: State) -> Incident:
        return find_incident(self._means.ledger, state["incident"])


def _go(step: str, **update: Any) -> Any:
    from langgraph.types import Command

    return Command(goto=step, update=update)


def _is_news(hypothesis: Hypothesis | None, incident: Incident) -> bool:
    """Whether it is another cause than an incident has."""
    cause = incident.cause
    if hypothesis is None or cause is None:
        return hypothesis is not None
    return hypothesis.reason != cause.reason or not same(hypothesis.subject, cause.subject)


def _attempts(acts: Acts, tried: Sequence[str]) -> int:
    """Operations that came to be applied."""
    outcomes = [acts.operation(name).outcome for name in tried]
    return sum(1 for outcome in outcomes if outcome is not None and outcome.result != "not_applied")


def _left_open(acts: Acts, tried: Sequence[str]) -> str:
    """What she did and nobody knows the effect of: a person has to look before anything else is done."""
    for operation in (acts.operation(name) for name in tried):
        outcome = operation.outcome
        if outcome is not None and outcome.result in ("unverified", "undo_failed"):
            return f"{_what(operation)}: {outcome.words}"
    return ""


def _came_to_nothing(operation: Operation) -> bool:
    """Not done, for a reason that need not be there next time: it was interrupted, or cleared and the plan was another
    by then. Nobody has said no."""
    if operation.outcome is None or operation.outcome.result != "not_applied":
        return False
    if operation.outcome.interrupted:
        return True
    if operation.decision is None:
        return False
    if operation.approval is None:
        return operation.decision.verdict == "act"
    return operation.approval.state == "void"


def _proposal(incident: Incident, hypothesis: Hypothesis, remedy: Remedy) -> Proposal:
    return Proposal(
        action=remedy.action,
        asked_by=SCARLET,
        by_person=False,
        why=f"{hypothesis.summary} {remedy.why}",
        confidence=hypothesis.confidence,
        reason=hypothesis.reason,
        evidence=hypothesis.evidence,
        incident=incident.id,
        symptom=_symptom(incident, hypothesis),
        template=remedy.template,
    )


def _symptom(incident: Incident, hypothesis: Hypothesis) -> Symptom | None:
    """What an action is measured by: of what was noticed and has a number, what is about the cause itself first."""
    measured = [one for one in incident.signals if one.better]
    measured.sort(key=lambda one: one.subject is None or not same(one.subject, hypothesis.subject))
    for one in measured[:1]:
        about = f"what {one.name} counts{f' of {one.subject.name}' if one.subject else ''}"
        return Symptom(query=one.query, about=about, better=one.better or "lower")
    return None


def _decided(operation: Operation) -> tuple[str, Any, str]:
    """The step that follows a decision, the incident's phase, and the decision in words."""
    if operation.stage == "cleared":
        return "act", None, ""
    if operation.stage == "awaiting":
        return "await_approval", "awaiting", f"{_what(operation)} waits for people's yes."
    if operation.stage != "closed":
        return "await_executor", "acting", f"{_what(operation)} is under way."
    words = operation.outcome.words if operation.outcome else ""
    if operation.outcome and operation.outcome.interrupted:  # this one may be planned when all can be seen again
        return "await_evidence", None, words
    if operation.decision is None:  # it could not be planned: the next one may be
        return "decide", None, words
    return "escalate", None, f"{_what(operation)} was not done: {words}"


def _what(operation: Operation) -> str:
    action = operation.proposal.action
    return f"{action.kind} {action.subject}"


def _told(incident: Incident, why: str, bundle: str) -> str:
    notebook = f" `autodevops run show {bundle}` has the diagnosis." if bundle else ""
    return f"{incident.severity}: {incident.title} {why}{notebook} `autodevops incident show {incident.id}`"
