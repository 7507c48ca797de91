"""How often a request makes the same call, now and before. Shared by the rules over loops, fan-out and retries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from autodevops.analysis.span_calls import Asked, asked
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject
from autodevops.investigation.gather.traces import subjects_by_service
from autodevops.investigation.picture import Picture, SeenTrace
from autodevops.investigation.rules.episodes import mean_between

RETRIED: Final = 0.25
"""Share of calls made right after one that failed, from which on repeated calls are retries."""


@dataclass(frozen=True)
class Repeated:
    """Calls of one operation to one callee, by the requests that make them. `before` is a request's mean number of
    them before the onset; None where no such request was seen then. `again` is the share of them that are retries."""

    subject: Subject
    service: str
    callee: str
    operation: str
    now: tuple[Asked, ...]
    before: float | None
    evidence: tuple[EvidenceId, ...]

    @property
    def again(self) -> float:
        return sum(group.again for group in self.now) / sum(group.count for group in self.now)

    @property
    def database(self) -> str:
        return self.now[0].database


def repeated(picture: Picture) -> list[Repeated]:
    """Kinds of calls seen in recent traces, in order. Requests that do not make the call at all are not counted."""
    return picture.once(_repeated)


def _repeated(picture: Picture) -> list[Repeated]:
    now, cited = _groups(picture.recent_traces)
    before, _ = _groups(picture.ordinary_traces)
    known = {span.service for seen in picture.ordinary_traces for span in seen.trace.spans}
    subjects = subjects_by_service(picture.recent_traces, picture.inventory)
    found: list[Repeated] = []
    for key, groups in sorted(now.items()):
        service, callee, operation = key
        usual = before.get(key, [])
        usual_count = sum(group.count for group in usual) / len(usual) if usual else 0.0 if service in known else None
        found.append(
            Repeated(
                subjects[service], service, callee, operation, tuple(groups), usual_count,
                tuple(dict.fromkeys(cited[key])),
            )
        )  # fmt: skip
    return found


def _groups(
    traces: Iterable[SeenTrace],
) -> tuple[dict[tuple[str, str, str], list[Asked]], dict[tuple[str, str, str], list[EvidenceId]]]:
    groups: dict[tuple[str, str, str], list[Asked]] = defaultdict(list)
    cited: dict[tuple[str, str, str], list[EvidenceId]] = defaultdict(list)
    for seen in traces:
        for group in asked(seen.trace):
            key = (group.service, group.callee, group.operation)
            groups[key].append(group)
            cited[key].append(seen.evidence)
    return groups, cited


def load_beyond(caller: Subject, callee: Subject, picture: Picture, since: datetime | None = None) -> float | None:
    """By how much the callee's requests rose beyond its caller's, against before the window, or before `since`.

    None where metrics do not say.
    """
    theirs, own = picture.signal(callee, "request_rate"), picture.signal(caller, "request_rate")
    if theirs is None or own is None:
        return None
    split, end = (since or picture.span.window.start).timestamp(), picture.span.window.end.timestamp()
    recent = end - picture.span.window.length.total_seconds() / 6
    levels = [mean_between(signal, *part) for signal in (theirs, own) for part in ((0.0, split), (recent, end))]
    before, now, own_before, own_now = levels
    if not before or not own_before or now is None or not own_now:
        return None
    return (now / before) / (own_now / own_before)
