"""kube-state-metrics: the objects of the cluster as numbers, whatever objects there are.

Each object's versions are steps in time; what an object says is read once for each version (`kube_objects.py`) and
holds until the next. Nothing here knows of the world's services.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from autodevops.sandbox.cluster.store import Json, Version
from autodevops.sandbox.world.metric_families.exporter import Family, Floats, Rows, Scrape, Scraped
from autodevops.sandbox.world.metric_families.kube_objects import DESCRIBED, HELP, Told
from autodevops.sandbox.world.world import World

Row = tuple[str, tuple[tuple[str, str], ...]]
"""Metric name and labels."""


class KubeState:
    families = tuple(Family(name, kind, text) for name, (kind, text) in HELP.items())

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
                yield from _of_object(scrape, versions, described.tell, wanted)


def _of_object(
    scrape: Scrape, versions: Sequence[Version], tell: Callable[[Json], Iterable[Told]], wanted: frozenset[str]
) -> Iterator[Rows]:
    times = scrape.times
    if versions[0].at > times[-1] or (versions[-1].object is None and versions[-1].at <= times[0]):
        return
    first = bisect_right(versions, float(times[0]), key=_since) - 1
    if first >= 0 and (first + 1 == len(versions) or versions[first + 1].at > times[-1]):
        yield from _unchanged(versions[first].object, len(times), tell, wanted)
        return
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


def _unchanged(
    item: Json | None, width: int, tell: Callable[[Json], Iterable[Told]], wanted: frozenset[str]
) -> Iterator[Rows]:
    """Of an object that is the same at all `width` times: most are, between two scrapes that are read."""
    found = {
        (name, tuple(labels.items())): value
        for name, labels, value in (tell(item) if item is not None else ())
        if name in wanted
    }
    names: dict[str, list[tuple[dict[str, str], float]]] = {}
    for (name, labels), value in found.items():
        if value == value:  # a NaN is none
            names.setdefault(name, []).append((dict(labels), value))
    for name, rows in names.items():
        column = np.array([value for _, value in rows])
        yield Rows(name, [labels for labels, _ in rows], np.repeat(column[:, None], width, axis=1))


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
