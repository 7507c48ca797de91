"""ClockSkewed (LOG026, state): clocks of two sides differ too much.

What: token used before issued, not yet valid, RequestTimeTooSkewed, a certificate from the future, in the last words
of a container that ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: tokens, signatures and certificates are judged by the clock: one wrong clock fails them all.

Example: `ledger's clock and that of its peer differ: token used before issued`

What to do: compare the nodes' clocks (`timedatectl`, node_timex_offset_seconds) and restart time synchronisation.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG026",
    "ClockSkewed",
    "and {peer} disagree about the time",
    "clock skew",
    specificity=0.75,
    names_cause=True,
    documentation=__doc__,
)
