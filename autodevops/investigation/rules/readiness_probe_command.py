"""ReadinessProbeWrongCommand (K8S156, state): a container's readiness probe runs a command that its image lacks.

What: a readiness probe whose command the runtime cannot start: not found, or not executable. What a command that
runs says of the program is ReadinessProbeFailing.

Why it matters: the pod gets no traffic, and a rollout waits for it for ever.

Example: `Readiness probe of app in 2 pods of cart fails since 03:26 UTC: its command pgrep cannot be run in the
container (exec: "pgrep": executable file not found in $PATH)`

What to do: correct the command, put it into the image, or ask by HTTP, gRPC or TCP instead.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.probes import probe_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return probe_findings(RULE, picture, "Readiness", "command")


RULE = Rule(
    "K8S156", "ReadinessProbeWrongCommand", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__
)
