"""JobFailed (K8S034, state): a Job gave up, or a CronJob's latest run did.

What: a Job whose condition Failed is True (BackoffLimitExceeded, DeadlineExceeded), of the window; for a CronJob
only where no later run has completed. Retries that ended well, and suspended CronJobs, are no finding. Where the kernel
killed its program for want of memory it is OOMKilled; what its log says of why is told before it.

Why it matters: the work is not done. A CronJob tries again at its next time, and fails again unless something
changes.

Example: `CronJob catalog-reindex fails since 10:45 UTC, 3 runs: Job has reached the specified backoff limit`

What to do: read the logs of the failed pods; roll back what changed in the job's template.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import takewhile

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Object, items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.pods import containers


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    suspended = {name_of(one) for one in picture.inventory.of_kind("CronJob") if section(one, "spec").get("suspend")}
    killed = {state.subject for state in containers(picture) if state.terminated.get("reason") == "OOMKilled"}
    groups: dict[Subject, list[Object]] = {}
    for job in picture.inventory.of_kind("Job"):
        owner = picture.inventory.of_owner("Job", name_of(job)) or picture.inventory.object_subject(job)
        if owner.kind != "CronJob" or owner.name not in suspended:
            groups.setdefault(owner, []).append(job)
    for subject, jobs in sorted(groups.items(), key=lambda item: str(item[0])):
        ended = sorted(((at, kind, why) for job in jobs for at, kind, why in _end(job)), key=lambda end: end[0])
        failed = list(takewhile(lambda end: end[1] == "Failed", reversed(ended)))
        if failed and failed[0][0] >= picture.span.window.start and subject not in killed:
            times = f", {len(failed)} runs" if len(failed) > 1 else ""
            yield RULE.finding(
                subject,
                f"{subject.kind} {subject.name} fails since {clock(failed[-1][0])}{times}: {failed[0][2]}.",
                severity="error",
                confidence=0.9,
                evidence=picture.evidence_of("Job", "CronJob"),
                onset=failed[-1][0],
            )


def _end(job: Object) -> Iterable[tuple[datetime, str, str]]:
    for condition in items(job, "status", "conditions"):
        at = parse_time(condition.get("lastTransitionTime"))
        if at is not None and condition.get("status") == "True" and condition.get("type") in {"Failed", "Complete"}:
            yield at, str(condition["type"]), str(condition.get("message", "")).rstrip(".")


RULE = Rule(
    "K8S034", "JobFailed", "state", _check, specificity=0.8, names_cause=True, general=True,
    documentation=__doc__,
)  # fmt: skip
