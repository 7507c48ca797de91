"""Pod specs, bare and in templates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from autodevops.sandbox.basics.quantities import parse_quantity
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes import naming
from autodevops.sandbox.kubernetes.status import Fault
from autodevops.sandbox.kubernetes.validation.faults import (
    duplicate,
    each,
    not_allowed,
    not_found,
    required,
    unsupported,
    wrong,
)

_PROTOCOLS = ("SCTP", "TCP", "UDP")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_AT_LEAST_0 = "must be greater than or equal to 0"
_PORT = "must be between 1 and 65535, inclusive"


def pod_spec(spec: Json, field: str, *, restart: tuple[str, ...] = ("Always", "OnFailure", "Never")) -> Iterator[Fault]:
    """Faults of a spec with its defaults in. `restart` are the restart policies its owner allows."""
    volumes: set[str] = set()
    for index, volume in enumerate(spec.get("volumes") or ()):
        yield from _volume(volume, f"{field}.volumes[{index}]", volumes)
    if not spec.get("containers"):
        yield required(f"{field}.containers")
    names: set[str] = set()
    for group in ("initContainers", "containers"):
        ports: set[tuple[Any, ...]] = set()
        for index, container in enumerate(spec.get(group) or ()):
            yield from _container(container, f"{field}.{group}[{index}]", names, volumes, ports, group == "containers")
    policy = spec.get("restartPolicy")
    if policy not in restart:
        yield unsupported(f"{field}.restartPolicy", policy, restart)
    if spec.get("dnsPolicy") not in ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"):
        known = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
        yield unsupported(f"{field}.dnsPolicy", spec.get("dnsPolicy"), known)
    for key, value in (spec.get("nodeSelector") or {}).items():
        yield from each(f"{field}.nodeSelector", key, naming.qualified_name(key))
        yield from each(f"{field}.nodeSelector", value, naming.label_value(str(value)))
    if spec.get("serviceAccountName"):
        account = spec["serviceAccountName"]
        yield from each(f"{field}.serviceAccountName", account, naming.subdomain(account))
    seconds = spec.get("activeDeadlineSeconds")
    if seconds is not None and not 1 <= seconds < 2**31:
        yield wrong(f"{field}.activeDeadlineSeconds", seconds, "must be between 1 and 2147483647, inclusive")
    grace = spec.get("terminationGracePeriodSeconds")
    if grace is not None and grace < 0:
        yield wrong(f"{field}.terminationGracePeriodSeconds", grace, _AT_LEAST_0)
    for index, toleration in enumerate(spec.get("tolerations") or ()):
        yield from _toleration(toleration, f"{field}.tolerations[{index}]")


def _container(
    container: Json, field: str, names: set[str], volumes: set[str], ports: set[tuple[Any, ...]], main: bool
) -> Iterator[Fault]:
    name = container.get("name") or ""
    if not name:
        yield required(f"{field}.name")
    else:
        yield from each(f"{field}.name", name, naming.label(name))
        if name in names:
            yield duplicate(f"{field}.name", name)
        names.add(name)
    image = container.get("image") or ""
    if not image:
        yield required(f"{field}.image")
    elif image != image.strip():
        yield wrong(f"{field}.image", image, "must not have leading or trailing whitespace")
    if container.get("imagePullPolicy") not in ("Always", "IfNotPresent", "Never"):
        known = ("Always", "IfNotPresent", "Never")
        yield unsupported(f"{field}.imagePullPolicy", container.get("imagePullPolicy"), known)
    port_names: set[str] = set()
    for index, port in enumerate(container.get("ports") or ()):
        yield from _port(port, f"{field}.ports[{index}]", port_names, ports)
    for index, entry in enumerate(container.get("env") or ()):
        yield from _environment(entry, f"{field}.env[{index}]")
    mounts: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        where = f"{field}.volumeMounts[{index}]"
        if not mount.get("name"):
            yield required(f"{where}.name")
        elif mount["name"] not in volumes:
            yield not_found(f"{where}.name", mount["name"])
        path = mount.get("mountPath") or ""
        if not path:
            yield required(f"{where}.mountPath")
        elif path in mounts:
            yield wrong(f"{where}.mountPath", path, "must be unique")
        mounts.add(path)
    sidecar = container.get("restartPolicy") == "Always"
    for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(kind) is None:
            continue
        if not main and not sidecar:
            yield not_allowed(f"{field}.{kind}", "may not be set for init containers without restartPolicy=Always")
        else:
            yield from _probe(container[kind], f"{field}.{kind}", single=kind != "readinessProbe")
    yield from _resources(container.get("resources") or {}, f"{field}.resources")


def _port(port: Json, field: str, names: set[str], taken: set[tuple[Any, ...]]) -> Iterator[Fault]:
    name = port.get("name") or ""
    if name:
        problems = naming.port_name(name)
        yield from each(f"{field}.name", name, problems)
        if not problems and name in names:
            yield duplicate(f"{field}.name", name)
        names.add(name)
    number = port.get("containerPort") or 0
    if number == 0:
        yield required(f"{field}.containerPort")
    elif not 1 <= number <= 65535:
        yield wrong(f"{field}.containerPort", number, _PORT)
    host = port.get("hostPort") or 0
    if host and not 1 <= host <= 65535:
        yield wrong(f"{field}.hostPort", host, _PORT)
    if port.get("protocol") not in _PROTOCOLS:
        yield unsupported(f"{field}.protocol", port.get("protocol"), _PROTOCOLS)
    if host:
        key = (host, port.get("hostIP", ""), port.get("protocol"))
        if key in taken:
            yield duplicate(f"{field}.hostPort", f"{port.get('protocol')}/{port.get('hostIP', '')}/{host}")
        taken.add(key)


def _environment(entry: Json, field: str) -> Iterator[Fault]:
    name = entry.get("name") or ""
    if not name:
        yield required(f"{field}.name")
    else:
        yield from each(f"{field}.name", name, naming.environment_name(name))
    source = entry.get("valueFrom")
    if source is None:
        return
    if entry.get("value"):
        yield wrong(f"{field}.valueFrom", "", "may not be specified when `value` is not empty")
    given = [kind for kind in source if source[kind] is not None]
    if not given:
        detail = (
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        )
        yield wrong(f"{field}.valueFrom", "", detail)
    elif len(given) > 1:
        yield wrong(f"{field}.valueFrom", "", "may not have more than one field specified at a time")
    for kind in ("configMapKeyRef", "secretKeyRef"):
        if source.get(kind) is not None:
            if not source[kind].get("name"):
                yield required(f"{field}.valueFrom.{kind}.name")
            if not source[kind].get("key"):
                yield required(f"{field}.valueFrom.{kind}.key")


def _probe(probe: Json, field: str, *, single: bool) -> Iterator[Fault]:
    given = [kind for kind in _HANDLERS if probe.get(kind) is not None]
    if not given:
        yield required(field, "must specify a handler type")
    for kind in given[1:]:
        yield not_allowed(f"{field}.{kind}", "may not specify more than 1 handler type")
    for name in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        if (probe.get(name) or 0) < 0:
            yield wrong(f"{field}.{name}", probe[name], _AT_LEAST_0)
    if single and (probe.get("successThreshold") or 1) != 1:
        yield wrong(f"{field}.successThreshold", probe["successThreshold"], "must be 1")
    for kind in ("httpGet", "tcpSocket"):
        port = (probe.get(kind) or {}).get("port")
        if probe.get(kind) is None:
            continue
        if isinstance(port, int) or port is None:
            if not 1 <= (port or 0) <= 65535:
                yield wrong(f"{field}.{kind}.port", port or 0, _PORT)
        else:
            yield from each(f"{field}.{kind}.port", port, naming.port_name(port))


def _resources(resources: Json, field: str) -> Iterator[Fault]:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    for group, amounts in (("limits", limits), ("requests", requests)):
        for name, text in amounts.items():
            if parse_quantity(str(text)) < 0:
                yield wrong(f"{field}.{group}.{name}", str(text), _AT_LEAST_0)
    for name, text in requests.items():
        if name in limits and parse_quantity(str(text)) > parse_quantity(str(limits[name])):
            detail = f"must be less than or equal to {name} limit of {limits[name]}"
            yield wrong(f"{field}.requests", str(text), detail)


def _volume(volume: Json, field: str, names: set[str]) -> Iterator[Fault]:
    name = volume.get("name") or ""
    if not name:
        yield required(f"{field}.name")
    else:
        yield from each(f"{field}.name", name, naming.label(name))
        if name in names:
            yield duplicate(f"{field}.name", name)
        names.add(name)
    sources = [kind for kind, value in volume.items() if kind != "name" and value is not None]
    for kind in sources[1:]:
        yield not_allowed(f"{field}.{kind}", "may not specify more than 1 volume type")
    for kind, key in (("secret", "secretName"), ("configMap", "name"), ("persistentVolumeClaim", "claimName")):
        if kind in sources[:1] and not volume[kind].get(key):
            yield required(f"{field}.{kind}.{key}")


def _toleration(toleration: Json, field: str) -> Iterator[Fault]:
    operator, effect = toleration.get("operator") or "Equal", toleration.get("effect") or ""
    if operator not in ("Equal", "Exists"):
        yield unsupported(f"{field}.operator", operator, ("Equal", "Exists"))
    if operator == "Exists" and toleration.get("value"):
        yield wrong(f"{field}.operator", toleration["value"], "value must be empty when `operator` is 'Exists'")
    if not toleration.get("key") and operator != "Exists":
        detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        yield wrong(f"{field}.operator", operator, detail)
    if effect not in ("", "NoSchedule", "PreferNoSchedule", "NoExecute"):
        yield unsupported(f"{field}.effect", effect, ("NoSchedule", "PreferNoSchedule", "NoExecute"))
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        yield wrong(f"{field}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
