"""NetworkDelay (TRC010, state): calls to a workload wait for the network, while it answers as fast as ever.

What: in slow traces, the callers' client spans are longer than the workload's server spans by much more than before,
and that gap accounts for a large part of what requests take longer. The workload, or one pod of it, is what the
delayed calls share and the others do not. A database sends no spans: there calls wait on the way where they take
longer, and it has no more sessions at work than before, though so much waiting would be several of them.

Why it matters: neither the caller nor the callee is slow by its own spans; restarting or scaling either does nothing.

Example: `Calls to inventory spend 310 ms on the network, 1 ms before, in 14 of 15 calls; inventory itself is as fast`.

What to do: look at the pods' network: policies with a proxy, sidecars, a CNI under stress, traffic shaping, a zone
boundary; compare with pods on other nodes.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, seconds
from autodevops.investigation.rules.idle_stores import idle_evidence
from autodevops.investigation.rules.network_paths import find_delay
from autodevops.investigation.rules.slow_calls import far, slow_callees
from autodevops.investigation.rules.slow_database import slower_calls
from autodevops.investigation.rules.stores import moment
from autodevops.investigation.rules.traced import certainty

_IDLE = "no more of its sessions are at work: they wait on the way"


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    yield from _to_workloads(picture, earlier)
    yield from _to_stores(picture, earlier)


def _to_stores(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    """By the metrics of callers, else by their traces."""
    slower = {one.store.subject: one for one in slower_calls(picture, earlier)}
    for subject, calls in sorted(slower.items(), key=lambda item: str(item[0])):
        if calls.idle:
            yield RULE.finding(
                subject,
                f"{calls.sentence}, and {_IDLE}.",
                severity="error",
                confidence=calls.episode.confidence,
                evidence=[*calls.store.evidence("call_seconds", "calls"), *idle_evidence(subject, picture)],
                onset=moment(calls.episode.onset),
            )
    for callee in slow_callees(picture, earlier):
        if callee.subject in slower or not far(callee, picture):
            continue
        seen = (*picture.slow_traces, *picture.ordinary_traces)
        yield RULE.finding(
            callee.subject,
            f"Calls to {callee.subject.name} ({callee.database}) take {seconds(callee.now / 1000)} for"
            f" {callee.operation[:80]}, {seconds(callee.before / 1000)} before, and {_IDLE}.",
            severity="error",
            confidence=certainty(callee.certain, min(len(picture.slow_traces), len(picture.ordinary_traces))),
            evidence=[*(one.evidence for one in seen), *idle_evidence(callee.subject, picture)],
        )


def _to_workloads(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    delay = find_delay(picture, earlier)
    if delay is None or delay.where == "node":
        return
    name = delay.subject.name
    which = {
        "callee": f"Calls to {name} spend",
        "pod": f"Calls to and from pod {delay.name} of {name} spend",
        "caller": f"Calls from {name} spend",
    }[delay.where]
    yield RULE.finding(
        delay.subject,
        f"{which} {seconds(delay.now / 1000)} on the network, {seconds(delay.usual / 1000)} before,"
        f" in {len(delay.paths)} calls; who is called is as fast as ever.",
        severity="error",
        confidence=certainty(delay.fit, len(delay.paths)),
        evidence=[path.evidence for path in delay.paths],
    )


RULE = Rule(
    "TRC010", "NetworkDelay", "state", _check, specificity=0.85, stage=3, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
