"""Operations that traces show to be done worse than on ordinary days: they fail, take longer themselves, or repeat."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from autodevops.domain.trace import Span

_SLOWER: Final = 3.0  # times the longest of ordinary days
_OFTENER: Final = 3  # times the most of ordinary days, within one parent
_MANY: Final = 5  # calls of one kind within one parent, before they are worth telling


def worse_operations(bad: Sequence[Span], good: Sequence[Span]) -> frozenset[str]:
    """Names of operations, of those that call each other the innermost alone; not those by which a service is asked,
    as everything lies within these.

    An operation's own time is its duration without its callees', as far as they are among the spans. What is not known
    from ordinary days is slow where it takes most of the longest span.
    """
    longest = max((span.duration_ms for span in bad), default=0.0)
    usual: dict[tuple[str, str], float] = {}
    for span, own in _own_times(good):
        usual[span.service, span.name] = max(own, usual.get((span.service, span.name), 0.0))
    worse = [
        span
        for span, own in _own_times(bad)
        if span.status == "error"
        or own > (_SLOWER * usual[key] if (key := (span.service, span.name)) in usual else longest / 2)
    ]
    inner = {span.parent_span_id for span in worse}
    known = {span.span_id for span in bad}
    return frozenset(
        span.name for span in worse if span.span_id not in inner and span.parent_span_id in known
    ) | _repeated(bad, good)


def _own_times(spans: Sequence[Span]) -> Iterable[tuple[Span, float]]:
    within: dict[str, float] = defaultdict(float)
    for span in spans:
        within[span.parent_span_id] += span.duration_ms
    return ((span, max(0.0, span.duration_ms - within[span.span_id])) for span in spans)


def _repeated(bad: Sequence[Span], good: Sequence[Span]) -> frozenset[str]:
    now, usual = _most_calls(bad), _most_calls(good)
    return frozenset(name for name, most in now.items() if most >= max(_MANY, _OFTENER * usual.get(name, 1)))


def _most_calls(spans: Iterable[Span]) -> dict[str, int]:
    found: dict[str, int] = {}
    for (_, name), number in Counter((span.parent_span_id, span.name) for span in spans if span.parent_span_id).items():
        found[name] = max(number, found.get(name, 0))
    return found
