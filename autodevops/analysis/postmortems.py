"""An incident, its investigation, what the executor did and what was measured become a postmortem: facts, no guesses.

Blameless: whoever acted appears by role. Names of people who are on record are taken out of the texts they wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from autodevops.analysis.impact import Requests, budget_spent, burn_rate
from autodevops.domain.hypothesis import Claim, Hypothesis
from autodevops.domain.incident import Incident
from autodevops.domain.ledger import SCARLET
from autodevops.domain.operation import Operation
from autodevops.domain.postmortem import ActionItem, Fact, Moment, Postmortem, Section
from autodevops.kernel.durations import in_words

_MONTH_SECONDS = 30 * 86_400.0
_AUTHOR = re.compile(r"^It(?:s commit is| probably brings| brings) .*\" by (.+?)(?:, commit |, merged|, which|\.$)")
_MACHINES = {SCARLET: "Scarlet", "jamie": "Jamie"}


@dataclass(frozen=True)
class Measured:
    """What was asked anew. `requests` is None where no metric counts them; `service` is whose they are."""

    onset: datetime | None
    recovered: datetime | None
    until: datetime  # up to when was looked
    service: str = ""
    requests: Requests | None = None
    source: str = ""  # evidence ids


def onset_of(incident: Incident) -> datetime | None:
    """The onset of the likeliest cause; else the first onset of anything."""
    found = incident.investigation
    if found is None:
        return None
    first = _first(incident)
    own = [
        finding.onset
        for finding in found.findings
        if finding.onset and first and finding.subject == first.subject and finding.reason == first.reason
    ]
    seen = [entry.at for entry in found.timeline if entry.kind == "onset"]
    subjects = [
        entry.at for entry in found.timeline if entry.kind == "onset" and first and entry.subject == first.subject
    ]
    return min(own or subjects or seen, default=None)


def belonging(incident: Incident, operations: Iterable[Operation], until: datetime) -> tuple[Operation, ...]:
    """Operations of the incident, and others in its namespace while it went on."""
    start = incident.window.start
    return tuple(
        one
        for one in operations
        if one.proposal.incident == incident.id
        or one.id in incident.operations
        or (
            not one.proposal.incident
            and one.proposal.action.subject.namespace == incident.namespace
            and start <= one.proposed_at <= until
        )
    )


def postmortem(
    incident: Incident, operations: Sequence[Operation], measured: Measured, *, objective: float
) -> Postmortem:
    """`operations` are those that belong to it; `objective` is the share of requests that should succeed."""
    end = incident.resolution.at if incident.resolution else measured.recovered
    plain = _blameless(incident, operations)
    facts = (*_summary(incident, measured, end), *_impact(incident, measured, end, objective), *_causes(incident))
    facts = (*facts, *_looking_back(incident, operations, measured, end))
    return Postmortem(
        incident=incident.id,
        title=plain(incident.title),
        namespace=incident.namespace,
        facts=tuple(fact.model_copy(update={"value": plain(fact.value)}) for fact in facts),
        timeline=tuple(
            line.model_copy(update={"text": plain(line.text)}) for line in _timeline(incident, operations, measured)
        ),
        items=_items(incident),
    )


def _summary(incident: Incident, measured: Measured, end: datetime | None) -> tuple[Fact, ...]:
    found, onset = incident.investigation, measured.onset
    source = found.id if found else ""
    ended = f"over since {_at(end)}" if end else f"not over at {_at(measured.until)}"
    began = f"It began at {_at(onset)}, was detected at {_at(incident.detection.at)} and is {ended}." if onset else ""
    happened = " ".join(part for part in (found.summary if found else incident.title, began) if part)
    return (
        Fact(key="summary", section="Summary", label="What happened", value=happened, source=source or "incident"),
        Fact(key="severity", section="Summary", label="Severity", value=incident.severity, source="incident"),
        Fact(key="state", section="Summary", label="State", value=ended, source="incident"),
    )


def _impact(incident: Incident, measured: Measured, end: datetime | None, objective: float) -> tuple[Fact, ...]:
    counted, onset = measured.requests, measured.onset
    duration = in_words(((end or measured.until) - onset).total_seconds()) if onset else ""
    failed = burnt = ""
    if counted:
        failed = f"{counted.failed:,.0f} of {counted.total:,.0f} requests to {measured.service} ({counted.ratio:.1%})"
        spent = budget_spent(counted.ratio, objective, counted.seconds, _MONTH_SECONDS)
        burnt = (
            f"{burn_rate(counted.ratio, objective):,.0f} times the allowed rate at an objective of {objective:.2%}; "
        )
        burnt += f"{spent:.0%} of a 30 days' budget"
    hurt = _first(incident)
    suffering = ", ".join(str(one) for one in hurt.suffering) if hurt else ""
    ask = "who noticed, and what could they not do?"
    return (
        Fact(key="duration", section="Impact", label="Duration", value=duration, source="onset and recovery"),
        Fact(key="failed", section="Impact", label="Failed requests", value=failed, source=measured.source),
        Fact(key="burn", section="Impact", label="Error budget", value=burnt, source=measured.source),
        Fact(
            key="suffering",
            section="Impact",
            label="Also affected",
            value=suffering or "no other workload was seen to suffer",
            source=incident.investigation.id if incident.investigation else "",
        ),
        Fact(key="users", section="Impact", label="Users", value=incident.impact, source="incident", hint=ask),
    )


def _causes(incident: Incident) -> tuple[Fact, ...]:
    found, first = incident.investigation, _first(incident)
    if found is None or first is None:
        hint = "the investigation has no candidate; what do you know?"
        return (Fact(key="cause", section="Causes", label="Root cause", hint=hint),)
    cites = ", ".join(first.evidence)
    suspect = first.suspects[0] if first.suspects else None
    trigger = incident.trigger or "no change was found that accounts for it"
    because = f"{first.reason} of {first.subject} ({first.confidence:.0%}): {first.summary}"
    others = "; ".join(f"{one.reason} of {one.subject} ({one.confidence:.0%})" for one in found.hypotheses[1:4])
    against = _lines(first.contradicts)
    facts = [
        Fact(key="cause", section="Causes", label="Root cause, as investigated", value=because, source=cites),
        Fact(
            key="trigger",
            section="Causes",
            label="Trigger",
            value=trigger,
            source=", ".join(suspect.evidence) if suspect and suspect.evidence else found.id,
        ),
        Fact(
            key="grounds",
            section="Causes",
            label="What speaks for it",
            value=_lines(first.supports),
            source=cites,
        ),
        Fact(key="against", section="Causes", label="What speaks against it", value=against or "nothing", source=cites),
        Fact(
            key="contributing",
            section="Causes",
            label="Contributing factors and other candidates",
            value=others or "none was found",
            source=found.id,
        ),
        Fact(key="confirmed", section="Causes", label="Confirmed", hint="has anybody confirmed the cause, and how?"),
    ]
    return tuple(facts)


def _lines(claims: Sequence[Claim]) -> str:
    return "\n".join(" ".join(claim.text.split()) for claim in claims)


def _looking_back(
    incident: Incident, operations: Sequence[Operation], measured: Measured, end: datetime | None
) -> tuple[Fact, ...]:
    well: list[tuple[str, str]] = []
    badly: list[tuple[str, str]] = []
    lucky: list[tuple[str, str]] = []
    found, onset, detected = incident.investigation, measured.onset, incident.detection.at
    if onset:
        words = f"it was detected {in_words(max((detected - onset).total_seconds(), 0))} after it began"
        alerted = incident.detection.by_alert
        how = "an alert" if alerted else incident.detection.by
        (well if alerted else badly).append((f"{words}, by {how}", "incident"))
    if end and end > detected:
        well.append((f"it was over {in_words((end - detected).total_seconds())} after it was detected", "incident"))
    elif not end:
        badly.append((f"it was not over at {_at(measured.until)}", measured.source or "incident"))
    for one in operations:
        if one.outcome is None:
            continue
        said = f"{one.proposal.action.kind} of {one.proposal.action.subject}"
        if one.outcome.result == "verified":
            well.append((f"{said} was verified", one.id))
            if one.plan and not one.plan.undo:
                lucky.append((f"{said} could not have been taken back", one.id))
        elif one.outcome.result in ("undone", "unverified", "undo_failed"):
            badly.append((f"{said} ended as {one.outcome.result.replace('_', ' ')}", one.id))
    if found:
        if found.missing:
            systems = ", ".join(found.silent_systems)
            badly.append((f"{len(found.missing)} queries had no answer ({systems})", found.id))
        else:
            well.append(("every query of the investigation was answered", found.id))
        alerts = [entry for entry in found.timeline if entry.kind == "alert"]
        if len(alerts) > 5:
            badly.append((f"{len(alerts)} alerts fired for it", found.id))
        first = _first(incident)
        if first and not first.suffering:
            lucky.append(("nothing else was seen to suffer from it", found.id))
    return (
        _told("well", "What went well", well),
        _told("badly", "What went badly", badly),
        _told("lucky", "Where we got lucky", lucky),
        Fact(key="lessons", section="Lessons", label="Lessons", hint="what should others learn from this?"),
    )


def _told(key: str, section: Section, lines: Sequence[tuple[str, str]]) -> Fact:
    return Fact(
        key=key,
        section=section,
        label="From the record",
        value="\n".join(words for words, _ in lines),
        source=", ".join(dict.fromkeys(source for _, source in lines)),
        hint="nothing stands out in the record; what do you say?",
    )


def _timeline(incident: Incident, operations: Sequence[Operation], measured: Measured) -> tuple[Moment, ...]:
    found = incident.investigation
    lines: list[Moment] = []
    for entry in found.timeline if found else ():
        source = ", ".join(entry.evidence) or (found.id if found else "")
        lines.append(Moment(at=entry.at, kind=entry.kind, text=f"{entry.subject}: {entry.text}", source=source))
    by = incident.detection.by.partition(":")[0]
    lines.append(Moment(at=incident.detection.at, kind="detection", text=f"Detected, by {by}.", source="incident"))
    for note in incident.timeline:
        lines.append(Moment(at=note.at, kind="note", text=note.text, source="incident"))
    for one in operations:
        lines.extend(_of_operation(one))
    if measured.recovered:
        text = f"Failures of {measured.service} are back to what they were."
        lines.append(Moment(at=measured.recovered, kind="recovery", text=text, source=measured.source))
    if incident.resolution:
        text = f"Resolved. {incident.resolution.words}".strip()
        lines.append(Moment(at=incident.resolution.at, kind="recovery", text=text, source="incident"))
    return tuple(sorted(lines, key=lambda line: line.at))


def _of_operation(one: Operation) -> Iterable[Moment]:
    what = f"{one.proposal.action.kind} of {one.proposal.action.subject}"
    who = "A responder" if one.proposal.by_person else _MACHINES.get(one.proposal.asked_by, "Automation")
    yield Moment(at=one.proposed_at, kind="decision", text=f"{who} proposed {what}.", source=one.id)
    if one.decision:
        verdict = one.decision.verdict.replace("_", " ")
        text = f"Decided on {what}: {verdict}."
        yield Moment(at=one.decision.decided_at, kind="decision", text=text, source=one.id)
    for answer in one.approval.answers if one.approval else ():
        text = f"An approver {'granted' if answer.granted else 'denied'} {what}."
        yield Moment(at=answer.at, kind="decision", text=text, source=one.id)
    if one.outcome:
        ended = one.outcome.result.replace("_", " ")
        yield Moment(at=one.outcome.at, kind="action", text=f"{what}: {ended}. {one.outcome.words}", source=one.id)


def _items(incident: Incident) -> tuple[ActionItem, ...]:
    found, first = incident.investigation, _first(incident)
    if found is None:
        return ()
    items = [
        ActionItem(key=f"remedy-{place}", text=action.summary, source=found.id)
        for place, action in enumerate((first.suggested_actions if first else ())[:2], start=1)
        if action.kind != "investigation"
    ]
    if found.missing:
        systems = ", ".join(found.silent_systems)
        items.append(ActionItem(key="telemetry", text=f"Make {systems} answer during incidents.", source=found.id))
    if not incident.detection.by_alert:
        text = "Add an alert that would have detected this."
        items.append(ActionItem(key="alert", text=text, source="incident"))
    return tuple(items)


def _first(incident: Incident) -> Hypothesis | None:
    found = incident.investigation
    return found.hypotheses[0] if found and found.hypotheses else None


def _blameless(incident: Incident, operations: Sequence[Operation]) -> Callable[[str], str]:
    """Takes names of people on record out of a text."""
    names = {note.by for note in incident.timeline}
    names |= {one.proposal.asked_by for one in operations if one.proposal.by_person}
    names |= {answer.by for one in operations if one.approval for answer in one.approval.answers}
    found = incident.investigation
    for hypothesis in found.hypotheses if found else ():
        names |= {said[1] for claim in hypothesis.supports if (said := _AUTHOR.match(claim.text))}
    names -= {"", *_MACHINES}
    if not names:
        return str
    ordered = sorted(map(re.escape, names), key=len, reverse=True)
    return partial(re.compile(rf"(?<!\w)@?(?:{'|'.join(ordered)})(?!\w)", re.IGNORECASE).sub, "somebody")


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
