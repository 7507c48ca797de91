"""What breaks without anybody changing code: a provider, a certificate, a node, a quota, a failover.

Each row is what the systems themselves write when it happens, from their documentation and source. Such a sentence
does not clear a change by itself; it raises what a change must show before it is blamed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from autodevops.domain.trace import Span

_DATABASE = ("db.system", "db.system.name", "db.statement", "db.query.text", "messaging.system")

_OURS = re.compile(
    r"(^|\.)(svc|local|internal|cluster|localdomain|lan|corp|intranet|test|example)$|^localhost$|^[\d.]+$|^[^.]+$"
)
_HOST = re.compile(
    r"(?:https?://|(?<!such )host(?:name)?[=: ]+\"?|address[=: ]+\"?|dial tcp )"
    r"([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?![\w-]*=)",  # and not `error.type=`, the attribute that comes next
    re.I,
)
_TROUBLE = re.compile(
    r"\b(402|429|5\d\d)\b|unavailable|time?d? ?out|deadline|refused|reset by peer|unreachable|rate.?limit|throttl"
    r"|outage",
    re.I,
)

CREDENTIAL: Final = "a credential has expired or was rotated"
_PRIVILEGE: Final = "a privilege is missing"
_UNRESOLVED: Final = "a host name is not resolved or the network is down"
MAY_BE_SETTINGS: Final = frozenset({CREDENTIAL, _PRIVILEGE, _UNRESOLVED})
"""What an edit of settings brings about as well: whom a program calls, and as whom."""

_ROWS: Final = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        (
            "a certificate has expired",
            r"certificate (has )?(expired|is expired)|certificate has expired or is not yet valid|CERT_HAS_EXPIRED"
            r"|expired certificate|SSL_ERROR_EXPIRED|cert(ificate)? .{0,40}expired",
        ),
        (
            CREDENTIAL,
            r"(token|credential|api.?key|secret|licen[cs]e|password)s? (has |have |is |was |are )?"
            r"(been )?(expired|rotated|revoked)|ExpiredToken|expired (token|credential|api.?key|licen[cs]e)"
            r"|password authentication failed|Access denied for user|WRONGPASS|NOAUTH",
        ),
        (
            _PRIVILEGE,  # PostgreSQL's 42501, MySQL's 1142; privileges are the database's, not the program's
            r"permission denied for (table|view|relation|schema|sequence|database|function)|command denied to user",
        ),
        (
            "a node is in trouble",
            r"node .{0,60}(not ?ready|pressure|contended|starved|draining|preempt|terminat|unreachable|oversubscrib)"
            r"|(cpu|memory)[- ](starved|contended|steal)|NodeNotReady|(Memory|Disk|PID)Pressure|\bevict(ed|ing) pod"
            r"|spot (instance )?(interruption|termination)|noisy neighbo|co-?tenant",
        ),
        (
            "a database has failed over",
            r"read[- ]only (transaction|replica|mode|node|instance)|\bREADONLY\b|not (the )?(primary|master|leader)\b"
            r"|fail(ing|ed)?[- ]?over|replica (was |is |has been )?promoted|promoted (to|as)"
            r"|the database system is (starting up|shutting down|in recovery)"
            r"|terminating connection due to administrator|no primary|stepp(ed|ing) down|NotPrimary|NotWritablePrimary"
            r"|leader election|LEADER_NOT_AVAILABLE|NOT_LEADER|not enough in-?sync replicas|NOT_?ENOUGH_?REPLICAS",
        ),
        (
            "a quota is used up",
            r"quota.{0,30}(exceeded|exhausted|reached|used up)|exceeded.{0,30}quota|RESOURCE_EXHAUSTED|LimitExceeded"
            r"|insufficient (quota|capacity)|(ProvisionedThroughput|RequestLimit|Rate)Exceeded|over quota",
        ),
        (
            "a disk is full",
            r"no space left on device|disk (is )?full|ENOSPC|volume.{0,30}full|out of disk|disk quota exceeded",
        ),
        (
            "its data has grown",
            r"(table|index|collection|dataset|data set|partition).{0,40}(grew|grown|growth|bloat)|autovacuum"
            r"|hot (shard|key)"
            r"|(data|working) ?set no longer fits|integer out of range|nextval: reached maximum"
            r"|sequence.{0,40}(exhausted|maximum)|wraparound"
            r"|Out of range value for column|no partition of relation",
        ),
        (
            _UNRESOLVED,
            r"no such host|ENOTFOUND|SERVFAIL|NXDOMAIN|name resolution|network is unreachable|no route to host"
            r"|packet loss|EHOSTUNREACH",
        ),
        (
            "an availability zone or the cloud is in trouble",
            r"(availability )?zone.{0,40}(outage|degraded|impair|unavailable|down)|region.{0,40}(outage|degraded)"
            r"|instance.{0,30}(terminated|stopped|retired)|az[- ]?\w* (outage|impair)",
        ),
        (
            "traffic has surged",
            r"traffic (spike|surge)|request (surge|flood)|flash (sale|crowd)|\bddos\b|(crawler|bot|scraper)s? .{0,40}"
            r"(traffic|requests)|load shed|surge protection|queue is full, shedding",
        ),
        (
            "input that cannot be processed is delivered again and again",
            r"poison (pill|message|record)|redeliver(ing|ed|s)? (the )?same|same (offset|message|record)",
        ),
    )
)


def outside_cause(text: str) -> str:
    """What other than a change the text tells of (`a certificate has expired`), or nothing."""
    return next((name for name, pattern in _ROWS if pattern.search(text)), "")


def provider_in_trouble(text: str) -> str:
    """The host outside that a line of the text says fails, or nothing."""
    for line in text.splitlines():
        if not _TROUBLE.search(line):
            continue
        for host in _HOST.findall(line):
            if not _OURS.search(host.lower().rstrip(".")):
                return str(host)
    return ""


def provider_called(spans: Iterable[Span], own: frozenset[str]) -> str:
    """The service outside that failing calls went to: neither one of `own` nor a database; or nothing."""
    for span in spans:
        said = span.attributes
        if span.status != "error" or span.kind not in ("client", "producer") or any(key in said for key in _DATABASE):
            continue
        peer = str(said.get("peer.service") or said.get("server.address") or said.get("net.peer.name") or "")
        status = str(said.get("http.response.status_code") or said.get("http.status_code") or "")
        theirs = (
            status.startswith("5") or status in ("402", "429") or (not status and _TROUBLE.search(span.status_message))
        )
        outside = "." not in peer or not _OURS.search(peer.lower())
        if peer and theirs and outside and peer not in own and peer.split(".", 1)[0] not in own:
            return peer
    return ""
