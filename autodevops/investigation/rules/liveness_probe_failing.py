"""LivenessProbeFailing (K8S104, state): a container's liveness probe fails, and the probe itself looks right.

What: a liveness probe that has failed at least three times in the window (event Unhealthy) and has no fault of its own
that port, protocol, path, command or timing would show. Fewer are the price of starting.

Why it matters: a container is killed again and again, and requests in flight are lost.

Example: `Liveness probe of app in 2 pods of cart fails since 03:26 UTC: HTTP probe failed with statuscode: 503`

What to do: see what the program says at that time, and what it depends on.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.probes import probe_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return probe_findings(RULE, picture, "Liveness", "")


RULE = Rule("K8S104", "LivenessProbeFailing", "state", _check, specificity=0.6, general=True, documentation=__doc__)
