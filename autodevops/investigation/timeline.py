"""What happened when: changes, onsets, alerts and warning events, in one order. And the list of changes itself."""

from __future__ import annotations

from datetime import datetime

from autodevops.domain.change import Change
from autodevops.domain.finding import Finding
from autodevops.domain.investigation import TimelineEntry
from autodevops.domain.subject import Subject
from autodevops.investigation.gather.code import pull_of
from autodevops.investigation.picture import ObjectEdit, Picture
from autodevops.investigation.rules import BY_ID
from autodevops.investigation.rules.pods import events

_EVENTS = 20  # groups; a namespace in trouble writes hundreds that say the same
_NOT_WORTH = {
    "Scheduled",
    "Pulled",
    "Pulling",
    "Created",
    "Started",
    "SuccessfulCreate",
    "SuccessfulDelete",
    "ScalingReplicaSet",
    "Killing",
}


def list_changes(picture: Picture) -> tuple[Change, ...]:
    """Rollouts, merged pull requests tied to the workload they were rolled out to if known, and edits of objects."""
    changes = [rollout.change for rollout in picture.rollouts]
    brought = {}
    for rollout in picture.rollouts:
        pull = pull_of(rollout, picture.pulls, picture.commits)
        if pull is not None:
            brought[pull[0].repository, pull[0].number] = rollout.subject
    for found, evidence in picture.pulls:
        if found.merged_at is None or not picture.span.whole.contains(found.merged_at):
            continue
        repository = Subject(kind="Repository", name=found.repository, api_version="github.com")
        changes.append(
            Change(
                kind="commit",
                subject=brought.get((found.repository, found.number), repository),
                at=found.merged_at,
                summary=f"Pull request #{found.number} of {found.repository} was merged: {found.title}",
                reference=found.url or f"{found.repository}#{found.number}",
                evidence=(evidence,),
            )
        )
    changes += [_edited(edit) for edit in picture.edits]
    return tuple(sorted(changes, key=lambda c: (c.at, str(c.subject), c.summary)))


def _edited(edit: ObjectEdit) -> Change:
    what = f"{edit.subject.kind} {edit.subject.name}"
    verb = "was created" if edit.created else "was scaled" if edit.scaled else "was edited"
    by = f" by {edit.manager}" if edit.manager else ""
    return Change(
        kind="scaling" if edit.scaled else "config",
        subject=edit.subject,
        at=edit.at,
        summary=f"{what} {verb}{by}",
        evidence=(edit.evidence,),
    )


def build_timeline(
    picture: Picture, findings: tuple[Finding, ...], changes: tuple[Change, ...]
) -> tuple[TimelineEntry, ...]:
    entries = [
        TimelineEntry(at=c.at, kind="change", subject=c.subject, text=c.summary + ".", evidence=c.evidence)
        for c in changes
    ]
    for finding in findings:
        role = BY_ID[finding.rule_id].role
        if finding.onset is not None and role != "change":
            kind = "alert" if role == "alert" else "onset"
            entries.append(
                TimelineEntry(
                    at=finding.onset,
                    kind=kind,
                    subject=finding.subject,
                    text=finding.message,
                    evidence=finding.evidence,
                )
            )
    entries.extend(_events(picture))
    return tuple(sorted(entries, key=lambda e: (e.at, e.kind, str(e.subject), e.text)))


def _events(picture: Picture) -> list[TimelineEntry]:
    groups: dict[tuple[str, Subject], list[tuple[str, int]]] = {}
    first: dict[tuple[str, Subject], datetime] = {}
    for event in events(picture):
        if event.subject is None or event.reason in _NOT_WORTH:
            continue
        key = (event.reason, event.subject)
        groups.setdefault(key, []).append((event.message, event.count))
        first[key] = min(first.get(key, event.first), event.first)
    entries = [
        TimelineEntry(
            at=first[key],
            kind="event",
            subject=key[1],
            text=f"{key[0]}: {found[0][0]}" + (f" ({total} times)" if (total := sum(n for _, n in found)) > 1 else ""),
            evidence=picture.evidence_of("Event"),
        )
        for key, found in groups.items()
    ]
    return sorted(entries, key=lambda e: (e.at, e.text))[:_EVENTS]
