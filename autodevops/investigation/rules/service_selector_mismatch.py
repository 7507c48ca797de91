"""ServiceSelectorMismatch (K8S024, state): a Service selects no pod, and some nearly match.

What: a Service whose selector takes no workload's pods, while a workload carries some of its labels, nearly the
same value, or bears the Service's name; or one that others are set to call. A workload scaled to
zero is still meant, and so is no mismatch; a Service without a selector has its endpoints from elsewhere.

Why it matters: it has no endpoints. Connections are refused at once, while the pods are ready and idle.

Example: `Service payment selects no pod: it wants app=payments, pods of payment have app=payment`

What to do: correct the selector, or the labels of the pod template.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

from autodevops.domain.finding import Finding
from autodevops.investigation.configured_calls import addressed
from autodevops.investigation.inventory import Object, Workload, name_of
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.routes import hurt_through, selected, selector_of, unmeasured

_LEAST_LETTERS, _ALIKE = 5, 0.8


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    called = {address.host for _, address in addressed(picture.inventory)}
    for service in picture.inventory.services:
        wanted = selector_of(service)
        if not wanted or selected(service, picture):
            continue
        near = _nearest(service, picture)
        if near is None and name_of(service) not in called:
            continue
        subject = picture.inventory.object_subject(service)
        if near is None:
            asked = ", ".join(f"{key}={value}" for key, value in wanted.items())
            hurt = hurt_through(subject, picture, earlier)
            yield RULE.finding(
                subject,
                f"Service {subject.name} selects no pod: it wants {asked}, and no workload has that.",
                severity="critical" if hurt else "error" if unmeasured(picture) else "warning",
                confidence=0.9 if hurt else 0.8 if unmeasured(picture) else 0.6,
                evidence=picture.evidence_of("Service", "Pod"),
            )
            continue
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
    """The workload it is most likely meant for: by name, or with some of its labels, the more equal the better."""
    wanted, name = selector_of(service), name_of(service)
    named = picture.inventory.named(name)
    sharing = picture.inventory.sharing(wanted) if len(wanted) > 1 else []
    alike = [
        workload
        for workload in (picture.inventory.workloads if not named and not sharing else ())
        if any(_alike(workload.template_labels.get(key, ""), value) for key, value in wanted.items())
    ]
    near = [
        (workload.subject.name == name, sum(workload.template_labels.get(k) == v for k, v in wanted.items()), workload)
        for workload in (*named, *sharing, *alike)
    ]
    return max(near, key=lambda row: (*row[:2], str(row[2].subject)), default=(False, 0, None))[2]


def _alike(has: object, wanted: object) -> bool:
    """Whether one is a slip of the other."""
    pair = (str(has), str(wanted))
    return min(map(len, pair)) >= _LEAST_LETTERS and SequenceMatcher(None, *pair).ratio() >= _ALIKE


RULE = Rule(
    "K8S024", "ServiceSelectorMismatch", "state", _check, specificity=0.95, stage=2, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
