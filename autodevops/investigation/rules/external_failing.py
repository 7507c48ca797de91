"""ExternalFailing (DB017, state): calls to something outside of the namespace fail, and it is not ours to repair.

What: at least half of the failing traces that were opened, and three of them, fail in a call to one host outside (no
workload here), by a server error (5xx), a connection that was refused, or a time limit, and its callers are hurt.
That the caller's request was wrong (4xx) is the caller's affair.

Why it matters: the callers look guilty, as nobody there has a span; restarting or rolling them back helps nothing.

Example: `Calls to acquirer.example fail in 7 of 8 failing traces: 503 (payment)`

What to do: see its status page and tell its people; degrade, queue, or fail over to another provider. If nobody else
has trouble with it, look at the way there: DNS, egress policy, proxy, certificate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from autodevops.analysis.spans import ErrorOrigin, error_origins
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.dependency_edges import callee_of, system_of_span, unanswered
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.stores import hurt_callers

_LEAST_TRACES = 3
_SHARE = 0.5


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    found: dict[Subject, list[tuple[str, EvidenceId]]] = {}
    for seen in picture.error_traces:
        alone = {span.span_id for span in unanswered(seen)}
        here: dict[Subject, str] = {}
        for origin in error_origins(seen.trace):
            subject = callee_of(origin.span, picture.inventory) if origin.span.span_id in alone else None
            words = _fault(origin)
            if subject is not None and words and picture.inventory.workload(subject) is None:
                here.setdefault(subject, words)
        for subject, words in here.items():
            found.setdefault(subject, []).append((words, seen.evidence))
    for subject, cases in sorted(found.items(), key=lambda item: str(item[0])):
        hurt = hurt_callers(subject, picture, earlier)
        total = len(picture.error_traces)
        if len(cases) < max(_LEAST_TRACES, _SHARE * total) or not hurt or _reaches_workload(subject, picture):
            continue
        words = Counter(word for word, _ in cases).most_common(1)[0][0]
        yield RULE.finding(
            subject,
            f"Calls to {subject.name} fail in {len(cases)} of {total} failing traces: {words}"
            f" ({', '.join(one.name for one in hurt[:3])}).",
            severity="error",
            confidence=len(cases) / (total + 1.0),
            evidence=[evidence for _, evidence in cases],
        )


def _reaches_workload(subject: Subject, picture: Picture) -> bool:
    """A Service that leads to a workload here is no outside."""
    return any(picture.graph.reaches(subject, workload.subject) for workload in picture.inventory.workloads)


def _fault(origin: ErrorOrigin) -> str:
    """What speaks for the callee's fault, or for the way to it; empty for a request that was wrong."""
    if system_of_span(origin.span) != "http":
        return ""
    status = str(origin.span.attributes.get("http.response.status_code", ""))
    if status:
        return status if status.startswith("5") else ""
    return origin.message or origin.exception or "no answer"


RULE = Rule(
    "DB017", "ExternalFailing", "state", _check, specificity=0.8, stage=2, shows_elsewhere=True, documentation=__doc__
)
