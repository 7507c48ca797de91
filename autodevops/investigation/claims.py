"""What speaks for and against a candidate, in sentences that cite their evidence."""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.change import Suspect
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.hypothesis import Claim
from autodevops.investigation.gather.code import commit_of, likely_pull_of, pull_of
from autodevops.investigation.grounds import join
from autodevops.investigation.picture import Picture, Rollout
from autodevops.investigation.rules import BY_ID
from autodevops.investigation.rules.base import clock
from autodevops.investigation.suspects import Inquiry
from autodevops.investigation.weigh import Candidate

_FILES_SHOWN = 3
_ORDER = {"symptom": 0, "state": 1, "locator": 2, "alert": 3, "change": 4}
_MESSAGE_CHARACTERS = 120


def supports(
    candidate: Candidate, picture: Picture, rivals: tuple[Candidate, ...], inquiry: Inquiry
) -> tuple[Claim, ...]:
    """Its change and the code behind it, its own findings, who suffers from it, who was cleared."""
    telling = sorted(candidate.findings, key=lambda f: (_ORDER[BY_ID[f.rule_id].role], f.rule_id, f.message))
    claims = [Claim(text=f.message, evidence=f.evidence) for f in telling]
    ways = {other: picture.graph.path(other, candidate.subject) for other in candidate.suffering}
    depending = [other for other, way in ways.items() if way]
    if depending:
        edges = [edge for other in depending for edge in ways[other]]
        known = list(dict.fromkeys(other.name for other in depending))  # a workload and its Service have one
        names, one = join(known), len(known) == 1
        depend, suffer = ("depends", "suffers") if one else ("depend", "suffer")
        claims.insert(
            0,
            Claim(
                text=f"{names} {depend} on {candidate.subject.name} and {suffer} with it.",
                evidence=_cited(edge.evidence for edge in edges),
            ),
        )
    if candidate.change is not None and candidate.rollout is not None:
        rolled_out = Claim(text=candidate.change.message, evidence=candidate.change.evidence)
        claims[:0] = [rolled_out, *_code(candidate.rollout, picture)]
    if inquiry.suspects:
        claims.insert(0, _suspected(inquiry.suspects[0]))
    elif inquiry.other and candidate.rollout is None and not any(_edit_explains(rival, candidate) for rival in rivals):
        claims.insert(0, Claim(text=f"No change explains it: {inquiry.other}.", evidence=inquiry.evidence))
    if candidate.rollout is not None or candidate.confidence >= 0.5:
        claims.extend(_bystanders(candidate, picture, rivals))
    return tuple(claim for claim in claims if claim.evidence)


def contradicts(candidate: Candidate, picture: Picture, inquiry: Inquiry) -> tuple[Claim, ...]:
    claims: list[Claim] = []
    if candidate.explained_by is not None and candidate.path:
        way = candidate.path[0]
        chain = " -> ".join([way.origin.name, *(edge.target.name for edge in candidate.path)])
        text = (
            f"{candidate.subject.name} depends on {candidate.explained_by.name} ({chain}), which is in trouble itself."
        )
        claims.append(Claim(text=text, evidence=_cited(edge.evidence for edge in candidate.path)))
    seen = picture.error_traces
    if candidate.factors["exonerated"] > 0 and seen:
        text = f"In the {len(seen)} failing traces that were opened no error starts in {candidate.subject.name}."
        claims.append(Claim(text=text, evidence=_cited(trace.evidence for trace in seen)))
    if inquiry.looked_at and not inquiry.suspects and not inquiry.other:
        one = inquiry.looked_at == 1
        text = (
            "The one commit deployed before it was read; it does not touch what fails."
            if one
            else f"The {inquiry.looked_at} commits deployed before it were read; none is known to touch what fails."
        )
        claims.append(Claim(text=text, evidence=inquiry.cited))
    if candidate.change is not None and candidate.rollout is None:
        text = f"{candidate.change.message} It touched nothing that makes this happen: to take it back would not help."
        claims.append(Claim(text=text, evidence=candidate.change.evidence))
    return tuple(claims)


def _edit_explains(rival: Candidate, candidate: Candidate) -> bool:
    return rival.reason == "ConfigChanged" and candidate.subject in (rival.subject, *rival.explains)


def _suspected(suspect: Suspect) -> Claim:
    if suspect.kind != "commit":
        return Claim(text=f"{suspect.title}: it {suspect.why}.", evidence=suspect.evidence)
    pull = f" (pull request #{suspect.pull})" if suspect.pull is not None else ""
    where = f" in {suspect.file}" if suspect.file and suspect.file not in suspect.why else ""
    said = "accounts for it" if suspect.told else f"is the likeliest to be behind it ({suspect.score:.0%})"
    text = f'Commit {suspect.commit[:10]}{pull}, "{suspect.title}", {said}: it {suspect.why}{where}.'
    return Claim(text=text, evidence=suspect.evidence)


def code_reference(rollout: Rollout, picture: Picture) -> str:
    """`pull request #42 "Faster discounts"` or `commit 3f2a9c1`, as far as it is known."""
    pull = pull_of(rollout, picture.pulls, picture.commits)
    parts: list[str] = []
    if pull is not None:
        parts.append(f'pull request #{pull[0].number} "{pull[0].title[:_MESSAGE_CHARACTERS]}"')
    if rollout.commit:
        parts.append(f"commit {rollout.commit[:10]}")
    return ", ".join(parts)


def _code(rollout: Rollout, picture: Picture) -> list[Claim]:
    claims: list[Claim] = []
    certain = pull_of(rollout, picture.pulls, picture.commits)
    pull = certain or likely_pull_of(rollout, picture.pulls)
    commit = commit_of(rollout, picture.commits)
    if pull is not None:
        found, evidence = pull
        its_commit = commit if certain is not None else None
        sha = f", commit {its_commit[0].sha[:10]}" if its_commit else ""
        merged = f", merged at {clock(found.merged_at)}" if found.merged_at else ""
        files = _files([file.path for file in found.files])
        name = f'pull request #{found.number} of {found.repository}, "{found.title}"'
        text = f"It {'brings' if certain else 'probably brings'} {name} by {found.author}{sha}{merged}{files}."
        claims.append(Claim(text=text, evidence=(evidence, *((its_commit[1],) if its_commit else ()))))
    if commit is not None and certain is None:
        found_commit, evidence = commit
        subject = found_commit.message.split("\n", 1)[0][:_MESSAGE_CHARACTERS]
        files = _files([file.path for file in found_commit.files]) if pull is None else ""
        name = f'{found_commit.sha[:10]} of {found_commit.repository}, "{subject}"'
        text = f"Its commit is {name} by {found_commit.author}{files}."
        claims.append(Claim(text=text, evidence=(evidence,)))
    return claims


def _files(paths: list[str]) -> str:
    if not paths:
        return ""
    rest = len(paths) - _FILES_SHOWN
    return f", which touches {', '.join(paths[:_FILES_SHOWN])}" + (f" and {rest} more files" if rest > 0 else "")


def _bystanders(candidate: Candidate, picture: Picture, rivals: tuple[Candidate, ...]) -> Iterable[Claim]:
    """Changes of others in the window that a person would ask about, and why they are not the cause."""
    troubled = {rival.subject for rival in rivals}
    for rollout in picture.rollouts:
        if rollout.subject == candidate.subject or not picture.span.window.contains(rollout.change.at):
            continue
        if rollout.subject not in troubled:
            # A dependency that changed and shows no symptom could still answer wrongly: it is not cleared.
            if picture.graph.reaches(candidate.subject, rollout.subject):
                continue
            why = "has no trouble of its own"
        elif candidate.onset is not None and rollout.change.at > candidate.onset:
            why = "was changed only after the trouble began"
        elif any(r.subject == rollout.subject and r.explained_by == candidate.subject for r in rivals):
            why = f"suffers from {candidate.subject.name}, which it depends on"
        else:
            continue
        yield Claim(
            text=f"{rollout.change.summary} at {clock(rollout.change.at)} too, but {rollout.subject.name} {why}.",
            evidence=rollout.change.evidence,
        )


def _cited(ids: Iterable[EvidenceId]) -> tuple[EvidenceId, ...]:
    return tuple(dict.fromkeys(ids))
