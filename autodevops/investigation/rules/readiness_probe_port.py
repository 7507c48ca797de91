"""ReadinessProbeWrongPort (K8S105, state): a container's readiness probe asks a port where nobody listens.

What: a readiness probe that asks a port by a name the container does not have, or by a number that is refused while
the container declares (or its Services use) others.

Why it matters: the pods get no traffic; when all of them fail, callers are refused.

Example: `Readiness probe of app in 2 pods of cart fails since 03:26 UTC: it asks port 9090, but app listens on 8080`

What to do: correct the port of the readiness probe, best by giving it the port's name.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.probes import probe_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return probe_findings(RULE, picture, "Readiness", "port")


RULE = Rule(
    "K8S105", "ReadinessProbeWrongPort", "state", _check, specificity=0.94, names_cause=True, documentation=__doc__
)
