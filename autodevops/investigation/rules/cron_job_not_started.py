"""CronJobNotStarted (K8S096, state): a CronJob cannot tell when to run.

What: events of a CronJob within the window that its schedule or time zone cannot be read, or that it has missed so
many times that it gave up. A suspended one is no fault.

Why it matters: the work is not done, and no Job fails that would tell.

Example: `CronJob nightly does not start: unparseable schedule: "61 * * * *"`

What to do: correct schedule or timeZone; after too many missed starts set startingDeadlineSeconds.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.pods import events

_REASONS = ("UnparseableSchedule", "InvalidSchedule", "UnknownTimeZone", "TooManyMissedTimes", "FailedNeedsStart")


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    suspended = {name_of(one) for one in picture.inventory.of_kind("CronJob") if section(one, "spec").get("suspend")}
    started = {e.name: e.last for e in events(picture, "SuccessfulCreate") if e.kind == "CronJob"}
    latest = {e.name: e for e in events(picture, *_REASONS) if e.kind == "CronJob" and e.name not in suspended}
    for name, event in sorted(latest.items()):
        if name not in started or started[name] < event.last:
            yield RULE.finding(
                Subject(kind="CronJob", name=name, namespace=picture.inventory.namespace, api_version="batch/v1"),
                f"CronJob {name} does not start: {event.message}",
                severity="error",
                confidence=0.93,
                evidence=picture.evidence_of("Event", "CronJob"),
                onset=event.first,
            )


RULE = Rule("K8S096", "CronJobNotStarted", "state", _check, specificity=0.85, names_cause=True, documentation=__doc__)
