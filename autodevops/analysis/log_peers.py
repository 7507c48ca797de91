"""Whom an error speaks of: the host and port that could not be reached, as drivers and clients write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

_HOST: Final = r"(?P<host>[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)"
_PORT: Final = r"(?P<port>\d{2,5})"

_SENTENCES: Final = (
    rf"dial tcp: lookup {_HOST}(?: on |:)",  # Go; the name server comes second
    rf"\blookup {_HOST}(?: on \S+)?: ",
    rf"dial (?:tcp|udp)[46]? {_HOST}:{_PORT}",
    rf"dial tcp[46]? \[(?P<host>[0-9a-f:]+)\]:{_PORT}",
    rf"connection to server at \"{_HOST}\"[^,]*, port {_PORT}",  # libpq from 14 on
    rf"host \"{_HOST}\"(?: \([^)]*\))? and accepting\s+TCP/IP connections on port {_PORT}",  # and before
    rf"could not translate host name \"{_HOST}\"",
    rf"failed to connect to `?(?:user=\S+ )?(?:database=\S+ )?host={_HOST}",  # pgx
    rf"Connection to {_HOST}:{_PORT} refused",  # pgjdbc
    rf"(?:E[A-Z]+) {_HOST}:{_PORT}\b",  # Node: connect ECONNREFUSED 10.0.0.5:5432
    rf"getaddrinfo (?:ENOTFOUND|EAI_AGAIN) {_HOST}",
    rf"host='{_HOST}', port={_PORT}",  # urllib3
    rf"Cannot connect to host {_HOST}:{_PORT}",  # aiohttp
    rf"connecting to {_HOST}:{_PORT}",  # redis-py
    rf"(?:could not connect to|failed to connect to|unable to connect to|connect to) \w* ?(?:at )?{_HOST}:{_PORT}",
    rf"failed to connect to {_HOST} port {_PORT}",  # curl
    rf"server on '{_HOST}(?::{_PORT})?'",  # MySQL
    rf"Unknown MySQL server host '{_HOST}'",
    rf"UnknownHostException: {_HOST}",
    rf"node \S+ \({_HOST}[:/](?:[0-9.]+:)?{_PORT}\)",  # Kafka: (kafka/10.0.0.9:9092)
    rf"refused: (?:no further information: )?{_HOST}/[0-9.]+:{_PORT}",  # Netty
    rf"host not found in upstream \"{_HOST}(?::{_PORT})?\"",
    rf"upstream: \"\w+://{_HOST}(?::{_PORT})?",
    rf"could not resolve host:? {_HOST}",
    rf"Failed to resolve '{_HOST}(?::{_PORT})?'",  # librdkafka, urllib3
    rf"DNS resolution failed for {_HOST}(?::{_PORT})?",
    rf"\b(?:https?|tcp|amqps?|redis|mongodb(?:\+srv)?|postgres(?:ql)?|mysql|kafka|nats|grpc)://(?:[^@/\s]*@)?{_HOST}"
    rf"(?::{_PORT})?",
    rf"\b{_HOST}:{_PORT}: (?:\[Errno|timed out|connection|connect)",  # PyMongo
)


@dataclass(frozen=True)
class Peer:
    host: str
    port: int | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Compiled when a first line is read: most namespaces have none that speaks of a peer."""
    return tuple(re.compile(sentence, re.IGNORECASE) for sentence in _SENTENCES)


def peer_of(*texts: str) -> Peer | None:
    """The host that the texts say was asked in vain, or None where they name none."""
    joined = " ".join(texts)
    for pattern in _patterns():
        found = pattern.search(joined)
        if found:
            port = found.groupdict().get("port")
            return Peer(found["host"].rstrip("."), int(port) if port else None)
    return None
