"""PodSecurity: the Pod Security Standards a namespace's labels ask for, each check with its own words.

Covers the checks of the newest policy version but AppArmor, SELinux, procMount and Windows ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from autodevops.sandbox.cluster.admitting.namespaces import labels_of
from autodevops.sandbox.cluster.denied import forbidden
from autodevops.sandbox.cluster.store import Json, Store

_LABEL = "pod-security.kubernetes.io/enforce"
_BASELINE_CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
_RESTRICTED_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
_SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
    }
)
Found = tuple[str, str]
"""Reason and detail of a violation."""


def check(store: Store, pod: Json) -> None:
    """Raises Denied with all violations."""
    labels = labels_of(store, pod["metadata"]["namespace"])
    level = labels.get(_LABEL, "privileged")
    checks = {"baseline": _BASELINE, "restricted": _RESTRICTED}.get(level, ())
    found = [violation for one in checks if (violation := one(pod["spec"])) is not None]
    if found:
        version = labels.get(f"{_LABEL}-version", "latest")
        text = ", ".join(f"{reason} ({detail})" if detail else reason for reason, detail in found)
        raise forbidden(pod, f'violates PodSecurity "{level}:{version}": {text}')


def _host_namespaces(spec: Json) -> Found | None:
    used = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    return ("host namespaces", ", ".join(used)) if used else None


def _host_paths(spec: Json) -> Found | None:
    names = [one["name"] for one in spec.get("volumes") or () if one.get("hostPath") is not None]
    return ("hostPath volumes", f"{_many('volume', names)} {_quoted(names)}") if names else None


def _host_ports(spec: Json) -> Found | None:
    bad = {
        one["name"]: [port["hostPort"] for port in one.get("ports") or () if port.get("hostPort")]
        for one in _containers(spec)
    }
    names = [name for name, ports in bad.items() if ports]
    ports = sorted({port for own in bad.values() for port in own})
    if not names:
        return None
    verb = "uses" if len(names) == 1 else "use"
    listed = ", ".join(map(str, ports))
    return "hostPort", f"{_named(names)} {verb} {_many('hostPort', ports)} {listed}"


def _probe_hosts(spec: Json) -> Found | None:
    names, hosts = set(), set()
    for one in _containers(spec):
        lifecycle = one.get("lifecycle") or {}
        handlers = [one.get(name) for name in ("livenessProbe", "readinessProbe", "startupProbe")]
        for handler in [*handlers, lifecycle.get("postStart"), lifecycle.get("preStop")]:
            for way in ("httpGet", "tcpSocket"):
                host = ((handler or {}).get(way) or {}).get("host")
                if host:
                    names.add(one["name"])
                    hosts.add(host)
    if not names:
        return None
    verb = "uses" if len(names) == 1 else "use"
    what = _many("probe or lifecycle host", hosts)
    return "probe or lifecycle host", f"{_named(sorted(names))} {verb} {what} {_quoted(sorted(hosts))}"


def _privileged(spec: Json) -> Found | None:
    names = [one["name"] for one in _containers(spec) if _context(one).get("privileged")]
    return ("privileged", f"{_named(names)} must not set securityContext.privileged=true") if names else None


def _capabilities_baseline(spec: Json) -> Found | None:
    names, added = _added(spec, _BASELINE_CAPABILITIES)
    if not names:
        return None
    what = f"must not include {_quoted(added)} in securityContext.capabilities.add"
    return "non-default capabilities", f"{_named(names)} {what}"


def _capabilities_restricted(spec: Json) -> Found | None:
    names, added = _added(spec, frozenset(("NET_BIND_SERVICE",)))
    keeping = [
        one["name"]
        for one in _containers(spec)
        if "ALL" not in ((_context(one).get("capabilities") or {}).get("drop") or ())
    ]
    details = []
    if keeping:
        details.append(f'{_named(keeping)} must set securityContext.capabilities.drop=["ALL"]')
    if names:
        details.append(f"{_named(names)} must not include {_quoted(added)} in securityContext.capabilities.add")
    return ("unrestricted capabilities", "; ".join(details)) if details else None


def _sysctls(spec: Json) -> Found | None:
    names = [one["name"] for one in _context(spec).get("sysctls") or () if one["name"] not in _SAFE_SYSCTLS]
    return ("forbidden sysctls", ", ".join(names)) if names else None


def _seccomp_baseline(spec: Json) -> Found | None:
    bad = [one["name"] for one in _containers(spec) if _seccomp(one) == "Unconfined"]
    setters = (["pod"] if _seccomp(spec) == "Unconfined" else []) + ([_named(bad)] if bad else [])
    if not setters:
        return None
    what = 'must not set securityContext.seccompProfile.type to "Unconfined"'
    return "seccompProfile", f"{' and '.join(setters)} {what}"


def _escalation(spec: Json) -> Found | None:
    names = [one["name"] for one in _containers(spec) if _context(one).get("allowPrivilegeEscalation") is not False]
    what = "must set securityContext.allowPrivilegeEscalation=false"
    return ("allowPrivilegeEscalation != false", f"{_named(names)} {what}") if names else None


def _volume_types(spec: Json) -> Found | None:
    bad = {}
    for one in spec.get("volumes") or ():
        kinds = one.keys() - {"name"}
        if not kinds & _RESTRICTED_VOLUMES:
            bad[one["name"]] = min(kinds, default="unknown")
    if not bad:
        return None
    verb = "uses" if len(bad) == 1 else "use"
    kinds = sorted(set(bad.values()))
    text = f"{_many('volume', bad)} {_quoted(bad)} {verb} restricted volume {_many('type', kinds)} {_quoted(kinds)}"
    return "restricted volume types", text


def _non_root(spec: Json) -> Found | None:
    pod = _context(spec).get("runAsNonRoot")
    explicit = [one["name"] for one in _containers(spec) if _context(one).get("runAsNonRoot") is False]
    setters = (["pod"] if pod is False else []) + ([_named(explicit)] if explicit else [])
    reason = "runAsNonRoot != true"
    if setters:
        return reason, f"{' and '.join(setters)} must not set securityContext.runAsNonRoot=false"
    silent = [one["name"] for one in _containers(spec) if _context(one).get("runAsNonRoot") is None and not pod]
    return (reason, f"pod or {_named(silent)} must set securityContext.runAsNonRoot=true") if silent else None


def _root_user(spec: Json) -> Found | None:
    bad = [one["name"] for one in _containers(spec) if _context(one).get("runAsUser") == 0]
    setters = (["pod"] if _context(spec).get("runAsUser") == 0 else []) + ([_named(bad)] if bad else [])
    return ("runAsUser=0", f"{' and '.join(setters)} must not set runAsUser=0") if setters else None


def _seccomp_restricted(spec: Json) -> Found | None:
    good = ("RuntimeDefault", "Localhost")
    pod = _seccomp(spec)
    bad = [one["name"] for one in _containers(spec) if _seccomp(one) and _seccomp(one) not in good]
    setters = (["pod"] if pod and pod not in good else []) + ([_named(bad)] if bad else [])
    if setters:
        what = 'must not set securityContext.seccompProfile.type to "Unconfined"'
        return "seccompProfile", f"{' and '.join(setters)} {what}"
    silent = [one["name"] for one in _containers(spec) if not _seccomp(one) and not pod]
    what = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return ("seccompProfile", f"pod or {_named(silent)} {what}") if silent else None


def _seccomp(item: Mapping[str, Any]) -> str:
    return str((_context(item).get("seccompProfile") or {}).get("type", ""))


def _added(spec: Json, allowed: frozenset[str]) -> tuple[list[str], list[str]]:
    """Containers that add capabilities beyond the allowed ones, and these."""
    names, bad = [], set()
    for one in _containers(spec):
        own = set((_context(one).get("capabilities") or {}).get("add") or ()) - allowed
        if own:
            names.append(one["name"])
            bad |= own
    return names, sorted(bad)


def _containers(spec: Json) -> Iterable[Json]:
    for group in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(group) or ()


def _context(item: Mapping[str, Any]) -> Mapping[str, Any]:
    return item.get("securityContext") or {}


def _many(word: str, of: Iterable[object]) -> str:
    return word if len([*of]) == 1 else f"{word}s"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _named(names: list[str]) -> str:
    return f"{_many('container', names)} {_quoted(names)}"


_Check = Callable[[Json], Found | None]
_COMMON: tuple[_Check, ...] = (_host_namespaces, _host_paths, _host_ports, _probe_hosts, _privileged)
_BASELINE: tuple[_Check, ...] = (_capabilities_baseline, *_COMMON, _seccomp_baseline, _sysctls)
_RESTRICTED: tuple[_Check, ...] = (
    *_COMMON,
    _sysctls,
    _escalation,
    _capabilities_restricted,
    _volume_types,
    _non_root,
    _root_user,
    _seccomp_restricted,
)
