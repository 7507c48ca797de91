"""PortInUse (LOG015, state): a program cannot listen, because its port is taken.

What: address already in use, EADDRINUSE, in the last words of a container that ended, in the tail of one that fails,
or in lines that the time before did not have.

Why it matters: two containers of a pod share one network: a sidecar, a second process or a wrong port setting holds
it.

Example: `ledger cannot listen, its port is taken: listen tcp :8080: bind: address already in use`

What to do: give one of the pod's containers another port.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG015",
    "PortInUse",
    "cannot listen, its port is taken",
    "port in use",
    specificity=0.9,
    names_cause=True,
    documentation=__doc__,
)
