"""StartupProbeWrongTiming (K8S112, state): a container's startup probe has the wrong timing.

What: a startup probe whose patience (initialDelaySeconds, periodSeconds times failureThreshold) ends before the
program is up, which shows in runs that last just as long; or whose timeout is too short for a program that is otherwise
well.

Why it matters: no container of the new template ever comes up.

Example: `Startup probe of app in 2 pods of cart fails since 03:26 UTC: it gives app 3 s to start, and it is stopped
before it is up (connection refused)`

What to do: give the startup probe more time; for slow starts use a startup probe.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.probes import probe_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return probe_findings(RULE, picture, "Startup", "timing")


RULE = Rule(
    "K8S112", "StartupProbeWrongTiming", "state", _check, specificity=0.92, names_cause=True, documentation=__doc__
)
