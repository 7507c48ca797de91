"""What a turn is about: intent, namespace, subject and window, from the question, the conversation and what exists.

A name that does not exist is asked about (`Unclear`), with near ones offered; it is never replaced silently.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from autodevops.domain.subject import Subject
from autodevops.domain.window import TimeWindow
from autodevops.jamie import catalogue, intent, names
from autodevops.jamie.catalogue import Workload
from autodevops.jamie.conversation import Conversation
from autodevops.jamie.intent import Reading
from autodevops.jamie.markdown import code
from autodevops.jamie.timephrase import read_window
from autodevops.kernel.errors import UsageError
from autodevops.settings.model import InvestigationSettings
from autodevops.toolbox.protocol import Tools

LONGEST_QUESTION = 8_000  # characters; a pasted stack trace fits, a pasted log file does not
DEPLOYS_WINDOW = timedelta(hours=24)  # changes are rarer than samples: an hour would mostly be empty

_NAME = r"(?P<name>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)"
_NAMESPACE = (
    re.compile(rf"(?:\bnamespace|\bns|(?<!\S)-n|--namespace)[\s=:]+['\"`]?{_NAME}", re.I),
    re.compile(rf"\b(?:in|on|the)\s+(?:the\s+)?['\"`]?{_NAME}['\"`]?\s+namespace\b", re.I),
)
_IN = re.compile(rf"(?:\b(?P<before>\w+)\s+)?\bin\s+(?:the\s+)?['\"`]?{_NAME}", re.I)
_OF = re.compile(rf"\b(?:of|for|from)\s+(?:the\s+)?['\"`]?{_NAME}", re.I)
_MOVEMENT = re.compile(r"^(?:drop|spike|increase|rise|jump|surge|change|fall|dip|decrease|growth)s?\s*$", re.I)


@dataclass(frozen=True)
class Context:
    question: str
    reading: Reading
    namespace: str
    namespace_named: bool
    workload: Workload | None
    window: TimeWindow

    @property
    def subject(self) -> Subject | None:
        return self.workload.subject if self.workload else None


@dataclass(frozen=True)
class Unclear:
    """Jamie asks back."""

    text: str
    follow_ups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """A question with what its surface gave beside it."""

    question: str
    namespace: str = ""
    window: TimeWindow | None = None


def checked(question: str) -> str:
    """The question without surrounding space. Raises UsageError for none, and for one that is no question any more."""
    question = question.strip()
    if not question:
        raise UsageError("The question is empty.", 'Ask something, for example "why are requests failing?".')
    if len(question) > LONGEST_QUESTION:
        raise UsageError(
            f"The question has {len(question)} characters; {LONGEST_QUESTION} is the most I read.",
            "Ask in a sentence or two, and paste only the lines that matter.",
        )
    return question


async def resolve(
    asked: Asked, conversation: Conversation, tools: Tools, settings: InvestigationSettings, now: datetime
) -> Context | Unclear:
    """Raises UsageError for a given namespace that does not exist and for a window that cannot be."""
    timed = read_window(asked.question, now)
    reading, carried = _carried(intent.read(timed.rest), timed.rest, conversation)
    if reading.intent in {"help", "smalltalk"}:
        usual = asked.window or TimeWindow.ending(now, timedelta(minutes=settings.window_minutes))
        return Context(asked.question, reading, conversation.namespace or settings.namespace, False, None, usual)
    listed = await catalogue.namespaces(tools)
    spaces = listed.names
    place = _namespace(asked, timed.rest, spaces)
    if isinstance(place, Unclear):
        return place
    namespace = place or conversation.namespace or settings.namespace
    namespace = namespace or await catalogue.context_namespace(tools) or "default"
    there = await catalogue.workloads(tools, namespace) if listed.reachable else None
    chosen = _workload(asked.question, timed.rest, reading, namespace, there, conversation, carried)
    if isinstance(chosen, Unclear):
        return chosen
    if not place and (unknown := _unknown_place(asked.question, timed.rest, spaces, there)):
        return unknown
    window = asked.window or timed.window
    if window is None:
        length = timedelta(minutes=settings.window_minutes)
        leans = carried or intent.has_pronoun(timed.rest)
        if leans and conversation.window is not None:
            length = conversation.window.length
        elif reading.intent == "deploys":
            length = max(DEPLOYS_WINDOW, length)
        window = TimeWindow.ending(now, length)
    return Context(asked.question, reading, namespace, bool(place), chosen, window)


def _carried(reading: Reading, text: str, conversation: Conversation) -> tuple[Reading, bool]:
    """A question that leans on the last one wants what that one wanted, unless it says otherwise."""
    last = conversation.reading
    if last is None or not intent.carries_on(text):
        return reading, False
    if reading.matched:
        return replace(reading, kind=reading.kind or last.kind), True
    return last, True


def _namespace(asked: Asked, text: str, spaces: frozenset[str] | None) -> str | Unclear:
    """The namespace that was given or named; empty when none was."""
    if asked.namespace:
        if spaces is not None and asked.namespace not in spaces:
            near = difflib.get_close_matches(asked.namespace, spaces, n=3)  # only a hint: far ones may be named
            hint = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(sorted(spaces)[:10])}."
            raise UsageError(f"The namespace {asked.namespace} does not exist.", hint)
        return asked.namespace
    ignored = intent.table().not_names
    for pattern in _NAMESPACE:
        for found in pattern.finditer(text):
            name = found["name"].lower()
            if spaces is None and name not in ignored:
                return name
            if spaces is not None and name in spaces:
                return name
            if spaces is not None and name not in ignored:
                return _ask("namespace", name, names.nearest(name, spaces), spaces, asked.question)
    for found in _IN.finditer(text):
        name = found["name"].lower()
        if spaces is not None and name in spaces:
            return name
        if spaces is None and name not in ignored and not _MOVEMENT.match(found["before"] or ""):
            return name
    bare = [word for word in names.words_of(text) if word not in ignored and word in (spaces or ())]
    return bare[0] if bare else ""


def _unknown_place(
    question: str, text: str, spaces: frozenset[str] | None, there: dict[str, Workload] | None
) -> Unclear | None:
    """Asks about `in X` where X is neither a namespace nor a workload."""
    if spaces is None:
        return None
    for found in _IN.finditer(text):
        name = found["name"].lower()
        if name in intent.table().not_names or _MOVEMENT.match(found["before"] or "") or name.isdigit():
            continue
        known = names.find([name], there or {})
        if known is None or not known.name:
            return _ask("namespace", name, names.nearest(name, spaces), spaces, question)
    return None


def _workload(
    question: str,
    text: str,
    reading: Reading,
    namespace: str,
    there: dict[str, Workload] | None,
    conversation: Conversation,
    carried: bool,
) -> Workload | Unclear | None:
    ignored = intent.table().not_names | {namespace}
    words = names.words_of(text)
    exact = names.find(words, there or {}, ignored)
    if exact and exact.name and there:
        return there[exact.name]
    focus = conversation.focus if intent.has_pronoun(text) else conversation.subject if carried else None
    if focus is not None and (there is None or focus.name in there):
        return there[focus.name] if there else Workload(focus)
    named = [found["name"].lower() for found in _OF.finditer(text) if found["name"].lower() not in ignored]
    if there is None:
        known = (
            Subject(kind="Service", name=named[0], namespace=namespace, api_version="opentelemetry.io")
            if named
            else None
        )
        return Workload(known) if known else None
    for word in words:
        if any(word.startswith(f"{name}-") for name in there):
            return Workload(Subject(kind="Pod", name=word, namespace=namespace, api_version="v1"))
    if exact and exact.near:
        return _ask("workload", exact.word, exact.near, there, question, namespace)
    if named and reading.intent in {"logs", "metrics"}:
        return _ask("workload", named[0], (), there, question, namespace)
    return None


def _ask(
    what: str,
    name: str,
    near: tuple[str, ...],
    existing: frozenset[str] | dict[str, Workload],
    question: str,
    namespace: str = "",
) -> Unclear:
    where = f" in namespace {code(namespace)}" if namespace else ""
    said = f"I know no {what} {code(name)}{where}."
    if near:
        again = tuple(re.sub(re.escape(name), other, question, flags=re.I) for other in near)
        return Unclear(f"{said} Did you mean {' or '.join(code(other) for other in near)}?", again)
    shown = sorted(existing)[:10]
    there = ", ".join(code(other) for other in shown) + (", …" if len(existing) > len(shown) else "")
    return Unclear(f"{said} {f'There are: {there}.' if shown else 'There are none.'} Which one do you mean?")
