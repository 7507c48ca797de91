"""What is wrong with a probe that fails: port, protocol, path, command or timing, or the program behind it.

The kubelet says how a probe failed (event Unhealthy); the template says what it asks and what the container declares.
Events last an hour, so a container that is never ready, or is killed again and again, is judged by its template alone
when none is left. Shared by the eighteen rules over probes, three kinds times five mistakes and none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import items, section
from autodevops.investigation.picture import Picture
from autodevops.investigation.rollouts import parse_time
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.pods import ContainerState, SeenEvent, containers, count_of, events, is_recent
from autodevops.investigation.rules.routes import selector_of, target_of

ProbeKind: TypeAlias = Literal["Liveness", "Readiness", "Startup"]
Mistake: TypeAlias = Literal["port", "protocol", "path", "command", "timing", ""]

_FIELDS: Final[Mapping[ProbeKind, str]] = {
    "Liveness": "livenessProbe",
    "Readiness": "readinessProbe",
    "Startup": "startupProbe",
}
_LEAST: Final = 3  # failures: fewer are the ordinary price of starting
_PATIENCE: Final = timedelta(minutes=2)
_LONG_DELAY: Final = 300  # seconds before the first probe, from which on the delay itself is the trouble
_GRACE: Final = 45  # seconds from the last failure to the container's end: the usual 30 of grace, and some

_PROTOCOL: Final = re.compile(
    r"server gave HTTP response to HTTPS client|malformed HTTP|does not look like a TLS handshake|tls: |http2: |"
    r"does not implement the grpc health protocol|HTTP/1\.x transport connection broken|error reading server preface|"
    r"transport: received unexpected|unexpected HTTP status code|connection reset by peer|\bEOF\b"
)
_PATH: Final = re.compile(r"statuscode: (?:401|403|404|405|410)\b")
_COMMAND: Final = re.compile(
    r'exec: "[^"]+": (?:executable file not found|permission denied|stat |no such file)|executable file .*not found'
    r"|(?:starting container process caused|unable to start container process): .*no such file or directory"
)
_PLAIN_TO_TLS: Final = re.compile(r"statuscode: (?:400|426)\b")
_REFUSED: Final = re.compile(r"connection refused|actively refused|no route to host|failed to connect service")
_SLOW: Final = re.compile(
    r"context deadline exceeded|Client\.Timeout|i/o timeout|timed out|did not complete within|probe timed out", re.I
)
_NO_HTTP: Final = {3306, 5432, 6379, 27017, 11211, 9042, 5672, 9092}  # ports on which databases and brokers speak
_STOPPED: Final = {0, 137, 143}  # how a container ends that the kubelet stops


@dataclass(frozen=True)
class ProbeTrouble:
    """A probe of one container that fails in some pods, and what is wrong with it; no mistake: the program."""

    subject: Subject
    container: str
    kind: ProbeKind
    mistake: Mistake
    words: str
    pods: frozenset[str]
    since: datetime | None
    active: bool
    seen: bool  # whether the kubelet's own words are there
    kills: bool = False  # the kubelet says that it stops containers for it, again and again


def probe_findings(rule: Rule, picture: Picture, kind: ProbeKind, mistake: Mistake) -> Iterable[Finding]:
    for trouble in picture.once(troubles):
        if (trouble.kind, trouble.mistake) == (kind, mistake):
            since = f" since {clock(trouble.since)}" if trouble.since else ""
            yield rule.finding(
                trouble.subject,
                f"{kind} probe of {trouble.container} in {count_of(set(trouble.pods))} of {trouble.subject.name}"
                f" {'fails' if trouble.active else 'failed'}{since}: {trouble.words}",
                severity="info" if not trouble.active else "error" if mistake or trouble.kills else "warning",
                confidence=(0.95 if trouble.seen else 0.85) if mistake else 0.85,
                evidence=picture.evidence_of("Event", "Pod"),
                onset=trouble.since,
            )


def troubles(picture: Picture) -> list[ProbeTrouble]:
    """Every failing probe, one for each container and kind. What only follows from another one is left out."""
    groups: dict[tuple[Subject, str, ProbeKind], list[ContainerState]] = {}
    heard = [event for event in events(picture, "Unhealthy") if event.kind == "Pod"]
    for state in containers(picture):
        for kind in _FIELDS:
            if probe_of(state, kind) or _is_told_of(state, kind, heard):
                groups.setdefault((state.subject, state.name, kind), []).append(state)
    found = [
        trouble
        for (_, _, kind), states in sorted(groups.items(), key=lambda row: (str(row[0][0]), *row[0][1:]))
        if (trouble := _judge(picture, states, kind, heard)) is not None
    ]
    definite = {(one.subject, one.container) for one in found if one.mistake and one.active}
    return [one for one in found if one.mistake or (one.subject, one.container) not in definite]


def _is_told_of(state: ContainerState, kind: ProbeKind, heard: list[SeenEvent]) -> bool:
    """Whether the kubelet speaks of a probe that the template does not show, and it can only be this container's."""
    alone = len(items(state.pod, "status", "containerStatuses")) <= 1
    return alone and any(event.name == state.pod_name and event.message.startswith(kind) for event in heard)


def probe_of(state: ContainerState, kind: ProbeKind) -> Mapping[str, Any]:
    return section(_container(state), _FIELDS[kind])


def _container(state: ContainerState) -> Mapping[str, Any]:
    for key in ("containers", "initContainers"):
        for container in items(state.pod, "spec", key):
            if container.get("name") == state.name:
                return container
    return {}


def _judge(
    picture: Picture, states: list[ContainerState], kind: ProbeKind, heard: list[SeenEvent]
) -> ProbeTrouble | None:
    pods = {state.pod_name for state in states}
    alone = all(len(items(state.pod, "status", "containerStatuses")) <= 1 for state in states)
    said = [
        event
        for event in heard
        if event.name in pods and event.message.startswith(kind) and (alone or _is_about(event, states[0], kind))
    ]
    unwell = [state for state in states if _is_unwell(state, kind, picture)]
    if sum(event.count for event in said) >= _LEAST:
        words = said[-1].message.split("failed:", 1)[-1].split("errored:", 1)[-1].strip()
        unwell_pods = {state.pod_name for state in unwell}
        active = any(is_recent(e.last, picture) and (e.name in unwell_pods or kind != "Readiness") for e in said)
        first = min(event.first for event in said)
        failing = [state for state in states if any(event.name == state.pod_name for event in said)]
        trouble = _trouble(picture, failing, kind, words, first, active=active)
        by_itself = kind != "Readiness" and all(_ends_by_itself(state, picture) for state in failing)
        if trouble is None or (by_itself and not trouble.mistake):
            return None
        return replace(trouble, kills=kind != "Readiness" and _stops(picture, trouble.pods) >= _LEAST)
    if not unwell:
        return None
    return _trouble(picture, unwell, kind, "", _since(unwell), active=True)


def _ends_by_itself(state: ContainerState, picture: Picture) -> bool:
    """Whether the kubelet did not stop it: then a probe fails because nothing runs, and is no cause."""
    ended = state.terminated
    if ended.get("exitCode") is None or (ended["exitCode"] in _STOPPED and ended.get("reason") != "OOMKilled"):
        return False
    killed = (event for event in events(picture, "Killing") if event.name == state.pod_name)
    return not any("probe, will be restarted" in event.message for event in killed)


def _stops(picture: Picture, pods: frozenset[str]) -> int:
    """How often the kubelet says that it stops containers of these pods for a probe."""
    killed = (event for event in events(picture, "Killing") if event.name in pods and is_recent(event.last, picture))
    return sum(event.count for event in killed if "probe" in event.message and "will be restarted" in event.message)


def _is_about(event: SeenEvent, state: ContainerState, kind: ProbeKind) -> bool:
    """In a pod of several containers: whether the event names this one, or the address that its probe asks."""
    if event.container:
        return event.container == state.name
    port = _number(state, kind)
    if port is None:
        return not re.search(r":\d+[/\"]|dial tcp", event.message)
    return f":{port}" in event.message or "statuscode" in event.message


def _is_unwell(state: ContainerState, kind: ProbeKind, picture: Picture) -> bool:
    """Whether the state shows what a failing probe does: never ready, never started, stopped again and again."""
    running = section(state.status, "state", "running")
    began = parse_time(running.get("startedAt"))
    long = began is not None and picture.span.window.end - began >= _PATIENCE
    if kind == "Readiness":
        return bool(running) and state.status.get("ready") is False and long and _started(state)
    ended = state.terminated
    killed = (
        state.restarts >= _LEAST
        and (
            state.waiting.get("reason") == "CrashLoopBackOff" or is_recent(parse_time(ended.get("finishedAt")), picture)
        )
        and _lasted_as_long_as_allowed(state, kind)
    )
    return killed and (kind != "Liveness" or not probe_of(state, "Startup") or _started(state))


def _started(state: ContainerState) -> bool:
    return state.status.get("started") is not False


def _trouble(
    picture: Picture, states: list[ContainerState], kind: ProbeKind, words: str, since: datetime | None, *, active: bool
) -> ProbeTrouble | None:
    state = states[0]
    mistake, why = _mistake(picture, state, kind, words)
    if not words and not mistake:
        return None  # not ready, and nothing says that it is the probe's fault: others know better
    told = f"{why} ({words})" if why and words else why or words
    pods = frozenset(s.pod_name for s in states)
    return ProbeTrouble(state.subject, state.name, kind, mistake, told, pods, since, active, bool(words))


def _mistake(picture: Picture, state: ContainerState, kind: ProbeKind, words: str) -> tuple[Mistake, str]:
    probe, container = probe_of(state, kind), _container(state)
    if not probe:
        return "", ""
    asks, port = _asks(probe), _port(probe)
    if asks == "a command" and _COMMAND.search(words):
        command = section(probe, "exec").get("command")
        first = command[0] if isinstance(command, list) and command else "it"
        return "command", f"its command {first} cannot be run in the container"
    declared = [one for other in items(state.pod, "spec", "containers") for one in items(other, "ports")]
    own = [str(one.get("name")) for one in items(container, "ports") if one.get("name")]
    if isinstance(port, str) and not port.isdecimal() and port not in own:
        return "port", f"it asks port {port}, and no port of {state.name} has that name"
    number = _number(state, kind)
    known = {int(one["containerPort"]): one for one in declared if isinstance(one.get("containerPort"), int)}
    if number is not None and number in known:
        spoken = str(known[number].get("protocol") or "TCP")
        if spoken != "TCP":
            return "protocol", f"it asks {asks} at port {number}, which speaks {spoken}"
    if words and _PROTOCOL.search(words) and (port is not None) and not _SLOW.search(words):
        sudden = re.search(r"\bEOF\b|connection reset", words) and not _unlike(asks, number, known)
        if not sudden:
            return "protocol", f"it asks {asks} at port {port}, which speaks something else"
    if _PLAIN_TO_TLS.search(words) and asks == "HTTP" and _is_tls(number, known):
        return "protocol", f"it asks plain HTTP at port {port}, which speaks TLS"
    if _PATH.search(words):
        return "path", f"the program does not serve {section(probe, 'httpGet').get('path') or '/'} to it"
    refused = bool(_REFUSED.search(words))
    listens = _listens(picture, state, kind, known)
    elsewhere = listens - {number}
    if number is not None and (refused or not words) and elsewhere and number not in listens:
        return "port", f"it asks port {number}, but {state.name} listens on {', '.join(map(str, sorted(elsewhere)))}"
    if (
        asks == "gRPC"
        and refused
        and number is not None
        and number in known
        and _named(known[number]) not in ("", "gRPC")
    ):
        return "protocol", f"it asks gRPC at port {number}, which is {known[number].get('name')}"
    if _unlike(asks, number, known) and words:
        return "protocol", f"it asks {asks} at port {number}, which speaks something else"
    return _timing(picture, state, kind, words)


def _timing(picture: Picture, state: ContainerState, kind: ProbeKind, words: str) -> tuple[Mistake, str]:
    probe = probe_of(state, kind)
    delay, limit = _seconds(probe, "initialDelaySeconds", 0), _seconds(probe, "timeoutSeconds", 1)
    began = parse_time(section(state.status, "state", "running").get("startedAt"))
    age = (picture.span.window.end - began).total_seconds() if began else 0.0
    if not words and kind == "Readiness" and delay >= _LONG_DELAY and 0 < age < delay:
        return "timing", f"it first asks {delay} s after the start"
    early = kind != "Readiness" and _lasted_as_long_as_allowed(state, kind) and state.restarts > 0
    if early and (_REFUSED.search(words) or _SLOW.search(words) or (not words and kind == "Startup")):
        return "timing", f"it gives {state.name} {_allowed(probe)} s to start, and it is stopped before it is up"
    if _SLOW.search(words) and not _REFUSED.search(words) and limit <= 1 and _answers_others(state, kind):
        return "timing", f"it waits {limit} s for an answer"
    return "", ""


def _answers_others(state: ContainerState, kind: ProbeKind) -> bool:
    """Whether another probe of the container, with more patience, is content: then the program is well, if slow."""
    ready = state.status.get("ready") is True
    other = probe_of(state, "Readiness")
    return kind != "Readiness" and ready and (not other or _seconds(other, "timeoutSeconds", 1) > 1)


def _lasted_as_long_as_allowed(state: ContainerState, kind: ProbeKind) -> bool:
    """Whether the last run ended when the probe's patience was over, counted from the start: it never was well."""
    ended = state.terminated
    start, end = parse_time(ended.get("startedAt")), parse_time(ended.get("finishedAt"))
    if start is None or end is None or ended.get("exitCode") not in _STOPPED or ended.get("reason") == "OOMKilled":
        return False
    probe = probe_of(state, kind)
    least = _seconds(probe, "initialDelaySeconds", 0) + _seconds(probe, "periodSeconds", 10) * (
        _seconds(probe, "failureThreshold", 3) - 2
    )
    most = _allowed(probe) + _seconds(probe, "timeoutSeconds", 1) * _seconds(probe, "failureThreshold", 3) + _GRACE
    return least <= (end - start).total_seconds() <= most


def _allowed(probe: Mapping[str, Any]) -> int:
    """Seconds from the start to the last allowed failure."""
    period, threshold = _seconds(probe, "periodSeconds", 10), _seconds(probe, "failureThreshold", 3)
    return _seconds(probe, "initialDelaySeconds", 0) + period * threshold


def _asks(probe: Mapping[str, Any]) -> str:
    if section(probe, "httpGet"):
        return str(section(probe, "httpGet").get("scheme") or "HTTP")
    return "gRPC" if section(probe, "grpc") else "TCP" if section(probe, "tcpSocket") else "a command"


def _port(probe: Mapping[str, Any]) -> object:
    ports = (section(probe, key).get("port") for key in ("httpGet", "grpc", "tcpSocket"))
    return next((port for port in ports if port is not None), None)


def _number(state: ContainerState, kind: ProbeKind) -> int | None:
    """The number of the port it asks; of a name, that which the container gives it."""
    port = _port(probe_of(state, kind))
    for one in items(_container(state), "ports"):
        if port == one.get("name") and isinstance(one.get("containerPort"), int):
            return int(one["containerPort"])
    return int(str(port)) if str(port).isdecimal() else None


def _listens(picture: Picture, state: ContainerState, kind: ProbeKind, known: Mapping[int, object]) -> set[int]:
    """Where the pod is known to listen: ports it declares, else those that Services and its other probes use."""
    if known:
        return set(known)
    found = {number for other in _FIELDS if other != kind and (number := _number(state, other)) is not None}
    labels = section(state.pod, "metadata", "labels")
    for service in picture.inventory.services:
        wanted = selector_of(service)
        if wanted and all(labels.get(key) == value for key, value in wanted.items()):
            targets = (target_of(port) for port in items(service, "spec", "ports"))
            found |= {int(str(target)) for target in targets if str(target).isdecimal()}
    return found


def _unlike(asks: str, number: int | None, known: Mapping[int, Mapping[str, Any]]) -> bool:
    """Whether port and question do not fit by what everybody takes the port for."""
    if asks not in ("HTTP", "HTTPS") or number is None:
        return False
    return number in _NO_HTTP or (number in known and _named(known[number]) not in ("", "HTTP", "HTTPS"))


def _is_tls(number: int | None, known: Mapping[int, Mapping[str, Any]]) -> bool:
    if number is None:
        return False
    return number in (443, 8443, 6443, 9443) or (number in known and _named(known[number]) == "HTTPS")


def _named(port: Mapping[str, Any]) -> str:
    """The protocol that a port's name stands for, by convention (`grpc-api`, `http`, `web-tls`)."""
    return spoken(str(port.get("name") or ""))


def spoken(name: str) -> str:
    """The protocol that a name stands for: gRPC, HTTP, HTTPS, `other`, or empty where it says nothing."""
    words = set(name.lower().split("-"))
    if words & {"grpc", "h2c"}:
        return "gRPC"
    if words & {"https", "tls"}:
        return "HTTPS"
    if words & {"http", "web", "http2"}:
        return "HTTP"
    return "other" if words & {"redis", "mysql", "postgres", "postgresql", "mongodb", "amqp", "tcp", "udp"} else ""


def _seconds(probe: Mapping[str, Any], key: str, default: int) -> int:
    value = probe.get(key)
    return value if isinstance(value, int) and value > 0 else default


def _since(states: Iterable[ContainerState]) -> datetime | None:
    return min(_moments(states), default=None)


def _moments(states: Iterable[ContainerState]) -> Iterator[datetime]:
    for state in states:
        moment = parse_time(section(state.status, "state", "running").get("startedAt")) or parse_time(
            state.terminated.get("startedAt")
        )
        if moment is not None:
            yield moment
