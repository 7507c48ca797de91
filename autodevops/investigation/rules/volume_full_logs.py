"""VolumeFull (LOG018, state): a workload finds no space left to write.

What: no space left on device, disk quota exceeded, Redis that cannot persist, in the last words of a container that
ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: writes fail: a volume, the container's own layer or the node's disk is full.

Example: `db finds no space left: could not extend file: No space left on device`

What to do: see what is full (`kubectl exec ... df -h`); clean up or expand the claim.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG018",
    "VolumeFull",
    "finds no space left",
    "disk full",
    specificity=0.85,
    names_cause=True,
    as_server="finds no space left",
    shows_elsewhere=True,
    documentation=__doc__,
)
