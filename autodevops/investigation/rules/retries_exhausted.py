"""RetriesExhausted (LOG038, state): a workload gives up after its retries.

What: max retries exceeded, giving up after so many attempts, where no line says what failed, in the last words of a
container that ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: the failure has lasted longer than its patience; work is lost from here on.

Example: `mailer gives up after its retries: giving up after 5 attempts`

What to do: look at the lines before for what failed, and at what it calls.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG038",
    "RetriesExhausted",
    "gives up after its retries",
    "retries exhausted",
    specificity=0.3,
    documentation=__doc__,
)
