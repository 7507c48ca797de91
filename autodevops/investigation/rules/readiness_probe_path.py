"""ReadinessProbeWrongPath (K8S107, state): a container's readiness probe asks a path that the program does not serve.

What: a readiness probe that the program answers with 404, 405 or 410, or with 401 or 403 because the path wants
credentials.

Why it matters: the pods get no traffic; when all of them fail, callers are refused.

Example: `Readiness probe of app in 2 pods of cart fails since 03:26 UTC: the program does not serve /healthz to it
(HTTP probe failed with statuscode: 404)`

What to do: correct the path of the readiness probe, or serve it.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.probes import probe_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return probe_findings(RULE, picture, "Readiness", "path")


RULE = Rule(
    "K8S107", "ReadinessProbeWrongPath", "state", _check, specificity=0.94, names_cause=True, documentation=__doc__
)
