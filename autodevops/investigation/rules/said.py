"""What the rules over log lines share: who says that something of one kind went wrong, when, and about whom.

From three places: the last words of a container that ended, the tail of one that runs and fails, and lines of the
window that the time before did not have. A kind is a row of analysis/log_taxonomy.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from autodevops.analysis.log_lines import LogLine
from autodevops.analysis.log_tails import TailError
from autodevops.domain.evidence import EvidenceId
from autodevops.domain.finding import Finding, Severity
from autodevops.domain.subject import Subject
from autodevops.investigation.inventory import items
from autodevops.investigation.log_peers import seen_peer
from autodevops.investigation.picture import LastWords, Picture
from autodevops.investigation.rules.base import Rule, clock
from autodevops.investigation.rules.log_news import log_news

_LAST_RECORDS: Final = 12  # from the end of a tail: what a program says after its error, as it goes down
_FOLLOWING: Final = {"connection pool exhausted", "timeout", "connection reset", "retries exhausted", "null value"}
"""What is said as well where something else is the reason: who waits in vain for a refused connection times out."""
_REPEATED: Final = 3  # the same message, again and again
_SERVERS: Final = {
    "postgres", "postgresql", "postgis", "timescaledb", "mysql", "mariadb", "percona", "mongo", "mongodb", "redis",
    "valkey", "rabbitmq", "kafka", "elasticsearch", "opensearch", "memcached", "nats", "pgbouncer", "cockroach", "etcd",
}  # fmt: skip
_BESIDE_SERVERS: Final = {"exporter", "client", "operator", "proxy", "backup", "migrate", "migrations", "ui", "admin"}


@dataclass(frozen=True)
class Said:
    subject: Subject
    line: LogLine
    count: int
    repeated: int
    severity: Severity
    confidence: float
    evidence: tuple[EvidenceId, ...]
    onset: datetime | None = None
    ended: str = ""  # the container that ended with it
    since: str = ""


def said(kinds: frozenset[str], picture: Picture, earlier: tuple[Finding, ...]) -> Iterator[Said]:
    """Once a subject: its last words before its lines, since they end the matter."""
    told: set[Subject] = set()
    for tail in picture.last_words:
        error = telling(tail)
        if error is not None and error.kind in kinds and tail.subject not in told:
            told.add(tail.subject)
            yield _of_tail(tail, error, earlier)
    for news in log_news(picture, earlier, few=True):
        if news.group.category in kinds and news.subject not in told:
            told.add(news.subject)
            yield Said(
                news.subject,
                news.group.example,
                news.group.count,
                news.group.repeated,
                news.severity,
                news.confidence,
                news.evidence,
                news.onset,
                since=f"since {clock(news.onset)}, {news.group.count} times"
                + ("" if news.active else f", at last at {clock(news.group.last_at)}"),
            )


def telling(tail: LastWords) -> TailError | None:
    """The error that a tail is about: the last one of a known kind, near its end where the container has ended.

    What may only follow from another of them is told where there is no other.
    """
    known = [error for error in tail.errors if error.kind]
    if tail.lives:
        return max(known, key=lambda error: (error.count, -error.last), default=None)
    near = [error for error in known if error.last < _LAST_RECORDS]
    return next((error for error in near if error.kind not in _FOLLOWING), None) or next(iter(near), None)


def _of_tail(tail: LastWords, error: TailError, earlier: tuple[Finding, ...]) -> Said:
    suffers = any(f.subject == tail.subject and f.severity != "info" for f in earlier)
    if tail.lives:
        confidence = 0.75 * error.count / (error.count + 1.0)
        severity: Severity = "info" if not suffers else "error" if error.count > 1 else "warning"
    else:
        severity, confidence = "error", 0.9 if error.line.is_error or error.line.exception else 0.75
    where = tail.container if not tail.lives else ""
    return Said(
        tail.subject, error.line, error.count, error.repeated, severity, confidence, (tail.evidence,), ended=where,
        since=f"{error.count} times in its last lines" if tail.lives and error.count > 1 else "",
    )  # fmt: skip


def serves(subject: Subject, picture: Picture) -> bool:
    """Whether it is a database, cache or broker itself, by its image: then such lines tell of its clients."""
    workload = picture.inventory.workload(subject)
    if workload is None:
        return False
    for container in items(workload.pod_spec, "containers"):
        words = set(re.split(r"[^a-z]+", str(container.get("image", "")).rsplit("/", 1)[-1].split(":")[0].lower()))
        if words & _SERVERS and not words & _BESIDE_SERVERS:
            return True
    return False


def log_rule(
    code: str,
    reason: str,
    does: str,
    *kinds: str,
    specificity: float,
    documentation: str | None,
    names_cause: bool = False,
    as_server: str | None = None,
    again: bool = False,
    shows_elsewhere: bool = False,
    may_follow: bool = False,
) -> Rule:
    """A rule over lines of `kinds`. `does` completes a sentence of the workload; `{peer}` in it is whom it spoke of.

    `as_server` is what a database, cache or broker does where a client repeats its words or it writes them itself: it
    is the finding's subject then. Where that is empty, a server's own lines tell of its clients and are passed over.
    `again`: only where the same line comes again and again.
    """
    wanted = frozenset(kinds)

    def check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterator[Finding]:
        found: dict[Subject, Finding] = {}
        for seen in said(wanted, picture, earlier):
            if again and seen.repeated < _REPEATED:
                continue
            peer = seen_peer(seen.line, picture.inventory, seen.subject)
            subject, act, by = seen.subject, does.replace("{peer}", str(peer) if peer else "its peer"), ""
            if as_server is not None and serves(seen.subject, picture):
                act = as_server
            elif as_server and peer is not None and peer.subject is not None:
                subject, act, by = peer.subject, as_server, seen.subject.name
            if not act:
                continue
            made = rule.finding(
                subject,
                _sentence(seen, subject, act, by),
                severity=seen.severity,
                confidence=seen.confidence,
                evidence=seen.evidence,
                onset=seen.onset,
            )
            if subject not in found or _weight(made) > _weight(found[subject]):
                found[subject] = made
        yield from (found[subject] for subject in sorted(found, key=str))

    rule = Rule(
        code,
        reason,
        "state",
        check,
        specificity,
        stage=2,
        names_cause=names_cause,
        shows_elsewhere=shows_elsewhere,
        may_follow=may_follow,
        documentation=documentation or "",
    )
    return rule


def _weight(finding: Finding) -> tuple[int, float, str]:
    return ("info", "warning", "error", "critical").index(finding.severity), finding.confidence, finding.message


def _sentence(seen: Said, subject: Subject, act: str, by: str) -> str:
    when = f" before {seen.ended} ended" if seen.ended else f", {seen.since}" if seen.since else ""
    line = seen.line
    words = next((text for text in (line.exception_message, line.detail, line.message) if text), "")
    if line.exception and line.exception not in words:
        words = f"{line.exception}: {words}" if words != line.exception else words
    return f"{subject.name} {act}{f', says {by}' if by else ''}{when}: {words[:240].rstrip(': ')}"
