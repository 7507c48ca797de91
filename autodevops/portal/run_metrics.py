"""Runs of runbooks for Prometheus: how many ended how, and how long they took, as the ledger has it.

Each event is read once: what was counted so far is carried on, so that counters only grow while the server lives.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING

from autodevops.domain.ledger import LedgerEvent
from autodevops.stores.ledger import Ledger

if TYPE_CHECKING:
    from prometheus_client import Metric

BOUNDS = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)  # seconds


@dataclass
class _Times:
    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


@dataclass
class RunFigures:
    """`open` has the runs whose end is not known: going on, or broken off and not found out yet."""

    read_to: int = 0
    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    took: dict[str, _Times] = field(default_factory=dict)
    open: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def read(self, ledger: Ledger) -> None:
        """Carry on to the newest event."""
        for event in ledger.events(after=self.read_to, kind="run"):
            self._add(event)
            self.read_to = event.seq

    def _add(self, event: LedgerEvent) -> None:
        runbook = str(event.data.get("runbook", ""))
        if event.what == "started":
            self.open[event.subject] = (runbook, event.at)
            return
        status = event.data.get("status")
        if status is None:
            return  # something else about a run, e.g. that its bundle was deleted
        _, began = self.open.pop(event.subject, ("", None))
        self.ended[runbook, str(status)] += 1
        if began is not None and event.what != "reconciled":  # when a broken-off one ended nobody saw
            self.took.setdefault(runbook, _Times()).add((event.at - began).total_seconds())

    def families(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        runs = CounterMetricFamily(
            "autodevops_runs", "Runs of runbooks that ended, by how.", labels=["runbook", "status"]
        )
        for (runbook, status), count in sorted(self.ended.items()):
            runs.add_metric([runbook, status], count)
        yield runs

        took = HistogramMetricFamily(
            "autodevops_run_duration_seconds", "From a run's start to its end.", labels=["runbook"]
        )
        bounds = [*map(str, BOUNDS), "+Inf"]
        for runbook, times in sorted(self.took.items()):
            took.add_metric([runbook], list(zip(bounds, accumulate(times.counts), strict=True)), times.total)
        yield took

        unfinished = GaugeMetricFamily(
            "autodevops_runs_unfinished", "Runs that started and whose end is not known.", labels=["runbook"]
        )
        for runbook, count in sorted(Counter(runbook for runbook, _ in self.open.values()).items()):
            unfinished.add_metric([runbook], count)
        yield unfinished
