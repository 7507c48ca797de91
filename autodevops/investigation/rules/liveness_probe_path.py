"""LivenessProbeWrongPath (K8S102, state): a container's liveness probe asks a path that the program does not serve.

What: a liveness probe that the program answers with 404, 405 or 410, or with 401 or 403 because the path wants
credentials.

Why it matters: a container is killed again and again, and requests in flight are lost.

Example: `Liveness probe of app in 2 pods of cart fails since 03:26 UTC: the program does not serve /healthz to it
(HTTP probe failed with statuscode: 404)`

What to do: correct the path of the liveness probe, or serve it.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.probes import probe_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return probe_findings(RULE, picture, "Liveness", "path")


RULE = Rule(
    "K8S102", "LivenessProbeWrongPath", "state", _check, specificity=0.94, names_cause=True, documentation=__doc__
)
