"""ServicePortMismatch (K8S028, state): a Service no longer has the port that all of its callers use.

What: a Service that several settings of other workloads address, or one where there is but one, and none of them with
a port it has, while somebody who depends on it is hurt, or nobody counts requests. A caller that alone is wrong is
WrongServiceAddress.

Why it matters: connections to a port that a Service does not have are refused or lost, whoever calls.

Example: `Service recommendation has port 8081, but frontend calls it at 8080`

What to do: give the Service back its port, or change all of its callers with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.configured_calls import addressed
from autodevops.investigation.inventory import Inventory, Object, items, name_of
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.routes import hurt_through, unmeasured


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    called, services = picture.inventory.once(_callers), {name_of(one): one for one in picture.inventory.services}
    for name in sorted(_changed(picture, called)):
        service = services[name]
        subject = picture.inventory.object_subject(service)
        hurt = hurt_through(subject, picture, earlier)
        if not hurt and not unmeasured(picture):
            continue
        callers = called[name]
        used = ", ".join(sorted({str(port) for _, port in callers}))
        has = ", ".join(str(port.get("port")) for port in items(service, "spec", "ports"))
        yield RULE.finding(
            subject,
            f"Service {name} has port {has}, but {', '.join(sorted({who.name for who, _ in callers}))} calls it at"
            f" {used}.",
            severity="critical" if hurt else "error",
            confidence=0.9 if hurt else 0.8,
            evidence=picture.evidence_of("Service", "Deployment"),
        )


def has_port(service: Object, port: int | None) -> bool:
    return port is None or any(one.get("port") == port for one in items(service, "spec", "ports"))


def changed_services(picture: Picture) -> set[str]:
    """Services that nobody addresses rightly and whose callers were not rolled out in the window."""
    return _changed(picture, picture.inventory.once(_callers))


def _changed(picture: Picture, called: Mapping[str, list[tuple[Subject, int]]]) -> set[str]:
    rolled = {r.subject for r in picture.rollouts if picture.span.window.contains(r.change.at)}
    services = {name_of(service): service for service in picture.inventory.services}
    found: set[str] = set()
    for name, callers in called.items():
        wrong = not any(has_port(services[name], port) for _, port in callers)
        if wrong and not any(who in rolled for who, _ in callers):
            found.add(name)
    return found


def _callers(inventory: Inventory) -> dict[str, list[tuple[Subject, int]]]:
    """Who addresses which Service by a port."""
    names = {name_of(service) for service in inventory.services if items(service, "spec", "ports")}
    found: dict[str, list[tuple[Subject, int]]] = {}
    for workload, address in addressed(inventory):
        if address.host in names and address.port is not None:
            found.setdefault(address.host, []).append((workload.subject, address.port))
    return found


RULE = Rule(
    "K8S028", "ServicePortMismatch", "state", _check, specificity=0.95, stage=2, names_cause=True,
    shows_elsewhere=True, documentation=__doc__,
)  # fmt: skip
