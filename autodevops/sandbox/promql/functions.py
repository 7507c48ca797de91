"""Functions of numbers and labels: one sample in, one sample out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from autodevops.sandbox.promql.labels import NAME, Labels, anchored, make_labels, value_of
from autodevops.sandbox.promql.parse import is_valid_utf8
from autodevops.sandbox.promql.rows import merged
from autodevops.sandbox.promql.values import ExecutionError, Floats, Vector

ELEMENTWISE: dict[str, Callable[[Floats], Floats]] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "ceil": np.ceil,
    "cos": np.cos,
    "cosh": np.cosh,
    "deg": lambda v: v * 180 / np.pi,
    "exp": np.exp,
    "floor": np.floor,
    "ln": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "rad": lambda v: v * np.pi / 180,
    "sgn": np.sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}


def rounded(values: Floats, nearest: Floats) -> Floats:
    """To the nearest multiple of `nearest`, ties upwards; by the inverse, which gives less rounding noise."""
    with np.errstate(all="ignore"):
        inverse = 1.0 / nearest
        return np.floor(values * inverse + 0.5) / inverse


def label_replace(vector: Vector, target: str, template: str, source: str, pattern: str) -> Vector:
    """Sets label `target` to `template` with the groups of `pattern`, where `source`'s value matches it whole."""
    try:
        regex = anchored(pattern)
    except ValueError as error:
        raise ExecutionError(f"invalid regular expression in label_replace(): {pattern}") from error
    _refuse_bad_label(target, "label_replace")
    out: list[Labels] = []
    named: list[bool] = []
    for row, labels in enumerate(vector.labels):
        match = regex.match(value_of(labels, source))
        if match:
            out.append(make_labels(dict(labels) | {target: _expanded(template, match)}))
        else:
            out.append(labels)
        named.append(vector.is_nameless(row) and not (match and target == NAME))
    return merged(replace(vector, labels=out, nameless=named if any(named) else []))


def _expanded(template: str, match: re.Match[str]) -> str:
    """Go's `Regexp.Expand`: `$1`, `${1}`, `$name`, `$$`; a group that is not there is empty."""

    def group(reference: re.Match[str]) -> str:
        if reference.group() == "$$":
            return "$"
        name = reference.group(1) or reference.group(2)
        try:
            return match.group(int(name) if name.isdigit() else name) or ""
        except (IndexError, KeyError):
            return ""

    return re.sub(r"\$\$|\$\{(\w+)\}|\$(\w+)", group, template)


def label_join(vector: Vector, target: str, separator: str, sources: list[str]) -> Vector:
    _refuse_bad_label(target, "label_join")
    out = []
    named: list[bool] = []
    for row, labels in enumerate(vector.labels):
        joined = separator.join(value_of(labels, source) for source in sources)
        out.append(make_labels(dict(labels) | {target: joined}))
        named.append(vector.is_nameless(row) and target != NAME)
    return merged(replace(vector, labels=out, nameless=named if any(named) else []))


def _refuse_bad_label(name: str, function: str) -> None:
    if not name or not is_valid_utf8(name):
        shown = "".join(chr(ord(c) & 0xFF) if not is_valid_utf8(c) else c for c in name)
        raise ExecutionError(f"invalid destination label name in {function}(): {shown}")


def by_value(vector: Vector, *, descending: bool) -> Vector:
    """Rows ordered by their value at the only step, NaN last."""
    column = vector.values[:, 0]
    order = np.lexsort((-column if descending else column, np.isnan(column)))
    return picked(vector, order.tolist())


def by_label(vector: Vector, names: list[str], *, descending: bool) -> Vector:
    """Rows in natural order of the named labels' values (`node2` before `node10`), then of all labels."""

    def key(row: int) -> tuple[list[list[tuple[int, int, str]]], Labels]:
        labels = vector.labels[row]
        return [_natural(value_of(labels, name)) for name in names], labels

    return picked(vector, sorted(range(len(vector.labels)), key=key, reverse=descending))


def _natural(text: str) -> list[tuple[int, int, str]]:
    return [(0, int(p), p) if p.isdigit() else (1, 0, p) for p in re.findall(r"\d+|\D+", text)]


def picked(vector: Vector, rows: list[int]) -> Vector:
    return replace(
        vector,
        labels=[vector.labels[row] for row in rows],
        values=vector.values[rows],
        present=vector.present[rows],
        nameless=[vector.nameless[row] for row in rows] if vector.nameless else [],
    )
