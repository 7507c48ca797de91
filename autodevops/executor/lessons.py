"""What outcomes taught about actions, as lessons for people: the record in words, and how one is taken back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

from autodevops.domain.action import practice_of
from autodevops.domain.learned import Lesson
from autodevops.domain.operation import Operation
from autodevops.domain.outcome import TRIED
from autodevops.executor.catalogue import KINDS
from autodevops.executor.planning import level_of
from autodevops.executor.record import Record, enter_forgotten
from autodevops.policy.experience import PRIOR_WEIGHT, Experience, Level, stricter
from autodevops.settings import ExecutorSettings
from autodevops.stores.ledger import Ledger

EVIDENCE = 10  # operations named, the newest


def lessons(record: Record, operations: Iterable[Operation], settings: ExecutorSettings) -> tuple[Lesson, ...]:
    """`operations`: oldest first."""
    tried: dict[str, list[str]] = defaultdict(list)
    for operation in operations:
        if operation.outcome and operation.outcome.result in TRIED:
            tried[practice_of(operation.proposal.action)].append(operation.id)
            tried[operation.signature].append(operation.id)
    newest = {name: tuple(ids[-EVIDENCE:]) for name, ids in tried.items()}
    found = [*_of_kinds(record, settings, newest), *_of_signatures(record, newest)]
    return tuple(sorted(found, key=lambda lesson: (lesson.kind, lesson.about)))


def levels(record: Record, settings: ExecutorSettings) -> dict[str, Level]:
    """What machines may do with each kind of action."""
    found = {}
    for name in KINDS:
        known = record.of_practice(name)
        found[name], _ = stricter(level_of(name, known, settings), {name: known.drift})
    return found


def forget(ledger: Ledger, lesson: Lesson, *, why: str, now: datetime, actor: str) -> None:
    """Take back what it did to decisions; nothing to do for a lesson that only tells people something."""
    if lesson.kind not in ("autonomy", "confidence", "drift"):
        return
    by_signature = lesson.kind == "confidence" or (lesson.kind == "drift" and " for " in lesson.about)
    enter_forgotten(
        ledger,
        lesson.about,
        by="signature" if by_signature else "kind",
        what="drift" if lesson.kind == "drift" else "outcomes",
        why=why,
        now=now,
        actor=actor,
    )


def _of_kinds(record: Record, settings: ExecutorSettings, evidence: dict[str, tuple[str, ...]]) -> Iterator[Lesson]:
    for name, known in record.by_practice.items():
        kind = name.partition(" ")[0]
        allowed = level_of(kind, known, settings)
        if settings.autonomy_of(kind) == "graduated" and allowed != "observe":
            more = 2 * settings.promote_after - known.since_failure
            next_step = f"; after {more} more machines act" if allowed == "ask" else ""
            reason = f"{known.since_failure} verified successes in a row{next_step}. One failure, and it starts anew."
            yield Lesson(kind="autonomy", about=name, value=allowed, reason=reason, evidence=evidence.get(name, ()))
        lowered, _ = stricter(allowed, {name: known.drift})
        if known.drift.lowered:
            value = f"{lowered} instead of {allowed}" if lowered != allowed else f"stays at {allowed}"
            yield _fallen(name, known, value, evidence)


def _of_signatures(record: Record, evidence: dict[str, tuple[str, ...]]) -> Iterator[Lesson]:
    for name, known in record.by_signature.items():
        tried = known.verified + known.failed
        if tried:
            reason = (
                f"{known.verified} of {tried} such actions helped; beside them the engine's own confidence counts as "
                f"{PRIOR_WEIGHT}."
            )
            value = f"{known.verified} of {tried} helped"
            yield Lesson(kind="confidence", about=name, value=value, reason=reason, evidence=evidence.get(name, ()))
        if lowered := known.drift.lowered:
            yield _fallen(name, known, f"{lowered} step{'s' if lowered > 1 else ''} less autonomy", evidence)


def _fallen(name: str, known: Experience, value: str, evidence: dict[str, tuple[str, ...]]) -> Lesson:
    return Lesson(kind="drift", about=name, value=value, reason=known.drift.words, evidence=evidence.get(name, ()))
