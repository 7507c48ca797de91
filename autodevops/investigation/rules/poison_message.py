"""PoisonMessage (LOG027, state): a consumer fails at the same message again and again.

What: the same failure to decode or process a message, word for word at least three times, in the last words of a
container that ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: the queue behind it stands still: retrying cannot help, since the message stays what it is.

Example: `billing fails at the same message: Error deserializing VALUE for partition orders-3 at offset 4711`

What to do: move the message to a dead-letter queue or skip its offset; then correct who wrote it.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG027",
    "PoisonMessage",
    "fails at the same message again and again",
    "poison message",
    specificity=0.8,
    names_cause=True,
    again=True,
    documentation=__doc__,
)
