"""Binary operators: arithmetic, comparison, set operators, and the matching of one vector's series with another's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from autodevops.sandbox.promql.labels import NAME, Labels, make_labels, only, show, value_of, without
from autodevops.sandbox.promql.rows import merged, without_names
from autodevops.sandbox.promql.values import (
    Dialect,
    ExecutionError,
    Floats,
    Histograms,
    Mask,
    Scalar,
    UnsupportedError,
    Vector,
)

Operator = Callable[[Floats, Floats], Any]

ARITHMETIC: dict[str, Operator] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISON: dict[str, Operator] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}
SETS = {"and", "or", "unless"}


@dataclass(frozen=True)
class Matching:
    """How series of two vectors find each other, as `on`/`ignoring`, `group_left`/`group_right` and `fill` say."""

    on: bool = False
    labels: frozenset[str] = frozenset()
    group: Literal["", "left", "right"] = ""
    include: tuple[str, ...] = ()
    fill_left: float | None = None
    fill_right: float | None = None

    def signature(self, labels: Labels) -> Labels:
        return only(labels, self.labels) if self.on else without(labels, self.labels | {NAME})


def drops_name(op: str, dialect: Dialect) -> bool:
    """Whether the operator's result is another metric than its operand."""
    return op in ARITHMETIC and (op != "atan2" or dialect.atan2_drops_name)


def scalars(op: str, left: Scalar, right: Scalar) -> Scalar:
    with np.errstate(all="ignore"):
        operator = ARITHMETIC.get(op) or COMPARISON[op]
        return Scalar(np.asarray(operator(left.values, right.values), dtype=np.float64))


def vector_scalar(op: str, vector: Vector, scalar: Scalar, swapped: bool, as_bool: bool, dialect: Dialect) -> Vector:
    """A vector with a number; `swapped` when the number stands on the left."""
    left, right = (scalar.values, vector.values) if swapped else (vector.values, scalar.values)
    with np.errstate(all="ignore"):
        if op in ARITHMETIC:
            scaled = _scaled(op, vector.histograms, scalar, swapped)
            result = replace(vector, values=ARITHMETIC[op](left, right), histograms=scaled)
            return without_names(result, dialect) if drops_name(op, dialect) else result
        holds = COMPARISON[op](left, right)
    if as_bool:
        return without_names(replace(vector, values=holds.astype(np.float64), histograms=[]), dialect)
    return replace(vector, present=vector.present & holds, histograms=[])


def _scaled(op: str, histograms: list[Histograms], scalar: Scalar, swapped: bool) -> list[Histograms]:
    if op not in {"*", "/"} or (op == "/" and swapped):
        return []
    factor = scalar.values if op == "*" else 1 / scalar.values
    return [
        replace(h, counts=h.counts * factor[:, None], sums=h.sums * factor, totals=h.totals * factor)
        for h in histograms
    ]


def sets(op: str, left: Vector, right: Vector, matching: Matching) -> Vector:
    """`and`, `or`, `unless`: which samples pass depends on labels and presence alone, so histograms pass too."""
    steps = left.steps
    nothing = np.zeros(steps, dtype=bool)

    def passing(vector: Vector, there: dict[Labels, Mask], negate: bool) -> Vector:
        def kept(labels: Labels, present: Mask) -> Mask:
            found = there.get(matching.signature(labels), nothing)
            return present & (~found if negate else found)

        rows = [kept(labels, vector.present[row]) for row, labels in enumerate(vector.labels)]
        histograms = [replace(h, present=kept(h.labels, h.present)) for h in vector.histograms]
        return replace(vector, present=np.array(rows, dtype=bool).reshape(len(rows), steps), histograms=histograms)

    if op != "or":
        return passing(left, _any_present(right, matching), op == "unless")
    free = passing(right, _any_present(left, matching), True)
    flags = [vector.is_nameless(row) for vector in (left, free) for row in range(len(vector.labels))]
    return merged(
        Vector(
            left.labels + free.labels,
            np.concatenate([left.values, free.values]),
            np.concatenate([left.present, free.present]),
            flags if any(flags) else [],
            left.histograms + free.histograms,
        )
    )


def _any_present(vector: Vector, matching: Matching) -> dict[Labels, Mask]:
    found: dict[Labels, Mask] = {}
    rows = [*zip(vector.labels, vector.present, strict=True), *((h.labels, h.present) for h in vector.histograms)]
    for labels, present in rows:
        key = matching.signature(labels)
        found[key] = found[key] | present if key in found else present
    return found


def vectors(op: str, left: Vector, right: Vector, matching: Matching, as_bool: bool, dialect: Dialect) -> Vector:
    """Arithmetic or comparison between matched series. Raises ExecutionError when the matching is ambiguous."""
    if left.histograms or right.histograms:
        raise UnsupportedError("binary operators between native histograms are not supported")
    swapped = matching.group == "right"
    many, one = (right, left) if swapped else (left, right)
    ones: dict[Labels, list[int]] = defaultdict(list)
    for row, labels in enumerate(one.labels):
        ones[matching.signature(labels)].append(row)
    for key, rows in ones.items():
        _refuse_duplicates(one, rows, key, "left" if swapped else "right")
    taken: dict[Labels, Mask] = {}
    out_labels: list[Labels] = []
    out_values: list[Floats] = []
    out_present: list[Mask] = []
    flags: list[bool] = []

    def emit(labels: Labels, many_values: Floats, one_values: Floats, both: Mask, nameless: bool) -> None:
        left_values, right_values = (one_values, many_values) if swapped else (many_values, one_values)
        with np.errstate(all="ignore"):
            if op in ARITHMETIC:
                values, shown = ARITHMETIC[op](left_values, right_values), both
            else:
                holds = COMPARISON[op](left_values, right_values)
                values = holds.astype(np.float64) if as_bool else left_values
                shown = both if as_bool else both & holds
        identity = labels if matching.group else matching.signature(labels)
        if (taken.get(identity, False) & both).any():
            words = (
                "multiple matches for labels: grouping labels must ensure unique matches"
                if matching.group
                else "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
            )
            raise ExecutionError(words)
        taken[identity] = taken[identity] | both if identity in taken else both
        out_labels.append(labels)
        out_values.append(values)
        out_present.append(shown)
        flags.append(nameless)

    fill_one = matching.fill_left if swapped else matching.fill_right
    fill_many = matching.fill_right if swapped else matching.fill_left
    drops = drops_name(op, dialect) or as_bool
    matched: dict[Labels, Mask] = {}
    for row, labels in enumerate(many.labels):
        key = matching.signature(labels)
        matched[key] = matched[key] | many.present[row] if key in matched else many.present[row]
        lonely = many.present[row].copy()
        for other in ones.get(key, ()):
            both = many.present[row] & one.present[other]
            lonely &= ~one.present[other]
            if not both.any():
                continue
            name = _result_labels(labels, one.labels[other], matching, drops, dialect)
            emit(name, many.values[row], one.values[other], both, many.is_nameless(row) or drops)
        if fill_one is not None and lonely.any():
            filler = np.full(many.steps, fill_one)
            name = _result_labels(labels, key, matching, drops, dialect)
            emit(name, many.values[row], filler, lonely, many.is_nameless(row) or drops)
    if fill_many is not None:
        for key, rows in ones.items():
            for other in rows:
                lonely = one.present[other] & ~matched.get(key, np.zeros(one.steps, dtype=bool))
                if lonely.any():
                    filler = np.full(one.steps, fill_many)
                    name = _result_labels(key, one.labels[other], matching, drops, dialect)
                    emit(name, filler, one.values[other], lonely, drops)
    values = np.array(out_values, dtype=np.float64).reshape(len(out_values), left.steps)
    present = np.array(out_present, dtype=bool).reshape(len(out_present), left.steps)
    delayed = dialect.delayed_name_removal and any(flags)
    return merged(Vector(out_labels, values, present, flags if delayed else []))


def _refuse_duplicates(one: Vector, rows: list[int], key: Labels, side: str) -> None:
    if len(rows) < 2:
        return
    crowded = one.present[rows].sum(axis=0) > 1
    if not crowded.any():
        return
    step = int(np.argmax(crowded))
    first, second = [one.labels[row] for row in rows if one.present[row, step]][:2]
    raise ExecutionError(
        f"found duplicate series for the match group {show(key)} on the {side} hand-side of the operation: "
        f"[{show(first)}, {show(second)}];"
        "many-to-many matching not allowed: matching labels must be unique on one side"
    )


def _result_labels(many: Labels, one: Labels, matching: Matching, drops: bool, dialect: Dialect) -> Labels:
    labels = without(many, frozenset({NAME})) if drops and not dialect.delayed_name_removal else many
    if not matching.group:
        # The name goes with `on(...)` too, unless it is named there.
        return only(labels, matching.labels) if matching.on else without(labels, matching.labels)
    if not matching.include:
        return labels
    kept = dict(without(labels, frozenset(matching.include)))
    return make_labels(kept | {name: value_of(one, name) for name in matching.include})
