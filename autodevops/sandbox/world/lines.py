"""What each container writes to its log: a line per answered request, errors with their stack, starts, last words.

Services write JSON lines; databases, DNS and the proxy write what their own programs write; a program that cannot start
says why on its way out. A line's moment, text and trace id follow from the sampled requests and the pods' runs, so the
same window always has the same lines.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from autodevops.sandbox.basics import hashing
from autodevops.sandbox.world.faults.effects import Modifier
from autodevops.sandbox.world.pods import Pod, Run
from autodevops.sandbox.world.requests import Hop
from autodevops.sandbox.world.source import failure, mistakes
from autodevops.sandbox.world.topology import Service, Topology
from autodevops.sandbox.world.traces import call_failure, upstream_message


class Line(NamedTuple):
    """`at` in ns since the epoch; `pod` is a uid; `trace_id` is empty outside a request."""

    at: int
    pod: str
    level: str
    text: str
    trace_id: str = ""


def answer_lines(hop: Hop, trace_id: str, topology: Topology, modifiers: tuple[Modifier, ...]) -> Iterator[Line]:
    """What the pod that answered wrote about it."""
    service = topology.by_name[hop.service]
    if service.language != "none":
        yield from _http_lines(hop, trace_id, service, topology, modifiers)
    elif hop.failure == "own":
        yield from _database_error(hop, service)


def _http_lines(
    hop: Hop, trace_id: str, service: Service, topology: Topology, modifiers: tuple[Modifier, ...]
) -> Iterator[Line]:
    assert hop.pod is not None
    context = {"trace_id": trace_id, "span_id": hop.span_id, "method": hop.route.method, "route": hop.route.path}
    for call in hop.calls:
        if call.failed and call.optional:
            said = f"optional call failed: {call_failure(call, topology)}; answering without it"
            at = _ns(call.waited)
            yield _json_line(at, hop.pod.uid, "warn", said, trace_id, {**context, "upstream": call.service})
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
        yield _json_line(at - 2000, hop.pod.uid, "error", said, trace_id, details)
    elif hop.failure == "upstream":
        broken = next(call for call in reversed(hop.calls) if call.failed and not call.optional)
        details = {**context, "status": hop.status, "upstream": broken.service}
        if broken.pod is not None:
            details["upstream_status"] = broken.status
        yield _json_line(at - 2000, hop.pod.uid, "error", upstream_message(hop, topology), trace_id, details)
    # Access lines are most of all lines; written by hand they cost a third of json.dumps.
    level = "warn" if hop.status >= 500 else "info"
    text = (
        f'{{"ts":"{_stamp(at)}","level":"{level}","msg":"{hop.route.method} {hop.route.path} {hop.status}",'
        f'"trace_id":"{trace_id}","span_id":"{hop.span_id}","method":"{hop.route.method}","route":"{hop.route.path}",'
        f'"status":{hop.status},"duration_ms":{hop.duration * 1000:.1f}}}'
    )
    yield Line(at, hop.pod.uid, level, text, trace_id)


def _database_error(hop: Hop, service: Service) -> Iterator[Line]:
    assert hop.pod is not None
    at = _ns(hop.end)
    thrown = failure(service, hop.exception, ())
    if service.protocol == "postgresql":
        session = f"{_plain(at)} UTC [{_number(hop.span_id) % 900 + 100}]"
        yield Line(at, hop.pod.uid, "error", f"{session} ERROR:  {thrown.message}")
        yield Line(at + 1000, hop.pod.uid, "info", f"{session} STATEMENT:  {hop.route.statement}")
    else:
        yield Line(at, hop.pod.uid, "warn", f"1:M {_redis_stamp(at)} # {thrown.message}")


# --- outside requests ---


@dataclass(frozen=True)
class Life:
    """One run of a pod's program, and what it is about to do if nobody ends it: it listens from `due` on and ends of
    itself at `ends` (epoch s, infinite: never) with `last_words`. A line is written by what is to come, not by what
    came of it, so that it stays as it was told."""

    run: Run
    due: float
    ends: float
    last_words: str

    @property
    def listens(self) -> float | None:
        """When it listens; None if it never did."""
        return self.due if self.due < min(self.ends, self.run.ended) else None


def service_lines(pod: Pod, lives: Sequence[Life], service: Service, start: float, end: float) -> Iterator[Line]:
    """Starts, ends and small talk of a service's pod between two moments (epoch seconds), not in order."""
    for life in lives:
        if life.run.ended < start or life.run.started > end:
            continue
        begun = (line for line in _start(pod, life, service) if line.at / 1e9 < life.run.ended)
        for line in (*begun, *_stop(pod, life, service)):
            if start <= line.at / 1e9 < end:
                yield line
        if life.listens is not None:
            yield from _small_talk(pod, service, max(start, life.listens), min(end, life.run.ended))


def program_lines(pod: Pod, lives: Sequence[Life], texts: Sequence[str], start: float, end: float) -> Iterator[Line]:
    """What another program prints over each of its runs."""
    for life in lives:
        run = life.run
        length = min(life.ends - run.started, 300.0)
        for index, text in enumerate(texts[:1] if life.last_words else texts):
            at = run.started + 0.2 + length * 0.95 * index / max(1, len(texts) - 1)
            if start <= at < min(end, run.ended):
                yield Line(_ns(at), pod.uid, "info", text)
        if life.last_words and start <= life.ends - 0.05 < min(end, run.ended):
            yield Line(_ns(life.ends - 0.05), pod.uid, "error", life.last_words)


def _small_talk(pod: Pod, service: Service, lower: float, upper: float) -> Iterator[Line]:
    for minute in range(int(lower // 60), math.ceil(upper / 60)):
        # Most pods say something of their own every other minute.
        chance = hashing.Dice(hashing.number("small talk", pod.uid, minute))
        if chance.uniform() > _TALK.get(service.language, 0.5):
            continue
        at = minute * 60.0 + 60.0 * chance.uniform()
        if lower <= at < upper:
            yield _talk(_ns(at), pod, service, chance)


_TALK = {"none": 0.35}


def _start(pod: Pod, life: Life, service: Service) -> Iterator[Line]:
    begin = _ns(life.run.started + 0.1)
    if service.language == "none":
        if life.due < life.ends:
            yield Line(_ns(life.due), pod.uid, "info", _plain_start(_ns(life.due), service))
        return
    version = {"version": pod.version, "language": service.language}
    yield _json_line(begin, pod.uid, "info", f"starting {service.name} {pod.version}", "", version)
    if life.due >= life.ends:
        return
    ready = _ns(life.due)
    middle = (begin + ready) // 2
    if service.config:
        files = ", ".join(f"/etc/{service.name}/{name}" for name in service.config)
        yield _json_line(begin + 40_000_000, pod.uid, "info", f"configuration read from {files}", "", {})
    for index, name in enumerate(service.callees):
        at = middle + index * 15_000_000
        yield _json_line(at, pod.uid, "info", f"using {name}", "", {"dependency": name})
    took = {"startup_ms": round((life.due - life.run.started) * 1000)}
    yield _json_line(ready, pod.uid, "info", f"listening on :{service.port}", "", took)


def _stop(pod: Pod, life: Life, service: Service) -> Iterator[Line]:
    run = life.run
    if life.last_words and life.ends - 0.05 < run.ended:
        for number, text in enumerate(life.last_words.splitlines()):
            yield Line(_ns(life.ends - 0.05) + number * 1000, pod.uid, "error", text)
        return
    if math.isinf(run.ended) or run.reason == "OOMKilled":
        return  # what is killed for its memory has no time for last words
    at = _ns(run.ended)
    if service.language == "none":
        yield Line(at, pod.uid, "info", f"{_plain(at)} UTC [1] LOG:  received SIGTERM, shutting down")
        return
    yield _json_line(at, pod.uid, "info", "received SIGTERM, draining", "", {})
    yield _json_line(at + 1_000_000, pod.uid, "info", "bye", "", {"version": pod.version})


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
        return Line(at, pod.uid, "info", f"{_plain(at)} UTC [27] LOG:  {text}")
    if service.protocol == "redis":
        return Line(at, pod.uid, "info", f"1:M {_redis_stamp(at)} * 100 changes in 300 seconds. Saving...")
    if service.language == "none":
        if service.port == 53:
            return Line(at, pod.uid, "info", "[INFO] plugin/reload: Running configuration SHA512 = 1b226df79860")
        return Line(
            at, pod.uid, "info", f'{_klog(at)} proxier.go:805] "Syncing iptables rules" elapsed={share / 10:.3f}'
        )
    if roll < 0.08:
        details: dict[str, Any] = {"attempt": 1, "backoff_ms": 50}
        return _json_line(at, pod.uid, "warn", "telemetry export failed, will retry: deadline exceeded", "", details)
    if roll < 0.5:
        pool = {"active": int(share * 6), "idle": 10 - int(share * 6)}
        return _json_line(at, pod.uid, "debug", "connection pool", "", pool)
    heap = {"heap_mb": round(service.memory * (0.5 + 0.3 * share)), "pause_ms": round(1 + 9 * share, 1)}
    return _json_line(at, pod.uid, "debug", "garbage collected", "", heap)


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
    return f"{_second(seconds)}.{rest // 1000:06d}Z"


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def _plain(at: int) -> str:
    return f"{datetime.fromtimestamp(at // 1_000_000_000, UTC):%Y-%m-%d %H:%M:%S}.{at // 1_000_000 % 1000:03d}"


def _redis_stamp(at: int) -> str:
    return f"{datetime.fromtimestamp(at // 1_000_000_000, UTC):%d %b %Y %H:%M:%S}.{at // 1_000_000 % 1000:03d}"


def _klog(at: int) -> str:
    return f"I{datetime.fromtimestamp(at // 1_000_000_000, UTC):%m%d %H:%M:%S}.{at // 1000 % 1_000_000:06d}       1"
