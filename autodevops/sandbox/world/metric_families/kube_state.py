"""kube-state-metrics: the objects of the cluster as numbers, whatever objects there are.

Each object's versions are steps in time; what an object says is read once for each version (`kube_objects.py`) and
holds until the next. Nothing here knows of the world's services.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from autodevops.sandbox.cluster.store import Json, Version
from autodevops.sandbox.world.metric_families.exporter import Family, Floats, Rows, Scrape, Scraped
from autodevops.sandbox.world.metric_families.kube_objects import DESCRIBED, HELP, Told
from autodevops.sandbox.world.world import World

Tell: TypeAlias = Callable[[Json], Iterable[Told]]
Column: TypeAlias = tuple[tuple[dict[str, str], ...], Floats]
"""Labels of the series of one name, and the value of each: shape (series, 1)."""

_VERSIONS = 4096  # of objects whose sayings are remembered
Row = tuple[str, tuple[tuple[str, str], ...]]
"""Metric name and labels."""


class KubeState:
    families = tuple(Family(name, kind, text) for name, (kind, text) in HELP.items())

    def __init__(self) -> None:
        self._said: dict[int, tuple[Json, Mapping[str, Column]]] = {}

    def targets(self, world: World) -> Iterator[Scraped]:
        instance = "10.244.1.250:8080"
        yield Scraped(
            "kube-state-metrics", instance, f"http://{instance}/metrics", {"service": "kube-state-metrics"}, ""
        )

    def collect(self, scrape: Scrape) -> Iterator[Rows]:
        for kind, described in DESCRIBED.items():
            wanted = frozenset(name for name in described.names if scrape.wanted(name))
            if not wanted:
                continue
            for versions in scrape.world.versions(kind):
                yield from self._of_object(scrape, versions, described.tell, wanted)

    def _of_object(
        self, scrape: Scrape, versions: Sequence[Version], tell: Tell, wanted: frozenset[str]
    ) -> Iterator[Rows]:
        times = scrape.times
        if versions[0].at > times[-1] or (versions[-1].object is None and versions[-1].at <= times[0]):
            return
        first = bisect_right(versions, float(times[0]), key=_since) - 1
        if first >= 0 and (first + 1 == len(versions) or versions[first + 1].at > times[-1]):
            # The same at all times: most objects are, between two scrapes that are read.
            if (item := versions[first].object) is not None:
                for name, (labels, values) in self._says(item, tell).items():
                    if name in wanted:
                        yield Rows(name, labels, np.repeat(values, len(times), axis=1))
        else:
            yield from _changing(times, versions, tell, wanted)

    def _says(self, item: Json, tell: Tell) -> Mapping[str, Column]:
        """What one version of an object says: it never changes, and is asked for with each metric and scrape."""
        known = self._said.get(id(item))
        if known is None or known[0] is not item:
            if len(self._said) > _VERSIONS:
                self._said.clear()
            known = self._said[id(item)] = (item, _columns(tell(item)))
        return known[1]


def _changing(times: Floats, versions: Sequence[Version], tell: Tell, wanted: frozenset[str]) -> Iterator[Rows]:
    bounds = np.searchsorted(times, [version.at for version in versions])
    found: dict[Row, Floats] = {}
    for index, version in enumerate(versions):
        low = int(bounds[index])
        high = int(bounds[index + 1]) if index + 1 < len(versions) else len(times)
        if low >= high or version.object is None:
            continue
        for name, labels, value in tell(version.object):
            if name in wanted:
                row = (name, tuple(labels.items()))
                values = found.get(row)
                if values is None:
                    values = found[row] = np.full(len(times), np.nan)
                values[low:high] = value
    yield from _grouped(found)


def _columns(told: Iterable[Told]) -> dict[str, Column]:
    found = {(name, tuple(labels.items())): value for name, labels, value in told}
    names: dict[str, list[tuple[dict[str, str], float]]] = {}
    for (name, labels), value in found.items():
        if value == value:  # a NaN is none
            names.setdefault(name, []).append((dict(labels), value))
    return {
        name: (tuple(labels for labels, _ in rows), np.array([[value] for _, value in rows]))
        for name, rows in names.items()
    }


def _since(version: Version) -> float:
    return version.at


def _grouped(found: Mapping[Row, Floats]) -> Iterator[Rows]:
    """Series of one name that are there at the same times, together."""
    groups: dict[tuple[str, bytes], list[tuple[dict[str, str], Floats]]] = {}
    for (name, labels), values in found.items():
        groups.setdefault((name, np.isnan(values).tobytes()), []).append((dict(labels), values))
    for (name, _), rows in groups.items():
        values = np.array([values for _, values in rows])
        present = ~np.isnan(values[0])
        yield Rows(name, [labels for labels, _ in rows], np.where(present, values, 0.0), present)
