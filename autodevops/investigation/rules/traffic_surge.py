"""TrafficSurge (MET017, state): far more requests arrive at the entry, and what is behind it is not large enough.

What: the request rate of a workload that no other one in trouble or with more traffic calls rose to two and a half
times its baseline or more, and it, or somebody it leads to, became slow, failing or throttled after that. The rise
must go on along the calls; a callee whose callers' traffic stayed the same is called more often, not by more users.
Where nothing is wrong it is context: nobody suffers yet.

Why it matters: the victims have changed nothing; a rollback or restart makes it worse.

Example: `frontend gets 229 requests/s since 11:41 UTC, 48 before; recommendation is throttled since 11:42 UTC`.

What to do: scale out what saturates first; shed or rate-limit at the entry; find out who sends it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import name_of
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.episodes import mean_between
from autodevops.investigation.rules.shortage import lacks_pods

_SATURATED = {
    "LatencyIncreased", "ErrorRateIncreased", "CPUThrottled", "CPUSaturated", "ConnectionPoolFull",
    "ThreadPoolExhausted",
}  # fmt: skip
_SLACK = timedelta(minutes=2)
_TIMES = 2.5


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    rises = {f.subject: f for f in earlier if f.reason == "TrafficChanged" and _rose(f, picture)}
    for entry, rise in sorted(rises.items(), key=lambda item: str(item[0])):
        callers = [s.subject for s in picture.signals_of("request_rate") if picture.graph.reaches(s.subject, entry)]
        if any(caller in rises or not picture.graph.reaches(entry, caller) for caller in callers) or rise.onset is None:
            continue  # the requests come from a caller, or one of its callers asks more often
        felt = [
            f
            for f in earlier
            if f.severity != "info"
            and f.reason in _SATURATED
            and (f.subject == entry or picture.graph.reaches(entry, f.subject))
            and f.onset is not None
        ]
        if not felt and not any(f.severity != "info" for f in earlier):
            yield RULE.finding(
                entry,
                f"{rise.message.rstrip('.')}; nobody suffers from it.",
                severity="info",
                confidence=rise.confidence,
                evidence=rise.evidence,
                onset=rise.onset,
            )
        if not felt or any(f.onset < rise.onset - _SLACK for f in felt if f.onset is not None):
            continue
        scaled = _badly_scaled(picture, earlier)
        first = min(felt, key=lambda f: (f.onset or rise.onset, str(f.subject), f.rule_id))
        since = f"; {first.subject.name} suffers from {clock(first.onset)} on" if first.onset else ""
        yield RULE.finding(
            entry,
            f"{rise.message.rstrip('.')}{since}.",
            severity="info" if all(f.subject in scaled for f in felt) else "error",
            confidence=rise.confidence,
            evidence=[*rise.evidence, *(item for f in felt for item in f.evidence)],
            onset=rise.onset,
        )


def _badly_scaled(picture: Picture, earlier: tuple[Finding, ...]) -> set[Subject]:
    """Workloads whose autoscaler should have met the load and could not: that or what keeps pods away is at fault."""
    named = {f.subject.name for f in earlier if f.subject.kind == "HorizontalPodAutoscaler" and f.severity != "info"}
    found: set[Subject] = set()
    for scaler in picture.inventory.of_kind("HorizontalPodAutoscaler"):
        owner = picture.inventory.scaled_by(scaler)
        if owner is not None and (name_of(scaler) in named or lacks_pods(owner, picture.inventory)):
            found.add(owner)
    return found


def _rose(finding: Finding, picture: Picture) -> bool:
    """Whether a change of traffic is a rise that lasts: TrafficChanged tells both directions."""
    signal = picture.signal(finding.subject, "request_rate")
    if signal is None or finding.onset is None or _is_over(finding.subject, picture):
        return False
    onset = finding.onset.timestamp()
    before = mean_between(signal, float(signal.times[0]), onset - 1)
    after = mean_between(signal, onset + 120, float(signal.times[-1]))
    return before is not None and after is not None and after >= _TIMES * before


def _is_over(subject: Subject, picture: Picture) -> bool:
    """Whether the rate of the last minutes is back where it was."""
    signal = picture.signal(subject, "request_rate")
    if signal is None:
        return True
    end = picture.span.window.end.timestamp()
    now = mean_between(signal, end - 300, end)
    before = mean_between(signal, float(signal.times[0]), picture.span.window.start.timestamp())
    return now is None or before is None or now < 2 * before


RULE = Rule(
    "MET017", "TrafficSurge", "state", _check, specificity=0.9, stage=3, names_cause=True, shows_elsewhere=True,
    loads_callees=True, documentation=__doc__,
)  # fmt: skip
