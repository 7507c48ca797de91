"""Vectors at one instant: aggregation over labels, and binary operators between vectors and scalars."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence

from autodevops.sandbox.loki.syntax import Binary, Grouping, LabelReplace, LogQLError, VectorAggregation
from autodevops.sandbox.wire.go import compile_regex, expand

Labels = tuple[tuple[str, str], ...]
"""Sorted label pairs."""

Vector = dict[Labels | None, float]
"""Sample by labels; a scalar is the single key None."""


def aggregate(query: VectorAggregation, vector: Vector) -> Vector:
    groups: dict[Labels, list[tuple[Labels, float]]] = {}
    for labels, value in vector.items():
        if labels is None:
            raise LogQLError(f"parse error : {query.op} needs a vector, not a number")
        groups.setdefault(_group(labels, query.grouping), []).append((labels, value))
    if query.op in ("topk", "bottomk"):
        count = int(query.parameter or 0)
        kept: Vector = {}
        for members in groups.values():
            members.sort(key=lambda member: (-member[1] if query.op == "topk" else member[1], member[0]))
            kept.update(members[:count])
        return kept
    if query.op in ("sort", "sort_desc"):
        return dict(sorted(vector.items(), key=lambda item: item[1], reverse=query.op == "sort_desc"))
    reduce = _REDUCE[query.op]
    return {labels: reduce([value for _, value in members]) for labels, members in groups.items()}


def _group(labels: Labels, grouping: Grouping | None) -> Labels:
    if grouping is None:
        return ()
    if grouping.without:
        return tuple(pair for pair in labels if pair[0] not in grouping.labels)
    return tuple(pair for pair in labels if pair[0] in grouping.labels)


def variance(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / len(values)


_REDUCE: dict[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "avg": lambda values: sum(values) / len(values),
    "min": min,
    "max": max,
    "count": lambda values: float(len(values)),
    "stdvar": variance,
    "stddev": lambda values: math.sqrt(variance(values)),
}


def _divide(left: float, right: float) -> float:
    if right == 0:
        return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left)
    return left / right


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": lambda left, right: math.fmod(left, right) if right else math.nan,
    "^": lambda left, right: _power(left, right),
}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan


def combine(query: Binary, left: Vector, right: Vector) -> Vector:
    """One-to-one matching on equal labels (or `on`/`ignoring`); a scalar goes with every sample."""
    if query.op in ("and", "or", "unless"):
        return _set_operation(query, left, right)
    if None in left and None in right:
        return {None: _scalars(query, left[None], right[None])}
    if None in right:
        return _pairs(query, [(labels, value, right[None], value) for labels, value in left.items()])
    if None in left:
        return _pairs(query, [(labels, left[None], value, value) for labels, value in right.items()])
    if query.many == "right":
        return _grouped(query, right, left, swapped=True)
    if query.many == "left":
        return _grouped(query, left, right, swapped=False)
    others = _unique(query, right, "right")
    matched: list[tuple[Labels | None, float, float, float]] = []
    for key, value in _unique(query, left, "left").items():
        if key in others:
            matched.append((key, value, others[key], value))
    return _pairs(query, matched)


def _unique(query: Binary, vector: Vector, side: str) -> dict[Labels, float]:
    """Samples by what they match on; two of one key cannot be matched."""
    found: dict[Labels, tuple[Labels, float]] = {}
    for labels, value in vector.items():
        key = _matching_key(query, labels or ())
        if key in found:
            raise LogQLError(
                f"found duplicate series for the match group {_shown(key)} on the {side} hand-side of the operation: "
                f"[{_shown(labels or ())}, {_shown(found[key][0])}];"
                "many-to-many matching not allowed: matching labels must be unique on one side"
            )
        found[key] = (labels or (), value)
    return {key: value for key, (_, value) in found.items()}


def _grouped(query: Binary, many: Vector, ones: Vector, *, swapped: bool) -> Vector:
    """group_left and group_right: results keep the labels of the many side, and `include` from the one side."""
    _unique(query, ones, "left" if swapped else "right")
    partners = {_matching_key(query, labels or ()): (labels or (), value) for labels, value in ones.items()}
    matched: list[tuple[Labels | None, float, float, float]] = []
    seen: set[Labels] = set()
    for labels, value in many.items():
        partner = partners.get(_matching_key(query, labels or ()))
        if partner is None:
            continue
        kept = {name: text for name, text in labels or () if name not in query.include}
        kept.update((name, text) for name, text in partner[0] if name in query.include)
        result = tuple(sorted(kept.items()))
        if result in seen:
            raise LogQLError("multiple matches for labels: grouping labels must ensure unique matches")
        seen.add(result)
        left, right = (partner[1], value) if swapped else (value, partner[1])
        matched.append((result, left, right, left))
    return _pairs(query, matched)


def _shown(labels: Labels) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}"


def replace_label(query: LabelReplace, vector: Vector) -> Vector:
    """`label_replace`: where the whole source label matches, the target label is written, or removed when empty."""
    whole = compile_regex(query.regex)
    replaced: Vector = {}
    for labels, value in vector.items():
        found = dict(labels or ())
        match = whole.fullmatch(found.get(query.source, ""))
        if match is not None and labels is not None:
            text = expand(query.replacement, match)
            found.pop(query.target, None)
            if text:
                found[query.target] = text
        replaced[None if labels is None else tuple(sorted(found.items()))] = value
    return replaced


def _matching_key(query: Binary, labels: Labels) -> Labels:
    if query.on is not None:
        return tuple(pair for pair in labels if pair[0] in query.on)
    return tuple(pair for pair in labels if pair[0] not in query.ignoring)


def _scalars(query: Binary, left: float, right: float) -> float:
    if query.op in _COMPARE:
        return float(_COMPARE[query.op](left, right))
    return _ARITHMETIC[query.op](left, right)


def _pairs(query: Binary, pairs: list[tuple[Labels | None, float, float, float]]) -> Vector:
    """`(labels, left, right, kept)`: a comparison keeps the vector's own value, or drops the sample."""
    if query.op in _ARITHMETIC:
        return {labels: _ARITHMETIC[query.op](left, right) for labels, left, right, _ in pairs}
    compare = _COMPARE[query.op]
    if query.return_bool:
        return {labels: float(compare(left, right)) for labels, left, right, _ in pairs}
    return {labels: kept for labels, left, right, kept in pairs if compare(left, right)}


def _set_operation(query: Binary, left: Vector, right: Vector) -> Vector:
    if None in left or None in right:
        raise LogQLError(f"parse error : unexpected literal for a leg of logical/set binary operation ({query.op})")
    ours = {_matching_key(query, labels or ()) for labels in left}
    theirs = {_matching_key(query, labels or ()) for labels in right}
    if query.op == "and":
        return {labels: value for labels, value in left.items() if _matching_key(query, labels or ()) in theirs}
    if query.op == "unless":
        return {labels: value for labels, value in left.items() if _matching_key(query, labels or ()) not in theirs}
    return left | {labels: value for labels, value in right.items() if _matching_key(query, labels or ()) not in ours}
