"""The world as Prometheus sees it: exporters scraped every 15 seconds, as blocks of samples.

Nothing is stored: the samples of any window are read from the world when they are asked for. Each target is scraped
at its own offset within the interval. A series that ends (its pod goes) gets a staleness marker at the next scrape,
as it would have.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

from autodevops.sandbox.basics import hashing
from autodevops.sandbox.prometheus.metrics import SCRAPE_INTERVAL_MS, Metadata, Target
from autodevops.sandbox.promql.labels import NAME, Labels, Matcher, Selector, make_labels, selects
from autodevops.sandbox.promql.values import STALE, Floats, Mask, Millis, SampleBlock
from autodevops.sandbox.world.metric_families.application import Application
from autodevops.sandbox.world.metric_families.cadvisor import Cadvisor
from autodevops.sandbox.world.metric_families.databases import Databases
from autodevops.sandbox.world.metric_families.exporter import Exporter, Rows, Scrape, Scraped
from autodevops.sandbox.world.metric_families.kube_state import KubeState
from autodevops.sandbox.world.metric_families.node import NodeExporter
from autodevops.sandbox.world.metric_families.scrapes import PIECE_MS, Key, Piece, Pieces, Series, joined, split
from autodevops.sandbox.world.world import World

_SCRAPED = {
    "up": Metadata("gauge", "Whether the last scrape of the target succeeded."),
    "scrape_duration_seconds": Metadata("gauge", "Duration of the scrape."),
}


class WorldMetrics:
    """`Metrics` (see sandbox.prometheus.metrics) of a world, up to its present."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pieces = Pieces()
        self._exporters: tuple[Exporter, ...] = (Application(), KubeState(), Cadvisor(), NodeExporter(), Databases())

    def metadata(self) -> dict[str, Metadata]:
        found = {f.name: Metadata(f.kind, f.help) for exporter in self._exporters for f in exporter.families}
        return dict(sorted({**found, **_SCRAPED}.items()))

    def targets(self, at_ms: int) -> Sequence[Target]:
        at = at_ms / 1000
        return [
            Target(
                job=target.job,
                url=target.url,
                labels=_target_labels(target),
                discovered={"__address__": target.instance, "__scheme__": target.url.partition(":")[0]},
                up=at >= target.answers_from,
                last_scrape_ms=int(_scrape_times(self._world, target, at_ms - SCRAPE_INTERVAL_MS + 1, at_ms)[-1]),
                last_error="" if at >= target.answers_from else f"Get {target.url!r}: connection refused",
            )
            for exporter in self._exporters
            for target in exporter.targets(self._world)
            if target.start <= at < target.end
        ]

    def select(self, selector: Selector, start_ms: int, end_ms: int) -> Iterable[SampleBlock]:
        end_ms = min(end_ms, int(self._world.now() * 1000))
        for exporter, target, names in self._asked(selector):
            yield from self._scraped(exporter, target, names, selector, start_ms, end_ms)

    def _asked(self, selector: Selector) -> Iterator[tuple[Exporter, Scraped, frozenset[str]]]:
        """Targets that may have what is selected, and the names of it they have."""
        for exporter in self._exporters:
            own = {name for family in exporter.families for name in family.series_names}
            names = frozenset(name for name in own | set(_SCRAPED) if _may_match(selector, {NAME: name}))
            if names:
                for target in exporter.targets(self._world):
                    if _may_match(selector, _target_labels(target)):
                        yield exporter, target, names

    def series(self, selector: Selector, start_ms: int, end_ms: int) -> set[Labels]:
        """The label sets with a sample in [start, end], without reading all those samples.

        A series lasts until its pod goes or for ever, so it is enough to look just before each end of a pod.
        """
        last = min(end_ms, int(self._world.now() * 1000))
        ends = [_millis(pod.deleted_at) - 1 for pod in self._world.all_pods()]
        moments = [last, *(end for end in ends if start_ms <= end < last)]
        found: set[Labels] = set()
        for exporter, target, names in self._asked(selector):
            first = max(start_ms, _millis(target.start))
            offset = _scrape_offset(self._world, target)
            stamps = {(moment - offset) // SCRAPE_INTERVAL_MS * SCRAPE_INTERVAL_MS + offset for moment in moments}
            times = np.array(sorted(t for t in stamps if first <= t <= min(last, _millis(target.end))), dtype=np.int64)
            if len(times):
                read = self._read(exporter, target, times, names.__contains__)
                chosen = (labels for one in read.series if one.present.any() for labels in one.labels)
                found.update(labels for labels in chosen if selects(selector, labels))
        return found

    def _scraped(
        self, exporter: Exporter, target: Scraped, names: frozenset[str], selector: Selector, start_ms: int, end_ms: int
    ) -> Iterator[SampleBlock]:
        first = max(start_ms, _millis(target.start))
        # One scrape more than there was: the one that would have found the target gone.
        last = min(end_ms, _millis(target.end) + SCRAPE_INTERVAL_MS)
        if first > last:
            return
        pieces = self._pieces_of(exporter, target, first // PIECE_MS, last // PIECE_MS)
        whole = joined(pieces, names.__contains__)
        columns = slice(*np.searchsorted(whole.times, [first, last + 1]).tolist())
        for series in whole.series:
            kept = [row for row, labels in enumerate(series.labels) if selects(selector, labels)]
            if kept:
                labels = [series.labels[row] for row in kept]
                values = series.values[kept, columns] if len(kept) < len(series.labels) else series.values[:, columns]
                yield from _block(labels, whole.times[columns], values, series.present[columns])

    def _pieces_of(self, exporter: Exporter, target: Scraped, first: int, last: int) -> list[Piece]:
        """The half hours `first` to `last`; those not kept are read from the world in as few goes as possible."""
        address = f"{target.instance} {target.subject}"
        keys: dict[int, Key] = {n: (self._world.version, target.job, address, n) for n in range(first, last + 1)}
        found = {number: piece for number, key in keys.items() if (piece := self._pieces.get(key)) is not None}
        missing = [number for number in keys if number not in found]
        while missing:
            length = next((i for i, number in enumerate(missing) if number != missing[0] + i), len(missing))
            run, missing = missing[:length], missing[length:]
            times = _scrape_times(self._world, target, run[0] * PIECE_MS, (run[-1] + 1) * PIECE_MS - 1)
            read = self._read(exporter, target, times, lambda name: True)
            for number, piece in split(read, run[0], run[-1]).items():
                found[number] = piece
                self._pieces.put(keys[number], piece)
        return [found[number] for number in keys]

    def _read(self, exporter: Exporter, target: Scraped, times: Millis, wanted: Callable[[str], bool]) -> Piece:
        """What the target answered at `times`."""
        seconds = times / 1000.0
        there = (seconds >= target.start) & (seconds < target.end)
        answering = there & (seconds >= target.answers_from)
        scrape = Scrape(self._world, target, seconds, wanted)
        duration = scrape.constant(0.003 + 0.006 * hashing.uniform("scrape", target.url))
        about = [
            Rows("up", [{}], answering.astype(np.float64)[None, :], there),
            Rows("scrape_duration_seconds", [{}], duration[None, :], there),
        ]
        labels = _target_labels(target)
        series = []
        for rows in (*(rows for rows in about if wanted(rows.name)), *exporter.collect(scrape)):
            present = answering if rows.present is None else rows.present & there
            full = tuple(make_labels({**labels, **own, NAME: rows.name}) for own in rows.labels)
            series.append(Series(rows.name, full, rows.values, present))
        return Piece(times, tuple(series))


def _target_labels(target: Scraped) -> dict[str, str]:
    return {"job": target.job, "instance": target.instance, **target.labels}


def _scrape_times(world: World, target: Scraped, start_ms: int, end_ms: int) -> Millis:
    """When Prometheus scrapes the target in [start, end]: every interval, at an offset of the target's own."""
    offset = _scrape_offset(world, target)
    first = -(-(start_ms - offset) // SCRAPE_INTERVAL_MS) * SCRAPE_INTERVAL_MS + offset
    return np.arange(first, end_ms + 1, SCRAPE_INTERVAL_MS, dtype=np.int64)


def _scrape_offset(world: World, target: Scraped) -> int:
    return int(hashing.uniform(world.seed, "scrape offset", target.job, target.instance) * SCRAPE_INTERVAL_MS)


def _millis(seconds: float) -> int:
    if math.isinf(seconds):
        return int(math.copysign(2**52, seconds))
    return round(seconds * 1000)


def _may_match(selector: Selector, known: dict[str, str]) -> bool:
    """Whether a series with these labels, and others not known yet, can be selected."""

    def possible(matcher: Matcher) -> bool:
        if matcher.name not in known:
            return True
        return matcher.accepts(known[matcher.name])

    return any(all(possible(matcher) for matcher in group) for group in selector)


def _block(labels: list[Labels], times: Millis, values: Floats, present: Mask) -> Iterator[SampleBlock]:
    """The samples where `present`, with a staleness marker where a run of them ends."""
    if present.all():
        yield SampleBlock(labels, times, values)
        return
    ended = np.zeros(len(present), dtype=bool)
    ended[1:] = present[:-1] & ~present[1:]
    kept = present | ended
    if kept.any():
        yield SampleBlock(labels, times[kept], np.where(ended, STALE, values)[:, kept])
