"""Which namespace, workload, pod or node a question names. What does not exist is asked about, never replaced."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass

from autodevops.domain.subject import Subject
from autodevops.jamie import catalogue, intent, names
from autodevops.jamie.catalogue import Workload
from autodevops.jamie.intent import Reading
from autodevops.jamie.markdown import code
from autodevops.kernel.errors import UsageError
from autodevops.toolbox.protocol import Tools

SHOWN = 10  # names of what there is, when a name is unknown

_NAME = r"(?P<name>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)"
_NAMESPACE = (
    re.compile(rf"(?:\bnamespace|\bns|(?<!\S)-n|--namespace)[\s=:]+['\"`]?{_NAME}", re.I),
    re.compile(rf"\b(?:in|on|the)\s+(?:the\s+)?['\"`]?{_NAME}['\"`]?\s+namespace\b", re.I),
)
_IN = re.compile(rf"(?:\b(?P<before>\w+)\s+)?\bin\s+(?:the\s+)?['\"`]?{_NAME}", re.I)
_OF = re.compile(rf"\b(?:of|for|from)\s+(?:the\s+)?['\"`]?{_NAME}", re.I)
_MOVEMENT = re.compile(r"^(?:drop|spike|increase|rise|jump|surge|change|fall|dip|decrease|growth|go|goes)s?\s*$", re.I)
_NODE = re.compile(
    rf"\b(?P<how>node|host|machine|on|drain|cordon|uncordon)\s+(?:the\s+)?(?:node\s+)?['\"`]?{_NAME}", re.I
)
_POD = re.compile(rf"\bpod\s+['\"`]?{_NAME}", re.I)
_IMAGE = re.compile(
    r"\bimages?\s+(?:named\s+|called\s+)?['\"`]?(?P<name>[\w./-]+(?::[\w.-]+)?(?:@sha256:[0-9a-f]+)?)", re.I
)


@dataclass(frozen=True)
class Unclear:
    """Jamie asks back. `word` is what she does not know; `follow_ups` are whole questions."""

    text: str
    follow_ups: tuple[str, ...] = ()
    word: str = ""


def namespace_of(given: str, question: str, text: str, spaces: frozenset[str] | None) -> str | Unclear:
    """The namespace that was given or named; empty when none was. Raises UsageError for a given one that is not."""
    if given:
        if spaces is not None and given not in spaces:
            near = difflib.get_close_matches(given, spaces, n=3)  # only a hint: far ones may be named
            hint = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(sorted(spaces)[:SHOWN])}."
            raise UsageError(f"The namespace {given} does not exist.", hint)
        return given
    ignored = intent.table().not_names
    for pattern in _NAMESPACE:
        for found in pattern.finditer(text):
            name = found["name"].lower()
            if spaces is None and name not in ignored:
                return name
            if spaces is not None and name in spaces:
                return name
            if spaces is not None and name not in ignored:
                return ask("namespace", name, names.nearest(name, spaces), spaces, question)
    for found in _IN.finditer(text):
        name = found["name"].lower()
        if spaces is not None and name in spaces:
            return name
        if spaces is None and name not in ignored and not _MOVEMENT.match(found["before"] or ""):
            return name
    return next(iter(namespaces_in(text, spaces)), "")


def namespaces_in(text: str, spaces: frozenset[str] | None) -> list[str]:
    """All that are named, in the order in which they are."""
    ignored = intent.table().not_names
    return list(dict.fromkeys(word for word in names.words_of(text) if word not in ignored and word in (spaces or ())))


def unknown_place(
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
            return ask("namespace", name, names.nearest(name, spaces), spaces, question)
    return None


def workload_of(
    question: str,
    text: str,
    reading: Reading,
    namespace: str,
    there: dict[str, Workload] | None,
    leaning: Subject | None,
    ignored: Collection[str] = (),
) -> Workload | Unclear | None:
    """`leaning` is what "it" means, where the question says it."""
    skipped = intent.table().not_names | {namespace, *ignored}
    words = names.words_of(text)
    exact = names.find(words, there or {}, skipped)
    if exact and exact.name and there:
        return there[exact.name]
    named = [found["name"].lower() for found in _OF.finditer(text) if found["name"].lower() not in skipped]
    unknown: Unclear | None = None
    if there is not None and exact and exact.near:
        unknown = ask("workload", exact.word, exact.near, there, question, namespace)
    elif there is not None and named and reading.intent in {"logs", "metrics", "traces", "status", "compare"}:
        unknown = ask("workload", named[0], (), there, question, namespace)
    # What was taken along, or asked before, stands in for no name, and not for one that is not there.
    meant = leaning is not None and (there is None or leaning.name in there or leaning.kind == "Pod")
    if leaning is not None and meant and (unknown is None or intent.has_pronoun(text)):
        return there[leaning.name] if there and leaning.name in there else Workload(leaning)
    if there is None and named:
        return Workload(_service(named[0], namespace))
    return unknown


async def pod_of(
    question: str, text: str, namespace: str, there: Collection[str], tools: Tools
) -> Workload | Unclear | None:
    """A pod by its whole name: `pod NAME`, or a word that begins with a workload's name and goes on like a pod's."""
    said = _POD.search(text)
    ignored = intent.table().not_names
    word = said["name"].lower() if said and said["name"].lower() not in ignored else ""
    if not word or word in there:
        word = next(
            (
                each
                for each in names.words_of(text)
                if each not in there and any(each.startswith(f"{n}-") for n in there)
            ),
            "",
        )
    if not word:
        return None
    pods = await catalogue.names_of(tools, "Pod", namespace)
    if pods is None or word in pods:
        return Workload(Subject(kind="Pod", name=word, namespace=namespace, api_version="v1"))
    near = tuple(sorted(each for each in pods if each.startswith(word))[:3]) or names.nearest(word, pods)
    return ask("pod", word, near, pods, question, namespace)


async def node_of(question: str, text: str, reading: Reading, tools: Tools) -> str | Unclear:
    """The node that is named; empty when none is."""
    candidates = [(found["how"].lower(), found["name"].lower()) for found in _NODE.finditer(text)]
    candidates = [each for each in candidates if each[1] not in intent.table().not_names]
    if not candidates:
        return ""
    nodes = await catalogue.names_of(tools, "Node")
    if nodes is None:
        return next((name for how, name in candidates if how != "on"), "")
    for how, name in candidates:
        if name in nodes:
            return name
        near = names.nearest(name, nodes)
        if near or how != "on" or reading.kind == "Pod":
            return ask("node", name, near, nodes, question)
    return ""


def image_of(text: str) -> str:
    """`image NAME`: which images there are is only known once they are listed."""
    for found in _IMAGE.finditer(text):
        name = found["name"].strip(".").lower()
        if name not in intent.table().not_names and name not in {"used", "of", "in", "does", "do", "that"}:
            return name
    return ""


def _service(name: str, namespace: str) -> Subject:
    return Subject(kind="Service", name=name, namespace=namespace, api_version="opentelemetry.io")


def ask(
    what: str, name: str, near: tuple[str, ...], existing: Collection[str], question: str, namespace: str = ""
) -> Unclear:
    where = f" in namespace {code(namespace)}" if namespace else ""
    said = f"I know no {what} {code(name)}{where}."
    if near:
        again = tuple(re.sub(re.escape(name), other, question, flags=re.I) for other in near)
        return Unclear(f"{said} Did you mean {' or '.join(code(other) for other in near)}?", again, name)
    shown = sorted(existing)[:SHOWN]
    there = ", ".join(code(other) for other in shown)
    there += f" and {len(existing) - len(shown)} more" if len(existing) > len(shown) else ""
    return Unclear(f"{said} {f'There are: {there}.' if shown else 'There are none.'} Which one do you mean?", (), name)
