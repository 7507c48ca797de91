"""Aggregation operators: many series to one per group, or to some of each group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from autodevops.sandbox.promql import reduce
from autodevops.sandbox.promql.labels import NAME, Labels, make_labels, only, without
from autodevops.sandbox.promql.values import ExecutionError, Floats, Mask, Scalar, UnsupportedError, Vector
from autodevops.sandbox.wire.go import format_float

Reduction = Callable[[Floats, Mask], Floats]

REDUCTIONS: dict[str, Reduction] = {
    "sum": lambda v, m: reduce.total(v, m, 1),
    "avg": lambda v, m: reduce.mean(v, m, 1),
    "min": lambda v, m: reduce.least(v, m, 1),
    "max": lambda v, m: reduce.greatest(v, m, 1),
    "count": lambda v, m: reduce.count(m, 1),
    "group": lambda v, m: np.ones((v.shape[0], v.shape[2])),
    "stddev": lambda v, m: np.sqrt(reduce.variance(v, m, 1)),
    "stdvar": lambda v, m: reduce.variance(v, m, 1),
}


@dataclass(frozen=True)
class Grouping:
    """`by (labels)`, `without (labels)`, or neither: one group of all."""

    labels: frozenset[str] = frozenset()
    excluded: bool = False

    def key(self, labels: Labels) -> Labels:
        return without(labels, self.labels | {NAME}) if self.excluded else only(labels, self.labels)

    def groups(self, vector: Vector) -> dict[Labels, list[int]]:
        found: dict[Labels, list[int]] = defaultdict(list)
        for row, labels in enumerate(vector.labels):
            found[self.key(labels)].append(row)
        return found


def reduced(vector: Vector, grouping: Grouping, reduction: Reduction) -> Vector:
    """One series per group. Groups of equal size are reduced together."""
    groups = grouping.groups(vector)
    keys = list(groups)
    values = np.zeros((len(keys), vector.steps))
    present = np.zeros((len(keys), vector.steps), dtype=bool)
    by_size: dict[int, list[int]] = defaultdict(list)
    for target, rows in enumerate(groups.values()):
        by_size[len(rows)].append(target)
    for targets in by_size.values():
        chosen = np.array([groups[keys[target]] for target in targets])
        stacked, mask = vector.values[chosen], vector.present[chosen]
        values[targets] = reduction(stacked, mask)
        present[targets] = mask.any(axis=1)
    flags = [any(vector.is_nameless(row) for row in rows) for rows in groups.values()]
    return Vector(keys, values, present, flags if any(flags) else [])


def quantile(vector: Vector, grouping: Grouping, q: Scalar) -> Vector:
    return reduced(
        vector,
        grouping,
        lambda v, m: reduce.quantile(v, m, 1, np.broadcast_to(q.values, (v.shape[0], v.shape[2]))),
    )


def extremes(vector: Vector, grouping: Grouping, k: Scalar, *, greatest: bool) -> Vector:
    """topk and bottomk: the rows themselves, with a sample only where they are among the k of their group."""
    limits = _limits(k)
    kept = np.zeros_like(vector.present)
    order: list[int] = []
    for rows in grouping.groups(vector).values():
        values, mask = vector.values[rows], vector.present[rows]
        kind = np.where(~mask, 2, np.where(np.isnan(values), 1, 0))
        ranking = np.lexsort((-values if greatest else values, kind), axis=0)
        rank = np.argsort(ranking, axis=0)
        kept[rows] = mask & (rank < limits)
        order.extend(rows[i] for i in ranking[:, 0]) if vector.steps == 1 else order.extend(rows)
    return _chosen(vector, kept, order)


def limited(vector: Vector, grouping: Grouping, k: Scalar) -> Vector:
    """limitk: any k of each group; the first ones, as Prometheus does."""
    limits = _limits(k)
    kept = np.zeros_like(vector.present)
    for rows in grouping.groups(vector).values():
        mask = vector.present[rows]
        kept[rows] = mask & (np.cumsum(mask, axis=0) <= limits)
    return _chosen(vector, kept, list(range(len(vector.labels))))


def _chosen(vector: Vector, kept: Mask, order: list[int]) -> Vector:
    rows = [row for row in order if kept[row].any()]
    flags = [vector.is_nameless(row) for row in rows]
    return Vector([vector.labels[r] for r in rows], vector.values[rows], kept[rows], flags if any(flags) else [])


def _limits(k: Scalar) -> Floats:
    if np.isnan(k.values).any():
        raise ExecutionError("Parameter value is NaN")
    if (np.abs(k.values) >= 2.0**63).any():
        worst = k.values[np.abs(k.values) >= 2.0**63][0]
        raise ExecutionError(f"Scalar value {format_float(float(worst))} overflows int64")
    return np.trunc(k.values)


def count_values(vector: Vector, grouping: Grouping, label: str) -> Vector:
    """How many series of each group have each value; the value, as text, becomes label `label`."""
    counts: dict[Labels, Floats] = {}
    for row, labels in enumerate(vector.labels):
        key = dict(grouping.key(labels))
        for value in np.unique(vector.values[row][vector.present[row]]).tolist():
            own = vector.values[row]
            here = vector.present[row] & (np.isnan(own) if np.isnan(value) else own == value)
            name = make_labels(key | {label: format_float(value)})
            counts[name] = counts.get(name, np.zeros(vector.steps)) + here
    values = np.array(list(counts.values())).reshape(len(counts), vector.steps)
    return Vector(list(counts), values, values > 0)


def aggregate(op: str, vector: Vector, grouping: Grouping, param: Scalar | str | None) -> Vector:
    """Operator `op` over a vector of numbers."""
    if op in REDUCTIONS:
        return reduced(vector, grouping, REDUCTIONS[op])
    if op == "count_values" and isinstance(param, str):
        return count_values(vector, grouping, param)
    if isinstance(param, Scalar):
        match op:
            case "topk" | "bottomk":
                return extremes(vector, grouping, param, greatest=op == "topk")
            case "quantile":
                return quantile(vector, grouping, param)
            case "limitk":
                return limited(vector, grouping, param)
    raise UnsupportedError(f"aggregation operator {op!r} is not supported")


def without_empty(vector: Vector) -> Vector:
    """The rows that have a sample at some step."""
    alive = vector.present.any(axis=1)
    if alive.all():
        return vector
    rows = np.flatnonzero(alive)
    flags = [vector.is_nameless(int(row)) for row in rows] if vector.nameless else []
    return replace(
        vector,
        labels=[vector.labels[row] for row in rows],
        values=vector.values[rows],
        present=vector.present[rows],
        nameless=flags,
    )
