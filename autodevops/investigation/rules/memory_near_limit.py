"""MemoryNearLimit (MET006, state): a container uses more than 90 % of its memory limit.

What: working set (cAdvisor) over the limit (kube-state-metrics) at the window's end. Reported as context, because
many runtimes fill their memory on purpose; it turns into a warning where the workload shows trouble of its own.

Why it matters: at the limit the kernel kills the container (OOMKilled).

Example: `container app of cart-7d9f-x2x4k uses 97 % of its memory limit`.

What to do: see whether it grows without end (a leak), else raise the limit.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, percent


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for item in picture.saturation:
        if item.kind != "memory":
            continue
        trouble = any(f.subject == item.subject and f.severity != "info" and f.rule_id != "MET004" for f in earlier)
        yield RULE.finding(
            item.subject,
            f"Container {item.container} of {item.pod} uses {percent(item.ratio)} of its memory limit.",
            severity="warning" if trouble else "info",
            confidence=0.6,
            evidence=[item.evidence],
        )


RULE = Rule("MET006", "MemoryNearLimit", "state", _check, specificity=0.3, stage=2, documentation=__doc__)
