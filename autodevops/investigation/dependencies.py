"""What workloads depend on that may be no workload: databases, caches, queues, other people's APIs; and their names.

One is known by an exporter that watches it, by an address in a pod template (a URL, a DSN, host and port), or by a
client span that nobody answered. A host leads to the workload behind its Service; to the Service itself where its
endpoints are made by hand or lie outside (ExternalName); else the host is all there is to name.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from autodevops.domain.subject import Subject
from autodevops.investigation.configured_calls import settings_of
from autodevops.investigation.inventory import Inventory, Object, Workload, name_of, section
from autodevops.investigation.picture import Dependency

_URL: Final = re.compile(r"(?:jdbc:)?(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[^/@\s]*@)?(?P<rest>[^/?#\s;]+)", re.I)
_GO_DSN: Final = re.compile(r"@(?:tcp|unix)\((?P<rest>[^)]+)\)", re.I)
_KEYWORD: Final = re.compile(r"(?:^|[\s;])(?:host|server|data source)\s*=\s*(?P<rest>[A-Za-z0-9.,:_-]+)", re.I)
_HOST: Final = re.compile(r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_-]{1,63})*", re.I)
_NAME: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*", re.I)
_AWS: Final = re.compile(r"\.(?:rds|cache)\.amazonaws\.com(?:\.cn)?$")
_LOCAL: Final = {"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"}

_SCHEMES: Final = {
    "postgres": "postgresql", "postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql", "redis": "redis",
    "rediss": "redis", "valkey": "redis", "amqp": "rabbitmq", "amqps": "rabbitmq", "mongodb": "mongodb",
    "mongodb+srv": "mongodb", "kafka": "kafka", "memcached": "memcached", "http": "http", "https": "http",
}  # fmt: skip
_PORTS: Final = {
    5432: "postgresql", 6432: "postgresql", 3306: "mysql", 6379: "redis", 5672: "rabbitmq", 5671: "rabbitmq",
    27017: "mongodb", 9092: "kafka", 11211: "memcached", 443: "http",
}  # fmt: skip


@dataclass(frozen=True)
class Target:
    """A host that a text names, and what is spoken there as far as its scheme or port tells."""

    host: str
    port: int | None
    system: str


def targets_in(text: str) -> Iterator[Target]:
    """Every host in a URL, a DSN or a list of host:port. A bare word is none."""
    found = False
    for sign, pattern in (("://", _URL), ("@", _GO_DSN), ("=", _KEYWORD)):
        for match in pattern.finditer(text) if sign in text else ():
            found = True
            scheme = match.groupdict().get("scheme") or ""
            yield from _hosts(match["rest"], _SCHEMES.get(scheme.lower(), ""))
    if not found and (":" in text or "." in text):
        for part in re.split(r"[\s,;]+", text):
            if re.search(r":\d{2,5}$", part) or part.count(".") >= 2:
                yield from _hosts(part, "")


def _hosts(rest: str, system: str) -> Iterator[Target]:
    for part in rest.split(","):
        host, _, port = part.partition(":")
        host = host.rstrip(".").lower()
        if not _HOST.fullmatch(host) or _is_number(host) or host in _LOCAL or not re.search("[a-z]", host):
            continue
        number = int(port) if port.isdecimal() else None
        yield Target(host, number, system or _PORTS.get(number or 0, ""))


def addressed_hosts(inventory: Inventory) -> tuple[tuple[Workload, Target], ...]:
    """Every host that stands in a workload's pod template, with the workload."""
    return inventory.once(_addressed_hosts)


def _addressed_hosts(inventory: Inventory) -> tuple[tuple[Workload, Target], ...]:
    read = cache(lambda text: tuple(targets_in(text)))
    return tuple(
        (workload, target)
        for workload in inventory.workloads
        for setting in settings_of(workload, inventory)
        for target in read(setting.text)
    )


def _services(inventory: Inventory) -> tuple[dict[str, Object], dict[str, Object]]:
    """Services by their name, and by the name outside that they stand for."""
    names = {name_of(service): service for service in inventory.services}
    outside = ((str(section(one, "spec").get("externalName") or "").rstrip(".").lower(), one) for one in names.values())
    return names, {name: service for name, service in outside if name}


def subject_of_host(host: str, inventory: Inventory) -> Subject | None:
    """Who answers at `host`: a workload, a Service with endpoints elsewhere, or the host itself; None for no name."""
    host = host.rstrip(".").lower()
    if not _NAME.fullmatch(host) or _is_number(host) or host in _LOCAL:
        return None
    services, outside = inventory.once(_services)
    if host in outside:
        return inventory.object_subject(outside[host])
    first, _, tail = host.partition(".")
    own = tail in ("", inventory.namespace) or re.fullmatch(
        rf"{re.escape(inventory.namespace)}\.svc(?:\.[a-z0-9.-]+)?", tail
    )
    if own and first in services:
        return inventory.of_name(first) or inventory.object_subject(services[first])
    if own:
        # A pod of a StatefulSet, or a name that only telemetry uses.
        return inventory.of_name(first) or (inventory.service(first) if not inventory.known and not tail else None)
    if (away := re.fullmatch(r"([a-z0-9-]+)\.svc(?:\.[a-z0-9.-]+)?", tail)) is not None:
        return inventory.service(first, away[1])
    in_stateful_set = tail.split(".", 1)[0] in services and first.rpartition("-")[2].isdecimal()
    if in_stateful_set and (found := inventory.of_pod(first)) is not None:
        return found
    if _AWS.search(host):
        return inventory.service(first)  # as CloudWatch calls the instance
    return inventory.service(host)


def configured(inventory: Inventory) -> tuple[Dependency, ...]:
    """What pod templates say about what is spoken where."""
    found = []
    for _, target in addressed_hosts(inventory):
        subject = subject_of_host(target.host, inventory)
        if subject is not None and target.system and _is_no_program(subject, target.system, inventory):
            found.append(Dependency(subject, target.system, frozenset({target.host})))
    return merge(found)


def _is_no_program(subject: Subject, system: str, inventory: Inventory) -> bool:
    """Workloads that speak HTTP are services like any other, with metrics and spans of their own."""
    return system != "http" or (inventory.workload(subject) is None and "." in subject.name)


def merge(found: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """One a subject and system, with all its names."""
    names: dict[tuple[Subject, str], frozenset[str]] = {}
    for one in found:
        key = (one.subject, one.system)
        names[key] = names.get(key, frozenset()) | one.hosts
    return tuple(
        Dependency(subject, system, hosts)
        for (subject, system), hosts in sorted(names.items(), key=lambda item: (str(item[0][0]), item[0][1]))
    )


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
