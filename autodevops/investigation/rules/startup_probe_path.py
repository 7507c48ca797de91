"""StartupProbeWrongPath (K8S111, state): a container's startup probe asks a path that the program does not serve.

What: a startup probe that the program answers with 404, 405 or 410, or with 401 or 403 because the path wants
credentials.

Why it matters: no container of the new template ever comes up.

Example: `Startup probe of app in 2 pods of cart fails since 03:26 UTC: the program does not serve /healthz to it (HTTP
probe failed with statuscode: 404)`

What to do: correct the path of the startup probe, or serve it.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.probes import probe_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return probe_findings(RULE, picture, "Startup", "path")


RULE = Rule(
    "K8S111", "StartupProbeWrongPath", "state", _check, specificity=0.94, names_cause=True, documentation=__doc__
)
