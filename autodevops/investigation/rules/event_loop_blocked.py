"""EventLoopBlocked (MET021, state): a program with one event loop keeps it busy, so that everything in it waits.

What: the loop's own mean delay (nodejs_eventloop_lag_mean_seconds of prom-client, OpenTelemetry's
nodejs_eventloop_delay_mean_seconds) over 100 ms, and not so before the window, while the workload is slow or failing;
over half a second in any case: requests whose clients gave up waiting are often not counted at all.

Why it matters: one synchronous piece of work (a large JSON, a regular expression, encryption) stops all requests,
health checks and scrapes.

Example: `The event loop of shop is held up for 310 ms on average, and all of it waits`

What to do: take a CPU profile (`node --cpu-prof`), move the work to a worker thread or split it; a rollout near the
onset says where to look.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture, Saturation
from autodevops.investigation.rules.base import Rule, seconds
from autodevops.investigation.rules.pressures import in_pods, pressed

_FELT_SECONDS = 0.5


def _words(item: Saturation, count: int) -> str:
    where = in_pods(item.subject, count)
    return f"The event loop {where} is held up for {seconds(item.ratio)} on average, and all of it waits."


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return pressed(RULE, picture, earlier, "event loop", _words, _FELT_SECONDS)


RULE = Rule("MET021", "EventLoopBlocked", "state", _check, specificity=0.7, stage=2, documentation=__doc__)
