"""What a span says of whom it calls, what it asks and how that ended, in OpenTelemetry's names, old and new.

The semantic conventions renamed most of them as they became stable, and instrumentations of both ages run side by
side: db.statement became db.query.text, net.peer.name server.address, peer.service service.peer.name.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from autodevops.domain.trace import Span

_SERVICE_NAMES: Final = ("service.peer.name", "peer.service")
_ADDRESSES: Final = ("server.address", "net.peer.name", "net.sock.peer.name", "http.host", "peer.hostname")
_URLS: Final = ("url.full", "http.url")
_SYSTEMS: Final = ("db.system.name", "db.system", "messaging.system", "rpc.system.name", "rpc.system")
_BARE: Final = ("network.peer.address", "net.peer.ip", "net.sock.peer.addr")
_STATEMENTS: Final = ("db.query.text", "db.statement", "db.query.summary")
_OPERATIONS: Final = (
    "db.operation.name", "db.operation", "rpc.method", "messaging.operation.name", "messaging.operation.type",
    "messaging.operation", "http.request.method", "http.method",
)  # fmt: skip
_PLACES: Final = (
    "db.collection.name", "db.sql.table", "db.mongodb.collection", "url.template", "http.route", "rpc.service",
    "messaging.destination.name", "messaging.destination",
)  # fmt: skip
_EXCEPTIONS: Final = ("exception.type", "exception.message", "error.type", "error.message")
_STATUS: Final = ("http.response.status_code", "http.status_code")

_NO_CONNECTION = re.compile(
    r"(?i)\bdial(?:ing)? |\bdial: |\bconnect(?:ion attempt)?:? ?(?:e[a-z]{5,}|timed ?out|timeout|failed)|connecttimeout"
    r"|(?:failed|could not|unable|unsuccessful|while|error)(?: to)? connect(?:ing)?\b|connection to server at .*failed"
    r"|connection refused|econnrefused|no route to host|host ?unreach"
)
"""How Go, Node, Java, libpq, urllib3 and .NET say that connect(2) failed: nothing was asked yet."""
_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_VALUE = re.compile(
    r"'(?:[^']|'')*'|\"[0-9a-fA-F-]{16,}\"|\$\d+|(?<![:\w]):\w+|%s|%\(\w+\)s|\?"
    r"|\b0x[0-9a-fA-F]+\b|\b[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}\b|\b[0-9a-fA-F]{16,}\b|\b\d+(?:\.\d+)?\b"
)
_LIST = re.compile(r"\?(?:\s*,\s*\?)+")
_ROWS = re.compile(r"(\(\s*\?\s*\))(?:\s*,\s*\(\s*\?\s*\))+")
_LONGEST = 200


def first(span: Span, *keys: str) -> str:
    """The first of these attributes that is set, as text; empty where none is."""
    return next((str(span.attributes[key]) for key in keys if span.attributes.get(key) not in (None, "")), "")


def peer_names(span: Span) -> tuple[str, ...]:
    """Every name the span gives to whom it calls, the most telling first; ports are left out."""
    found = [first(span, *_SERVICE_NAMES), *(str(span.attributes.get(key) or "") for key in _ADDRESSES)]
    found += [urlsplit(str(span.attributes.get(key) or "")).hostname or "" for key in _URLS]
    found += [first(span, *_SYSTEMS), first(span, *_BARE)]
    return tuple(dict.fromkeys(_without_port(name) for name in found if name))


def peer(span: Span) -> str:
    """Whom an outgoing span calls; empty where it does not say."""
    return next(iter(peer_names(span)), "")


def address(span: Span) -> str:
    """The host that an outgoing span calls; empty where it does not say."""
    hosts = [str(span.attributes.get(key) or "") for key in _ADDRESSES]
    hosts += [urlsplit(str(span.attributes.get(key) or "")).hostname or "" for key in _URLS]
    return next((_without_port(host) for host in (*hosts, first(span, *_BARE)) if host), "")


def database(span: Span) -> str:
    """The database system of a span, such as postgresql; empty where it is no database call."""
    return first(span, "db.system.name", "db.system")


def is_asynchronous(span: Span) -> bool:
    """Whether whoever started it does not wait for it: the processing of a message."""
    return span.kind == "consumer"


def http_status(span: Span) -> int | None:
    found = first(span, *_STATUS)
    return int(found) if found.isdigit() else None


def never_connected(span: Span) -> bool:
    """Whether the call failed before anything was asked: its time is the caller's patience, not the callee's work."""
    words = (span.status_message, *(str(span.attributes.get(key) or "") for key in _EXCEPTIONS))
    return span.status == "error" and http_status(span) is None and bool(_NO_CONNECTION.search(" ".join(words)))


def refused(span: Span) -> bool:
    """Whether it answered with a 4xx: by RFC 9110 (15.5) whoever asked seems to have erred.

    Not for 408 and 429, which tell of the server's time and load.
    """
    status = http_status(span)
    return span.kind == "server" and status is not None and 400 <= status < 500 and status not in (408, 429)


def statement(span: Span) -> str:
    """The statement without its values, so that the same question asked of other rows is the same; or empty."""
    text = _COMMENT.sub(" ", first(span, *_STATEMENTS))
    text = _VALUE.sub("?", text)
    text = _ROWS.sub(r"\1", _LIST.sub("?", text))
    return " ".join(text.split())[:_LONGEST]


def operation(span: Span) -> str:
    """What is asked, without values: the statement, else method and route, else the span's name without numbers."""
    asked = statement(span)
    if not asked:
        place = first(span, *_PLACES)
        asked = f"{first(span, *_OPERATIONS)} {place}".strip() if place else ""
    return asked or _VALUE.sub("?", span.name)


def version(span: Span) -> str:
    return str(span.resource.get("service.version") or "")


def pod(span: Span) -> str:
    return str(span.resource.get("k8s.pod.name") or span.resource.get("pod") or "")


def node(span: Span) -> str:
    return str(span.resource.get("k8s.node.name") or "")


def process(span: Span) -> tuple[str, str]:
    """Which clock a span was timed by: its service and the instance of it, as far as the resource says."""
    keys = ("service.instance.id", "k8s.pod.name", "host.id", "host.name")
    return span.service, next((str(span.resource[key]) for key in keys if span.resource.get(key)), "")


def _without_port(name: str) -> str:
    head, _, tail = name.rpartition(":")
    return head.strip("[]") if head and tail.isdigit() and (head.count(":") == 0 or head.startswith("[")) else name
