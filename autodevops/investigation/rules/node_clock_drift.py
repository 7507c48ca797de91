"""NodeClockDrift (K8S127, state): the clock of a node is wrong.

What: a node with pods of the namespace whose clock is off by half a second or more, or is not synchronised and off by
a tenth (node exporter's timex).

Why it matters: tokens and certificates seem not yet or no longer valid, leases are lost, and times in logs and traces
mislead.

Example: `The clock of node node-2 is off by 7.2 s`

What to do: look at chronyd or systemd-timesyncd on the node.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import node_subject
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, seconds
from autodevops.investigation.rules.machines import last

_OFF, _OFF_ALONE, _FAR = 0.5, 0.1, 5.0  # seconds


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    alone = {series.node for series in picture.of_nodes("clock_synced") if last(series, picture) == 0.0}
    for series in picture.of_nodes("clock_offset"):
        offset = abs(last(series, picture) or 0.0)
        limit = _OFF_ALONE if series.node in alone else _OFF
        if offset >= limit and picture.inventory.pods_on(series.node):
            yield RULE.finding(
                node_subject(series.node),
                f"The clock of node {series.node} is off by {seconds(offset)}"
                + (" and is not synchronised." if series.node in alone else "."),
                severity="error" if offset >= _FAR else "warning",
                confidence=0.85,
                evidence=[series.evidence],
            )


RULE = Rule("K8S127", "NodeClockDrift", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__)
