"""Which change caused it: the commits that rollouts near the onset brought, compared with what fails and with each
other; or why no change explains it.

A commit counts only if it was deployed before the onset, and only by what its diff really changes. The likeliest is
named if more speaks for it than for all others and for no commit together. Where the systems say themselves that
something else broke (a provider, a node, a certificate), only one whose diff tells of what fails is. Who would act on a
blame asks `told`, what the diff tells by itself, never who is likeliest. All text compared here is other people's: it
is data and never an instruction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from autodevops.analysis.blame import is_harmless, judge
from autodevops.analysis.diffs import Edit, canonical, read_edit, words
from autodevops.analysis.odds import Clue, odds, shares, told
from autodevops.analysis.outside_causes import MAY_BE_SETTINGS
from autodevops.analysis.shared_words import rarity
from autodevops.analysis.signs import Signs
from autodevops.domain.change import Suspect
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject
from autodevops.domain.tool_results import Commit
from autodevops.investigation.culprits import (
    NOT_SEEN_TO_ERR,
    NOTHING_DEPLOYED,
    clues,
    moment,
    words_in_common,
)
from autodevops.investigation.gather.code import brought, commit_of, pull_of_commit
from autodevops.investigation.picture import Picture, Rollout
from autodevops.investigation.rules.episodes import mean_between
from autodevops.investigation.what_fails import other_cause, signs_of, speaking_for

NAMED_FROM: Final = 0.5
"""A commit with a smaller share of the odds is not named: a false blame costs more than none."""
TOLD_FROM: Final = 0.45
"""From here on its diff tells of what fails: when and where it was deployed only support that."""
TOLD_AGAINST_ANOTHER: Final = 0.77
"""The same where the systems name another cause."""

_NEIGHBOUR: Final = 0.6  # a change of what it calls, or of who calls it
_STRANGER: Final = 0.15  # of who is not known to have to do with it: databases and topics are shared without calls
_SHARED: Final = 0.5  # a commit that a rollout brought along, in files of nobody in particular
_ELSEWHERE: Final = 0.2  # the same, where the workload has a folder of its own
_EDITED: Final = 0.5  # an edit of what it reads, whose text is not compared
_UNDONE: Final = 0.1  # a rollback or a revert is more often the cure
_STRANGERS_FROM: Final = timedelta(hours=1)  # before the onset
_MANY_ERRORS: Final = 0.02
_MORE_ERRORS: Final = 3.0
_LATE: Final = timedelta(minutes=2)  # onsets are known to a scrape or two
_REVERT = re.compile(r"^\s*(revert\b|roll ?back\b)", re.IGNORECASE)
_SUFFIX = re.compile(r"(service|svc|server|api|app|deployment)?\d*$")


@dataclass(frozen=True)
class Inquiry:
    """What was found out about one subject's trouble: `suspects`, the likeliest alone; else `other`, what the systems
    name. `told` is the rollout whose diff tells best of what fails, and how well, whoever is likeliest."""

    suspects: tuple[Suspect, ...] = ()
    other: str = ""
    evidence: tuple[EvidenceId, ...] = ()  # of what names the other cause
    looked_at: int = 0  # commits whose diff was read
    cited: tuple[EvidenceId, ...] = ()  # of those commits
    harmless: frozenset[tuple[Subject, datetime]] = frozenset()  # rollouts that changed nothing that runs
    told: tuple[Subject, datetime, float] | None = None


@dataclass(frozen=True)
class _Trouble:
    subject: Subject
    onset: datetime
    signs: Signs  # what it says, and what those say that it depends on
    ordinary: frozenset[str]  # words that tell nothing here
    other: str
    picture: Picture

    @cached_property
    def own(self) -> Signs:
        """What it says itself."""
        return signs_of(self.subject, self.onset, self.picture)[0]

    @property
    def told_from(self) -> float:
        return TOLD_AGAINST_ANOTHER if self.other and self.other not in MAY_BE_SETTINGS else TOLD_FROM


@dataclass(frozen=True)
class _Candidate:
    """A commit that a rollout brought, and its clues. `tells` as `Suspect.told`."""

    commit: Commit
    evidence: EvidenceId
    rollout: Rollout
    path: str
    clues: tuple[Clue, ...]
    tells: float


def inquire(subject: Subject, onset: datetime | None, picture: Picture) -> Inquiry:
    """Found out once, however many ask."""
    known = picture.once(_inquiries)
    if (subject, onset) not in known:
        known[subject, onset] = _inquire(subject, onset, picture)
    return known[subject, onset]


def _inquiries(_picture: Picture) -> dict[tuple[Subject, datetime | None], Inquiry]:
    return {}


def _inquire(subject: Subject, onset: datetime | None, picture: Picture) -> Inquiry:
    signs, bad, cited = signs_of(subject, onset, picture, around=True)
    other = other_cause(subject, onset, picture, signs, bad)
    if onset is None:
        return Inquiry(other=other, evidence=cited)
    trouble = _Trouble(subject, onset, signs, _ordinary(picture), other, picture)
    found: list[_Candidate] = []
    looked: dict[str, EvidenceId] = {}
    harmless: set[tuple[Subject, datetime]] = set()
    none = (NOTHING_DEPLOYED if _errs(subject, onset, picture) else NOT_SEEN_TO_ERR) + _edited(trouble)
    read = picture.once(_edits)
    for rollout, weight in _rollouts(subject, onset, picture):
        unread = weight * moment(rollout.change.at, onset).times
        commits = brought(rollout, picture.commits, picture.rollouts)
        known = [(commit, evidence, read[commit.sha]) for commit, evidence in commits if commit.sha in read]
        none += unread * (len(commits) - len(known) + rollout.beside_code)
        looked |= {commit.sha: evidence for commit, evidence, _ in known}
        found += [one for each in known if (one := _candidate(*each, rollout, weight, trouble)) is not None]
        if known and not rollout.beside_code and all(is_harmless(edits) for _, _, edits in known):
            harmless.add((rollout.subject, rollout.change.at))
    named = _named(found, none, trouble)
    told = max((one for one in found if one.tells), key=lambda one: (one.tells, one.rollout.change.at), default=None)
    return Inquiry(
        suspects=named,
        other="" if named else other,
        evidence=() if named or not other else cited,
        looked_at=len(looked),
        cited=tuple(dict.fromkeys(looked.values())),
        harmless=frozenset(harmless),
        told=(told.rollout.subject, told.rollout.change.at, told.tells) if told else None,
    )


def _edits(picture: Picture) -> dict[str, tuple[Edit, ...]]:
    """What each commit whose files were read changes, by its id."""
    return {
        commit.sha: tuple(
            read_edit(file.path, file.patch) for file in commit.files if _known_diff(file.path, file.patch)
        )
        for commit, _ in picture.commits
        if commit.files
    }


def _rarity(picture: Picture) -> Callable[[str], float]:
    return rarity(list(picture.once(_edits).values()))


def _candidate(
    commit: Commit,
    evidence: EvidenceId,
    edits: tuple[Edit, ...],
    rollout: Rollout,
    weight: float,
    trouble: _Trouble,
) -> _Candidate | None:
    picture = trouble.picture
    own = commit_of(rollout, ((commit, evidence),)) is not None
    near = tuple(edits if own else _near(edits, rollout.subject, picture))
    if not near or is_harmless(near):
        return None
    judged = judge(near, trouble.signs, trouble.ordinary)
    mine = own or any(_owner(edit.path, picture) for edit in near)
    nothing = trouble.ordinary - words([picture.inventory.namespace])
    shared = words_in_common(near, trouble.signs, nothing, picture.once(_rarity))
    if weight == _STRANGER and not (judged.named or shared):
        return None
    times = weight * (1.0 if mine else _ELSEWHERE if _has_folder(rollout.subject, picture) else _SHARED)
    if rollout.rollback or _REVERT.match(commit.message):
        times *= _UNDONE
    its = clues(Clue(times), rollout.change.at, trouble.onset, near, judged, shared, len(trouble.signs.stems))
    told_by_own = judge(near, trouble.own, trouble.ordinary).score if mine and weight == 1.0 else 0.0
    tells = told_by_own if told_by_own >= trouble.told_from else 0.0
    return _Candidate(commit, evidence, rollout, judged.path or near[0].path, its, tells)


def _named(found: Iterable[_Candidate], none: float, trouble: _Trouble) -> tuple[Suspect, ...]:
    """The commit that has most of the odds, if any has; no commit is one of those that compete. Where the systems name
    another cause, only one whose diff tells of what fails stands against it."""
    best: dict[str, _Candidate] = {}
    for one in found:
        if one.commit.sha not in best or odds(one.clues) > odds(best[one.commit.sha].clues):
            best[one.commit.sha] = one
    share = dict(zip(best, shares([one.clues for one in best.values()], none), strict=True))
    first = max(share, key=lambda sha: (share[sha], sha), default="")
    if not first or share[first] < NAMED_FROM or (trouble.other and not best[first].tells):
        return ()
    return (_suspect(best[first], share[first], trouble.picture),)


def _edited(trouble: _Trouble) -> float:
    """The odds of edits of what it reads: they compete with commits."""
    reads = {edge.target for edge in trouble.picture.graph.edges if edge.origin == trouble.subject}
    edits = [edit for edit in trouble.picture.edits if edit.subject in reads and not edit.scaled]
    return _EDITED * sum(moment(edit.at, trouble.onset).times for edit in edits if edit.at <= trouble.onset + _LATE)


def _suspect(one: _Candidate, score: float, picture: Picture) -> Suspect:
    commit, pull = one.commit, pull_of_commit(one.commit, picture.pulls)
    return Suspect(
        kind="commit",
        subject=one.rollout.subject,
        at=one.rollout.change.at,
        title=commit.message.split("\n", 1)[0][:120],
        reference=commit.url or f"{commit.repository}@{commit.sha}",
        commit=commit.sha,
        pull=pull[0].number if pull else None,
        file=one.path,
        why=told(one.clues),
        score=round(score, 3),
        told=one.tells,
        evidence=tuple(dict.fromkeys([one.evidence, *((pull[1],) if pull else ()), *one.rollout.change.evidence])),
    )


def _errs(subject: Subject, onset: datetime, picture: Picture) -> bool:
    """Whether it crashes, or it answers with many more errors since; of what nobody measures, its callers
    and its log tell."""
    if any(last.subject == subject and not last.lives for last in picture.last_words):
        return True
    callers = {edge.origin for edge in picture.graph.edges if edge.how == "calls" and edge.target == subject}
    measured = any(picture.signal(subject, kind) is not None for kind in ("error_ratio", "latency_p95"))
    moment, end = onset.timestamp(), picture.span.window.end.timestamp()
    for one in {subject} if measured else callers:
        signal = picture.signal(one, "error_ratio")
        if signal is not None:
            before, since = mean_between(signal, 0.0, moment), mean_between(signal, moment, end)
            if since is not None and since >= max(_MANY_ERRORS, _MORE_ERRORS * (before or 0.0)):
                return True
    return not measured and any(
        found.source == str(subject) and found.example.is_error and found.first_at >= onset - _LATE
        for found in picture.log_groups
    )


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


def _has_folder(subject: Subject, picture: Picture) -> bool:
    """Whether some commit lies in a folder of its name: then what lies elsewhere is hardly its own."""
    return _stem(subject.name) in picture.once(_folders)


def _folders(picture: Picture) -> frozenset[str]:
    return frozenset(_owner(file.path, picture) for commit, _ in picture.commits for file in commit.files)


def _owner(path: str, picture: Picture) -> str:
    """The stem of the workload whose folder a file lies in: the outermost, as `orders/clients/stock` is of orders."""
    known = {_stem(workload.subject.name) for workload in picture.inventory.workloads} - {""}
    return next((stem for part in path.split("/")[:-1] if (stem := _stem(part)) in known), "")


def _ordinary(picture: Picture) -> frozenset[str]:
    names = [name for workload in picture.inventory.workloads for name in workload.names]
    found = words([*names, picture.inventory.namespace, *(c.repository.replace("/", " ") for c, _ in picture.commits)])
    return found | {_stem(word) for word in found}
