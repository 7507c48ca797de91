"""What became of slots, in the ledger: one entry for each schedule, one event for each decision and each end.

An entry says up to when slots are decided, which are running, whether the schedule is paused and how its last run
ended. A decision is one compare-and-set on the entry before anything runs, so that of two daemons only one runs a
slot; a slot whose daemon died is recorded as interrupted and not run again, for nobody can say how far it came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from autodevops.domain.base import Json, Noun, UtcDatetime
from autodevops.domain.ledger import Entry, NewEvent
from autodevops.kernel.errors import LedgerConflict, UsageError
from autodevops.runbooks import RunRecord
from autodevops.scarlet.schedules.slots import Decided, Slot
from autodevops.stores.ledger import Ledger, revise

KIND = "schedule"
_SEEN_KEPT = 1000  # events of one schedule that are remembered


class OpenSlot(Noun):
    """A slot that runs, or did when its daemon died."""

    id: str
    due: UtcDatetime


class Pause(Noun):
    by: str
    since: UtcDatetime
    until: UtcDatetime | None = None
    reason: str = ""


class Seen(Noun):
    """An event that was seen: what it said then, and when it last started something."""

    value: str
    started: UtcDatetime | None = None


class State(Noun):
    """The entry of one schedule."""

    decided: UtcDatetime  # slots up to here have their fate
    running: tuple[OpenSlot, ...] = ()
    pause: Pause | None = None
    last: str = ""  # status of the last run that ended
    last_run: str = ""  # its id
    looked: bool = False  # whether its events have been looked for, so that what is new can be told
    seen: dict[str, Seen] = {}

    def paused(self, now: datetime) -> bool:
        return self.pause is not None and (self.pause.until is None or now < self.pause.until)


class Book:
    """The schedules of one folder: several folders may share a ledger."""

    def __init__(self, ledger: Ledger, folder: Path, actor: str) -> None:
        self._ledger = ledger
        self._folder = folder.resolve()
        self._actor = actor

    def state(self, schedule: str) -> State | None:
        entry = self._ledger.entry(KIND, self._key(schedule))
        return None if entry is None else State.model_validate(entry.value)

    def begun(self, schedule: str, now: datetime) -> State:
        """Its state; a schedule that was never seen begins now, with nothing missed."""
        return self.state(schedule) or self._change(
            schedule, lambda state: state or State(decided=now), self._event(now, "begun", schedule)
        )

    def decide(
        self,
        schedule: str,
        before: State,
        fates: Sequence[Decided],
        now: datetime,
        *,
        upto: datetime | None = None,
        seen: Mapping[str, Seen] | None = None,
    ) -> bool:
        """Write down the fate of slots, and that those to run are running. False: another daemon was quicker.

        `upto` is when the slots of a rhythm are decided until; `seen` what is remembered of events.
        """
        running = [OpenSlot(id=one.slot.id, due=one.slot.due) for one in fates if one.fate == "run"]
        after = before.model_copy(
            update={
                "decided": upto or before.decided,
                "running": (*before.running, *running),
                "looked": before.looked or seen is not None,
                "seen": before.seen if seen is None else dict(list(seen.items())[-_SEEN_KEPT:]),
            }
        )
        entry = self._ledger.entry(KIND, self._key(schedule))
        if entry is None or State.model_validate(entry.value) != before:
            return False
        event = self._event(now, "decided", schedule, fates=_counted(fates), slots=_listed(fates))
        try:
            self._ledger.change(
                KIND, self._key(schedule), after.model_dump(mode="json"), expected=entry.version, event=event
            )
        except LedgerConflict:
            return False
        return True

    def ended(self, slot: Slot, record: RunRecord | None, status: str, now: datetime, why: str = "") -> str:
        """How a slot ended; the status before it is returned. A slot of a matrix ends once for all its runs."""
        run = record.run.id if record else ""
        before = ""

        def change(state: State | None) -> State:
            nonlocal before
            state = state or State(decided=now)
            before = state.last
            left = tuple(one for one in state.running if one.id != slot.id)
            return state.model_copy(update={"running": left, "last": status, "last_run": run})

        facts: dict[str, Json] = {"slot": slot.id, "due": slot.due.isoformat(), "run": run}
        event = self._event(now, status, slot.schedule, **facts, **({"why": why} if why else {}))
        self._change(slot.schedule, change, event)
        return before

    def triggered(self, slot: Slot, now: datetime) -> None:
        """It is run outside its rhythm."""
        self._ledger.append(self._event(now, "triggered", slot.schedule, slot=slot.id))

    def lost(self, schedule: str, now: datetime) -> tuple[OpenSlot, ...]:
        """Slots that a daemon left running which is no more; they are interrupted from here on."""
        state = self.state(schedule)
        gone = state.running if state else ()
        for one in gone:
            slot = Slot(schedule, one.id.partition("@")[2], one.due)
            self.ended(slot, None, "interrupted", now, "its daemon is gone")
        return gone

    def set_back(self, schedule: str, now: datetime) -> None:
        """The clock was wrong: what it decided about the time to come is forgotten."""
        self._change(
            schedule, lambda state: _with(state, now, decided=now), self._event(now, "clock set back", schedule)
        )

    def pause(self, schedule: str, by: str, now: datetime, until: datetime | None, reason: str) -> State:
        """Nothing of it starts until then, or until `resume`; slots in between are neither run nor caught up."""
        pause = Pause(by=by, since=now, until=until, reason=reason)
        event = self._event(now, "paused", schedule, **pause.model_dump(mode="json", exclude={"since", "by"}))
        return self._change(schedule, lambda state: _with(state, now, pause=pause), event)

    def resume(self, schedule: str, now: datetime) -> State:
        """Raises UsageError when it is not paused."""
        state = self.state(schedule)
        if state is None or not state.paused(now):
            raise UsageError(f"Schedule {schedule} is not paused.", "See `autodevops schedule list`.")
        return self._change(
            schedule, lambda state: _with(state, now, pause=None, decided=now), self._event(now, "resumed", schedule)
        )

    def _key(self, schedule: str) -> str:
        return str(self._folder / schedule)

    def _event(self, now: datetime, what: str, schedule: str, **data: Json) -> NewEvent:
        facts = {"folder": str(self._folder), **data}
        return NewEvent(at=now, kind="slot", what=what, actor=self._actor, subject=schedule, data=facts)

    def _change(self, schedule: str, change: Callable[[State | None], State], event: NewEvent) -> State:
        def changed(entry: Entry | None) -> State:
            return change(None if entry is None else State.model_validate(entry.value))

        return revise(self._ledger, KIND, self._key(schedule), changed, event)


def _with(state: State | None, now: datetime, **update: object) -> State:
    return (state or State(decided=now)).model_copy(update=update)


def _counted(fates: Sequence[Decided]) -> dict[str, Json]:
    return dict(sorted(Counter(one.fate for one in fates).items()))


def _listed(fates: Sequence[Decided]) -> list[Json]:
    """The newest of them, one line each."""
    return [
        {"slot": one.slot.id, "due": one.slot.due.isoformat(), "fate": one.fate, "why": one.why} for one in fates[-50:]
    ]
