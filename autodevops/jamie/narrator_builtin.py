"""The built-in narrator: an investigation in words, with no model at all.

The order is that of a person woken at night: the answer in one line, then why, then what speaks against it, what
could not be seen, how it came about, and the next step. Every claim cites its evidence. Parts are functions of
their own because the model's narrator uses the first and the last of them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from itertools import groupby
from typing import Protocol

from autodevops.domain.evidence import Evidence, EvidenceId
from autodevops.domain.hypothesis import Claim, SuggestedAction
from autodevops.domain.investigation import Investigation, MissingEvidence, TimelineEntry
from autodevops.jamie.failures import without_code
from autodevops.jamie.markdown import block, cites, code, prose, shortened, visible
from autodevops.jamie.timephrase import describe

SHOWN_CLAIMS = 6  # what fits on a screen together with the rest
SHOWN_MOMENTS = 6
MOMENT_CHARACTERS = 140  # two lines on a screen; the whole of it stands in the claims
SHOWN_GAPS = 5
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
    """The answer in one line."""
    first = investigation.hypotheses[0] if investigation.hypotheses else None
    if investigation.verdict == "explained" and first is not None:
        return f"{_strong(first.summary)} I am {_sure(first.confidence)}.{cites(_claimed(first.supports))}"
    if investigation.verdict == "healthy":
        return f"{_strong(investigation.summary)}{cites(_looked_at(investigation))}"
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
    if actions:
        parts.append("\n\n".join(["**Next step**" if len(actions) == 1 else "**Next steps**", *map(_action, actions)]))
    elif investigation.next_step:
        parts.append(f"**Next step**\n\n{_with_code(investigation.next_step)}")
    return parts


def onset_of(investigation: Investigation) -> TimelineEntry | None:
    """When it began: the earliest, whoever felt it first."""
    onsets = (entry for entry in investigation.timeline if entry.kind == "onset")
    return min(onsets, key=lambda entry: entry.at, default=None)


def moment(entry: TimelineEntry) -> str:
    return f"- {entry.at:%Y-%m-%d %H:%M} {prose(shortened(entry.text, MOMENT_CHARACTERS))}{cites(entry.evidence)}"


def _gaps(missing: Iterable[MissingEvidence]) -> list[str]:
    """One line for each reason: a system that is down fails many calls with the same words."""
    by_reason: dict[tuple[str, str], list[MissingEvidence]] = {}
    for gap in missing:
        by_reason.setdefault((gap.tool.partition(".")[0], gap.error), []).append(gap)
    lines = []
    for (system, error), gaps in list(by_reason.items())[:SHOWN_GAPS]:
        tools = {gap.tool for gap in gaps}
        what = code(gaps[0].tool) if len(tools) == 1 else f"{code(system)} ({len(gaps)} queries)"
        lines.append(f"- {what}: {prose(without_code(error))}{cites(gap.evidence for gap in gaps)}")
    more = len(by_reason) - SHOWN_GAPS
    return [*lines, *([f"- and {more} more."] if more > 0 else [])]


def _why(investigation: Investigation) -> list[str]:
    first, *others = investigation.hypotheses
    parts = ["\n".join(["**Why**", "", *_numbered(first.supports)])] if first.supports else []
    if first.contradicts:
        against = [f"- {prose(claim.text)}{cites(claim.evidence)}" for claim in first.contradicts[:SHOWN_CLAIMS]]
        parts.append("\n".join(["**What speaks against it**", "", *against]))
    worth = [other for other in others if other.confidence >= WORTH_NAMING]
    if worth:
        lines = [f"- {prose(other.summary)} ({other.confidence:.0%}){cites(other.evidence)}" for other in worth[:3]]
        parts.append("\n".join(["**Less likely**", "", *lines]))
    return [*parts, *_timeline(investigation)]


def _healthy(investigation: Investigation) -> list[str]:
    seen = _by_tool(item for item in investigation.evidence if item.ok)
    if not seen:
        return []
    lines = [f"- {code(tool)}: {_times(len(items))}{cites(item.id for item in items)}" for tool, items in seen]
    window = describe(investigation.window)
    return ["\n".join([f"**What I looked at** ({window})", "", *lines]), *_timeline(investigation)]


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
    failed = [item for item in investigation.evidence if not item.ok and item.query not in item.tool]
    unanswered = min(failed, key=lambda item: _usefulness(item.tool), default=None)
    if unanswered is not None:
        parts.append(
            f"The query to run next is the one that had no answer ({code(unanswered.tool)}):{cites([unanswered.id])}"
            f"\n\n{block(unanswered.query.splitlines())}"
        )
    return [*parts, *_timeline(investigation)]


def _usefulness(tool: str) -> tuple[int, str]:
    """Which query to name first: those that say what fails before those that say why."""
    order = ("prometheus", "kubernetes", "loki", "tempo")
    system = tool.partition(".")[0]
    return (order.index(system) if system in order else len(order), tool)


def _timeline(investigation: Investigation) -> list[str]:
    entries = investigation.timeline
    if not entries:
        return []
    shown = sorted(entries, key=lambda entry: (entry.kind == "event", entry.at))[:SHOWN_MOMENTS]
    lines = [moment(entry) for entry in sorted(shown, key=lambda entry: entry.at)]
    return ["\n".join(["**Timeline** (UTC)", "", *lines])]


def _action(action: SuggestedAction) -> str:
    said = prose(action.summary)
    return (
        f"{said}\n\n{block(visible(action.command).splitlines(), language='sh', width=1000)}"
        if action.command
        else said
    )


def _numbered(claims: Iterable[Claim]) -> list[str]:
    return [
        f"{n}. {prose(claim.text)}{cites(claim.evidence)}" for n, claim in enumerate(list(claims)[:SHOWN_CLAIMS], 1)
    ]


def _with_code(sentence: str) -> str:
    """Our own sentence, with what stands between backticks as code."""
    return "".join(code(part) if index % 2 else prose(part) for index, part in enumerate(sentence.split("`")))


def _strong(sentence: str) -> str:
    said = prose(sentence)
    return said if "*" in said or not said else f"**{said}**"


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
