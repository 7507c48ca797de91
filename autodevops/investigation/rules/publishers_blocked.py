"""PublishersBlocked (DB018, state): a broker has an alarm on and takes no messages from anybody.

What: RabbitMQ's own alarm for memory or disk is on at the window's end (rabbitmq_alarms_memory_used_watermark,
rabbitmq_alarms_free_disk_space_watermark) and was not before. It then blocks every connection that publishes, in the
whole cluster, until the alarm is over.

Why it matters: whoever publishes waits without an error of the broker's, and times out.

Example: `rabbit blocks all publishers since 11:41 UTC: its memory alarm is on`

What to do: let consumers drain what waits, free disk, or raise `vm_memory_high_watermark` where the machine has room;
see what grew with `rabbitmq-diagnostics memory_breakdown`.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.dependency_families import Measure
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.stores import moment, since_beyond, stores

_ALARMS: tuple[tuple[Measure, str], ...] = (("memory_alarm", "memory"), ("disk_alarm", "disk"))


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for store in stores(picture):
        for measure, what in _ALARMS:
            alarm = store.of(measure)
            since = since_beyond(alarm, 0.5)
            if alarm is not None and since is not None:
                always = since <= float(alarm.times[0])
                yield RULE.finding(
                    store.subject,
                    f"{store.subject.name} blocks all publishers since {clock(moment(since))}: its {what} alarm is on.",
                    severity="warning" if always else "critical",
                    confidence=0.95,
                    evidence=store.evidence(measure),
                    onset=moment(since),
                )


RULE = Rule(
    "DB018", "PublishersBlocked", "state", _check, specificity=0.95, stage=2, names_cause=True, shows_elsewhere=True,
    documentation=__doc__,
)  # fmt: skip
