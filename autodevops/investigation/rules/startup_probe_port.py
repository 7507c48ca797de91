"""StartupProbeWrongPort (K8S109, state): a container's startup probe asks a port where nobody listens.

What: a startup probe that asks a port by a name the container does not have, or by a number that is refused while the
container declares (or its Services use) others.

Why it matters: no container of the new template ever comes up.

Example: `Startup probe of app in 2 pods of cart fails since 03:26 UTC: it asks port 9090, but app listens on 8080`

What to do: correct the port of the startup probe, best by giving it the port's name.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.probes import probe_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return probe_findings(RULE, picture, "Startup", "port")


RULE = Rule(
    "K8S109", "StartupProbeWrongPort", "state", _check, specificity=0.94, names_cause=True, documentation=__doc__
)
