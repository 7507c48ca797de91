"""RetryStorm (TRC016, state): a workload calls again and again what fails it, and so keeps it down.

What: at least a quarter of its calls to a callee are made right after one that failed, each request makes at least
half as many calls again as before the onset, and the callee gets more requests than its callers' traffic accounts for.
Where the callee has a cause of its own (a change, a crash, an exception), the retries only add to it and are context.

Why it matters: retries multiply the load just when there is no room for it; the callee cannot recover while they last.

Example: `checkout calls payment 3.8 times for each request, 1.0 before; 71 % of the calls repeat one that failed`.

What to do: bound retries (a budget, exponential back-off with jitter, a circuit breaker), and let only one layer retry.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import mean

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, percent
from autodevops.investigation.rules.repeated_calls import RETRIED, load_beyond, repeated
from autodevops.investigation.rules.traced import LEAST_TRACES, callees_of, certainty

_TIMES = 1.5
_MORE_LOAD = 1.3  # the callee's requests over its caller's, against before
_OWN_CAUSES = {"RolloutNearOnset", "OOMKilled", "CrashLoopBackOff", "CrashLogged", "ErrorsStartInService"}
_SATURATED = {"CPUThrottled", "CPUSaturated", "LatencyIncreased", "ConnectionPoolFull", "ThreadPoolExhausted"}


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    callees = callees_of(picture.recent_traces, picture.inventory)
    for found in repeated(picture):
        callee = callees.get(found.callee)
        count = mean(group.count for group in found.now)
        usual = max(1.0, found.before or 1.0)
        if callee is None or found.again < RETRIED or count < _TIMES * usual or len(found.now) < LEAST_TRACES:
            continue
        active = [f for f in earlier if f.subject == callee and f.severity != "info"]
        load = load_beyond(found.subject, callee, picture)
        overloads = (
            any(f.reason in _SATURATED for f in active)
            and not any(f.reason in _OWN_CAUSES for f in active)
            and (load is None or load >= _MORE_LOAD)
        )
        yield RULE.finding(
            found.subject,
            f"{found.subject.name} calls {callee.name} {count:.1f} times for each request, {usual:.1f} before;"
            f" {percent(found.again)} of the calls repeat one that failed.",
            severity="error" if overloads else "info",
            confidence=certainty(0.9, len(found.now)),
            evidence=found.evidence,
        )


RULE = Rule(
    "TRC016", "RetryStorm", "state", _check, specificity=0.75, stage=4, names_cause=True, shows_elsewhere=True,
    loads_callees=True, documentation=__doc__,
)  # fmt: skip
