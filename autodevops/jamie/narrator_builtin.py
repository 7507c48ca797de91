"""The built-in narrator: an investigation in words, with no model at all.

The order is that of a person woken at night: the answer in one line, then why, then what speaks against it, what
could not be seen, how it came about, and the next step. Every claim cites its evidence. Parts are functions of
their own because the model's narrator uses the first and the last of them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Collection, Iterable
from itertools import groupby
from typing import Protocol

from autodevops.domain.evidence import Evidence, EvidenceId
from autodevops.domain.hypothesis import (
    BELIEVED_FROM,
    Claim,
    SuggestedAction,
    further_causes,
    independent,
)
from autodevops.domain.investigation import Investigation, MissingEvidence, TimelineEntry, by_reason
from autodevops.jamie.failures import without_code
from autodevops.jamie.markdown import block, cites, code, prose, shortened, visible
from autodevops.jamie.timephrase import describe

SHOWN_CLAIMS = 6  # what fits on a screen together with the rest
SHOWN_MOMENTS = 6
MOMENT_CHARACTERS = 140  # two lines on a screen; the whole of it stands in the claims
SHOWN_GAPS = 5
LONGEST_QUERY = 240  # characters; our own sweeping ones are not for people to copy
WORTH_NAMING = 0.1  # a second hypothesis below this confidence is noise to the reader


class Narrator(Protocol):
    """Words an investigation as Markdown, in pieces that together are the text."""

    @property
    def name(self) -> str: ...

    def narrate(self, investigation: Investigation, question: str) -> AsyncGenerator[str, None]: ...


class BuiltInNarrator:
    name = "built-in"

    async def narrate(self, investigation: Investigation, question: str) -> AsyncGenerator[str, None]:
        yield headline(investigation)
        for part in (*explanation(investigation), *closing(investigation)):
            yield "\n\n" + part


def headline(investigation: Investigation) -> str:
    """The answer in one line: each cause that is believed and has nothing to do with the others."""
    first = investigation.hypotheses[0] if investigation.hypotheses else None
    if investigation.verdict == "explained" and first is not None:
        told = f"{_strong(first.summary)} I am {_sure(first.confidence)}.{cites(_claimed(first.supports))}"
        further = independent(investigation.hypotheses)[1:]
        cited = [item for each in further for item in _claimed(each.supports)]
        named = prose(further_causes(f"{each.summary.rstrip('.')} ({each.confidence:.0%})" for each in further))
        return f"{told} {named}{cites(cited)}" if further else told
    if investigation.verdict == "healthy":
        ahead = [item for finding in investigation.findings if finding.due is not None for item in finding.evidence]
        return f"{_strong(investigation.summary)}{cites(dict.fromkeys([*ahead, *_looked_at(investigation)]))}"
    if first is None and not investigation.findings:
        return f"{_strong(investigation.summary)}{cites(_looked_at(investigation))}"
    return f"{_strong(investigation.summary)} I cannot tell you the cause from what I could see."


def explanation(investigation: Investigation) -> list[str]:
    """Why: paragraphs between the headline and the closing."""
    return {"explained": _why, "healthy": _healthy, "undetermined": _undetermined}[investigation.verdict](investigation)


def closing(investigation: Investigation) -> list[str]:
    """What was missing and what to do next: never left to a model."""
    parts = []
    if investigation.missing:
        parts.append("\n".join(["**What I could not see**", "", *_gaps(investigation.missing)]))
    actions = [action for hypothesis in investigation.hypotheses[:1] for action in hypothesis.suggested_actions]
    actions += [action for each in independent(investigation.hypotheses)[1:] for action in each.suggested_actions[:1]]
    if actions:
        doing = [action for action in actions if action.kind != "investigation"] or actions[:1]
        looking = [action for action in actions if action not in doing]
        parts.append("\n\n".join(["**Next step**" if len(doing) == 1 else "**Next steps**", *map(_action, doing)]))
        parts += _closer(looking)
    elif investigation.next_step:
        parts.append(f"**Next step**\n\n{prose(investigation.next_step)}")
    elif investigation.verdict == "explained" and investigation.hypotheses:
        name = code(investigation.hypotheses[0].subject.name)
        parts.append(f"**Next step**\n\nLook closer at {name}: ask me for its logs, its metrics or what changed.")
    return parts


def onset_of(investigation: Investigation) -> TimelineEntry | None:
    """When it began: the earliest, whoever felt it first."""
    onsets = (entry for entry in investigation.timeline if entry.kind == "onset")
    return min(onsets, key=lambda entry: entry.at, default=None)


def moment(entry: TimelineEntry, *, dated: bool = True) -> str:
    """One line of a timeline; the sentence does not say its own time again."""
    at = f"{entry.at:%Y-%m-%d %H:%M}" if dated else f"{entry.at:%H:%M}"
    said = re.sub(rf"(?<!last),? (?:since|at) {entry.at:%H:%M} UTC", "", entry.text)
    return f"- {at} {prose(shortened(said, MOMENT_CHARACTERS))}{cites(entry.evidence)}"


def _gaps(missing: Iterable[MissingEvidence]) -> list[str]:
    """One line for each reason: a system that is down fails many calls with the same words."""
    groups = by_reason(missing)
    lines = []
    for gaps in groups[:SHOWN_GAPS]:
        system, _, _ = gaps[0].tool.partition(".")
        same = len({gap.tool for gap in gaps}) == 1
        what = code(gaps[0].tool) if same else f"{code(system)} ({len(gaps)} queries)"
        lines.append(f"- {what}: {prose(without_code(gaps[0].error))}{cites(gap.evidence for gap in gaps)}")
    more = len(groups) - SHOWN_GAPS
    return [*lines, *([f"- and {more} more."] if more > 0 else [])]


def _why(investigation: Investigation) -> list[str]:
    first, *others = investigation.hypotheses
    supports = _distinct(first.supports, first.summary)
    parts = ["\n".join(["**Why**", "", *_numbered(supports)])] if supports else []
    if first.contradicts:
        claims = _distinct(first.contradicts)[:SHOWN_CLAIMS]
        against = [f"- {prose(claim.text)}{cites(claim.evidence)}" for claim in claims]
        parts.append("\n".join(["**What speaks against it**", "", *against]))
    named = independent(investigation.hypotheses)  # the headline has them
    worth = [other for other in others if other.confidence >= WORTH_NAMING and other not in named][:3]
    for title, likely in (("**Also found**", True), ("**Less likely**", False)):
        lines = [
            f"- {prose(other.summary)} ({other.confidence:.0%}){cites(other.evidence)}"
            for other in worth
            if (other.confidence >= BELIEVED_FROM) is likely
        ]
        parts += ["\n".join([title, "", *lines])] if lines else []
    return [*parts, *_timeline(investigation.timeline)]


def _healthy(investigation: Investigation) -> list[str]:
    """What was before, when something was, then what the word rests on: one line for each system."""
    happened = [entry for entry in investigation.timeline if entry.kind != "event"]
    parts = _timeline(happened)
    systems: dict[str, list[list[Evidence]]] = {}
    for tool, items in _by_tool(item for item in investigation.evidence if item.ok):
        systems.setdefault(tool.partition(".")[0], []).append(items)
    lines = [
        f"- {code(system)}: {_times(sum(map(len, tools)))}{cites(items[0].id for items in tools)}"
        for system, tools in systems.items()
    ]
    if lines:
        parts.append("\n".join([f"**What I looked at** ({describe(investigation.window)})", "", *lines]))
    return parts


def _undetermined(investigation: Investigation) -> list[str]:
    parts = []
    if investigation.hypotheses:
        lines = [
            f"- {prose(each.summary)} ({each.confidence:.0%}){cites(each.evidence)}"
            for each in investigation.hypotheses[:3]
        ]
        parts.append("\n".join(["**What it might be, none of it strong enough to act on**", "", *lines]))
    told = {item for each in investigation.hypotheses[:3] for item in each.evidence}
    findings = [found for found in investigation.findings if not told.issuperset(found.evidence)]
    if findings:
        lines = [f"- {prose(found.message)}{cites(found.evidence)}" for found in findings[:SHOWN_CLAIMS]]
        parts.append("\n".join(["**What I did see**", "", *lines]))
    failed = [
        item
        for item in investigation.evidence
        if not item.ok and item.query not in item.tool and len(item.query) <= LONGEST_QUERY
    ]
    unanswered = min(failed, key=lambda item: _usefulness(item.tool), default=None)
    if unanswered is not None:
        parts.append(
            f"The query to run next is the one that had no answer ({code(unanswered.tool)}):{cites([unanswered.id])}"
            f"\n\n{block(unanswered.query.splitlines())}"
        )
    return [*parts, *_timeline(investigation.timeline)]


def _usefulness(tool: str) -> tuple[int, str]:
    """Which query to name first: those that say what fails before those that say why."""
    order = ("prometheus", "kubernetes", "loki", "tempo")
    system = tool.partition(".")[0]
    return (order.index(system) if system in order else len(order), tool)


def _timeline(entries: Collection[TimelineEntry]) -> list[str]:
    if not entries:
        return []
    shown = sorted(entries, key=lambda entry: (entry.kind == "event", entry.at))[:SHOWN_MOMENTS]
    days = {f"{entry.at:%Y-%m-%d}" for entry in shown}
    lines = [moment(entry, dated=len(days) > 1) for entry in sorted(shown, key=lambda entry: entry.at)]
    return ["\n".join([f"**Timeline** ({', '.join([*(days if len(days) == 1 else ()), 'UTC'])})", "", *lines])]


def _action(action: SuggestedAction) -> str:
    said = prose(action.summary)
    return (
        f"{said}\n\n{block(visible(action.command).splitlines(), language='sh', width=1000)}"
        if action.command
        else said
    )


def _closer(actions: Iterable[SuggestedAction]) -> list[str]:
    """What only looks, in one block to copy from: it is not what the reader has to decide on."""
    lines = []
    for action in actions:
        said = " ".join(action.summary.split())
        lines += [f"# {said}", *visible(action.command).splitlines()] if action.command else []
    return [f"**To look closer**\n\n{block(lines, language='sh', width=1000)}"] if lines else []


def _distinct(claims: Iterable[Claim], headline: str = "") -> list[Claim]:
    """Each sentence once, with the evidence of all that say it; not the one that the headline has said."""
    merged: dict[str, Claim] = {}
    for claim in claims:
        key = _bare(claim.text)
        if key == _bare(headline):
            continue
        before = merged.get(key)
        evidence = tuple(dict.fromkeys([*(before.evidence if before else ()), *claim.evidence]))
        merged[key] = claim.model_copy(update={"evidence": evidence})
    return list(merged.values())


def _bare(sentence: str) -> str:
    """To compare sentences by: the headline says since when where a claim may not."""
    return re.sub(r",? since \d\d:\d\d UTC$", "", sentence.strip().rstrip(".").lower(), flags=re.I)


def _numbered(claims: Iterable[Claim]) -> list[str]:
    return [
        f"{n}. {prose(claim.text)}{cites(claim.evidence)}" for n, claim in enumerate(list(claims)[:SHOWN_CLAIMS], 1)
    ]


def _strong(sentence: str) -> str:
    """The first sentence stands out; what follows it explains."""
    said = prose(sentence)
    first = re.match(r"(?:[^`]|`[^`]*`)+?[.!?](?= [A-Z])", said)
    if "*" in said or not said:
        return said
    return f"**{first[0]}**{said[first.end() :]}" if first else f"**{said}**"


def _sure(confidence: float) -> str:
    words = "sure" if confidence >= 0.9 else "fairly sure" if confidence >= 0.7 else "not certain"
    return f"{words} ({confidence:.0%})"


def _claimed(claims: Iterable[Claim]) -> list[EvidenceId]:
    """The first id of each claim before the second of any: the headline cites breadth."""
    return [claim.evidence[0] for claim in claims if claim.evidence]


def _looked_at(investigation: Investigation) -> list[EvidenceId]:
    return [items[0].id for _, items in _by_tool(item for item in investigation.evidence if item.ok)]


def _by_tool(evidence: Iterable[Evidence]) -> list[tuple[str, list[Evidence]]]:
    ordered = sorted(evidence, key=lambda item: _usefulness(item.tool))
    return [(tool, list(items)) for tool, items in groupby(ordered, key=lambda item: item.tool)]


def _times(count: int) -> str:
    return "one query" if count == 1 else f"{count} queries"
