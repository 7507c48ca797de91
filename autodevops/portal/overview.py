"""What is going on, read section by section: each is told as soon as it is there, and none waits for another.

A system that does not answer costs its own section time, and is named in it. Nothing raises for such a reason.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Literal

from autodevops.domain.operation import Operation
from autodevops.domain.run import GOOD, Run
from autodevops.domain.tool_results import ResourceList
from autodevops.jamie.answers import understood
from autodevops.jamie.answers.alerts import about_what, listed_alerts, rank
from autodevops.kernel.clock import Clock, utc_now
from autodevops.kernel.errors import AutoDevOpsError, ToolError
from autodevops.portal.duty import DAYS, decisions, inbox, incidents, schedules
from autodevops.portal.scarlet_facts import scarlet_facts
from autodevops.portal.sections import (
    Alerts,
    Decisions,
    Fact,
    Firing,
    Health,
    Inbox,
    Incidents,
    Missing,
    Namespaces,
    RunLine,
    Runs,
    Schedules,
    Section,
)
from autodevops.portal.services import missing_of, services
from autodevops.scarlet.learning.cases import Cases
from autodevops.toolbox import Recorder
from autodevops.toolbox.protocol import EvidenceSource
from autodevops.workbench import Workbench

if TYPE_CHECKING:
    from autodevops.jamie.health_report import HealthReport

ALERTS, RUNS, VERDICTS = 20, 8, 3  # shown
CALLS_BAD = 0.05  # of all tool calls
HOURS = 24  # that health looks back
MINUTES = 60  # of the signals; what is marked says "an hour ago" of their beginning


class Overview:
    """`read` may be called again and again; what the ledger said is carried on."""

    def __init__(self, bench: Workbench, *, clock: Clock = utc_now) -> None:
        self._bench = bench
        self._clock = clock
        self._runs = _RunHistory()
        self._turns: HealthReport | None = None
        self._cases = Cases()

    async def read(self, namespace: str = "") -> AsyncIterator[Section]:
        """All sections, in the order in which they are known; of `namespace`, else of the configured one."""
        source = Recorder(self._bench.tools)
        chosen = asyncio.create_task(self._chosen(namespace))
        operations = asyncio.create_task(self._operations())
        work: list[asyncio.Task[Section]] = [
            asyncio.create_task(each)
            for each in (
                self._inbox(operations),
                asyncio.to_thread(self._incidents),
                asyncio.to_thread(self._last_runs),
                asyncio.to_thread(self._health),
                self._decisions(operations),
                asyncio.to_thread(self._schedules),
                self._namespaces(chosen, source),
                self._services(chosen, source),
                self._alerts(chosen, source),
            )
        ]
        try:
            for next_one in asyncio.as_completed(work):
                yield await next_one
        finally:
            for task in (chosen, operations, *work):
                task.cancel()

    async def _chosen(self, namespace: str) -> str:
        return namespace or await self._bench.default_namespace()

    async def _services(self, chosen: Awaitable[str], source: EvidenceSource) -> Section:
        return await services(await chosen, self._bench.window(minutes=MINUTES), source)

    async def _namespaces(self, chosen: Awaitable[str], source: EvidenceSource) -> Section:
        listing = await source.collect(
            "kubernetes.list_resources", {"kind": "Namespace", "fields": ["metadata.name"], "limit": 1000}
        )
        rows = understood(listing, ResourceList).rows if listing.ok else ()
        here = await chosen
        names = sorted({str(row[0]) for row in rows} | {here})
        return Namespaces(at=self._clock(), items=tuple(names), chosen=here, missing=missing_of([listing]))

    async def _alerts(self, chosen: Awaitable[str], source: EvidenceSource) -> Section:
        namespace = await chosen
        try:
            _, alerts, _ = await listed_alerts(source)
        except ToolError as error:
            return Alerts(at=self._clock(), missing=(Missing(system="prometheus", message=error.message),))
        firing = sorted((alert for alert in alerts if alert.state == "firing"), key=rank)
        ours = [alert for alert in firing if alert.labels.get("namespace", namespace) == namespace]
        shown = tuple(
            Firing(
                name=alert.name,
                severity=alert.labels.get("severity", ""),
                about=about_what(alert),
                since=alert.starts_at,
                summary=alert.annotations.get("summary") or alert.annotations.get("description", ""),
            )
            for alert in ours[:ALERTS]
        )
        return Alerts(
            at=self._clock(),
            items=shown,
            more=len(ours) - len(shown),
            elsewhere=len(firing) - len(ours),
            pending=sum(
                alert.state == "pending" and alert.labels.get("namespace", namespace) == namespace for alert in alerts
            ),
        )

    def _incidents(self) -> Section:
        try:
            return incidents(self._bench.ledger, self._clock())
        except AutoDevOpsError as error:
            return Incidents(at=self._clock(), missing=(_ledger(error),))

    async def _operations(self) -> Sequence[Operation]:
        from autodevops.executor.operations import load_all

        return await asyncio.to_thread(load_all, self._bench.ledger)

    async def _inbox(self, operations: Awaitable[Sequence[Operation]]) -> Section:
        try:
            return inbox(await operations, self._clock())
        except AutoDevOpsError as error:
            return Inbox(at=self._clock(), missing=(_ledger(error),))

    async def _decisions(self, operations: Awaitable[Sequence[Operation]]) -> Section:
        try:
            return decisions(await operations, self._bench.settings.executor, self._clock())
        except AutoDevOpsError as error:
            return Decisions(at=self._clock(), missing=(_ledger(error),))

    def _schedules(self) -> Section:
        try:
            return schedules(self._bench.ledger, self._bench.settings.scarlet.schedules, self._clock())
        except AutoDevOpsError as error:
            missing = (Missing(system="schedules", message=str(error)),)
            return Schedules(at=self._clock(), days=DAYS, missing=missing)

    def _last_runs(self) -> Section:
        from autodevops.runbooks.lookup import listed
        from autodevops.runbooks.storage_remote import open_bundles

        scarlet = self._bench.settings.scarlet
        try:
            found = list(islice(listed(open_bundles(scarlet.artifacts, scarlet.staging)), RUNS + 1))
        except AutoDevOpsError as error:
            return Runs(at=self._clock(), missing=(Missing(system="runs", message=str(error)),))
        return Runs(at=self._clock(), items=tuple(_line(run) for _, run in found[:RUNS]), more=len(found) > RUNS)

    def _health(self) -> Section:
        now = self._clock()
        try:
            health = self._bench.scarlet_health(now - timedelta(hours=HOURS), known=self._cases)
            scarlet, jamie = (*self._runs.facts(self._bench, now), *scarlet_facts(health)), self._jamie(now)
        except AutoDevOpsError as error:
            return Health(at=now, hours=HOURS, missing=(_ledger(error),))
        return Health(at=now, hours=HOURS, jamie=jamie, scarlet=scarlet)

    def _jamie(self, now: datetime) -> tuple[Fact, ...]:
        from autodevops.jamie.health_report import read_health

        known = self._turns
        if known is None or known.since is None or now - known.since > timedelta(hours=HOURS + 1):
            known = read_health(self._bench.ledger, now - timedelta(hours=HOURS))
        else:
            known = read_health(self._bench.ledger, known=known)  # an hour too much at most, and each turn read once
        self._turns = known
        return _jamie_facts(known)


def _ledger(error: AutoDevOpsError) -> Missing:
    return Missing(system="ledger", message=str(error))


def _line(run: Run) -> RunLine:
    return RunLine(
        id=run.id,
        runbook=run.runbook,
        title=run.title,
        status=run.status,
        trigger=run.trigger,
        reason=run.reason,
        started_at=run.started_at,
        ended_at=run.ended_at,
        error=f"{run.error.kind}: {run.error.message}" if run.error else "",
        verdicts=tuple(f"{one.verdict}: {one.summary}" for one in run.investigations[:VERDICTS]),
        report=run.status != "running",
    )


def _jamie_facts(report: HealthReport) -> tuple[Fact, ...]:
    if not report.count:
        return ()
    outcomes, (up, down) = report.by("outcome"), report.thumbs
    facts = [Fact(label="Turns", value=str(report.count))]
    if "total" in report.took:
        median = report.took["total"].quantile(0.5)
        facts += [Fact(label="Median to the answer", value=f"{median / 1000:.1f} s")] if median is not None else []
    if failed := outcomes.get("failed", 0):
        facts.append(Fact(label="Without an answer", value=str(failed), tone="bad"))
    if report.abstained is not None:
        facts.append(Fact(label="Cause not known", value=f"{report.abstained:.0%} of answers"))
    if report.failed_calls is not None:
        tone: Literal["good", "warn"] = "warn" if report.failed_calls >= CALLS_BAD else "good"
        facts.append(Fact(label="Failed tool calls", value=f"{report.failed_calls:.1%}", tone=tone))
    if up or down:
        facts.append(Fact(label="Thumbs", value=f"{up} up, {down} down"))
    facts += [Fact(label="Worded by", value=name) for name in list(report.by("narrator"))[:1] if name != "none"]
    return tuple(facts)


class _RunHistory:
    """Ends of Scarlet's runs in the last HOURS, as the ledger has them; each event is read once."""

    def __init__(self) -> None:
        self._read_to = 0
        self._hers: set[str] = set()  # runs going on that no person asked for
        self._ends: list[tuple[datetime, str, str]] = []  # when, which runbook, how

    def facts(self, bench: Workbench, now: datetime) -> tuple[Fact, ...]:
        for event in bench.ledger.events(after=self._read_to, kind="run"):
            self._read_to = event.seq
            if event.what == "started" and event.data.get("trigger") != "manual":
                self._hers.add(event.subject)
            status = event.data.get("status")
            if status and event.subject in self._hers:
                self._hers.discard(event.subject)
                self._ends.append((event.at, str(event.data.get("runbook", "")), str(status)))
        since = now - timedelta(hours=HOURS)
        self._ends = [end for end in self._ends if end[0] >= since]
        if not self._ends:
            return ()
        bad = Counter((runbook, status) for _, runbook, status in self._ends if status not in GOOD)
        _, runbook, status = self._ends[-1]
        facts = [
            Fact(label="Runs", value=str(len(self._ends))),
            Fact(
                label="Did not succeed",
                value=str(bad.total()),
                tone="bad" if bad else "good",
                ask="Which runbooks failed today, and why?" if bad else "",
            ),
            Fact(label="Last", value=f"{runbook}, {status}", tone="" if status in GOOD else "bad"),
        ]
        for (name, how), count in bad.most_common(1):
            facts.append(Fact(label="Most often", value=f"{name} {how}, {count}×"))
        return tuple(facts)
