"""ServiceSelectorMismatch (K8S024, state): a Service selects no pod, and some nearly match.

What: a Service whose selector takes no workload's pods, while a workload carries all of its label keys with other
values, or bears the Service's name. A workload scaled to zero is still meant, and so is no mismatch; a Service without
a selector has its endpoints from elsewhere.

Why it matters: it has no endpoints. Connections are refused at once, while the pods are ready and idle.

Example: `Service payment selects no pod: it wants app=payments, pods of payment have app=payment`

What to do: correct the selector, or the labels of the pod template.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.investigation.inventory import Object, Workload, name_of
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.routes import hurt_through, selected, selector_of


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for service in picture.inventory.services:
        wanted = selector_of(service)
        near = _nearest(service, picture)
        if not wanted or near is None or selected(service, picture):
            continue
        subject = picture.inventory.object_subject(service)
        has = {key: near.template_labels.get(key) for key in wanted}
        different = [key for key in wanted if has[key] != wanted[key]]
        asked = ", ".join(f"{key}={wanted[key]}" for key in different)
        found = ", ".join(f"{key}={has[key]}" if has[key] else f"no {key}" for key in different)
        yield RULE.finding(
            subject,
            f"Service {subject.name} selects no pod: it wants {asked}, pods of {near.subject.name} have {found}.",
            severity="critical" if hurt_through(subject, picture, earlier) else "warning",
            confidence=0.95,
            evidence=picture.evidence_of("Service", "Pod"),
        )


def _nearest(service: Object, picture: Picture) -> Workload | None:
    """The workload it is most likely meant for: by name, or with the same label keys, the more equal the better."""
    wanted, name = selector_of(service), name_of(service)
    named = picture.inventory.named(name)
    sharing = picture.inventory.sharing(wanted) if len(wanted) > 1 else []
    near = [
        (workload.subject.name == name, sum(workload.template_labels.get(k) == v for k, v in wanted.items()), workload)
        for workload in (*named, *sharing)
    ]
    return max(near, key=lambda row: (*row[:2], str(row[2].subject)), default=(False, 0, None))[2]


RULE = Rule(
    "K8S024", "ServiceSelectorMismatch", "state", _check, specificity=0.95, stage=2, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
