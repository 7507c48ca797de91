"""How a Service leads to containers, and who notices when it does not. Shared by the rules over Services."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import Object, Workload, items, section
from autodevops.investigation.picture import Picture

LEAST_THAT_SAY: Final = 2  # paths that lead to the Service they speak of, before one that does not counts
_PAINS: Final = {
    "ErrorRateIncreased", "ErrorRateHigh", "LatencyIncreased", "TrafficChanged", "CrashLoopBackOff",
    "ReplicasUnavailable",
}  # fmt: skip


def selector_of(service: Object) -> Mapping[str, Any]:
    """The labels by which it takes pods; empty where its endpoints are somebody else's affair."""
    spec = section(service, "spec")
    return {} if spec.get("type") == "ExternalName" else section(spec, "selector")


def selected(service: Object, picture: Picture) -> list[Workload]:
    """Workloads whose pods the Service takes."""
    return picture.inventory.matching(selector_of(service))


def target_of(port: Object) -> Any:
    """Where a port of a Service leads, by number or name: the same number where nothing else is said."""
    return port.get("targetPort", port.get("port"))


def container_ports(workload: Workload) -> Iterator[Mapping[str, Any]]:
    """Ports the containers declare, those of sidecars that are init containers among them."""
    spec = workload.pod_spec
    for container in (*items(spec, "containers"), *items(spec, "initContainers")):
        yield from items(container, "ports")


def unmeasured(picture: Picture) -> bool:
    """Whether nobody counts requests here: then that nobody seems hurt says nothing."""
    return not picture.signals_of("request_rate")


def lacking(name: str, services: Mapping[str, Object], wanted: Iterable[tuple[str, object]]) -> str:
    """What a backend leads to that is not there. `wanted` are its ports, each with the field that must have it."""
    if name not in services:
        return f"Service {name}, which does not exist"
    ports = items(services[name], "spec", "ports")
    missing = (value for key, value in wanted if value and all(port.get(key) != value for port in ports))
    return next((f"port {value} of Service {name}, which it does not have" for value in missing), "")


def is_hurt(subject: Subject, earlier: Iterable[Finding]) -> bool:
    """Whether something a user would notice is wrong with it now."""
    return any(f.subject == subject and _is_pain(f) for f in earlier)


def hurt_through(subject: Subject, picture: Picture, earlier: tuple[Finding, ...]) -> bool:
    """Whether anyone who depends on this object, or whom it serves, is hurt."""
    hurt = {f.subject for f in earlier if _is_pain(f)}
    return any(picture.graph.reaches(other, subject) or picture.graph.reaches(subject, other) for other in hurt)


def _is_pain(finding: Finding) -> bool:
    return finding.severity != "info" and (finding.reason in _PAINS or "Probe" in finding.reason)


def backends(ingress: Object) -> Iterator[Object]:
    """Every Service an Ingress leads to, as `{name, port}`: those of its paths, and the default one."""
    for rule in items(ingress, "spec", "rules"):
        for path in items(rule, "http", "paths"):
            yield section(path, "backend", "service")
    default = section(ingress, "spec", "defaultBackend", "service")
    if default:
        yield default


def meant_by(host: str, path: str, services: set[str]) -> str:
    """The Service that path or host name; the path first, its last word before others."""
    words = [word for word in path.split("(")[0].strip("/").split("/") if word]
    words = [*reversed(words), host.split(".")[0]] if words else [host.split(".")[0]]
    for word in words:
        for name in (
            word,
            word.removesuffix("s"),
            f"{word}s",
            f"{word}-service",
            f"{word}-svc",
            f"{word.removesuffix('s')}-service",
        ):
            if word and name in services:
                return name
    return ""
