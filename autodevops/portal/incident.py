"""One incident, with all that the ledger has of it: what a link to it shows, and a question about it takes along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from autodevops.analysis.postmortems import belonging
from autodevops.kernel.durations import in_words
from autodevops.portal.sections import Candidate, Decided, Happened, IncidentPage

if TYPE_CHECKING:
    from autodevops.domain.hypothesis import Hypothesis
    from autodevops.domain.incident import Incident
    from autodevops.domain.operation import Operation
    from autodevops.stores.ledger import Ledger

CAUSES, LINES, SIGNALS = 5, 200, 8  # shown


def incident_page(ledger: Ledger, name: str, now: datetime) -> IncidentPage:
    """`name` as `find_incident` takes it. Raises UsageError when there is none."""
    from autodevops.executor.operations import load_all
    from autodevops.stores.incidents import find_incident

    incident = find_incident(ledger, name)
    end = incident.resolution.at if incident.resolution else now
    operations = belonging(incident, load_all(ledger), end)
    facts = tuple((label, value) for label, value in _facts(incident, end) if value)
    timeline = tuple(sorted(_happened(incident, operations), key=lambda line: line.at))[-LINES:]
    return IncidentPage(
        at=now,
        id=incident.id,
        title=incident.title,
        namespace=incident.namespace,
        state=incident.state,
        severity=incident.severity,
        phase=incident.phase or "",
        facts=facts,
        causes=tuple(_candidate(one) for one in _hypotheses(incident)[:CAUSES]),
        timeline=timeline,
        decisions=tuple(_decided(one) for one in operations),
        runs=tuple(dict.fromkeys(filter(None, [incident.run, *incident.bundles]))),
        told=_told(incident, end, facts),
    )


def _hypotheses(incident: Incident) -> tuple[Hypothesis, ...]:
    return incident.investigation.hypotheses if incident.investigation else ()


def _facts(incident: Incident, end: datetime) -> Iterator[tuple[str, str]]:
    lasted = in_words((end - incident.detection.at).total_seconds())
    yield "Impact", incident.impact
    if incident.cause:
        cause = incident.cause
        yield "Cause", f"{cause.reason} of {cause.subject}, {cause.confidence:.0%}"
    yield "Trigger", incident.trigger
    yield "Detected", f"{incident.detection.at:%Y-%m-%d %H:%M:%S} UTC by {incident.detection.by}"
    if incident.resolution:
        words = f": {incident.resolution.words}" if incident.resolution.words else ""
        yield "Resolved", f"{end:%Y-%m-%d %H:%M:%S} UTC, after {lasted}{words}"
    else:
        yield "Open for", lasted
    signals = [f"{one.name}: {one.words}" for one in incident.signals[:SIGNALS]]
    more = len(incident.signals) - len(signals)
    yield "Signals", "\n".join([*signals, *([f"and {more} more"] if more else [])])


def _candidate(hypothesis: Hypothesis) -> Candidate:
    step = hypothesis.suggested_actions[0] if hypothesis.suggested_actions else None
    return Candidate(
        summary=hypothesis.summary,
        confidence=hypothesis.confidence,
        supports=tuple(claim.text for claim in hypothesis.supports),
        contradicts=tuple(claim.text for claim in hypothesis.contradicts),
        next_step=step.summary if step else "",
        command=step.command if step else "",
    )


def _happened(incident: Incident, operations: Sequence[Operation]) -> Iterator[Happened]:
    for entry in incident.investigation.timeline if incident.investigation else ():
        yield Happened(at=entry.at, kind=entry.kind, text=f"{entry.subject}: {entry.text}")
    yield Happened(at=incident.detection.at, kind="detection", text=f"Detected by {incident.detection.by}")
    for note in incident.timeline:
        yield Happened(at=note.at, kind="note", text=f"{note.text} ({note.by})")
    for one in operations:
        yield from _of_operation(one)
    if incident.resolution:
        yield Happened(
            at=incident.resolution.at, kind="recovery", text=f"Resolved. {incident.resolution.words}".strip()
        )


def _of_operation(one: Operation) -> Iterator[Happened]:
    what = f"{one.proposal.action.kind.replace('_', ' ')} of {one.proposal.action.subject}"
    yield Happened(
        at=one.proposed_at, kind="decision", text=f"{one.proposal.asked_by} proposed {what}", operation=one.id
    )
    if one.decision:
        said = f"Decided on {what}: {one.decision.verdict.replace('_', ' ')}"
        yield Happened(at=one.decision.decided_at, kind="decision", text=said, operation=one.id)
    for answer in one.approval.answers if one.approval else ():
        said = f"{answer.by} said {'yes' if answer.granted else 'no'} to {what}"
        yield Happened(at=answer.at, kind="decision", text=said, operation=one.id)
    if one.outcome:
        said = f"{what.capitalize()}: {one.outcome.result.replace('_', ' ')}. {one.outcome.words}"
        yield Happened(at=one.outcome.at, kind="action", text=said.strip(), operation=one.id)


def _decided(one: Operation) -> Decided:
    decision = one.decision
    return Decided(
        id=one.id,
        action=one.proposal.action.kind,
        subject=str(one.proposal.action.subject),
        confidence=decision.band if decision else "",
        risk=decision.risk if decision else "",
        verdict=decision.verdict if decision else one.stage,
        result=one.outcome.result if one.outcome else "",
        at=decision.decided_at if decision else one.proposed_at,
    )


def _told(incident: Incident, end: datetime, facts: tuple[tuple[str, str], ...]) -> str:
    """Place, span and suspect first: Jamie takes up names that exist, and the times in it as the window."""
    first = next(iter(_hypotheses(incident)), None)
    suspect = incident.cause.subject if incident.cause else first.subject if first else None
    where = f"in {incident.namespace}" if incident.namespace else incident.place
    lines = [
        f"Incident {incident.id} {where}: {incident.title}",
        f"From {incident.window.start:%Y-%m-%dT%H:%M:%SZ} to {end:%Y-%m-%dT%H:%M:%SZ}",
        f"Suspect: {suspect.namespace} {suspect.name}" if suspect else "",
        *(f"{label}: {value}" for label, value in facts),
    ]
    return "\n".join(filter(None, lines))
