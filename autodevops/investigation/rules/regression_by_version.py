"""RegressionByVersion (TRC018, state): one version of a workload fails or is slow while another is not.

What: server spans of the same time are split by version: service.version, or the ReplicaSet of the pod where versions
do not differ. Errors that start in the workload, or the time it spends in itself, are compared; each side needs five
spans, so that it can be seen during a rolling or canary release only.

Why it matters: both versions see the same callers, data and machines at the same time; what is left is the version.

Example: `catalog 2.5.0 fails 48 % of its requests by itself, 2.4.1 none at the same time (23 and 31 spans)`.

What to do: stop the release and roll back to the version that is well.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from autodevops.analysis.span_names import pod, version
from autodevops.analysis.span_times import self_times
from autodevops.analysis.spans import error_origins
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.domain.trace import Span
from autodevops.investigation.gather.traces import service_subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, percent, seconds
from autodevops.investigation.rules.traced import certainty, hurt_with

_LEAST_SPANS = 5
_LEAST_ERRORS = 3
_LEAST_SURPRISE = 2.5  # standard deviations between two shares
_TIMES_SLOWER = 2.0
_LEAST_SLOWER_MS = 10.0


@dataclass
class _Seen:
    own: list[float] = field(default_factory=list)
    errors: int = 0
    evidence: list[EvidenceId] = field(default_factory=list)


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for subject, versions in sorted(_by_version(picture).items(), key=lambda item: str(item[0])):
        enough = {name: seen for name, seen in versions.items() if len(seen.own) >= _LEAST_SPANS}
        if len(enough) < 2:
            continue
        worst = max(enough, key=lambda name: (enough[name].errors / len(enough[name].own), name))
        slowest = max(enough, key=lambda name: (median(enough[name].own), name))
        told = _fails(subject, worst, enough) or _is_slow(subject, slowest, enough)
        if told:
            yield RULE.finding(
                subject,
                told,
                severity="error" if hurt_with(subject, picture, earlier) else "info",
                confidence=certainty(0.95, min(len(seen.own) for seen in enough.values())),
                evidence=[item for seen in enough.values() for item in seen.evidence],
            )


def _by_version(picture: Picture) -> dict[Subject, dict[str, _Seen]]:
    found: dict[Subject, dict[str, _Seen]] = defaultdict(lambda: defaultdict(_Seen))
    spans = [
        (seen, span, service_subject(span, picture.inventory))
        for seen in picture.recent_traces
        for span in seen.trace.spans
        if span.kind in {"server", "consumer"}
    ]
    named: dict[Subject, set[str]] = defaultdict(set)
    for _, span, subject in spans:
        named[subject].add(version(span))
    times = {seen.trace.trace_id: self_times(seen.trace) for seen in picture.recent_traces}
    origins = {
        seen.trace.trace_id: {(o.service, pod(o.span)) for o in error_origins(seen.trace)}
        for seen in picture.recent_traces
    }
    for seen, span, subject in spans:
        name = version(span) if len(named[subject]) > 1 else _replica_set(span)
        if name:
            entry = found[subject][name]
            entry.own.append(times[seen.trace.trace_id][span.span_id])
            entry.errors += (span.service, pod(span)) in origins[seen.trace.trace_id]
            entry.evidence.append(seen.evidence)
    return found


def _replica_set(span: Span) -> str:
    return pod(span).rpartition("-")[0]


def _fails(subject: Subject, bad: str, versions: dict[str, _Seen]) -> str:
    others = [seen for name, seen in versions.items() if name != bad]
    errors, count = sum(seen.errors for seen in others), sum(len(seen.own) for seen in others)
    mine, total = versions[bad].errors, len(versions[bad].own)
    share, other, whole = mine / total, errors / count, (mine + errors) / (total + count)
    spread = math.sqrt(whole * (1 - whole) * (1 / total + 1 / count))
    if mine < _LEAST_ERRORS or not spread or (share - other) / spread < _LEAST_SURPRISE or share < 3 * other:
        return ""
    return (
        f"{subject.name} {bad} fails {percent(share)} of the traced requests by itself, other versions"
        f" {percent(other)} at the same time ({total} and {count} spans)."
    )


def _is_slow(subject: Subject, slow: str, versions: dict[str, _Seen]) -> str:
    others = [time for name, seen in versions.items() if name != slow for time in seen.own]
    mine, usual = versions[slow].own, median(others)
    faster = sum(1 for time in mine if time <= max(usual * _TIMES_SLOWER, usual + _LEAST_SLOWER_MS))
    slower = sum(1 for time in others if time > max(usual * _TIMES_SLOWER, usual + _LEAST_SLOWER_MS))
    if faster * 4 > len(mine) or slower * 4 > len(others):
        return ""
    return (
        f"{subject.name} {slow} spends {seconds(median(mine) / 1000)} in itself for a request, other versions"
        f" {seconds(usual / 1000)} at the same time ({len(mine)} and {len(others)} spans)."
    )


RULE = Rule("TRC018", "RegressionByVersion", "state", _check, specificity=0.75, stage=3, documentation=__doc__)
