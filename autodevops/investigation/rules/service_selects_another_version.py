"""ServiceSelectsAnotherVersion (K8S149, state): a Service takes a version of which nothing is ready.

What: a Service whose selector names a version (version, release, track, color, slot), of which no pod is ready, while
another version of the same program has pods that are.

Why it matters: connections are refused at once, while pods that could answer are idle: a switch of versions that went
half way.

Example: `Service cart takes version=v2, of which no pod is ready; cart-v1 has version=v1`

What to do: point the selector at the version that is ready, or bring up the other.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import has_condition
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.routes import hurt_through, selected, selector_of, unmeasured

_VERSIONS = {
    "version", "app.kubernetes.io/version", "release", "track", "color", "colour", "slot", "deployment", "revision",
}  # fmt: skip


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for service in picture.inventory.services:
        wanted = selector_of(service)
        versions = {key: value for key, value in wanted.items() if key in _VERSIONS}
        program = {key: value for key, value in wanted.items() if key not in _VERSIONS}
        if not versions or not program or any(_is_ready(w.subject, picture) for w in selected(service, picture)):
            continue
        taken = {workload.subject for workload in selected(service, picture)}
        others = [
            workload
            for workload in picture.inventory.matching(program)
            if workload.subject not in taken and _is_ready(workload.subject, picture)
        ]
        if not others:
            continue
        subject = picture.inventory.object_subject(service)
        hurt = hurt_through(subject, picture, earlier)
        asked = ", ".join(f"{key}={value}" for key, value in versions.items())
        has = ", ".join(f"{key}={others[0].template_labels.get(key)}" for key in versions)
        yield RULE.finding(
            subject,
            f"Service {subject.name} takes {asked}, of which no pod is ready; {others[0].subject.name} has {has}.",
            severity="critical" if hurt else "error",
            confidence=0.95 if hurt else 0.85 if unmeasured(picture) else 0.75,
            evidence=picture.evidence_of("Service", "Pod"),
        )


def _is_ready(subject: Subject, picture: Picture) -> bool:
    return any(has_condition(pod, "Ready") for pod in picture.inventory.pods_of(subject))


RULE = Rule(
    "K8S149", "ServiceSelectsAnotherVersion", "state", _check, specificity=0.96, stage=2, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
