"""What a turn is about: intent, namespace, subject and window, from the question, the conversation and what exists.

A name that does not exist is asked about (`Unclear`), with near ones offered; it is never replaced silently. So is a
time that can be read in two ways.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo

from autodevops.domain.subject import Subject
from autodevops.domain.window import TimeWindow
from autodevops.jamie import anchors, catalogue, intent, names, naming, zones
from autodevops.jamie.catalogue import Workload
from autodevops.jamie.conversation import Conversation
from autodevops.jamie.intent import IntentModel, Reading
from autodevops.jamie.naming import Unclear
from autodevops.jamie.selection import Selected, read_selection
from autodevops.jamie.sides import Side, sides_of
from autodevops.jamie.timephrase import Doubt, Timed, describe, read_window
from autodevops.kernel.errors import ToolError, UsageError
from autodevops.settings.model import InvestigationSettings
from autodevops.toolbox.context import context_namespace
from autodevops.toolbox.protocol import Tools

__all__ = ["Asked", "Context", "Side", "Unclear", "checked", "resolve"]

LONGEST_QUESTION = 8_000  # characters; a pasted stack trace fits, a pasted log file does not
DEPLOYS_WINDOW = timedelta(hours=24)  # changes are rarer than samples: an hour would mostly be empty
TIMELESS = {"help", "smalltalk", "howto"}
_TRACE_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{16,32}(?![0-9a-f])")
_ROUTE = re.compile(r"(?<!\S)/[\w./{}:*-]*")  # of a request: "/checkout" is no workload
_YES = re.compile(r"^(yes|yep|yeah|right|correct|exactly|sure|that one)\b\W*$", re.I)


@dataclass(frozen=True)
class Context:
    question: str
    reading: Reading
    namespace: str
    namespace_named: bool
    workload: Workload | None
    window: TimeWindow
    text: str = ""  # the question without its time phrase
    zone: tzinfo = UTC  # in which times are told
    now: datetime | None = None
    node: str = ""
    image: str = ""
    trace_id: str = ""
    sides: tuple[Side, Side] | None = None  # what a comparison compares: here, and with what
    selected: Selected = field(default_factory=Selected)
    items: tuple[Subject, ...] = ()  # what the answer before this one listed

    @property
    def subject(self) -> Subject | None:
        return self.workload.subject if self.workload else None

    @property
    def told(self) -> str:
        """The window, for people."""
        return describe(self.window, self.zone, self.now)


@dataclass(frozen=True)
class Asked:
    """A question with what its surface gave beside it. `selection` is data: text of cells, or a variable's repr."""

    question: str
    namespace: str = ""
    window: TimeWindow | None = None
    selection: str = ""


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
    asked: Asked,
    conversation: Conversation,
    tools: Tools,
    settings: InvestigationSettings,
    now: datetime,
    model: IntentModel | None = None,
) -> Context | Unclear:
    """Raises UsageError for a given namespace that does not exist. `model` is asked when no pattern speaks."""
    question = _answered(asked.question, conversation)
    zone = zones.of_user(settings.time_zone)
    timed = read_window(question, now, zone)
    text = timed.rest
    reading, carried = intent.read(question), False
    if reading.intent != "compare":  # "before and after the last deploy" is all time phrase
        reading, carried = await _reading(text, timed, conversation, model)
    usual = timedelta(minutes=settings.window_minutes)
    selected = read_selection(asked.selection, now)
    if reading.intent in TIMELESS:
        span = asked.window or TimeWindow.ending(now, usual)
        where = conversation.namespace or settings.namespace
        return Context(question, reading, where, False, None, span, question, zone, now, selected=selected)
    if timed.doubt is not None and reading.intent != "compare":
        return _doubtful(timed.doubt, timed.phrase, question)

    place = await _place(asked, question, text, conversation, selected, tools, settings)
    if isinstance(place, Unclear):
        return place
    thing = await _thing(question, text, reading, carried, place, conversation, selected, tools)
    if isinstance(thing, Unclear):
        return thing
    workload, item = thing.workload, place.item
    if not place.named and (unknown := naming.unknown_place(question, text, place.spaces, place.there)):
        return unknown
    if reading.intent == "list" and not reading.kind and item is not None and item.kind == "Node":
        reading = replace(reading, kind="Pod")
    leans = carried or intent.has_pronoun(text) or item is not None
    window = await _span(asked, timed, reading, place.namespace, workload, conversation, tools, now)
    if isinstance(window, Doubt):
        return _doubtful(window, timed.phrase, question)
    window = window or selected.window or (conversation.window if leans else None)
    if window is None:
        window = TimeWindow.ending(now, max(usual, DEPLOYS_WINDOW) if reading.intent == "deploys" else usual)
    context = Context(
        question,
        reading,
        place.namespace,
        place.named,
        workload,
        window,
        text,
        zone,
        now,
        node=thing.node,
        image=thing.image,
        trace_id=_trace_id(question, reading, item, selected),
        selected=selected,
        items=conversation.items,
    )
    if reading.intent != "compare":
        return context
    compared = await sides_of(
        question, text, timed, place.namespace, workload, place.spaces, place.there, tools, now, zone, usual
    )
    if isinstance(compared, Unclear):
        return compared
    return replace(context, sides=compared, window=compared[0].window)


@dataclass(frozen=True)
class _Place:
    """Where it is asked about, and what is there. `there` and `spaces` are None where the cluster does not say."""

    namespace: str
    named: bool
    reachable: bool
    item: Subject | None  # of the last answer, that a number means
    spaces: frozenset[str] | None
    there: dict[str, Workload] | None


@dataclass(frozen=True)
class _Thing:
    workload: Workload | None
    node: str
    image: str


async def _place(
    asked: Asked,
    question: str,
    text: str,
    conversation: Conversation,
    selected: Selected,
    tools: Tools,
    settings: InvestigationSettings,
) -> _Place | Unclear:
    listed = await catalogue.namespaces(tools)
    spaces = listed.names
    named = naming.namespace_of(asked.namespace, question, text, spaces)
    if isinstance(named, Unclear):
        return named
    item = _item(question, conversation)
    if isinstance(item, Unclear):
        return item
    namespace = named or (item.namespace if item else "") or _place_of(selected, spaces)
    namespace = namespace or conversation.namespace or settings.namespace
    namespace = namespace or await context_namespace(tools)  # none without a kubeconfig: the site beside it
    there = await catalogue.workloads(tools, namespace) if listed.reachable else None
    return _Place(namespace, bool(named), listed.reachable, item, spaces, there)


async def _thing(
    question: str,
    text: str,
    reading: Reading,
    carried: bool,
    place: _Place,
    conversation: Conversation,
    selected: Selected,
    tools: Tools,
) -> _Thing | Unclear:
    """The workload, pod, node or image that is meant."""
    item, there = place.item, place.there
    node = await _node(question, text, reading, item, tools, place.reachable)
    if isinstance(node, Unclear):
        return node
    leaning = item if item is not None and item.kind not in _NO_WORKLOADS else None
    if leaning is None:
        leaning = _leaning(text, reading, conversation, carried, selected, there)
    cluster_wide = reading.kind in intent.table().cluster_scoped
    others = naming.namespaces_in(text, place.spaces) if reading.intent == "compare" else ()
    image = naming.image_of(text)
    about = _ROUTE.sub(" ", re.sub(re.escape(image), " ", text, flags=re.I) if image else text)
    about = "" if cluster_wide else about
    pod = await naming.pod_of(question, about, place.namespace, there, tools) if there else None
    if isinstance(pod, Unclear):
        return pod
    ignored = {node, *others} - {""}
    workload = pod or naming.workload_of(question, about, reading, place.namespace, there, leaning, ignored)
    return workload if isinstance(workload, Unclear) else _Thing(workload, node, image)


async def _span(
    asked: Asked,
    timed: Timed,
    reading: Reading,
    namespace: str,
    workload: Workload | None,
    conversation: Conversation,
    tools: Tools,
    now: datetime,
) -> TimeWindow | Doubt | None:
    """The window that was said; None when none was."""
    window = asked.window or timed.window
    if window is None and timed.anchor is not None and reading.intent != "compare":
        name = workload.subject.name if workload else ""
        before = conversation.investigation
        return await anchors.window_at(timed.anchor, timed.phrase, tools, namespace, name, before, now)
    return window


_NO_WORKLOADS = {"Node", "Namespace", "Trace", "Alert", "Image"}
_BY_ITEM: dict[str, Reading] = {
    "Trace": Reading("traces", topic="any"),
    "Node": Reading("list", kind="Pod"),
    "Namespace": Reading("status"),
}


async def _reading(
    text: str, timed: Timed, conversation: Conversation, model: IntentModel | None
) -> tuple[Reading, bool]:
    """What is wanted, and whether the question leans on the last one, which then says what it does not say itself."""
    last = conversation.reading
    if last is not None and timed.phrase and not names.words_of(text):
        return last, True  # nothing but a time was said
    reading = intent.read(text)
    if last is not None and last.intent not in {"help", "smalltalk"} and intent.carries_on(text):
        if reading.matched:
            return replace(reading, kind=reading.kind or last.kind), True
        return last, True
    if reading.matched:
        return reading, False
    position = intent.ordinal_of(text)
    if position and conversation.items:
        at = position - 1 if position > 0 else position
        kind = conversation.items[at].kind if abs(position) <= len(conversation.items) else ""
        return _BY_ITEM.get(kind, Reading("status")), False
    if model is not None:
        try:
            return await model.read(text) or reading, False
        except ToolError:
            return reading, False
    return reading, False


def _answered(question: str, conversation: Conversation) -> str:
    """The question that was pending, where this one answers what Jamie asked back."""
    pending = conversation.pending
    if pending is None:
        return question
    if len(pending.choices) == 1 and _YES.match(question):
        return pending.choices[0]
    position = intent.ordinal_of(question)
    if position and pending.choices and abs(position) <= len(pending.choices):
        return pending.choices[position - 1 if position > 0 else position]
    words = names.words_of(question)
    if pending.word and len(words) == 1 and not intent.read(question).matched and not intent.carries_on(question):
        return re.sub(re.escape(pending.word), words[0], pending.question, flags=re.I)
    return question


def _item(question: str, conversation: Conversation) -> Subject | Unclear | None:
    """The thing of the last answer that `the second one` means."""
    position = intent.ordinal_of(question)
    items = conversation.items
    if position and not items and not intent.read(question).matched and conversation.reading is not None:
        return Unclear("My last answer listed nothing that a number could mean. Which one do you mean?")
    if not position or not items:
        return None
    if abs(position) > len(items):
        listed = "only one thing" if len(items) == 1 else f"{len(items)} things"
        return Unclear(f"My last answer listed {listed}. Which one do you mean?")
    return items[position - 1 if position > 0 else position]


def _leaning(
    text: str,
    reading: Reading,
    conversation: Conversation,
    carried: bool,
    selected: Selected,
    there: dict[str, Workload] | None,
) -> Subject | None:
    pointed = selected.most_named(there or {})
    if pointed and there:
        return there[pointed].subject
    if intent.has_pronoun(text) or reading.intent == "since_when":
        return conversation.focus
    bare = len(names.words_of(text)) <= 1 and reading.matched
    if bare and reading.intent == "investigate" and len(conversation.items) == 1:
        return conversation.items[0]
    if carried or (bare and reading.intent == "investigate" and conversation.reading is not None):
        return conversation.subject
    return None


def _place_of(selected: Selected, spaces: frozenset[str] | None) -> str:
    return next((word for word in selected.words if word in (spaces or ()) and word != "default"), "")


async def _node(
    question: str, text: str, reading: Reading, item: Subject | None, tools: Tools, reachable: bool
) -> str | Unclear:
    if item is not None and item.kind == "Node":
        return item.name
    if reading.intent not in {"list", "count", "action", "capacity", "status"} or not reachable:
        return ""
    return await naming.node_of(question, text, reading, tools)


def _trace_id(question: str, reading: Reading, item: Subject | None, selected: Selected) -> str:
    if item is not None and item.kind == "Trace":
        return item.name
    if reading.intent != "traces":
        return ""
    said = _TRACE_ID.search(question.lower())
    if said:
        return said[0]
    return selected.traces[0] if selected.traces else ""


def _doubtful(doubt: Doubt, phrase: str, question: str) -> Unclear:
    return Unclear(doubt.text, tuple(question.replace(phrase, choice, 1) for choice in doubt.choices))
