"""WrongServiceAddress (K8S027, state): a workload's settings hold an address that no Service has.

What: an environment variable, argument or ConfigMap with the address of a host of this namespace that is no Service
there, or with a port that the Service does not have, in a workload that is hurt or was rolled out in the window, or
anywhere if nobody counts requests; also, in a hurt workload, the address of another Service than its name says. Where
all the callers of a Service use a port that it lacks, the Service has changed: that is ServicePortMismatch. The name
of a StatefulSet's pod behind its headless Service counts where the set has no such pod (db-3.db of three). Hosts of
other namespaces, hostAliases and local names are not judged.

Why it matters: the name does not resolve, or the connection is refused, whatever the callee's state.

Example: `checkout is set to call payments (PAYMENT_URL), which is no Service; payment is`

What to do: correct the setting, or roll back the change that brought it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from autodevops.domain.finding import Finding
from autodevops.investigation.configured_calls import Address, Setting, addresses, settings_of
from autodevops.investigation.inventory import Inventory, Workload, items, name_of, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rules.base import Rule
from autodevops.investigation.rules.quotas import unserved
from autodevops.investigation.rules.routes import is_hurt, unmeasured
from autodevops.investigation.rules.service_port_mismatch import changed_services, has_port

_LOCAL = {"localhost", "kubernetes"}
_SHORTEST = 3  # letters of a name that says something
_KIND_OF_SETTING = re.compile(r"(?:_(?:URL|URI|HOST|HOSTNAME|ADDR|ADDRESS|ENDPOINT|SERVER|SERVICE|BASE|API|SVC))+$")
_HOSTS = re.compile(r"_(?:HOST|HOSTNAME|ADDR)$")
_POD = re.compile(r"\b([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)-(\d+)\.([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)\b")
_NO_ADDRESS = re.compile(r"IMAGE|VERSION|TAG|TIME|SCHEDULE|USER|PASS|NAME$", re.I)


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    if "Service" not in picture.listed:
        return
    changed = changed_services(picture)
    blind = unmeasured(picture)
    complaining = {seen.subject for seen in picture.logs} if blind else set()
    for workload in picture.inventory.workloads:
        subject = workload.subject
        rolled = [r for r in picture.rollouts if r.subject == subject and picture.span.window.contains(r.change.at)]
        hurt = is_hurt(subject, earlier) or subject in complaining
        if not (hurt or rolled or blind):
            continue
        told: set[str] = set()
        for setting, wrong, sure in _wrong(workload, picture, changed, hurt=hurt):
            place = " of ".join(
                part for part in (setting.name, setting.source and f"ConfigMap {setting.source}") if part
            )
            message = f"{subject.name} is set to call {wrong}{f' ({place})' if place else ''}."
            if message in told:
                continue
            told.add(message)
            yield RULE.finding(
                subject,
                message,
                severity="error" if hurt else "warning",
                confidence=(0.93 if hurt else 0.7) - (0.0 if sure else 0.1),
                evidence=picture.evidence_of(subject.kind, "Service", *(["ConfigMap"] if setting.source else [])),
            )


def _wrong(
    workload: Workload, picture: Picture, changed: set[str], *, hurt: bool
) -> Iterator[tuple[Setting, str, bool]]:
    """Settings that are wrong, why, and whether that is sure."""
    inventory = picture.inventory
    services = {name_of(service): service for service in inventory.services}
    aliases = {
        str(name)
        for alias in items(workload.pod_spec, "hostAliases")
        for name in alias.get("hostnames") or ()
    }  # fmt: skip
    aliases |= {host for _, host, _ in unserved(inventory)}  # right, and the Service is not allowed
    sets = inventory.once(_sets)
    for setting in settings_of(workload, inventory):
        for name, ordinal, service_name in _POD.findall(setting.text):
            pods = sets.get((name, service_name))
            if pods is not None and int(ordinal) not in pods:
                has = f"{len(pods)} pod{'' if len(pods) == 1 else 's'}"
                yield setting, f"{name}-{ordinal}.{service_name}, but StatefulSet {name} has {has}", True
        for address in addresses(setting.text, inventory.namespace):
            service = services.get(address.host)
            if service is not None:
                ports = [str(port.get("port")) for port in items(service, "spec", "ports")]
                if ports and address.host not in changed and not has_port(service, address.port):
                    has = ", ".join(ports)
                    yield setting, f"{address.host}:{address.port}, but Service {address.host} has {has}", True
                elif hurt and (meant := _meant(setting.name, address.host, inventory)) is not None:
                    yield setting, f"{address.host}, where {meant} seems meant", False
            elif _is_address(address, setting) and address.host not in aliases | _LOCAL:
                near = get_close_matches(address.host, services, n=1, cutoff=0.6)
                hint = f"; {near[0]} is" if near else ""
                yield setting, f"{address.host}, which is no Service{hint}", True


def _sets(inventory: Inventory) -> dict[tuple[str, str], range]:
    """The ordinals of each StatefulSet's pods, by its name and that of its Service."""
    found: dict[tuple[str, str], range] = {}
    for workload in inventory.workloads:
        spec = section(workload.object, "spec")
        if workload.subject.kind == "StatefulSet" and spec.get("serviceName"):
            first = int(section(spec, "ordinals").get("start") or 0)
            replicas = spec.get("replicas")
            count = replicas if isinstance(replicas, int) else 1
            found[workload.subject.name, str(spec["serviceName"])] = range(first, first + count)
    return found


def _meant(name: str, host: str, inventory: Inventory) -> str | None:
    """The Service that the variable's name speaks of (PAYMENT_URL), where its value has another one."""
    stem = _plain(_KIND_OF_SETTING.sub("", name.upper()))
    if len(stem) < _SHORTEST or stem in _plain(host) or _plain(host) in stem:
        return None
    plain = inventory.once(_plain_names)
    return plain.get(stem) or plain.get(stem.removesuffix("s"))


def _plain_names(inventory: Inventory) -> dict[str, str]:
    """The names of Services as variables speak of them, each with the name itself."""
    return {_plain(name): name for name in sorted((name_of(one) for one in inventory.services), reverse=True)}


def _plain(name: str) -> str:
    found = "".join(letter for letter in name.lower() if letter.isalnum())
    return found.removesuffix("service").removesuffix("svc") or found


def _is_address(address: Address, setting: Setting) -> bool:
    """Whether the text is meant as one: a URL, or host and port (and not an image, a time, a version)."""
    letters = not address.host.replace(".", "").replace("-", "").isdecimal()
    named = bool(setting.name) and not _NO_ADDRESS.search(setting.name)
    whole = _HOSTS.search(setting.name) is not None and setting.text.split(":")[0].split(".")[0] == address.host
    return letters and (address.url or (address.port is not None and named) or whole)


RULE = Rule(
    "K8S027", "WrongServiceAddress", "state", _check, specificity=0.95, stage=2, names_cause=True, documentation=__doc__
)
