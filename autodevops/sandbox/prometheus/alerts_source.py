"""Scraped series together with the series Prometheus writes about its alerts: ALERTS and ALERTS_FOR_STATE."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from autodevops.sandbox.prometheus.metrics import Metrics
from autodevops.sandbox.prometheus.rules import ALERTS, ALERTS_FOR_STATE, Alerting
from autodevops.sandbox.promql.labels import NAME, Labels, Selector, make_labels, may_select, selects
from autodevops.sandbox.promql.values import Floats, Mask, SampleBlock, interrupted

_ALERTS_LISTED_MS = 2 * 3_600_000  # listing label names shall not evaluate every rule over weeks


class WithAlerts:
    """A `SeriesSource`: that of the world, and the alerts that rules over it raise."""

    def __init__(self, scraped: Metrics, alerting: Alerting, now: Callable[[], float]) -> None:
        self._scraped = scraped
        self._alerting = alerting
        self._now = now

    def select(self, selector: Selector, start_ms: int, end_ms: int) -> Iterable[SampleBlock]:
        yield from self._scraped.select(selector, start_ms, end_ms)
        if _asks_for_alerts(selector):
            yield from self._alerts(selector, start_ms, end_ms)

    def series(self, selector: Selector, start_ms: int, end_ms: int) -> set[Labels]:
        """Label sets with a sample in the window; of alerts, those of its last hours."""
        found = self._scraped.series(selector, start_ms, end_ms)
        if _asks_for_alerts(selector):
            recent = max(start_ms, end_ms - _ALERTS_LISTED_MS)
            found.update(labels for block in self._alerts(selector, recent, end_ms) for labels in block.labels)
        return found

    def _alerts(self, selector: Selector, start_ms: int, end_ms: int) -> Iterator[SampleBlock]:
        for labels, times, pending, firing, since in self._alerting.states(
            start_ms, min(end_ms, int(self._now() * 1000))
        ):
            ones = np.ones(len(times))
            rows: list[tuple[dict[str, str], Mask, Floats]] = [
                ({NAME: ALERTS, "alertstate": "pending"}, pending, ones),
                ({NAME: ALERTS, "alertstate": "firing"}, firing, ones),
                ({NAME: ALERTS_FOR_STATE}, pending | firing, since / 1000.0),
            ]
            for extra, present, values in rows:
                own = make_labels(dict(labels) | extra)
                if selects(selector, own):
                    yield from interrupted([own], times, values[None, :], present)


def _asks_for_alerts(selector: Selector) -> bool:
    """Whether an alert's series can be selected: rules are not evaluated for a selector whose names say otherwise."""
    return any(may_select(selector, {NAME: name}) for name in (ALERTS, ALERTS_FOR_STATE))
