"""WrongServiceAddress (K8S027, state): a workload's settings hold an address that no Service has.

What: an environment variable or argument with the address of a host of this namespace that is no Service there, or
with a port that the Service does not have, in a workload that is hurt or was rolled out in the window. Where all the
callers of a Service use a port that it lacks, the Service has changed: that is ServicePortMismatch. Hosts of other
namespaces, hostAliases and local names are not judged.

Why it matters: the name does not resolve, or the connection is refused, whatever the callee's state.

Example: `checkout is set to call payments (PAYMENT_URL), which is no Service; payment is`

What to do: correct the setting, or roll back the change that brought it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from autodevops.domain.finding import Finding
from autodevops.investigation.configured_calls import Address, Setting, addresses, settings_of
from autodevops.investigation.inventory import Workload, items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.quotas import unserved
from autodevops.investigation.rules.routes import is_hurt, pod_spec
from autodevops.investigation.rules.service_port_mismatch import changed_services, has_port

_LOCAL = {"localhost", "kubernetes"}


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    if "Service" not in picture.listed:
        return
    changed = changed_services(picture)
    for workload in picture.inventory.workloads:
        subject = workload.subject
        rolled = [r for r in picture.rollouts if r.subject == subject and picture.span.window.contains(r.change.at)]
        hurt = is_hurt(subject, earlier)
        if not (hurt or rolled):
            continue
        for setting, wrong in _wrong(workload, picture, changed):
            yield RULE.finding(
                subject,
                f"{subject.name} is set to call {wrong}{f' ({setting.name})' if setting.name else ''}.",
                severity="error" if hurt else "warning",
                confidence=0.93 if hurt else 0.7,
                evidence=picture.evidence_of(subject.kind, "Service"),
            )


def _wrong(workload: Workload, picture: Picture, changed: set[str]) -> Iterator[tuple[Setting, str]]:
    services = {name_of(service): service for service in picture.inventory.services}
    aliases = {
        str(name)
        for alias in items(pod_spec(workload), "hostAliases")
        for name in alias.get("hostnames") or ()
    }  # fmt: skip
    aliases |= {host for _, host, _ in unserved(picture.inventory)}  # right, and the Service is not allowed
    template = section(workload.object, "spec", "template") or workload.object
    for setting in settings_of(template):
        for address in addresses(setting.text, picture.inventory.namespace):
            service = services.get(address.host)
            if service is not None:
                ports = [str(port.get("port")) for port in items(service, "spec", "ports")]
                if ports and address.host not in changed and not has_port(service, address.port):
                    yield setting, f"{address.host}:{address.port}, but Service {address.host} has {', '.join(ports)}"
            elif _is_address(address, setting) and address.host not in aliases | _LOCAL:
                near = get_close_matches(address.host, services, n=1, cutoff=0.6)
                hint = f"; {near[0]} is" if near else ""
                yield setting, f"{address.host}, which is no Service{hint}"


def _is_address(address: Address, setting: Setting) -> bool:
    """Whether the text is meant as one: a URL, or host and port (and not an image, a time, a version)."""
    letters = not address.host.replace(".", "").replace("-", "").isdecimal()
    return letters and (address.url or (address.port is not None and bool(setting.name)))


RULE = Rule(
    "K8S027", "WrongServiceAddress", "state", _check, specificity=0.95, stage=2, names_cause=True, documentation=__doc__
)
