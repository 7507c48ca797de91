"""What Loki says: the error lines of the namespace, in the window and before it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime

from autodevops.analysis.dependency_errors import NOTICES
from autodevops.domain.evidence import Evidence
from autodevops.domain.tool_results import LogResult, NameList
from autodevops.domain.window import TimeWindow
from autodevops.investigation.gather.collect import Collector
from autodevops.investigation.inventory import Inventory
from autodevops.investigation.picture import SeenLog
from autodevops.investigation.request import Span
from autodevops.kernel.clock import rfc3339

NAMESPACE_LABELS = (
    "namespace",
    "k8s_namespace_name",
    "kubernetes_namespace_name",
    "kubernetes_namespace",
    "service_namespace",
)
# Written by programs when something failed. Lines that merely mention it are sorted out by their severity afterwards.
FAILURE = r"(?i)(error|exception|fatal|panic|critical|severe|traceback|forbidden: User|(crit|emerg|alert)])"
# What programs write that are in trouble and do not call it an error yet.
_NOTICE = (
    r"(?i)(warn|slow|timed? ?out|timeout|refus|reject|denied|fail|exceed|throttl|retry|expire|unavailable|evict"
    r"|pressure|killed|backlog|full)"
)
LINES_LIMIT = 300  # lines a question: templates repeat, and three questions cover start, end and baseline


async def gather_logs(
    collector: Collector, inventory: Inventory, span: Span
) -> tuple[tuple[SeenLog, ...], tuple[SeenLog, ...], tuple[TimeWindow, ...]]:
    """Error-like lines of the window (its first and its latest) and of the baseline; what of the window is unread."""
    label = await _namespace_label(collector, span)
    if not label:
        return (), (), ()
    query = f'{{{label}="{inventory.namespace}"}} |~ "{FAILURE}"'
    oldest, latest, before = await asyncio.gather(
        _ask(collector, query, span.window, "forward"),
        _ask(collector, query, span.window, "backward"),
        _ask(collector, query, span.baseline, "backward"),
    )
    first, last = _read(collector, oldest, inventory), _read(collector, latest, inventory)
    cut = min(len(first), len(last)) >= LINES_LIMIT
    unread = _between(first[-1].record.timestamp, last[0].record.timestamp) if cut else ()
    return in_order([*first, *last]), _read(collector, before, inventory), unread


def _between(start: datetime, end: datetime) -> tuple[TimeWindow, ...]:
    return (TimeWindow(start=start, end=end),) if start < end else ()


async def gather_store_notices(collector: Collector, inventory: Inventory, span: Span) -> tuple[SeenLog, ...]:
    """What databases and whoever runs them write of failovers, space and lag, which is seldom called an error."""
    label = await _namespace_label(collector, span)
    if not label:
        return ()
    query = f'{{{label}="{inventory.namespace}"}} |~ "(?i)({NOTICES})"'
    return _read(collector, await _ask(collector, query, span.window, "backward"), inventory)


async def gather_notices(collector: Collector, inventory: Inventory, span: Span) -> tuple[SeenLog, ...]:
    """The latest lines of the window that tell of trouble at whatever level, and as many from before it."""
    label = await _namespace_label(collector, span)
    if not label:
        return ()
    query = f'{{{label}="{inventory.namespace}"}} |~ "{_NOTICE}"'
    latest, before = await asyncio.gather(
        _ask(collector, query, span.window, "backward"), _ask(collector, query, span.baseline, "backward")
    )
    return in_order([*_read(collector, before, inventory), *_read(collector, latest, inventory)])


async def _namespace_label(collector: Collector, span: Span) -> str:
    labels = await collector.ask("loki.list_labels", start=rfc3339(span.baseline.start), end=rfc3339(span.window.end))
    names = collector.read(labels, NameList)
    return next((name for name in NAMESPACE_LABELS if name in names.names), "") if names else ""


def in_order(logs: Iterable[SeenLog]) -> tuple[SeenLog, ...]:
    """Each line once, however many answers hold it, oldest first. Two pods may write the same at the same time."""
    found = {
        (log.record.timestamp, log.record.body, str(log.subject), str(sorted(log.record.attributes.items()))): log
        for log in logs
    }
    return tuple(found[key] for key in sorted(found))


async def follow_up(
    collector: Collector,
    inventory: Inventory,
    known: tuple[SeenLog, ...],
    unread: tuple[TimeWindow, ...],
    window: TimeWindow,
) -> tuple[tuple[SeenLog, ...], tuple[TimeWindow, ...]]:
    """All lines and what stays unread, with error-like lines of a shorter stretch, as the minutes around an onset."""
    labels = {key for log in known for key in log.record.attributes}
    label = next((name for name in NAMESPACE_LABELS if name in labels), "")
    if not label:
        return known, unread
    evidence = await _ask(collector, f'{{{label}="{inventory.namespace}"}} |~ "{FAILURE}"', window, "forward")
    more = _read(collector, evidence, inventory)
    end = more[-1].record.timestamp if len(more) >= LINES_LIMIT else window.end
    left = [
        part
        for gap in unread
        for part in (*_between(gap.start, min(gap.end, window.start)), *_between(max(gap.start, end), gap.end))
    ]
    return in_order([*more, *known]), tuple(left) if evidence.ok else unread


async def _ask(collector: Collector, query: str, window: TimeWindow, direction: str) -> Evidence:
    return await collector.ask(
        "loki.query_logs",
        query=query,
        start=rfc3339(window.start),
        end=rfc3339(window.end),
        limit=LINES_LIMIT,
        direction=direction,
    )


def _read(collector: Collector, evidence: Evidence, inventory: Inventory) -> tuple[SeenLog, ...]:
    result = collector.read(evidence, LogResult)
    records = sorted(result.records, key=lambda r: (r.timestamp, r.body)) if result else ()
    return tuple(SeenLog(inventory.resolve(record.attributes), record, evidence.id) for record in records)
