"""LivenessProbeWrongCommand (K8S155, state): a container's liveness probe runs a command that its image lacks.

What: a liveness probe whose command the runtime cannot start: not found, or not executable. What a command that
runs says of the program is LivenessProbeFailing.

Why it matters: a container is killed again and again, and requests in flight are lost.

Example: `Liveness probe of app in 2 pods of cart fails since 03:26 UTC: its command pgrep cannot be run in the
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
    return probe_findings(RULE, picture, "Liveness", "command")


RULE = Rule(
    "K8S155", "LivenessProbeWrongCommand", "state", _check, specificity=0.95, names_cause=True, documentation=__doc__
)
