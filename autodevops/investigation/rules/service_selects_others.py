"""ServiceSelectsOthers (K8S141, state): a Service sends a part of its requests to another program.

What: a Service whose selector takes pods of several workloads that are different programs by their app labels, where
its port leads nowhere in some of them, or somebody who depends on it is hurt and one of them bears the Service's name.
Versions of one program side by side (canary, blue and green) share the app label and are no finding.

Why it matters: a share of the connections arrives at a program that refuses or misunderstands them; the rest succeeds.

Example: `Service cart also selects pods of cart-worker, which do not listen on 8080`

What to do: make the selector say which program it means.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import Workload, items
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.routes import (
    container_ports,
    hurt_through,
    selected,
    selector_of,
    target_of,
    unmeasured,
)

_APP_LABELS = ("app.kubernetes.io/name", "app", "k8s-app", "app.kubernetes.io/component")


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for service in picture.inventory.services:
        workloads = selected(service, picture)
        wanted = selector_of(service)
        if len(workloads) < 2 or len({_app(workload, wanted) for workload in workloads}) < 2:
            continue
        subject = picture.inventory.object_subject(service)
        hurt = hurt_through(subject, picture, earlier)
        deaf = [workload for workload in workloads if _is_deaf(workload, service)]
        own = [workload for workload in workloads if workload.subject.name == subject.name]
        strange = deaf or ([workload for workload in workloads if workload not in own] if own and hurt else [])
        if not strange or len(strange) == len(workloads) or not (hurt or (deaf and unmeasured(picture))):
            continue
        names = ", ".join(sorted(workload.subject.name for workload in strange))
        ports = ", ".join(str(target_of(port)) for port in items(service, "spec", "ports"))
        yield RULE.finding(
            subject,
            f"Service {subject.name} also selects pods of {names}"
            + (f", which do not listen on {ports}." if deaf else "."),
            severity="critical" if hurt else "error",
            confidence=(0.9 if deaf else 0.75) if hurt else 0.75,
            evidence=picture.evidence_of("Service", "Pod"),
        )


def _app(workload: Workload, selector: object) -> str:
    """Which program it is: the first app label that the selector leaves open; what it fixes is common to all."""
    fixed = selector if isinstance(selector, dict) else {}
    return next(
        (str(workload.template_labels[k]) for k in _APP_LABELS if k in workload.template_labels and k not in fixed), ""
    )


def _is_deaf(workload: Workload, service: object) -> bool:
    declared = {str(one.get(key)) for one in container_ports(workload) for key in ("containerPort", "name")}
    wanted = {str(target_of(p)) for p in items(service, "spec", "ports")} if isinstance(service, dict) else set()
    return bool(declared) and bool(wanted) and not wanted & declared


RULE = Rule(
    "K8S141", "ServiceSelectsOthers", "state", _check, specificity=0.93, stage=2, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
