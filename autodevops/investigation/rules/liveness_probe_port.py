"""LivenessProbeWrongPort (K8S100, state): a container's liveness probe asks a port where nobody listens.

What: a liveness probe that asks a port by a name the container does not have, or by a number that is refused while the
container declares (or its Services use) others.

Why it matters: a container is killed again and again, and requests in flight are lost.

Example: `Liveness probe of app in 2 pods of cart fails since 03:26 UTC: it asks port 9090, but app listens on 8080`

What to do: correct the port of the liveness probe, best by giving it the port's name.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.probes import probe_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return probe_findings(RULE, picture, "Liveness", "port")


RULE = Rule(
    "K8S100", "LivenessProbeWrongPort", "state", _check, specificity=0.94, names_cause=True, documentation=__doc__
)
