"""SlowDatabase (DB003, state): calls to a database, or another thing without spans of its own, take longer than before.

What: the mean time of one call, as its callers count it (OpenTelemetry's db_client_operation_duration, Tempo's service
graph), at least doubled and rose by 5 ms, and callers are slow or failing. It is the time of one call: a caller that
sends more queries than before does not make its database slow. Where it gets far more calls than before as well, that
is said: then the load is more likely the cause than the database. The statement with most time is named where
pg_stat_statements knows it. Where the database itself has no more sessions at work, it is NetworkDelay.

Why it matters: a database has no spans; its slowness looks like its callers' own.

Example: `Calls to orders-db take 210 ms since 11:39 UTC, 5.1 ms before (checkout, payment)`

What to do: see its active sessions and what they wait for, the plan of the heaviest statement, its disk and processor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from autodevops.analysis.changepoints import Episode
from autodevops.domain.finding import Finding
from autodevops.domain.subject import Subject
from autodevops.investigation.picture import Picture, Reading
from autodevops.investigation.rules.base import Rule, clock, seconds
from autodevops.investigation.rules.idle_stores import is_idle
from autodevops.investigation.rules.statements import heaviest
from autodevops.investigation.rules.stores import (
    Store,
    change,
    hurt_callers,
    moment,
    now,
    ratio,
    stores,
    total,
)

_TIMES = 2.0
_LEAST_SECONDS = 0.005
_MORE_CALLS = 1.5
_MOST_TIME = 0.4  # of all statements'


def _limit(usual: float) -> float:
    return max(_TIMES * usual, usual + _LEAST_SECONDS)


@dataclass(frozen=True)
class SlowerCalls:
    """A store whose calls take longer by its callers' metrics. `idle`: it has no more sessions at work for all that."""

    store: Store
    episode: Episode
    calls: Reading | None
    hurt: list[Subject]
    idle: bool

    @property
    def sentence(self) -> str:
        return (
            f"Calls to {self.store.subject.name} take {seconds(self.episode.level)} since"
            f" {clock(moment(self.episode.onset))}, {seconds(self.episode.baseline)} before"
        )


def slower_calls(picture: Picture, earlier: tuple[Finding, ...]) -> Iterator[SlowerCalls]:
    for store in stores(picture, "callers"):
        spent = [r for r in store.readings.get("call_seconds", ()) if _counts(store.subject, picture)]
        calls = total(store.readings.get("calls", ()))
        episode = change(ratio(total(tuple(spent)), calls), picture, _limit, floor=0.0005)
        hurt = hurt_callers(store.subject, picture, earlier)
        if episode is not None and hurt:
            waiting = (episode.level - episode.baseline) * (now(calls, picture) or 0.0)
            yield SlowerCalls(store, episode, calls, hurt, is_idle(store.subject, picture, waiting=waiting))


def _check(picture: Picture, earlier: tuple[Finding, ...]) -> Iterable[Finding]:
    for slower in slower_calls(picture, earlier):
        if slower.idle:
            continue
        subject = slower.store.subject
        rise = change(slower.calls, picture, lambda usual: _MORE_CALLS * usual, floor=0.05)
        more = f", and it gets {rise.level / rise.baseline:.1f} times the calls" if rise and rise.baseline > 0 else ""
        yield RULE.finding(
            subject,
            f"{slower.sentence}{more}{_statement(subject, picture)} ({_names(slower.hurt)}).",
            severity="error",
            confidence=slower.episode.confidence * (0.7 if more else 1.0),
            evidence=slower.store.evidence("call_seconds", "calls"),
            onset=moment(slower.episode.onset),
        )


def _counts(subject: Subject, picture: Picture) -> bool:
    """Workloads with a server's metrics of their own speak for themselves."""
    return picture.dependency(subject) is not None and picture.signal(subject, "latency_p95") is None


def _statement(subject: Subject, picture: Picture) -> str:
    statement = heaviest(subject, picture)
    if statement is None or statement.share < _MOST_TIME:
        return ""
    return f"; most of its time goes to {statement.name[:120]}"


def _names(hurt: list[Subject]) -> str:
    names = [subject.name for subject in hurt[:3]]
    return ", ".join(names) + (", ..." if len(hurt) > 3 else "")


RULE = Rule(
    "DB003", "SlowDatabase", "state", _check, specificity=0.8, stage=2, shows_elsewhere=True, documentation=__doc__
)
