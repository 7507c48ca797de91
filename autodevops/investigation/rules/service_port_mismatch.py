"""ServicePortMismatch (K8S028, state): a Service no longer has the port that all of its callers use.

What: a Service that several settings of other workloads address, or one where there is but one, and none of them
with a port it has, while somebody who depends on it is hurt. A caller that alone is wrong is WrongServiceAddress.

Why it matters: connections to a port that a Service does not have are refused or lost, whoever calls.

Example: `Service recommendation has port 8081, but frontend calls it at 8080`

What to do: give the Service back its port, or change all of its callers with it.
"""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.configured_calls import addresses, settings_of
from autodevops.investigation.inventory import Object, items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.routes import hurt_through, service_named


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for name in sorted(changed_services(picture)):
        service = service_named(name, picture)
        if service is None:
            continue
        subject = picture.inventory.object_subject(service)
        if not hurt_through(subject, picture, earlier):
            continue
        callers = _callers(picture)[name]
        used = ", ".join(sorted({str(port) for _, port in callers}))
        has = ", ".join(str(port.get("port")) for port in items(service, "spec", "ports"))
        yield RULE.finding(
            subject,
            f"Service {name} has port {has}, but {', '.join(sorted({who.name for who, _ in callers}))} calls it at"
            f" {used}.",
            severity="critical",
            confidence=0.9,
            evidence=picture.evidence_of("Service", "Deployment"),
        )


def has_port(service: Object, port: int | None) -> bool:
    return port is None or any(one.get("port") == port for one in items(service, "spec", "ports"))


def changed_services(picture: Picture) -> set[str]:
    """Services that nobody addresses rightly and whose callers were not rolled out in the window."""
    rolled = {r.subject for r in picture.rollouts if picture.span.window.contains(r.change.at)}
    found: set[str] = set()
    for name, callers in _callers(picture).items():
        service = service_named(name, picture)
        wrong = service is not None and not any(has_port(service, port) for _, port in callers)
        if wrong and not any(who in rolled for who, _ in callers):
            found.add(name)
    return found


def _callers(picture: Picture) -> dict[str, list[tuple[Subject, int]]]:
    """Who addresses which Service by a port."""
    names = {name_of(service) for service in picture.inventory.services if items(service, "spec", "ports")}
    found: dict[str, list[tuple[Subject, int]]] = {}
    for workload in picture.inventory.workloads:
        for setting in settings_of(section(workload.object, "spec", "template")):
            for address in addresses(setting.text, picture.inventory.namespace):
                if address.host in names and address.port is not None:
                    found.setdefault(address.host, []).append((workload.subject, address.port))
    return found


RULE = Rule(
    "K8S028", "ServicePortMismatch", "state", _check, specificity=0.95, stage=2, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
