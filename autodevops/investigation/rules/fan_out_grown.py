"""FanOutGrown (TRC015, locator): a workload calls another one several times as often for each request as before.

What: calls of one operation for each request of the caller grew at least threefold and by three against ordinary
traces from before the onset, without failed calls that would make them retries, and it is no query in a loop. Where
no such trace was kept, the callee's requests must have grown threefold against the caller's.

Why it matters: the callee gets a multiple of the load with the same traffic at the entry, and looks like the culprit.

Example: `search calls pricing 24 times for GET /prices/{sku} in one request, 2 before`.

What to do: look at the caller's latest change; batch the calls, or bound them.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import mean

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.repeated_calls import RETRIED, load_beyond, repeated
from autodevops.investigation.rules.traced import LEAST_TRACES, callees_of, certainty, hurt_with

_TIMES = 3.0
_MORE = 3.0


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    callees = callees_of(picture.recent_traces, picture.inventory)
    for found in repeated(picture):
        count = mean(group.count for group in found.now)
        before, callee = found.before, callees.get(found.callee)
        rise = next((f.onset for f in earlier if f.subject == callee and f.reason == "TrafficChanged"), None)
        if before is None and callee is not None and rise is not None:
            load = load_beyond(found.subject, callee, picture, rise)
            before = count / load if load else None
        if before is None or len(found.now) < LEAST_TRACES or found.again >= RETRIED:
            continue
        if found.database and all(group.in_turn for group in found.now):
            continue
        if count < _TIMES * before or count < before + _MORE:
            continue
        felt = hurt_with(found.subject, picture, earlier)
        yield RULE.finding(
            found.subject,
            f"{found.subject.name} calls {found.callee} {count:.0f} times for {found.operation[:80]} in one request,"
            f" {before:.1f} before.",
            severity="error" if felt else "info",
            confidence=certainty(0.9, len(found.now)),
            evidence=found.evidence,
        )


RULE = Rule(
    "TRC015", "FanOutGrown", "locator", _check, specificity=0.5, stage=3, loads_callees=True, documentation=__doc__,
)  # fmt: skip
