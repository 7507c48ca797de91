"""Rows of an instant vector: losing the metric name, and series that become one because their labels do."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from autodevops.sandbox.promql.labels import Labels, without_name
from autodevops.sandbox.promql.values import Dialect, ExecutionError, Floats, Mask, Vector

DUPLICATE = "vector cannot contain metrics with the same labelset"


def merged(vector: Vector) -> Vector:
    """Rows of equal labels joined where at most one of them has a sample at any step. Raises ExecutionError else."""
    if len(set(vector.labels)) == len(vector.labels):
        return vector
    groups: dict[Labels, list[int]] = defaultdict(list)
    for row, labels in enumerate(vector.labels):
        groups[labels].append(row)
    values, present = np.zeros((len(groups), vector.steps)), np.zeros((len(groups), vector.steps), dtype=bool)
    for target, rows in enumerate(groups.values()):
        if (vector.present[rows].sum(axis=0) > 1).any():
            raise ExecutionError(DUPLICATE)
        for row in rows:
            values[target] = np.where(vector.present[row], vector.values[row], values[target])
            present[target] |= vector.present[row]
    nameless = [any(vector.is_nameless(row) for row in rows) for rows in groups.values()] if vector.nameless else []
    return Vector(list(groups), values, present, nameless, vector.histograms)


def without_names(vector: Vector, dialect: Dialect) -> Vector:
    """The vector after an operation that makes its metric names meaningless."""
    if dialect.delayed_name_removal:
        return replace(
            vector,
            nameless=[True] * len(vector.labels),
            histograms=[replace(h, nameless=True) for h in vector.histograms],
        )
    return merged(
        replace(
            vector,
            labels=[without_name(labels) for labels in vector.labels],
            histograms=[replace(h, labels=without_name(h.labels)) for h in vector.histograms],
        )
    )


def named_away(vector: Vector) -> Vector:
    """The vector with the names removed whose removal the dialect had delayed."""
    labels = [without_name(own) if vector.is_nameless(row) else own for row, own in enumerate(vector.labels)]
    histograms = [replace(h, labels=without_name(h.labels)) if h.nameless else h for h in vector.histograms]
    return merged(Vector(labels, vector.values, vector.present, [], histograms))


def mapped(vector: Vector, values: Floats, dialect: Dialect, present: Mask | None = None) -> Vector:
    """The vector with other values and no names; native histograms do not pass through functions of numbers."""
    shown = vector.present if present is None else present
    return without_names(Vector(vector.labels, values, shown, vector.nameless), dialect)
