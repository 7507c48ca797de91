"""LivenessProbeWrongTiming (K8S103, state): a container's liveness probe has the wrong timing.

What: a liveness probe whose patience (initialDelaySeconds, periodSeconds times failureThreshold) ends before the
program is up, which shows in runs that last just as long; or whose timeout is too short for a program that is otherwise
well.

Why it matters: a container is killed again and again, and requests in flight are lost.

Example: `Liveness probe of app in 2 pods of cart fails since 03:26 UTC: it gives app 3 s to start, and it is stopped
before it is up (connection refused)`

What to do: give the liveness probe more time; for slow starts use a startup probe.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.probes import probe_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return probe_findings(RULE, picture, "Liveness", "timing")


RULE = Rule(
    "K8S103", "LivenessProbeWrongTiming", "state", _check, specificity=0.92, names_cause=True, documentation=__doc__
)
