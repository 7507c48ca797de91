"""Refusals that a dependency writes in its log or its callers pass on, and whom they are about.

A caller's line is about the dependency whose host it names, else about the only one of that kind that the caller
depends on; where that is not clear it is about nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from autodevops.analysis.counts import poisson_surprise
from autodevops.analysis.dependency_errors import Refusal, is_managed, refusals, speaks
from autodevops.analysis.spans import OUTGOING, error_origins
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject
from autodevops.investigation.dependencies import targets_in
from autodevops.investigation.gather.logs import in_order
from autodevops.investigation.gather.traces import peer_subject
from autodevops.investigation.picture import Picture, SeenLog
from autodevops.investigation.rules.base import clock
from autodevops.investigation.rules.log_news import SURPRISING, covered_seconds
from autodevops.investigation.rules.pods import RECENT, is_recent

_LEAST_LINES = 3


@dataclass(frozen=True)
class Complaint:
    """How often a refusal was heard in the window, beyond what is usual. `traces` of those are failing traces.

    `first` is the first line that says so. Where only traces do it is not known: they are samples, mostly of the latest
    minutes, and when the first of them was taken is not when it began.
    """

    subject: Subject
    refusal: Refusal
    lines: int
    traces: int
    words: str
    first: datetime | None
    evidence: tuple[EvidenceId, ...]

    @property
    def since(self) -> str:
        return f" since {clock(self.first)}" if self.first else ""


@dataclass
class _Tally:
    moments: list[datetime]
    lines: list[datetime]
    traces: int
    words: list[tuple[datetime, str]]
    evidence: set[EvidenceId]


def complaints(picture: Picture, *wanted: Refusal) -> list[Complaint]:
    """Those that go on, by subject: new, or far more frequent than before, and heard of lately."""
    return [one for one in picture.once(_complaints) if one.refusal in wanted]


def lines_of_all(picture: Picture) -> tuple[SeenLog, ...]:
    """Lines of programs and of what they call, each once, oldest first."""
    return picture.once(_lines_of_all)


def _lines_of_all(picture: Picture) -> tuple[SeenLog, ...]:
    return in_order([*picture.store_notices, *picture.logs])


def _complaints(picture: Picture) -> list[Complaint]:
    found: dict[tuple[Subject, Refusal], _Tally] = {}

    def count(subject: Subject, refusal: Refusal, at: datetime, words: str, evidence: EvidenceId) -> _Tally:
        tally = found.setdefault((subject, refusal), _Tally([], [], 0, [], set()))
        tally.moments.append(at)
        tally.words.append((at, words))
        tally.evidence.add(evidence)
        return tally

    for log in lines_of_all(picture):
        for subject, refusal in _about(log, picture):
            tally = count(subject, refusal, log.record.timestamp, log.record.body, log.evidence)
            tally.lines.append(log.record.timestamp)
    for seen in picture.error_traces:
        said: set[tuple[Subject, Refusal]] = set()
        for origin in error_origins(seen.trace):
            callee = peer_subject(origin.span, picture.inventory) if origin.span.kind in OUTGOING else None
            dependency = picture.dependency(callee) if callee is not None else None
            if dependency is None:
                continue
            status = str(origin.span.attributes.get("http.response.status_code", ""))
            text = f"{origin.exception}: {origin.message} {origin.span.attributes.get('db.response.status_code', '')}"
            for refusal, words_of in refusals(f"{text} {status}"):
                if speaks(dependency.system, words_of):
                    said.add((dependency.subject, refusal))
                    words = text.strip(" :") or f"status {status}"
                    count(dependency.subject, refusal, origin.span.start, words, seen.evidence)
        for key in said:
            found[key].traces += 1
    usual: dict[tuple[Subject, Refusal], int] = {}
    for log in picture.baseline_logs:
        for about in _about(log, picture):
            usual[about] = usual.get(about, 0) + 1
    return [
        Complaint(subject, refusal, len(tally.moments), tally.traces, _example(tally), min(tally.lines, default=None),
                  tuple(sorted(tally.evidence)))
        for (subject, refusal), tally in sorted(found.items(), key=lambda item: (str(item[0][0]), item[0][1]))
        if _goes_on(tally, usual.get((subject, refusal), 0), picture, _enough(subject, refusal, picture))
    ]  # fmt: skip


def _enough(subject: Subject, refusal: Refusal, picture: Picture) -> int:
    """How many lines say it: of a managed server one, since a cloud writes once an event; of a lag also
    of what is known by such a line alone."""
    outside = refusal == "lag" and not picture.known_as(subject) and picture.inventory.workload(subject) is None
    managed = any(is_managed(one.system) for one in picture.known_as(subject))
    return 1 if managed or outside else _LEAST_LINES


def _goes_on(tally: _Tally, usual: int, picture: Picture, enough: int) -> bool:
    rate = usual / covered_seconds(picture)
    lately = sum(1 for at in tally.moments if is_recent(at, picture))
    return (
        len(tally.moments) >= enough
        and lately > 0
        and (enough == 1 or poisson_surprise(lately, rate * RECENT.total_seconds()) >= SURPRISING)
    )


def _about(log: SeenLog, picture: Picture) -> Iterator[tuple[Subject, Refusal]]:
    body = log.record.body
    said = refusals(body)
    if not said or log.subject is None:
        return
    own = picture.known_as(log.subject)
    for refusal, words_of in said:
        itself = refusal == "lag" and log.subject.name in body  # of which only its cloud may know
        if itself or any(speaks(one.system, words_of) for one in own):
            yield log.subject, refusal
        else:
            subject = _meant(log.subject, words_of, body, picture)
            if subject is not None:
                yield subject, refusal


def _meant(caller: Subject, words_of: str, body: str, picture: Picture) -> Subject | None:
    called = [one for one in picture.dependencies if picture.graph.joined(caller, one.subject)]
    hosts = {target.host for target in targets_in(body)}
    named = [one for one in called if one.hosts & hosts or any(host in body for host in one.hosts if "." in host)]
    if named:
        fit = {one.subject for one in named if speaks(one.system, words_of)}
        return fit.pop() if len(fit) == 1 else None
    if not words_of:
        return None  # anybody's words, and nobody is named
    fit = {one.subject for one in called if speaks(one.system, words_of) and one.system != ""}
    return fit.pop() if len(fit) == 1 else None


def _example(tally: _Tally) -> str:
    return min(tally.words)[1][:200]


def heard(found: list[Complaint], subject: Subject) -> Complaint | None:
    return next((one for one in found if one.subject == subject), None)
