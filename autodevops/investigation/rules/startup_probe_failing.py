"""StartupProbeFailing (K8S113, state): a container's startup probe fails, and the probe itself looks right.

What: a startup probe that has failed at least three times in the window (event Unhealthy) and has no fault of its own
that port, protocol, path, command or timing would show. Fewer are the price of starting.

Why it matters: no container of the new template ever comes up.

Example: `Startup probe of app in 2 pods of cart fails since 03:26 UTC: HTTP probe failed with statuscode: 503`

What to do: see what the program says at that time, and what it depends on.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.probes import probe_findings


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    return probe_findings(RULE, picture, "Startup", "")


RULE = Rule("K8S113", "StartupProbeFailing", "state", _check, specificity=0.6, general=True, documentation=__doc__)
