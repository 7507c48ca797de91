"""ReadinessProbeWrongTiming (K8S108, state): a container's readiness probe has the wrong timing.

What: a container that is not ready because its readiness probe first asks long after the start (initialDelaySeconds).

Why it matters: the pods get no traffic; when all of them fail, callers are refused.

Example: `Readiness probe of app in 2 pods of cart fails since 03:26 UTC: it first asks 600 s after
the start`

What to do: let it ask sooner (initialDelaySeconds); for slow starts use a startup probe.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.probes import probe_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return probe_findings(RULE, picture, "Readiness", "timing")


RULE = Rule(
    "K8S108", "ReadinessProbeWrongTiming", "state", _check, specificity=0.92, names_cause=True, documentation=__doc__
)
