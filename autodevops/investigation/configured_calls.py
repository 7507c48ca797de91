"""Which workload is set up to call which: addresses of Services in its environment, arguments and ConfigMaps.

Where no trace shows a call, this is how a person would find out. Only whole host names count. A Service's own variables
(`CART_SERVICE_HOST`), which the kubelet gives every container of the namespace, are read as its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from autodevops.domain.evidence import EvidenceId
from autodevops.domain.subject import Subject
from autodevops.investigation.graph import Edge
from autodevops.investigation.inventory import Inventory, Object, Workload, items, name_of, section

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)*")
_HOST_NAME = re.compile(r"_(?:HOST|HOSTNAME|ADDR|ADDRESS|SERVER)$")
_REFERENCE = re.compile(r"\$\((\w+)\)")
_SHELL_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_BETWEEN = re.compile(r"[\s,;\"'=(){}]+")
_SCHEME = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?[a-z][a-z0-9+.-]*://", re.I)  # also jdbc:postgresql://


@dataclass(frozen=True)
class Address:
    """A host name of this namespace, with its port where one is written. `url` says that a scheme stood before it."""

    host: str
    port: int | None
    url: bool


@dataclass(frozen=True)
class Setting:
    """A text of a container that may hold addresses: an environment variable; an argument or a line of a mounted file
    (without a name). `source` is the ConfigMap it comes from, if it does."""

    container: str
    name: str
    text: str
    source: str = ""


def settings_of(workload: Workload, inventory: Inventory) -> tuple[Setting, ...]:
    """The settings of a workload's containers: those in its template, and those it takes from ConfigMaps."""
    return inventory.once(_settings).get(workload.subject, ())


def _settings(inventory: Inventory) -> dict[Subject, tuple[Setting, ...]]:
    configs = {name_of(item): section(item, "data") for item in inventory.of_kind("ConfigMap")}
    links = dict(link for service in inventory.services for link in _service_links(service))
    return {workload.subject: _settings_of(workload, configs, links) for workload in inventory.workloads}


def _service_links(service: Object) -> Iterator[tuple[str, str]]:
    """The variables by which the kubelet tells containers of a Service, with its name in place of its address."""
    if section(service, "spec").get("clusterIP") == "None":
        return  # a headless one has none
    stem = _variable(name_of(service))
    yield f"{stem}_SERVICE_HOST", name_of(service)
    for port in reversed(items(service, "spec", "ports")):
        yield f"{stem}_SERVICE_PORT", str(port.get("port", ""))  # the first one's stays
        if port.get("name"):
            yield f"{stem}_SERVICE_PORT_{_variable(port['name'])}", str(port.get("port", ""))


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")


def _settings_of(workload: Workload, configs: Mapping[str, Object], links: Mapping[str, str]) -> tuple[Setting, ...]:
    linked = links if workload.pod_spec.get("enableServiceLinks") is not False else {}
    found: list[Setting] = []
    for container in items(workload.pod_spec, "containers"):
        variables = list(_variables(container, configs))
        values = {**linked, **{setting.name: setting.text for setting in variables}}
        found += [_whole(setting, values) for setting in variables]
        for key in ("args", "command"):
            parts = container.get(key)
            for part in parts if isinstance(parts, list) else ():
                text = _in_a_shell(_expanded(str(part), values), linked)
                found.append(Setting(str(container.get("name", "")), "", text))
        found += _files(container, workload.pod_spec, configs)
    return tuple(found)


def _variables(container: Object, configs: Mapping[str, Object]) -> Iterator[Setting]:
    place = str(container.get("name", ""))
    for source in items(container, "envFrom"):
        name = str(section(source, "configMapRef").get("name", ""))
        for key, value in configs.get(name, {}).items():
            yield Setting(place, f"{source.get('prefix') or ''}{key}", str(value), name)
    for entry in items(container, "env"):
        reference = section(entry, "valueFrom", "configMapKeyRef")
        source_name = str(reference.get("name", ""))
        value = configs.get(source_name, {}).get(str(reference.get("key", ""))) if reference else entry.get("value")
        yield Setting(place, str(entry.get("name", "")), str(value or ""), source_name)


def _whole(setting: Setting, values: Mapping[str, str]) -> Setting:
    """With $(OTHER) replaced, and with the port that stands in a variable of its own (DB_HOST, DB_PORT)."""
    text = _expanded(setting.text, values)
    stem = _HOST_NAME.sub("", setting.name)
    port = values.get(f"{stem}_PORT", "") if stem != setting.name else ""
    if port.isdecimal() and _HOST.fullmatch(text):
        text = f"{text}:{port}"
    return Setting(setting.container, setting.name, text, setting.source)


def _expanded(text: str, values: Mapping[str, str]) -> str:
    if "$(" not in text:
        return text
    return _REFERENCE.sub(lambda match: values.get(match.group(1), match.group(0)), text)


def _in_a_shell(text: str, linked: Mapping[str, str]) -> str:
    """With `$CART_SERVICE_HOST` replaced, which no kubelet does, but the shell that the argument is a script of."""
    if "_SERVICE_" not in text:
        return text
    return _SHELL_VARIABLE.sub(lambda match: linked.get(match.group(1), match.group(0)), text)


def _files(container: Object, spec: Object, configs: Mapping[str, Object]) -> Iterator[Setting]:
    volumes = {
        str(volume.get("name", "")): str(section(volume, "configMap").get("name", ""))
        for volume in items(spec, "volumes")
    }
    for mount in items(container, "volumeMounts"):
        name = volumes.get(str(mount.get("name", "")), "")
        for text in configs.get(name, {}).values():
            for line in str(text).splitlines():
                if not line.lstrip().startswith("#"):
                    yield Setting(str(container.get("name", "")), "", line, name)


def addressed(inventory: Inventory) -> tuple[tuple[Workload, Address], ...]:
    """Every address that stands in a workload's settings, with the workload."""
    return inventory.once(_addressed)


def _addressed(inventory: Inventory) -> tuple[tuple[Workload, Address], ...]:
    read = cache(lambda text: tuple(addresses(text, inventory.namespace)))  # the same ones stand in many templates
    return tuple(
        (workload, address)
        for workload in inventory.workloads
        for setting in settings_of(workload, inventory)
        for address in read(setting.text)
    )


def configured_edges(inventory: Inventory, evidence: EvidenceId | None) -> list[Edge]:
    if evidence is None:
        return []
    edges: list[Edge] = []
    names = {str(section(service, "metadata").get("name", "")) for service in inventory.services}
    for workload, address in addressed(inventory):
        target = inventory.of_name(address.host) if address.host in names else None
        if target is not None and target != workload.subject:
            edges.append(Edge(workload.subject, target, "is configured to call", evidence))
    return edges


def addresses(text: str, namespace: str) -> Iterator[Address]:
    """Hosts of this namespace that a value speaks of: in a URL, as host:port, or alone."""
    for part in _BETWEEN.split(text):
        bare = _SCHEME.sub("", part) if "://" in part else part
        host, _, port = bare.rsplit("@", 1)[-1].split("/", 1)[0].partition(":")
        if not _HOST.fullmatch(host):
            continue
        pieces = host.split(".")
        if pieces[1:] in ([], [namespace], [namespace, "svc"], [namespace, "svc", "cluster", "local"]):
            yield Address(pieces[0], int(port) if port.isdecimal() else None, bare != part)
