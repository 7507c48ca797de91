"""Which change caused it: the commits that rollouts near the onset brought, and configuration edits, compared with
what fails; or why no change explains it.

A commit counts only if it was deployed before the onset, and only by what its diff really changes. Where the systems
say themselves that something else broke (a provider, a node, a certificate), a change must tell much more before it
is blamed. All text compared here is other people's: it is data and never an instruction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from autodevops.analysis.blame import Judgement, is_harmless, judge
from autodevops.analysis.diffs import Edit, canonical, read_edit, words
from autodevops.analysis.signs import Signs
from autodevops.domain.change import Suspect
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import Commit
from autodevops.investigation.gather.code import brought, commit_of, pull_of_commit
from autodevops.investigation.picture import Picture, Rollout
from autodevops.investigation.rules.episodes import mean_between
from autodevops.investigation.what_fails import other_cause, signs_of, speaking_for

BLAMED_FROM: Final = 0.5
"""A change with less is not named: a false blame costs more than none."""
_AGAINST_ANOTHER_CAUSE: Final = 0.8  # what a change needs where the systems name another cause

_OWN_PRIOR: Final = 0.15  # of the commit that a rollout names, for being what was rolled out
_BROUGHT_PRIOR: Final = 0.12  # of another that it brought, in the workload's own files
_NEIGHBOUR: Final = 0.75  # a change of what it calls, or of who calls it
_STRANGER: Final = 0.7  # of who is not known to have to do with it: databases and topics are shared without calls
_SHARED: Final = 0.85  # a commit that a rollout brought along, in files of nobody in particular
_UNDONE: Final = 0.5  # a rollback or a revert is more often the cure
_STRANGERS_FROM: Final = timedelta(hours=1)  # before the onset
_AT_ONCE: Final = timedelta(minutes=5)  # from a rollout to errors that its only commit is blamed for by time alone
_MANY_ERRORS: Final = 0.02
_MORE_ERRORS: Final = 3.0
_LATE: Final = timedelta(minutes=2)  # onsets are known to a scrape or two
_MOST: Final = 3
_REVERT = re.compile(r"^\s*(revert\b|roll ?back\b)", re.IGNORECASE)
_SUFFIX = re.compile(r"(service|svc|server|api|app|deployment)?\d*$")


@dataclass(frozen=True)
class _Read:
    """A commit that a rollout brought; `edits` is None where its diff was not read."""

    commit: Commit
    evidence: EvidenceId
    edits: tuple[Edit, ...] | None = None


@dataclass(frozen=True)
class Inquiry:
    """What was found out about one subject's trouble: `suspects` in order; else `other`, what the systems name."""

    suspects: tuple[Suspect, ...] = ()
    other: str = ""
    evidence: tuple[EvidenceId, ...] = ()  # of what names the other cause
    looked_at: int = 0  # commits whose diff was read
    cited: tuple[EvidenceId, ...] = ()  # of those commits
    harmless: frozenset[tuple[Subject, datetime]] = frozenset()  # rollouts that changed nothing that runs


def inquire(subject: Subject, onset: datetime | None, picture: Picture) -> Inquiry:
    """Found out once, however many ask."""
    known = picture.once(_inquiries)
    if (subject, onset) not in known:
        known[subject, onset] = _inquire(subject, onset, picture)
    return known[subject, onset]


def _inquiries(_picture: Picture) -> dict[tuple[Subject, datetime | None], Inquiry]:
    return {}


def _inquire(subject: Subject, onset: datetime | None, picture: Picture) -> Inquiry:
    signs, bad, cited = signs_of(subject, onset, picture)
    other = other_cause(subject, onset, picture, signs, bad)
    if onset is None:
        return Inquiry(other=other, evidence=cited)
    ordinary = _ordinary(picture)
    found: list[Suspect] = []
    looked: dict[str, EvidenceId] = {}
    harmless: set[tuple[Subject, datetime]] = set()
    newest: tuple[Rollout, list[_Read]] | None = None  # of its own
    for rollout, weight in _rollouts(subject, onset, picture):
        read: list[_Read] = []
        if weight == 1.0 and (newest is None or rollout.change.at >= newest[0].change.at):
            newest = rollout, read
        for commit, evidence in brought(rollout, picture.commits, picture.rollouts):
            read.append(_Read(commit, evidence))
            if not commit.files:
                continue
            looked[commit.sha] = evidence
            edits = tuple(
                read_edit(file.path, file.patch) for file in commit.files if _known_diff(file.path, file.patch)
            )
            read[-1] = _Read(commit, evidence, edits)
            suspect = _weighed(commit, evidence, edits, rollout, weight, signs, ordinary, picture)
            if suspect is not None:
                found.append(suspect)
        known = [one.edits for one in read if one.edits is not None]
        if known and not rollout.beside_code and all(is_harmless(edits) for edits in known):
            harmless.add((rollout.subject, rollout.change.at))
    bar = _AGAINST_ANOTHER_CAUSE if other else BLAMED_FROM
    ranked = sorted(found, key=lambda s: (-s.score, -s.at.timestamp(), s.commit))
    unique = {suspect.commit or suspect.reference: suspect for suspect in reversed(ranked)}
    named = [
        suspect for suspect in ranked if unique[suspect.commit or suspect.reference] is suspect and suspect.score >= bar
    ]
    if not named and not other and newest is not None:
        named = _by_time(*newest, onset, picture)
    return Inquiry(
        suspects=tuple(named[:_MOST]),
        other="" if named else other,
        evidence=() if named or not other else cited,
        looked_at=len(looked),
        cited=tuple(dict.fromkeys(looked.values())),
        harmless=frozenset(harmless),
    )


def _weighed(
    commit: Commit,
    evidence: EvidenceId,
    edits: tuple[Edit, ...],
    rollout: Rollout,
    weight: float,
    signs: Signs,
    ordinary: frozenset[str],
    picture: Picture,
) -> Suspect | None:
    own = commit_of(rollout, ((commit, evidence),)) is not None
    near = edits if own else _near(edits, rollout.subject, picture)
    judged: Judgement = judge(near, signs, ordinary)
    if judged.score <= 0 or (weight == _STRANGER and not judged.named):
        return None
    mine = own or any(_owner(edit.path, picture) for edit in near)
    prior = (_OWN_PRIOR if own else _BROUGHT_PRIOR if mine else 0.0) if weight == 1.0 else 0.0
    score = 1.0 - (1.0 - judged.score) * (1.0 - prior)
    score *= weight * (1.0 if mine else _SHARED)
    if rollout.rollback or _REVERT.match(commit.message):
        score *= _UNDONE
    return _suspect(commit, evidence, rollout, judged, score, picture)


def _suspect(
    commit: Commit, evidence: EvidenceId, rollout: Rollout, judged: Judgement, score: float, picture: Picture
) -> Suspect:
    pull = pull_of_commit(commit, picture.pulls)
    return Suspect(
        kind="commit",
        subject=rollout.subject,
        at=rollout.change.at,
        title=commit.message.split("\n", 1)[0][:120],
        reference=commit.url or f"{commit.repository}@{commit.sha}",
        commit=commit.sha,
        pull=pull[0].number if pull else None,
        file=judged.path,
        why=judged.why,
        score=round(score, 3),
        evidence=tuple(dict.fromkeys([evidence, *((pull[1],) if pull else ()), *rollout.change.evidence])),
    )


def _by_time(rollout: Rollout, read: list[_Read], onset: datetime, picture: Picture) -> list[Suspect]:
    """Where no diff tells of what fails and nothing else is named: the one commit that changed what runs, if errors
    came with it. Of several, or of a rollout that changed more than code, none; nor for what only became slow, as what
    uses up memory or connections shows long after it was released."""
    soon = onset - _AT_ONCE <= rollout.change.at
    if not soon or rollout.rollback or rollout.beside_code or any(one.edits is None for one in read):
        return []
    of = [(one, _near(one.edits or (), rollout.subject, picture)) for one in read]
    touching = [one for one, edits in of if edits and not is_harmless(edits)]
    if len(touching) != 1 or _REVERT.match(touching[0].commit.message) or not _errs(rollout.subject, onset, picture):
        return []
    (one,) = touching
    minutes = round((onset - rollout.change.at).total_seconds() / 60)
    when = f"{minutes} min before" if minutes >= 1 else "just as"
    why = f"is all that changed what {rollout.subject.name} runs, {when} its trouble began; its diff does not say how"
    return [_suspect(one.commit, one.evidence, rollout, Judgement(BLAMED_FROM, why), BLAMED_FROM, picture)]


def _errs(subject: Subject, onset: datetime, picture: Picture) -> bool:
    """Whether it answers with many more errors since."""
    signal = picture.signal(subject, "error_ratio")
    if signal is None:
        return False
    moment, end = onset.timestamp(), picture.span.window.end.timestamp()
    before, since = mean_between(signal, 0.0, moment), mean_between(signal, moment, end)
    return since is not None and since >= max(_MANY_ERRORS, _MORE_ERRORS * (before or 0.0))


def _near(edits: Iterable[Edit], subject: Subject, picture: Picture) -> list[Edit]:
    """Those in its own files, or in files of nobody in particular."""
    return [edit for edit in edits if _owner(edit.path, picture) in ("", _stem(subject.name))]


def _rollouts(subject: Subject, onset: datetime, picture: Picture) -> Iterable[tuple[Rollout, float]]:
    """Rollouts that can have caused it: not after the onset, of itself, of what it depends on, of who calls it; and
    those of others, which count only where their edit names what fails."""
    speaking = speaking_for(subject, picture)
    for rollout in picture.rollouts:
        if rollout.change.at > onset + _LATE:
            continue
        if rollout.subject in speaking:
            yield rollout, 1.0
        elif _beside(rollout.subject, subject, picture):
            yield rollout, _NEIGHBOUR
        elif rollout.change.at >= onset - _STRANGERS_FROM:
            yield rollout, _STRANGER


def worth_reading(subjects: Iterable[Subject], onset: datetime | None, picture: Picture) -> list[Rollout]:
    """The rollouts whose diffs may be compared, newest first: of the subjects and their neighbours, then of others."""
    asked = tuple(subjects)
    newest = sorted(picture.rollouts, key=lambda r: r.change.at, reverse=True)
    near = [r for r in newest if any(r.subject == one or _beside(r.subject, one, picture) for one in asked)]
    if not asked or onset is None:
        return near
    others = [r for r in newest if r not in near and onset - _STRANGERS_FROM <= r.change.at <= onset + _LATE]
    return [*near, *others]


def _beside(changed: Subject, subject: Subject, picture: Picture) -> bool:
    """Whether `subject` depends on what was changed, or the change is in who uses it."""
    return picture.graph.reaches(subject, changed) or picture.graph.joined(changed, subject)


def _known_diff(path: str, patch: str) -> bool:
    """A file without a diff (binary, too large) is judged by its name alone, which says something only of harmless."""
    return bool(patch) or bool(is_harmless((Edit(path, "code", (), (), ()),)))


# --- whose file ---


def _stem(name: str) -> str:
    return _SUFFIX.sub("", canonical(name))


def _owner(path: str, picture: Picture) -> str:
    """The stem of the workload whose folder a file lies in: the outermost, as `orders/clients/stock` is of orders."""
    known = {_stem(workload.subject.name) for workload in picture.inventory.workloads} - {""}
    return next((stem for part in path.split("/")[:-1] if (stem := _stem(part)) in known), "")


def _ordinary(picture: Picture) -> frozenset[str]:
    names = [name for workload in picture.inventory.workloads for name in workload.names]
    found = words([*names, picture.inventory.namespace, *(c.repository.replace("/", " ") for c, _ in picture.commits)])
    return found | {_stem(word) for word in found}
