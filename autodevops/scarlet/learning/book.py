"""What was learned, in the ledger's state: one entry each, and one event, with its reason, for every change.

The ledger is what counts. `file` shows the same to people.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from autodevops.domain.base import Json, UtcDatetime
from autodevops.domain.learned import Ending, Learned, Lesson, LessonKind
from autodevops.domain.ledger import Entry, NewEvent
from autodevops.kernel.errors import LedgerConflict, LedgerDamaged, UsageError
from autodevops.stores.ledger import Ledger, revise

KIND = "learned"
NO_MORE = "What happened since no longer says so."


@dataclass(frozen=True)
class Change:
    """One event of the history. `before` and `after` are values; empty: not held."""

    id: str
    at: UtcDatetime
    what: str  # learned, revised, dropped, undone
    by: str
    about: str
    before: str
    after: str
    reason: str


def read_learned(ledger: Ledger) -> tuple[Learned, ...]:
    """All that ever was, also what is held no more."""
    return tuple(_read(entry) for entry in ledger.entries(KIND))


def settle(
    ledger: Ledger, lessons: Iterable[Lesson], kinds: Collection[LessonKind], *, now: datetime, actor: str
) -> None:
    """Bring the state to these lessons, found at `now`: they are all there is of their `kinds`.

    What another process entered meanwhile is left, for it looked at the same; so is what a person undid meanwhile.
    """
    entries = {entry.key: entry for entry in ledger.entries(KIND)}
    taught = {lesson.id: lesson for lesson in lessons}
    for lesson in taught.values():
        known = entries.get(lesson.id)
        was = _read(known) if known else None
        if was is not None and was.ended is not None and was.ended.at >= now:
            continue
        forgotten = was.forgotten if was else None
        if was is None or was.ended is not None:
            learned = Learned(lesson=lesson, since=now, forgotten=forgotten)
            _enter(ledger, known, learned, "learned", "", lesson.reason, now, actor)
        elif (was.lesson.value, was.lesson.reason) != (lesson.value, lesson.reason):
            since = was.since if was.lesson.value == lesson.value else now
            revised = Learned(lesson=lesson, since=since, forgotten=forgotten)
            _enter(ledger, known, revised, "revised", was.lesson.value, lesson.reason, now, actor)
    for key, entry in entries.items():
        was = _read(entry)
        if key not in taught and was.ended is None and was.lesson.kind in kinds:
            ended = was.model_copy(update={"ended": Ending(at=now, by=actor, why=NO_MORE, undone=False)})
            _enter(ledger, entry, ended, "dropped", was.lesson.value, NO_MORE, now, actor)


def find(ledger: Ledger, name: str) -> Learned:
    """By its id, or as much of its beginning or end as is needed. Raises UsageError."""
    everything = read_learned(ledger)
    found = [one for one in everything if one.lesson.id == name] or [
        one for one in everything if name and (one.lesson.id.startswith(name) or one.lesson.id.endswith(name))
    ]
    if len(found) != 1:
        what = f"{len(found)} lessons are called {name!r}." if found else f"Nothing called {name!r} was learned."
        raise UsageError(what, "`autodevops scarlet learned` shows what was.")
    return found[0]


def end(
    ledger: Ledger,
    name: str,
    why: str,
    *,
    now: datetime,
    actor: str,
    forget: Callable[[Lesson], None] = lambda _: None,
) -> Learned:
    """A person undoes it. `forget` takes back what it did to decisions, first: whoever learns meanwhile sees it.

    Raises UsageError when it is held no more, or no reason is given.
    """
    if not why.strip():
        raise UsageError("An undo needs a reason.", "Give --why, for those who wonder later.")
    known = _still(find(ledger, name))
    forget(known.lesson)
    data = _data(known.lesson, known.lesson.value, "", why.strip())
    event = NewEvent(at=now, kind="learned", what="undone", actor=actor, subject=known.lesson.id, data=data)

    def changed(entry: Entry | None) -> Learned:
        assert entry is not None  # entries are never removed
        was = _still(_read(entry))
        ended = Ending(at=now, by=actor, why=why.strip(), undone=True)
        return was.model_copy(update={"ended": ended, "forgotten": now})

    return revise(ledger, KIND, known.lesson.id, changed, event)


def _still(learned: Learned) -> Learned:
    if learned.ended is not None:
        how = "was undone" if learned.ended.undone else "is held no more"
        raise UsageError(
            f"{learned.lesson.id} {how} since {learned.ended.at:%Y-%m-%d %H:%M} UTC: {learned.ended.why}",
            "`autodevops scarlet learned history` tells what happened.",
        )
    return learned


def history(ledger: Ledger, lesson_id: str = "") -> Iterator[Change]:
    """Every change, oldest first."""
    for event in ledger.events(kind="learned", subject=lesson_id):
        said = {name: str(event.data.get(name, "")) for name in ("about", "before", "after", "reason")}
        yield Change(id=event.subject, at=event.at, what=event.what, by=event.actor, **said)


def _enter(
    ledger: Ledger,
    known: Entry | None,
    learned: Learned,
    what: str,
    before: str,
    reason: str,
    now: datetime,
    actor: str,
) -> None:
    lesson = learned.lesson
    data = _data(lesson, before, "" if learned.ended else lesson.value, reason)
    event = NewEvent(at=now, kind="learned", what=what, actor=actor, subject=lesson.id, data=data)
    try:
        ledger.change(
            KIND, lesson.id, learned.model_dump(mode="json"), expected=known.version if known else 0, event=event
        )
    except LedgerConflict:
        return


def _data(lesson: Lesson, before: str, after: str, reason: str) -> dict[str, Json]:
    evidence: list[Json] = [*lesson.evidence]
    return {"about": lesson.about, "before": before, "after": after, "reason": reason, "evidence": evidence}


def _read(entry: Entry) -> Learned:
    try:
        return Learned.model_validate(entry.value)
    except ValueError as error:
        raise LedgerDamaged(
            f"What was learned as {entry.key} cannot be read in the ledger: {error}.",
            "`autodevops audit verify` says more.",
        ) from error
