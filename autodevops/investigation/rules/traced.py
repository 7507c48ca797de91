"""What the rules over traces share: whose a span is, where slow requests spend their extra time, who feels it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from autodevops.analysis.span_names import database, first, http_status, never_connected, node, peer, pod, refused
from autodevops.analysis.span_times import Extra, extra_times
from autodevops.analysis.spans import OUTGOING, ErrorOrigin, tree_of
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.domain.trace import Span, Trace
from autodevops.investigation.gather.traces import peer_subject, service_subject
from autodevops.investigation.inventory import Inventory, name_of, section
from autodevops.investigation.picture import Picture, SeenTrace

LEAST_TRACES: Final = 3
LEAST_SHARE: Final = 0.5
LEAST_INCREASE_MS: Final = 10.0

# What a client says when the other side is at fault: it does not answer, refuses, breaks off, is full or read-only.
_AT_CALLEE = re.compile(
    r"(?i)timed? ?out|deadline[ _]?exceeded|refused|reset by peer|broken pipe|unavailable|unreachable|eof\b|econn"
    r"|etimedout|no route to host|too many (?:clients|connections)|remaining connection slots|read-only"
    r"|server (?:closed|has gone away)|connection (?:closed|lost|terminated|is closed)|shutting down|starting up"
    r"|recovery mode|no space left|disk full|\boom\b|out of memory|\b(?:08|53|57)[0-9A-Z]{3}\b|\b25006\b|\b58030\b"
)
# What it says when the caller is: the name it asks for does not exist, or it is not let in, or asks nonsense.
_AT_CALLER = re.compile(
    r"(?i)no such host|enotfound|eai_|name (?:or service )?not known|name resolution|unknown ?host|server misbehaving"
    r"|authentication|password|permission denied|access denied|unauthori[sz]ed|forbidden|syntax error"
    r"|does not exist|duplicate key|constraint|certificate|x509"
)

_GAVE_UP = re.compile(r"(?i)timed? ?out|timeout|deadline[ _]?exceeded")
_NEARLY_ALL = 0.9  # of the time it waited


def at_callee(origin: ErrorOrigin) -> bool:
    """Whether the words of a call without an answer accuse whom it calls rather than who calls."""
    status = http_status(origin.span)
    if status is not None and status >= 400:
        return status >= 500 or status == 429
    words = f"{origin.exception} {origin.message} {first(origin.span, 'db.response.status_code')}"
    return bool(_AT_CALLEE.search(words)) and not _AT_CALLER.search(words)


def blamed(origin: ErrorOrigin, inventory: Inventory) -> Subject:
    """Where an error starts: with who failed, or with whom it called in vain and who sends no spans himself.

    A workload that does send spans and left this call without one may not have been reached at all, which is the
    affair of other rules: the error is its caller's to tell.
    """
    caller = service_subject(origin.span, inventory)
    if not origin.unanswered or not at_callee(origin):
        return caller
    callee = peer_subject(origin.span, inventory)
    if callee is None:
        return caller
    silent = bool(database(origin.span)) or callee.kind == "Service"
    return callee if silent else caller


def waited_for(origin: ErrorOrigin, trace: Trace, inventory: Inventory) -> Subject | None:
    """Whom a span that gave up after waiting had waited for, if an answer of another service took all that time.

    Nobody where the call was repeated: whether retries press the callee is another question.
    """
    if not _GAVE_UP.search(f"{origin.exception} {origin.message}"):
        return None
    tree = tree_of(trace)
    span = origin.span
    if sum(1 for other in tree.children.get(span.parent_span_id, []) if other.name == span.name) > 1:
        return None
    while span.service == origin.span.service:
        below = [child for child in tree.of(span) if tree.waits_for(span, child)]
        longest = max(below, key=lambda child: (child.duration_ms, child.span_id), default=None)
        if longest is None or longest.duration_ms < _NEARLY_ALL * origin.span.duration_ms:
            return None
        span = longest
    return service_subject(span, inventory)


def gave_up(origin: ErrorOrigin) -> bool:
    """Whether the caller waited for an answer as long as it would, and no connection was wanting."""
    unanswered = http_status(origin.span) is None and not never_connected(origin.span)
    return unanswered and bool(_GAVE_UP.search(f"{origin.exception} {origin.message}"))


def refused_caller(origin: ErrorOrigin, trace: Trace, inventory: Inventory) -> Subject | None:
    """The caller of another service whose request was refused."""
    if not refused(origin.span):
        return None
    tree = tree_of(trace)
    above = tree.parents.get(origin.span.span_id)
    return service_subject(above, inventory) if above is not None and above.service != origin.span.service else None


def slow_now(earlier: Iterable[Finding]) -> bool:
    return any(f.reason == "LatencyIncreased" and f.severity != "info" for f in earlier)


def compared(picture: Picture, earlier: tuple[Finding, ...]) -> list[Extra]:
    """Where slow requests spend what they take longer; empty where nothing is slow or too little was seen."""
    slow, ordinary = picture.slow_traces, picture.ordinary_traces
    if min(len(slow), len(ordinary)) < LEAST_TRACES or not slow_now(earlier):
        return []
    found = picture.once(_extras)
    return found if total(found) >= LEAST_INCREASE_MS else []


def _extras(picture: Picture) -> list[Extra]:
    slow, ordinary = picture.slow_traces, picture.ordinary_traces
    return extra_times([seen.trace for seen in slow], [seen.trace for seen in ordinary])


def total(extras: Iterable[Extra]) -> float:
    return sum(extra.more for extra in extras if extra.more > 0)


def by_subject(extras: Iterable[Extra], subjects: Mapping[str, Subject]) -> dict[Subject, list[Extra]]:
    found: dict[Subject, list[Extra]] = defaultdict(list)
    for extra in extras:
        found[subjects[extra.place.service]].append(extra)
    return dict(found)


def certainty(share: float, count: int) -> float:
    """One trace proves less than eight."""
    return share * count / (count + 1.0)


def hurt_with(subject: Subject, picture: Picture, earlier: Iterable[Finding]) -> bool:
    """Whether it, or somebody who depends on it, suffers now from what users notice."""
    hurt = {f.subject for f in earlier if f.severity != "info" and f.rule_id.startswith("MET00")}
    return any(other == subject or picture.graph.reaches(other, subject) for other in hurt)


def as_ever(seen: Iterable[SeenTrace], picture: Picture, earlier: Iterable[Finding]) -> bool:
    """Whether these failing requests are the few that there always are: everybody in them is known not to fail more.

    Who is measured by nobody may fail more, so that one such span is enough to say nothing.
    """
    measured = {signal.subject for signal in picture.signals_of("error_ratio")}
    failing = {f.subject for f in earlier if f.reason.startswith("ErrorRate") and f.severity != "info"}
    within = {service_subject(span, picture.inventory) for one in seen for span in one.trace.spans}
    return bool(within) and within <= measured and within.isdisjoint(failing)


def node_of(span: Span, inventory: Inventory) -> str:
    """The node a span was made on, by its resource or by where its pod runs."""
    named = node(span)
    if named or not pod(span):
        return named
    return inventory.once(_nodes_of_pods).get(pod(span), "")


def _nodes_of_pods(inventory: Inventory) -> dict[str, str]:
    return {name_of(item): str(section(item, "spec").get("nodeName") or "") for item in inventory.pods}


def callees_of(traces: Iterable[SeenTrace], inventory: Inventory) -> dict[str, Subject]:
    """Subjects by the names under which callers call them: whose span answered, else whom the address leads to."""
    found: dict[str, Subject] = {}
    answered: dict[str, Subject] = {}
    for seen in traces:
        tree = tree_of(seen.trace)
        for span in tree.order:
            name = peer(span) if span.kind in OUTGOING else ""
            answer = tree.answer(span)
            if answer is not None:
                subject = service_subject(answer, inventory)
                answered.setdefault(answer.service, subject)
                if name:
                    answered.setdefault(name, subject)
            elif name and name not in found:
                callee = peer_subject(span, inventory)
                if callee is not None:
                    found[name] = callee
    return found | answered
