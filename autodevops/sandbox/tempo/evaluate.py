"""TraceQL over one trace: which of its spans match, as spansets.

A comparison with an attribute that a span does not have is false, `!=` and `!~` included, as in Tempo; only `= nil`
asks for absence. Event attributes have several values: one match is enough.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from autodevops.sandbox.tempo.syntax import (
    Aggregate,
    Attribute,
    Coalesce,
    Expression,
    GroupBy,
    Keyword,
    Nested,
    Number,
    Operation,
    Pipeline,
    ScalarFilter,
    Select,
    Spanset,
    SpansetFilter,
    SpansetOperation,
    Static,
    Unary,
    Value,
)
from autodevops.sandbox.wire.go import compile_regex
from autodevops.sandbox.world.traces import Span, Trace


@dataclass(frozen=True)
class MatchedSpans:
    """One spanset of a trace; `attributes` are what `by(...)` and aggregates computed for it."""

    spans: Sequence[Span]
    attributes: Mapping[str, Static] = field(default_factory=dict)


def evaluate(pipeline: Pipeline, trace: Trace, spans: Sequence[Span] | None = None) -> list[MatchedSpans]:
    """The spansets that the pipeline leaves of `spans` (all of the trace's by default); empty when nothing matches."""
    sets: list[MatchedSpans] = [MatchedSpans(trace.spans if spans is None else spans)]
    for stage in pipeline.stages:
        match stage:
            case SpansetFilter() | SpansetOperation() | Nested():
                sets = [
                    MatchedSpans(spans, one.attributes) for one in sets if (spans := _spanset(stage, trace, one.spans))
                ]
            case ScalarFilter():
                sets = [passed for one in sets if (passed := _scalar_filter(stage, trace, one)) is not None]
            case GroupBy(expression=expression):
                sets = [group for one in sets for group in _group(expression, trace, one)]
            case Coalesce():
                merged = list({span.span_id: span for one in sets for span in one.spans}.values())
                sets = [MatchedSpans(merged)] if merged else []
            case Select():
                pass
        if not sets:
            return []
    return sets


def mentioned(pipeline: Pipeline) -> tuple[Attribute, ...]:
    """Attributes that the query names, in order: search results show them for each matched span."""
    found: dict[Attribute, None] = {}
    for stage in pipeline.stages:
        for attribute in _mentioned(stage):
            found[attribute] = None
    return tuple(found)


def _mentioned(node: object) -> Iterator[Attribute]:
    match node:
        case Attribute():
            yield node
        case Select(attributes=attributes):
            yield from attributes
        case (
            SpansetFilter(expression=inner)
            | GroupBy(expression=inner)
            | Unary(operand=inner)
            | Aggregate(argument=inner)
        ):
            yield from _mentioned(inner)
        case SpansetOperation() | Operation() | ScalarFilter():
            yield from _mentioned(node.left)
            yield from _mentioned(node.right)
        case Nested(pipeline=pipeline):
            for stage in pipeline.stages:
                yield from _mentioned(stage)


# --- spansets ---


def _spanset(node: Spanset, trace: Trace, spans: Sequence[Span]) -> list[Span]:
    match node:
        case SpansetFilter(expression=None):
            return list(spans)
        case SpansetFilter(expression=expression):
            assert expression is not None
            return [span for span in spans if holds(expression, span, trace)]
        case Nested(pipeline=pipeline):
            inner = evaluate(pipeline, trace, spans)
            return list({span.span_id: span for one in inner for span in one.spans}.values())
        case SpansetOperation():
            left, right = _spanset(node.left, trace, spans), _spanset(node.right, trace, spans)
            return _combine(node.op, left, right, trace)


def _combine(op: str, left: list[Span], right: list[Span], trace: Trace) -> list[Span]:
    """A relation keeps spans of the right side; with `!` those without it, with `&` also the left side's partners."""
    if op == "||" or (op == "&&" and left and right):
        return _merged(left, right)
    if op == "&&":
        return []
    related = _related_to(op.lstrip("!&"), left, right, trace)
    if op.startswith("!"):
        ids = {span.span_id for span in related}
        return [span for span in right if span.span_id not in ids]
    if op.startswith("&"):
        return _merged(_related_to(_MIRRORED[op[1:]], right, left, trace), related)
    return related


_MIRRORED = {">": "<", "<": ">", ">>": "<<", "<<": ">>", "~": "~"}


def _merged(left: Sequence[Span], right: Sequence[Span]) -> list[Span]:
    return list({span.span_id: span for span in [*left, *right]}.values())


def _related_to(op: str, left: Sequence[Span], right: Sequence[Span], trace: Trace) -> list[Span]:
    ids = {span.span_id for span in left}
    match op:
        case ">":
            return [span for span in right if span.parent_id in ids]
        case ">>":
            return [span for span in right if any(above.span_id in ids for above in _ancestors(span, trace))]
        case "<":
            parents = {span.parent_id for span in left}
            return [span for span in right if span.span_id in parents]
        case "<<":
            above_left = {above.span_id for span in left for above in _ancestors(span, trace)}
            return [span for span in right if span.span_id in above_left]
    families: dict[str, set[str]] = {}
    for span in left:
        families.setdefault(span.parent_id, set()).add(span.span_id)
    return [span for span in right if span.parent_id and families.get(span.parent_id, set()) - {span.span_id}]


def _ancestors(span: Span, trace: Trace) -> Iterator[Span]:
    seen = {span.span_id}
    above = trace.by_id.get(span.parent_id)
    while above is not None and above.span_id not in seen:
        seen.add(above.span_id)
        yield above
        above = trace.by_id.get(above.parent_id)


def _group(expression: Expression, trace: Trace, one: MatchedSpans) -> list[MatchedSpans]:
    groups: dict[Static, list[Span]] = {}
    for span in one.spans:
        value = next(iter(_values(expression, span, trace)), None)
        groups.setdefault(value, []).append(span)
    name = f"by({expression})" if isinstance(expression, Attribute) else "by(...)"
    return [MatchedSpans(spans, {**one.attributes, name: value}) for value, spans in groups.items()]


def _scalar_filter(stage: ScalarFilter, trace: Trace, one: MatchedSpans) -> MatchedSpans | None:
    left, right = _scalar(stage.left, trace, one), _scalar(stage.right, trace, one)
    if left is None or right is None or not _ORDER[stage.op](left, right):
        return None
    sides = ((stage.left, left), (stage.right, right))
    computed = {f"{side.op}({side.argument or ''})": value for side, value in sides if isinstance(side, Aggregate)}
    return MatchedSpans(one.spans, {**one.attributes, **computed})


def _scalar(side: Aggregate | Number, trace: Trace, one: MatchedSpans) -> float | None:
    if isinstance(side, Number):
        return side.value
    if side.argument is None:
        return len(one.spans)
    values = [value for span in one.spans for value in _values(side.argument, span, trace) if _is_number(value)]
    numbers = [float(value) for value in values if isinstance(value, int | float)]
    if not numbers:
        return None
    match side.op:
        case "max":
            return max(numbers)
        case "min":
            return min(numbers)
        case "sum":
            return sum(numbers)
    return sum(numbers) / len(numbers)


# --- field expressions ---

_ORDER: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "^": operator.pow,
}


def holds(expression: Expression, span: Span, trace: Trace) -> bool:
    """Whether an expression is true of a span."""
    match expression:
        case Operation(op="&&", left=left, right=right):
            return holds(left, span, trace) and holds(right, span, trace)
        case Operation(op="||", left=left, right=right):
            return holds(left, span, trace) or holds(right, span, trace)
        case Unary(op="!", operand=operand):
            return not holds(operand, span, trace)
        case Operation(op=op) if op not in _ARITHMETIC:
            return _compare(expression, span, trace)
    return any(value is True for value in _values(expression, span, trace))


def _compare(comparison: Operation, span: Span, trace: Trace) -> bool:
    left, right = list(_values(comparison.left, span, trace)), list(_values(comparison.right, span, trace))
    if _is_nil(comparison.left) or _is_nil(comparison.right):
        absent = not left and not right
        return absent if comparison.op == "=" else not absent
    return any(_related(comparison.op, one, other) for one in left for other in right)


def _is_nil(expression: Expression) -> bool:
    return isinstance(expression, Value) and expression.type == "nil"


def _related(op: str, left: Static, right: Static) -> bool:
    if op in ("=~", "!~"):
        if not isinstance(left, str) or not isinstance(right, str):
            return False
        return (compile_regex(right).fullmatch(left) is not None) == (op == "=~")
    if _is_number(left) and _is_number(right):
        return _ORDER[op](left, right)  # type: ignore[arg-type]
    if type(left) is not type(right):
        return False
    return _ORDER[op](left, right)  # type: ignore[arg-type]


def _is_number(value: Static) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _values(expression: Expression, span: Span, trace: Trace) -> Iterable[Static]:
    match expression:
        case Value(value=value):
            return () if value is None else (value,)
        case Attribute():
            return lookup(expression, span, trace)
        case Unary(op="-", operand=operand):
            numbers = _values(operand, span, trace)
            return tuple(-value for value in numbers if isinstance(value, int | float))
        case Operation(op=op, left=left, right=right) if op in _ARITHMETIC:
            return _arithmetic(op, _values(left, span, trace), _values(right, span, trace))
    return (holds(expression, span, trace),)


def _arithmetic(op: str, left: Iterable[Static], right: Iterable[Static]) -> tuple[Static, ...]:
    results: list[Static] = []
    for one in left:
        for other in right:
            if isinstance(one, int | float) and isinstance(other, int | float):
                try:
                    results.append(_ARITHMETIC[op](one, other))
                except (ZeroDivisionError, OverflowError):
                    continue
    return tuple(results)


def lookup(attribute: Attribute, span: Span, trace: Trace) -> tuple[Static, ...]:
    """The values of an attribute on a span: none, one, or one per event or link."""
    name = attribute.name
    if attribute.of_parent:
        parent = trace.by_id.get(span.parent_id)
        return () if parent is None else lookup(Attribute(attribute.scope, name), parent, trace)
    match attribute.scope:
        case "intrinsic":
            return _intrinsic(name, span, trace)
        case "span":
            found = span.attributes.get(name)
        case "resource":
            found = span.resource.get(name)
        case "event":
            return tuple(event.attributes[name] for event in span.events if name in event.attributes)
        case "link":
            return tuple(link.attributes[name] for link in span.links if name in link.attributes)
        case "instrumentation":
            found = None  # the instrumentation here says its name alone
        case _:
            found = span.attributes.get(name, span.resource.get(name))
    return () if found is None else (found,)


def _intrinsic(name: str, span: Span, trace: Trace) -> tuple[Static, ...]:
    match name:
        case "name":
            return (span.name,)
        case "status":
            return (Keyword(span.status),)
        case "statusMessage":
            return (span.status_message,)
        case "kind":
            return (Keyword(span.kind),)
        case "duration":
            return (span.duration_ns,)
        case "traceDuration":
            return (trace.duration_ns,)
        case "rootName":
            return (trace.root.name,) if trace.root else ()
        case "rootServiceName":
            return (trace.root.service,) if trace.root else ()
        case "traceID":
            return (trace.trace_id.lstrip("0"),)
        case "spanID":
            return (span.span_id,)
        case "parentID":
            return (span.parent_id,)
        case "childCount":
            return (sum(other.parent_id == span.span_id for other in trace.spans),)
        case "nestedSetLeft" | "nestedSetRight" | "nestedSetParent":
            return (_nested_set(name, span, trace),)
        case "event:name":
            return tuple(event.name for event in span.events)
        case "event:timeSinceStart":
            return tuple(event.time_ns - span.start_ns for event in span.events)
        case "link:traceID":
            return tuple(link.trace_id for link in span.links)
        case "link:spanID":
            return tuple(link.span_id for link in span.links)
        case "instrumentation:name":
            return (span.scope,) if span.scope else ()
        case "instrumentation:version":
            return ()
    raise KeyError(name)


def _nested_set(name: str, span: Span, trace: Trace) -> int:
    """A span's place in the tree as Tempo numbers it, depth first from 1; a root's parent is -1."""
    if name == "nestedSetParent" and span.parent_id not in trace.by_id:
        return -1
    children: dict[str, list[Span]] = {}
    for one in trace.spans:
        children.setdefault(one.parent_id if one.parent_id in trace.by_id else "", []).append(one)
    left: dict[str, int] = {}
    right: dict[str, int] = {}
    stack = [(one, False) for one in reversed(children.get("", []))]
    number = 0
    while stack:
        one, done = stack.pop()
        number += 1
        (right if done else left)[one.span_id] = number
        if not done:
            stack.append((one, True))
            stack.extend((child, False) for child in reversed(children.get(one.span_id, [])))
    if name == "nestedSetParent":
        return left[span.parent_id]
    return (left if name == "nestedSetLeft" else right)[span.span_id]
