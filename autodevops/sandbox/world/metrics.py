"""The world as Prometheus sees it: exporters scraped every 15 seconds, as blocks of samples.

Nothing is stored: the samples of any window are read from the world when they are asked for. Each target is scraped
at its own offset within the interval. A series that ends (its pod goes) gets a staleness marker at the next scrape,
as it would have.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from autodevops.sandbox.basics import hashing
from autodevops.sandbox.prometheus.metrics import SCRAPE_INTERVAL_MS, Metadata, Target
from autodevops.sandbox.promql.labels import NAME, Labels, Selector, make_labels, may_select, selects
from autodevops.sandbox.promql.values import Floats, Millis, SampleBlock, interrupted
from autodevops.sandbox.world.metric_families.application import Application
from autodevops.sandbox.world.metric_families.cadvisor import Cadvisor
from autodevops.sandbox.world.metric_families.control_plane import ControlPlane
from autodevops.sandbox.world.metric_families.databases import Databases
from autodevops.sandbox.world.metric_families.exporter import Exporter, Rows, Scrape, Scraped
from autodevops.sandbox.world.metric_families.generator import MetricsGenerator
from autodevops.sandbox.world.metric_families.kube_state import KubeState
from autodevops.sandbox.world.metric_families.node import NodeExporter
from autodevops.sandbox.world.metric_families.probes import Blackbox, CoreDns, Volumes
from autodevops.sandbox.world.metric_families.scrapes import PIECE_MS, Address, Piece, Pieces, Series, joined, split
from autodevops.sandbox.world.world import World

_SCRAPED = {
    "up": Metadata("gauge", "Whether the last scrape of the target succeeded."),
    "scrape_duration_seconds": Metadata("gauge", "Duration of the scrape."),
}
_SELECTORS = 2048  # that are remembered
_LISTS = 4096  # of labels that a selector remembers its choice of
_Having: TypeAlias = tuple[Exporter, frozenset[str], frozenset[str]]


@dataclass(frozen=True)
class _Asked:
    """A target, the names of it that are asked for, and `whole`: all names of the families these belong to.

    A family is read as a whole: the parts of a histogram come from one calculation, and are asked for in turn.
    """

    exporter: Exporter
    target: Scraped
    names: frozenset[str]
    whole: frozenset[str]

    @property
    def address(self) -> Address:
        return (self.target.job, self.target.instance, self.target.subject)


@dataclass(frozen=True, slots=True)
class _Known:
    """A target with what every query asks of it; times in milliseconds."""

    target: Scraped
    labels: Mapping[str, str]
    start_ms: int
    end_ms: int


class _Selection:
    """A selector with the exporters that may have what it selects, and what it chose of lists of labels: a list is one
    object for as long as the half hour it belongs to is kept, and asked about again with each query over it."""

    def __init__(self, selector: Selector, having: tuple[_Having, ...]) -> None:
        self.selector = selector
        self.having = having
        self._chosen: dict[int, tuple[Sequence[Labels], list[int]]] = {}

    def rows(self, labels: Sequence[Labels]) -> list[int]:
        """The rows of a list that are selected."""
        known = self._chosen.get(id(labels))
        if known is None or known[0] is not labels:
            if len(self._chosen) > _LISTS:
                self._chosen.clear()
            chosen = [row for row, own in enumerate(labels) if selects(self.selector, own)]
            known = self._chosen[id(labels)] = (labels, chosen)
        return known[1]


class WorldMetrics:
    """`Metrics` (see sandbox.prometheus.metrics) of a world, up to its present."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pieces = Pieces()
        self._listings: dict[Address, tuple[tuple[frozenset[str], bytes], tuple[Labels, ...]]] = {}
        self._known: dict[tuple[object, ...], Labels] = {}
        self._selections: dict[Selector, _Selection] = {}
        self._targets: dict[Exporter, tuple[int, tuple[_Known, ...]]] = {}
        self._exporters: tuple[Exporter, ...] = (
            Application(), KubeState(), Cadvisor(), NodeExporter(), Databases(), Blackbox(), Volumes(), CoreDns(),
            MetricsGenerator(), ControlPlane(),
        )  # fmt: skip

    def _now_ms(self) -> int:
        return int(self._world.now() * 1000)

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
                up=bool(up),
                last_scrape_ms=int(_scrape_times(self._world, target, at_ms - SCRAPE_INTERVAL_MS + 1, at_ms)[-1]),
                last_error="" if up else f"Get {target.url!r}: connection refused",
            )
            for exporter in self._exporters
            for target in exporter.targets(self._world)
            if target.start <= at < target.end
            for up in target.answering(np.array([at]))
        ]

    def select(self, selector: Selector, start_ms: int, end_ms: int) -> Iterable[SampleBlock]:
        now_ms = self._now_ms()
        end_ms = min(end_ms, now_ms)
        selection = self._selection(selector)
        for asked in self._asked(selection, start_ms, end_ms):
            yield from self._scraped(asked, selection, start_ms, end_ms, now_ms)

    def _asked(self, selection: _Selection, start_ms: int, end_ms: int) -> Iterator[_Asked]:
        """Targets that are there between start and end and may have what is selected, and the names of it they have."""
        for exporter, names, whole in selection.having:
            for one in self._known_targets(exporter):
                there = one.start_ms <= end_ms and start_ms <= one.end_ms + SCRAPE_INTERVAL_MS
                if there and may_select(selection.selector, one.labels):
                    yield _Asked(exporter, one.target, names, whole)

    def _known_targets(self, exporter: Exporter) -> tuple[_Known, ...]:
        """The targets an exporter has had until now: they change when the cluster does, and queries ask in between."""
        self._world.all_pods()  # brings the cluster to the present
        version, known = self._targets.get(exporter, (-1, ()))
        if version != self._world.version:
            version = self._world.version
            known = tuple(
                _Known(target, _target_labels(target), _millis(target.start), _millis(target.end))
                for target in exporter.targets(self._world)
            )
            self._targets[exporter] = (version, known)
        return known

    def _selection(self, selector: Selector) -> _Selection:
        found = self._selections.get(selector)
        if found is None:
            if len(self._selections) > _SELECTORS:
                self._selections.clear()
            found = self._selections[selector] = _Selection(selector, tuple(self._having(selector)))
        return found

    def _having(self, selector: Selector) -> Iterator[_Having]:
        """Exporters with names that may be selected, those names, and all of the families these belong to."""
        for exporter in self._exporters:
            families = [family.series_names for family in exporter.families] + [tuple(_SCRAPED)]
            names = frozenset(n for family in families for n in family if may_select(selector, {NAME: n}))
            whole = frozenset(name for family in families if not names.isdisjoint(family) for name in family)
            if names:
                yield exporter, names, whole

    def series(self, selector: Selector, start_ms: int, end_ms: int) -> set[Labels]:
        """The label sets with a sample in [start, end], without reading all those samples.

        A series lasts until its pod goes, a container of it starts or ends, or for ever, so it is enough to look just
        before each of these.
        """
        last = min(end_ms, self._now_ms())
        pods = self._world.all_pods()
        turns = [
            *(pod.deleted_at for pod in pods),
            *(at for p in pods for r in p.all_runs for at in (r.started, r.ended)),
        ]
        moments = [last, *(end for turn in turns if start_ms <= (end := _millis(turn) - 1) < last)]
        found: set[Labels] = set()
        for asked in self._asked(self._selection(selector), start_ms, last):
            target = asked.target
            first = max(start_ms, _millis(target.start))
            offset = _scrape_offset(self._world, target)
            stamps = {(moment - offset) // SCRAPE_INTERVAL_MS * SCRAPE_INTERVAL_MS + offset for moment in moments}
            times = np.array(sorted(t for t in stamps if first <= t <= min(last, _millis(target.end))), dtype=np.int64)
            if len(times):
                found.update(labels for labels in self._listed(asked, times) if selects(selector, labels))
        return found

    def _listed(self, asked: _Asked, times: Millis) -> tuple[Labels, ...]:
        """The label sets the target shows at any of `times`; the last answer is kept, for it is asked in series."""
        question = (asked.names, times.tobytes())
        with self._pieces.reading(asked.address):
            before, answer = self._listings.get(asked.address, (None, ()))
            if before != question:
                read = self._read(asked, times, asked.names)
                series = (one for found in read.series.values() for one in found if one.present.any())
                answer = tuple(labels for one in series for labels in one.labels)
                self._listings[asked.address] = (question, answer)
            return answer

    def _scraped(
        self, asked: _Asked, selection: _Selection, start_ms: int, end_ms: int, now_ms: int
    ) -> Iterator[SampleBlock]:
        first = max(start_ms, _millis(asked.target.start))
        # One scrape more than there was: the one that would have found the target gone.
        last = min(end_ms, _millis(asked.target.end) + SCRAPE_INTERVAL_MS)
        if first > last:
            return
        whole = joined(self._pieces_of(asked, first // PIECE_MS, last // PIECE_MS, now_ms), sorted(asked.names))
        columns = slice(*whole.times.searchsorted((first, last + 1)).tolist())
        # Series that are there all the time come in one block: each block costs a query as much as many samples.
        steady: list[Labels] = []
        values_of_steady: list[Floats] = []
        for series in (one for found in whole.series.values() for one in found):
            kept = selection.rows(series.labels)
            if not kept:
                continue
            whole_list = len(kept) == len(series.labels)
            labels = series.labels if whole_list else [series.labels[row] for row in kept]
            values = series.values[:, columns] if whole_list else series.values[kept, columns]
            if series.present[columns].all():
                steady += labels
                values_of_steady.append(values)
            else:
                yield from interrupted(list(labels), whole.times[columns], values, series.present[columns])
        if steady:
            yield SampleBlock(steady, whole.times[columns], np.concatenate(values_of_steady))

    def _pieces_of(self, asked: _Asked, first: int, last: int, now_ms: int) -> list[Piece]:
        """The half hours `first` to `last` of the families asked for; what is not kept of them is read from the world,
        in as few goes as possible. The past never changes: a half hour that goes on grows at its end."""
        address = asked.address
        with self._pieces.reading(address):
            found: dict[int, Piece] = {}
            missing: dict[int, Millis] = {}
            for number in range(first, last + 1):
                known = self._pieces.get(address, asked.whole, number)
                begin = int(known.times[-1]) + SCRAPE_INTERVAL_MS if known and len(known.times) else number * PIECE_MS
                end = min((number + 1) * PIECE_MS - 1, now_ms)
                if known is not None and begin > end:
                    found[number] = known
                    continue
                missing[number] = _scrape_times(self._world, asked.target, begin, end)
                found[number] = known or Piece(missing[number][:0], dict.fromkeys(asked.whole, ()))
            for run in _runs(missing):
                times = np.concatenate([missing[number] for number in run])
                for number, piece in split(self._read(asked, times, asked.whole), run[0], run[-1]).items():
                    before = found[number]
                    found[number] = joined([before, piece], asked.whole) if len(before.times) else piece
                    self._pieces.put(address, asked.whole, number, found[number])
            return list(found.values())

    def _read(self, asked: _Asked, times: Millis, names: frozenset[str]) -> Piece:
        """What the target answered at `times`, of these names."""
        target = asked.target
        seconds = times / 1000.0
        there = (seconds >= target.start) & (seconds < target.end)
        answering = target.answering(seconds)
        scrape = Scrape(self._world, target, seconds, names.__contains__)
        about: tuple[Rows, ...] = ()
        if not names.isdisjoint(_SCRAPED):
            duration = scrape.constant(0.003 + 0.006 * hashing.uniform("scrape", target.url))
            about = (
                Rows("up", [{}], answering.astype(np.float64)[None, :]),
                Rows("scrape_duration_seconds", [{}], duration[None, :]),
            )
        series: dict[str, list[Series]] = {name: [] for name in names}
        own = () if names <= _SCRAPED.keys() else asked.exporter.collect(scrape)
        for rows in itertools.chain(about, own):
            if rows.name not in names:
                continue
            # What Prometheus says of a scrape itself it also says of one that failed.
            shown = there if rows.name in _SCRAPED else answering
            present = shown if rows.present is None else rows.present & shown
            full = tuple(self._labels(target, rows.name, own) for own in rows.labels)
            series[rows.name].append(Series(full, rows.values, present))
        return Piece(times, {name: tuple(found) for name, found in series.items()})

    def _labels(self, target: Scraped, name: str, own: Mapping[str, str]) -> Labels:
        """The label set of a series: one object for all its samples, wherever they are kept."""
        key = (target.job, target.instance, target.subject, name, *own.items())
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = make_labels({**_target_labels(target), **own, NAME: name})
        return found


def _runs(missing: Mapping[int, Millis]) -> Iterator[list[int]]:
    """Consecutive half hours that lack something."""
    run: list[int] = []
    for number, times in missing.items():
        if run and (number != run[-1] + 1 or not len(times)):
            yield run
            run = []
        if len(times):
            run.append(number)
    if run:
        yield run


def _target_labels(target: Scraped) -> dict[str, str]:
    return {"job": target.job, "instance": target.instance, **target.labels}


def _scrape_times(world: World, target: Scraped, start_ms: int, end_ms: int) -> Millis:
    """When Prometheus scrapes the target in [start, end]: every interval, at an offset of the target's own."""
    offset = _scrape_offset(world, target)
    first = -(-(start_ms - offset) // SCRAPE_INTERVAL_MS) * SCRAPE_INTERVAL_MS + offset
    return np.arange(first, end_ms + 1, SCRAPE_INTERVAL_MS, dtype=np.int64)


def _scrape_offset(world: World, target: Scraped) -> int:
    return _offset(world.seed, target.job, target.instance)


@lru_cache(maxsize=4096)
def _offset(seed: int, job: str, instance: str) -> int:
    return int(hashing.uniform(seed, "scrape offset", job, instance) * SCRAPE_INTERVAL_MS)


def _millis(seconds: float) -> int:
    if math.isinf(seconds):
        return int(math.copysign(2**52, seconds))
    return round(seconds * 1000)
