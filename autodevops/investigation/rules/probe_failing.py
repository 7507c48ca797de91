"""ProbeFailing (K8S006, state): the kubelet's probes of a container fail.

What: events with reason Unhealthy (`Readiness probe failed: ...`) in the window, at least three, about pods that are
not ready or were restarted by them. Failures of a pod that is just starting are expected and left out.

Why it matters: a pod that fails its readiness probe gets no traffic; one that fails its liveness probe is killed.

Example: `Readiness probe of 2 pods of cart fails since 03:26 UTC: HTTP probe failed with statuscode: 503`.

What to do: see whether the probe asks the right port and path with enough time, or whether the program is unwell.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import items, name_of
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.pods import SeenEvent, count_of, events, is_recent

_LEAST = 3


def _check(picture: Picture, _earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    not_ready = {
        name_of(pod)
        for pod in picture.inventory.pods
        if any(c.get("type") == "Ready" and c.get("status") == "False" for c in items(pod, "status", "conditions"))
    }
    alive = {name_of(pod) for pod in picture.inventory.pods}
    groups: dict[tuple[Subject, str], list[SeenEvent]] = {}
    for event in events(picture, "Unhealthy"):
        if event.kind == "Pod" and event.subject is not None and event.name in alive:
            probe = event.message.split(" probe", 1)[0].strip() or "A"
            groups.setdefault((event.subject, probe), []).append(event)
    for (subject, probe), found in sorted(groups.items(), key=lambda item: (str(item[0][0]), item[0][1])):
        if sum(e.count for e in found) < _LEAST:
            continue
        active = any(is_recent(e.last, picture) and (e.name in not_ready or probe == "Liveness") for e in found)
        first = min(e.first for e in found)
        pods = {e.name for e in found}
        message = found[-1].message.split("failed:", 1)[-1].strip()
        yield RULE.finding(
            subject,
            f"{probe} probe of {count_of(pods)} of {subject.name} {'fails' if active else 'failed'}"
            f" since {clock(first)}: {message}",
            severity="warning" if active else "info",
            confidence=0.85,
            evidence=picture.evidence_of("Event", "Pod"),
            onset=first,
        )


RULE = Rule("K8S006", "ProbeFailing", "state", _check, specificity=0.4, documentation=__doc__)
