"""ConsumerLagging (LOG037, state): a consumer does not keep up with its queue.

What: a consumer that leaves its group for polling too late, lag above a threshold, a queue that is full, in the last
words of a container that ended, in the tail of one that fails, or in lines that the time before did not have.

Why it matters: messages wait: handlers have become slow, or there are too few consumers.

Example: `billing does not keep up: consumer poll timeout has expired`

What to do: look at what a message's handling waits for; then add consumers, up to the number of partitions.
"""

from __future__ import annotations

from autodevops.investigation.rules.said import log_rule

RULE = log_rule(
    "LOG037", "ConsumerLagging", "does not keep up", "consumer lagging", specificity=0.5, documentation=__doc__
)
