"""What is kept of the past: it reads the same as it would anew, grows with the clock, and is not read twice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import numpy as np
from sandbox_prometheus.prometheus_serving import ORIGIN

from autodevops.sandbox.prometheus.evaluations import Evaluations
from autodevops.sandbox.prometheus.rules import Alerting, shipped_rules
from autodevops.sandbox.promql.labels import NAME, Labels, Matcher, Selector, make_labels
from autodevops.sandbox.promql.memory import MemorySource
from autodevops.sandbox.promql.values import SampleBlock
from autodevops.sandbox.world.metrics import WorldMetrics
from autodevops.sandbox.world.world import World

EVERYTHING: Selector = ((Matcher(NAME, "!=", ""),),)
MINUTE = 60_000


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def world(clock: Clock) -> World:
    return World("bad-deploy", seed=1, origin=ORIGIN, clock=clock)


def read(metrics: WorldMetrics, start_ms: int, end_ms: int) -> dict[tuple[Labels, int], float]:
    return {
        (labels, stamp): value
        for block in metrics.select(EVERYTHING, start_ms, end_ms)
        for row, labels in enumerate(block.labels)
        for stamp, value in zip(block.timestamps.tolist(), block.values[row].tolist(), strict=True)
        if not np.isnan(value)
    }


def test_samples_kept_while_the_clock_runs_and_people_act_are_those_of_a_fresh_reader() -> None:
    clock = Clock(ORIGIN + timedelta(minutes=25))
    live = world(clock)
    kept = WorldMetrics(live)
    now = int(clock.now.timestamp() * 1000)
    before = read(kept, now - 10 * MINUTE, now)
    live.do("scale", "@cart", replicas=4)
    clock.now += timedelta(minutes=7)  # into the next half hour
    later = int(clock.now.timestamp() * 1000)
    grown = read(kept, now - 10 * MINUTE, later)
    assert grown == read(WorldMetrics(live), now - 10 * MINUTE, later)
    assert before.items() <= grown.items()
    assert len({labels for labels, _ in grown}) > len({labels for labels, _ in before})


def test_alerts_followed_minute_by_minute_are_those_of_a_fresh_evaluation() -> None:
    clock = Clock(ORIGIN - timedelta(minutes=19))
    live = world(clock)
    metrics = WorldMetrics(live)
    followed = Alerting(metrics, shipped_rules())
    seen = set()
    for _ in range(12):
        clock.now += timedelta(seconds=70)
        now = int(clock.now.timestamp() * 1000)
        found = followed.at(now)
        assert found == Alerting(metrics, shipped_rules()).at(now)
        seen |= {alert.firing for alert in found}
    assert seen == {False, True}


class Counting:
    """A source that remembers which windows were read."""

    def __init__(self, source: MemorySource) -> None:
        self._source = source
        self.windows: list[tuple[int, int]] = []

    def select(self, selector: Selector, start_ms: int, end_ms: int) -> Iterable[SampleBlock]:
        self.windows.append((start_ms, end_ms))
        return self._source.select(selector, start_ms, end_ms)


def test_a_rule_reads_only_what_has_happened_since() -> None:
    samples = {stamp * MINUTE: float(stamp % 7) for stamp in range(600)}
    source = Counting(MemorySource({make_labels({NAME: "m"}): samples}))
    evaluations = Evaluations(source)
    whole = evaluations.of("m > 3", MINUTE, 0, 500 * MINUTE)
    assert whole.present.sum() == sum(stamp % 7 > 3 for stamp in range(501))
    source.windows.clear()
    again = evaluations.of("m > 3", MINUTE, 0, 502 * MINUTE)
    assert again.times[-1] == 502 * MINUTE
    assert min(start for start, _ in source.windows) >= 495 * MINUTE  # two minutes, and five to look back
    source.windows.clear()
    assert evaluations.of("m > 3", MINUTE, 100 * MINUTE, 300 * MINUTE).present.any()
    assert source.windows == []
