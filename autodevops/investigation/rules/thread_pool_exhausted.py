"""ThreadPoolExhausted (MET014, state): all threads of a server or executor are busy.

What: busy threads over the maximum at or above 90 % (Tomcat, Jetty; executors with tasks in the queue), and not so
before the window.

Why it matters: further requests queue in front of the program, where its own latency does not count them.

Example: `98 % of the threads http-nio-8080 of 2 pods of frontend are busy`.

What to do: see what the threads wait for (a slow callee without a time limit, a lock); more threads rarely help.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture, Saturation
from autodevops.investigation.rules.base import Rule, percent
from autodevops.investigation.rules.pressures import in_pods, pressed


def _words(item: Saturation, count: int) -> str:
    return f"{percent(item.ratio)} of the threads {item.what} {in_pods(item.subject, count)} are busy."


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return pressed(RULE, picture, earlier, "threads", _words)


RULE = Rule("MET014", "ThreadPoolExhausted", "state", _check, specificity=0.5, stage=2, documentation=__doc__)
