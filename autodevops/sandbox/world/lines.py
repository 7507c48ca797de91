"""What each container writes to its log: a line per answered request, errors with their stack, starts, small talk.

Services write JSON lines; databases, DNS and the proxy write what their own programs write. A line's moment, text and
trace id follow from the sampled requests and the pods, so the same window always has the same lines.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from autodevops.sandbox.basics import hashing
from autodevops.sandbox.world.primitives import Modifier
from autodevops.sandbox.world.requests import Hop, Request
from autodevops.sandbox.world.source import failure, mistakes
from autodevops.sandbox.world.topology import Service, Topology
from autodevops.sandbox.world.traces import upstream_message
from autodevops.sandbox.world.workloads import Pod


@dataclass(frozen=True, slots=True)
class Line:
    """`at` in ns since the epoch; `trace_id` is empty outside a request."""

    at: int
    pod: str
    level: str
    text: str
    trace_id: str = ""


def request_lines(request: Request, topology: Topology, modifiers: tuple[Modifier, ...]) -> Iterator[Line]:
    """Everything that everyone wrote about one request."""
    for hop in request.root.walk():
        if hop.pod is None:
            continue
        service = topology.by_name[hop.service]
        if service.is_http:
            yield from _http_lines(hop, request.trace_id, service, modifiers)
        elif hop.failed:
            yield from _database_error(hop, service)


def _http_lines(hop: Hop, trace_id: str, service: Service, modifiers: tuple[Modifier, ...]) -> Iterator[Line]:
    assert hop.pod is not None
    context = {"trace_id": trace_id, "span_id": hop.span_id, "method": hop.route.method, "route": hop.route.path}
    for call in hop.calls:
        if call.failed and call.optional:
            said = f"optional call failed: {_outcome(call)}; answering without it"
            at = _ns(call.end + call.network)
            yield _json_line(at, hop.pod.name, "warn", said, trace_id, {**context, "upstream": call.service})
    at = _ns(hop.end)
    if hop.failure == "own":
        thrown = failure(service, hop.exception, mistakes(modifiers, hop.service, hop.pod.version))
        details = {
            **context,
            "status": hop.status,
            "exception": thrown.type,
            "error": thrown.message,
            "stack": thrown.stack,
        }
        said = f"request failed: {thrown.type}: {thrown.message}"
        yield _json_line(at - 2000, hop.pod.name, "error", said, trace_id, details)
    elif hop.failure == "upstream":
        broken = next(call for call in reversed(hop.calls) if call.failed and not call.optional)
        details = {**context, "status": hop.status, "upstream": broken.service}
        if broken.pod is not None:
            details["upstream_status"] = broken.status
        yield _json_line(at - 2000, hop.pod.name, "error", upstream_message(hop), trace_id, details)
    # Access lines are most of all lines; written by hand they cost a third of json.dumps.
    level = "warn" if hop.status >= 500 else "info"
    text = (
        f'{{"ts":"{_stamp(at)}","level":"{level}","msg":"{hop.route.method} {hop.route.path} {hop.status}",'
        f'"trace_id":"{trace_id}","span_id":"{hop.span_id}","method":"{hop.route.method}","route":"{hop.route.path}",'
        f'"status":{hop.status},"duration_ms":{hop.duration * 1000:.1f}}}'
    )
    yield Line(at, hop.pod.name, level, text, trace_id)


def _outcome(call: Hop) -> str:
    return f"{call.status} from {call.service}" if call.pod is not None else f"connection to {call.service} refused"


def _database_error(hop: Hop, service: Service) -> Iterator[Line]:
    assert hop.pod is not None
    at = _ns(hop.end)
    thrown = failure(service, hop.exception, ())
    if service.protocol == "postgresql":
        session = f"{_plain(at)} UTC [{_number(hop.span_id) % 900 + 100}]"
        yield Line(at, hop.pod.name, "error", f"{session} ERROR:  {thrown.message}")
        yield Line(at + 1000, hop.pod.name, "info", f"{session} STATEMENT:  {hop.route.statement}")
    else:
        yield Line(at, hop.pod.name, "warn", f"1:M {_redis_stamp(at)} # {thrown.message}")


# --- outside requests ---


def pod_lines(pod: Pod, service: Service, start: float, end: float) -> Iterator[Line]:
    """Start, stop and small talk of one pod between two moments (epoch seconds), not in order."""
    for line in (*_start(pod, service), *_stop(pod, service)):
        if start <= line.at / 1e9 < end:
            yield line
    lower, upper = max(start, pod.ready_at), min(end, pod.deleted_at)
    for minute in range(int(lower // 60), math.ceil(upper / 60)):
        # Most pods say something of their own every other minute.
        chance = hashing.Dice(hashing.number("small talk", pod.uid, minute))
        if chance.uniform() > _TALK.get(service.language, 0.5):
            continue
        at = minute * 60.0 + 60.0 * chance.uniform()
        if lower <= at < upper:
            yield _talk(_ns(at), pod, service, chance)


_TALK = {"none": 0.35}


def _start(pod: Pod, service: Service) -> Iterator[Line]:
    begin, ready = _ns(pod.created_at + 1.0), _ns(pod.ready_at)
    if service.language == "none":
        yield Line(ready, pod.name, "info", _plain_start(ready, service))
        return
    middle = (begin + ready) // 2
    version = {"version": pod.version, "language": service.language}
    yield _json_line(begin, pod.name, "info", f"starting {service.name} {pod.version}", "", version)
    if service.config:
        files = ", ".join(f"/etc/{service.name}/{name}" for name in service.config)
        yield _json_line(begin + 40_000_000, pod.name, "info", f"configuration read from {files}", "", {})
    dependencies = sorted({call.service for route in service.routes for call in route.calls})
    for index, name in enumerate(dependencies):
        at = middle + index * 15_000_000
        yield _json_line(at, pod.name, "info", f"connected to {name}", "", {"dependency": name})
    took = {"startup_ms": round((pod.ready_at - pod.created_at) * 1000)}
    yield _json_line(ready, pod.name, "info", f"listening on :{service.port}", "", took)


def _stop(pod: Pod, service: Service) -> Iterator[Line]:
    if math.isinf(pod.deleted_at):
        return
    at = _ns(pod.deleted_at - 0.25)
    if service.language == "none":
        yield Line(at, pod.name, "info", f"{_plain(at)} UTC [1] LOG:  received SIGTERM, shutting down")
        return
    yield _json_line(at, pod.name, "info", "received SIGTERM, draining", "", {})
    yield _json_line(at + 200_000_000, pod.name, "info", "bye", "", {"version": pod.version})


def _plain_start(at: int, service: Service) -> str:
    match service.protocol:
        case "postgresql":
            return f"{_plain(at)} UTC [1] LOG:  database system is ready to accept connections"
        case "redis":
            return f"1:M {_redis_stamp(at)} * Ready to accept connections tcp"
    return f"{_klog(at)} server.go:677] Version info: {service.versions[-1]}"


def _talk(at: int, pod: Pod, service: Service, dice: hashing.Dice) -> Line:
    share, roll = dice.uniform(), dice.uniform()
    if service.protocol == "postgresql":
        buffers = 40 + int(900 * share)
        text = f"checkpoint complete: wrote {buffers} buffers ({buffers / 163.84:.1f}%); write={share * 60:.3f} s"
        return Line(at, pod.name, "info", f"{_plain(at)} UTC [27] LOG:  {text}")
    if service.protocol == "redis":
        return Line(at, pod.name, "info", f"1:M {_redis_stamp(at)} * 100 changes in 300 seconds. Saving...")
    if service.language == "none":
        if service.port == 53:
            return Line(at, pod.name, "info", "[INFO] plugin/reload: Running configuration SHA512 = 1b226df79860")
        return Line(
            at, pod.name, "info", f'{_klog(at)} proxier.go:805] "Syncing iptables rules" elapsed={share / 10:.3f}'
        )
    if roll < 0.08:
        details: dict[str, Any] = {"attempt": 1, "backoff_ms": 50}
        return _json_line(at, pod.name, "warn", "telemetry export failed, will retry: deadline exceeded", "", details)
    if roll < 0.5:
        pool = {"active": int(share * 6), "idle": 10 - int(share * 6)}
        return _json_line(at, pod.name, "debug", "connection pool", "", pool)
    heap = {"heap_mb": round(service.memory * (0.5 + 0.3 * share)), "pause_ms": round(1 + 9 * share, 1)}
    return _json_line(at, pod.name, "debug", "garbage collected", "", heap)


# --- spelling ---


def _json_line(at: int, pod: str, level: str, message: str, trace_id: str, details: dict[str, Any]) -> Line:
    document = {"ts": _stamp(at), "level": level, "msg": message, **details}
    return Line(at, pod, level, json.dumps(document, separators=(",", ":"), ensure_ascii=False), trace_id)


def _ns(at: float) -> int:
    return round(at * 1e6) * 1000


def _number(text: str) -> int:
    return int(text[:8], 16)


def _stamp(at: int) -> str:
    seconds, rest = divmod(at, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"


def _plain(at: int) -> str:
    return f"{datetime.fromtimestamp(at // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%S}.{at // 1_000_000 % 1000:03d}"


def _redis_stamp(at: int) -> str:
    return f"{datetime.fromtimestamp(at // 1_000_000_000, UTC):%d %b %Y %H:%M:%S}.{at // 1_000_000 % 1000:03d}"


def _klog(at: int) -> str:
    return f"I{datetime.fromtimestamp(at // 1_000_000_000, UTC):%m%d %H:%M:%S}.{at // 1000 % 1_000_000:06d}       1"
