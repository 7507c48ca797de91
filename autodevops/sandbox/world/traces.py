"""The world's traces: each sampled request as the spans that OpenTelemetry instrumentation would have sent.

A server span for every service that answered, a client span at its caller, and only the client span for a database or
cache, which sends none itself. Attribute names and the rules for status are OpenTelemetry's semantic conventions: a
server span is an error from 500 on, a client span from 400 on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from autodevops.sandbox.world.pods import Pod
from autodevops.sandbox.world.requests import Hop, Request
from autodevops.sandbox.world.source import failure, mistakes
from autodevops.sandbox.world.topology import Service, Topology

if TYPE_CHECKING:
    from autodevops.sandbox.world.world import World

AttributeValue = str | int | float | bool


@dataclass(frozen=True, slots=True)
class SpanEvent:
    time_ns: int
    name: str
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SpanLink:
    """A span elsewhere that this one has to do with, as a consumer's with the message's producer."""

    trace_id: str
    span_id: str
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """One span. Ids are lower-case hex, `parent_id` is empty at the root; times in ns since the epoch.

    `kind` is server, client, internal, producer or consumer; `status` is unset, ok or error.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    start_ns: int
    end_ns: int
    status: str = "unset"
    status_message: str = ""
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    resource: Mapping[str, AttributeValue] = field(default_factory=dict)
    scope: str = ""
    events: tuple[SpanEvent, ...] = ()
    links: tuple[SpanLink, ...] = ()

    @property
    def duration_ns(self) -> int:
        return self.end_ns - self.start_ns

    @property
    def service(self) -> str:
        return str(self.resource.get("service.name", ""))


@dataclass(frozen=True)
class Trace:
    """All spans of one request, ordered by start."""

    trace_id: str
    spans: Sequence[Span]

    @cached_property
    def root(self) -> Span | None:
        return next((span for span in self.spans if not span.parent_id), None)

    @property
    def start_ns(self) -> int:
        return min(span.start_ns for span in self.spans)

    @property
    def duration_ns(self) -> int:
        return max(span.end_ns for span in self.spans) - self.start_ns

    @cached_property
    def by_id(self) -> Mapping[str, Span]:
        return {span.span_id: span for span in self.spans}


# --- spans of a request ---

_SDK_LANGUAGE = {"nodejs": "nodejs", "dotnet": "dotnet", "python": "python", "java": "java", "go": "go"}
_CLIENT_SPARE = 0.0001  # s between the caller's client span and the callee's server span


def world_traces(world: World) -> Callable[[int, int], Iterator[Trace]]:
    """(start, end) in ns -> the finished traces that begin in [start, end), newest first, made as they are read."""

    def traces(start: int, end: int) -> Iterator[Trace]:
        now = world.now()
        low, high = start / 1e9, min(end / 1e9, now)
        spans = _Spans(world)
        for minute in range(int(high // 60), int(low // 60) - 1, -1):
            found = list(world.requests(max(low, minute * 60.0), min(high, minute * 60.0 + 60.0)))
            for request in reversed(found):
                if request.root.end <= now:
                    yield spans.of(request)

    return traces


def find_trace(world: World, trace_id: str) -> Trace | None:
    """The trace of a sampled request that has ended, by its 32 hex digits."""
    request = world.find_request(trace_id)
    if request is None or request.root.end > world.now():
        return None
    return _Spans(world).of(request)


class _Spans:
    """Makes traces; what many spans share (a pod's resource, a version's exception) is made once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._modifiers = world.modifiers
        self._resources: dict[str, Mapping[str, AttributeValue]] = {}

    def of(self, request: Request) -> Trace:
        spans: list[Span] = []
        self._server(request.trace_id, request.root, "", spans)
        spans.sort(key=lambda span: span.start_ns)
        return Trace(request.trace_id, tuple(spans))

    def _server(self, trace_id: str, hop: Hop, parent_id: str, spans: list[Span]) -> None:
        assert hop.pod is not None
        service = self._world.topology.by_name[hop.service]
        status, message = "unset", ""
        events: tuple[SpanEvent, ...] = ()
        attributes: dict[str, AttributeValue] = {
            "http.request.method": hop.route.method,
            "http.route": hop.route.path,
            "url.path": _path(hop),
            "url.scheme": "http",
            "http.response.status_code": hop.status,
            "server.address": hop.service,
            "server.port": service.port,
        }
        if service.consumes is not None:
            attributes = {
                "messaging.system": "rabbitmq",
                "messaging.operation.type": "process",
                "messaging.destination.name": hop.route.path,
            }
        if hop.status >= 500:
            status, attributes["error.type"] = "error", str(hop.status)
        if hop.failure == "own":
            wrong = mistakes(self._modifiers, hop.service, hop.pod.version)
            thrown = failure(service, hop.exception, wrong)
            message, attributes["error.type"] = thrown.message, thrown.type
            details = {
                "exception.type": thrown.type,
                "exception.message": thrown.message,
                "exception.stacktrace": thrown.stack,
            }
            events = (SpanEvent(_ns(hop.end - hop.duration * 0.02), "exception", details),)
        elif hop.failure == "upstream":
            message = upstream_message(hop, self._world.topology)
        spans.append(
            Span(
                trace_id=trace_id,
                span_id=hop.span_id,
                parent_id=parent_id,
                name=f"{hop.route.method} {hop.route.path}",
                kind="consumer" if service.consumes is not None else "server",
                start_ns=_ns(hop.start),
                end_ns=_ns(hop.end),
                status=status,
                status_message=message,
                attributes=attributes,
                resource=self._resource(hop.pod, service),
                scope="http-server",
                events=events,
            )
        )
        for call in hop.calls:
            self._client(trace_id, call, hop, spans)

    def _client(self, trace_id: str, call: Hop, caller: Hop, spans: list[Span]) -> None:
        callee = self._world.topology.by_name[call.service]
        assert caller.pod is not None
        attributes: dict[str, AttributeValue] = {"server.address": callee.address, "server.port": callee.port}
        status, message = "unset", ""
        kind = "client"
        if callee.is_http or callee.kind == "External":
            name, scope = call.route.method, "http-client"
            scheme = "https" if callee.port == 443 else "http"
            attributes |= {
                "http.request.method": call.route.method,
                "url.full": f"{scheme}://{callee.address}:{callee.port}{_path(call)}",
                "url.template": call.route.path,
                "peer.service": call.service,
            }
            if call.pod is not None and call.failure != "late":
                attributes["http.response.status_code"] = call.status
                if call.status >= 400:
                    status, attributes["error.type"] = "error", str(call.status)
        elif callee.protocol == "amqp":
            name, scope, kind = f"send {call.route.path}", "amqp-client", "producer"
            attributes |= {
                "messaging.system": "rabbitmq",
                "messaging.operation.type": "send",
                "messaging.destination.name": call.route.path,
            }
        else:
            name, scope = f"{call.route.method} {call.route.path}", f"{callee.protocol}-client"
            attributes |= {
                "db.system.name": callee.protocol,
                "db.operation.name": call.route.method,
                "db.namespace": call.route.path,
                "db.query.text": call.route.statement,
            }
        if call.failure == "own" and not callee.is_http and callee.kind != "External":
            thrown = failure(callee, call.exception, ())
            status, message, attributes["error.type"] = "error", thrown.message, thrown.type
        if call.error:
            status, message = "error", call.error
            attributes["error.type"] = error_type(call.error)
        spans.append(
            Span(
                trace_id=trace_id,
                span_id=call.client_span_id,
                parent_id=caller.span_id,
                name=name,
                kind=kind,
                start_ns=_ns(call.start - _CLIENT_SPARE),
                end_ns=_ns(max(call.start, call.waited - _CLIENT_SPARE)),
                status=status,
                status_message=message,
                attributes=attributes,
                resource=self._resource(caller.pod, self._world.topology.by_name[caller.service]),
                scope=scope,
            )
        )
        if callee.is_http and callee.kind != "External" and call.pod is not None:
            self._server(trace_id, call, call.client_span_id, spans)

    def _resource(self, pod: Pod, service: Service) -> Mapping[str, AttributeValue]:
        if pod.uid not in self._resources:
            self._resources[pod.uid] = {
                "service.name": service.name,
                "service.namespace": pod.namespace,
                "service.version": pod.version,
                "service.instance.id": pod.uid,
                "k8s.namespace.name": pod.namespace,
                f"k8s.{service.kind.lower()}.name": service.name,
                "k8s.pod.name": pod.name,
                "k8s.node.name": pod.node,
                "telemetry.sdk.language": _SDK_LANGUAGE.get(service.language, service.language),
            }
        return self._resources[pod.uid]


def upstream_message(hop: Hop, topology: Topology) -> str:
    """What a caller says of the call that failed it: `upstream call failed: 500 from payment`."""
    broken = next(call for call in reversed(hop.calls) if call.failed and not call.optional)
    return f"upstream call failed: {call_failure(broken, topology)}"


def call_failure(call: Hop, topology: Topology) -> str:
    """What went wrong with a call, in the words of the caller's client."""
    callee = topology.by_name[call.service]
    if call.error:
        return f"{call.service}: {call.error}"
    if callee.protocol == "http":
        return f"{call.status} from {call.service}"
    return f"{call.service}: {failure(callee, call.exception, ()).message}"


def error_type(error: str) -> str:
    """`error.type` of OpenTelemetry for what a client says."""
    for words, name in (
        ("no such host", "EAI_NONAME"),
        ("server misbehaving", "EAI_AGAIN"),
        ("connection refused", "ECONNREFUSED"),
        ("deadline exceeded", "timeout"),
        ("timeout", "timeout"),
        ("password authentication failed", "28P01"),
    ):
        if words in error:
            return name
    return "_OTHER"


def _path(hop: Hop) -> str:
    """The path with its parameter filled in, the same for all telemetry of this hop."""
    return hop.route.path.replace("{id}", str(int(hop.span_id[:4], 16)))


def _ns(at: float) -> int:
    return round(at * 1e6) * 1000
