"""A trace as a picture: its waterfall, what failed, and which spans held it up."""

from __future__ import annotations

from collections.abc import Iterator

from autodevops.domain.chart import TraceChart
from autodevops.domain.trace import Span
from autodevops.kernel.picture import cut, element, esc, plain, px, text
from autodevops.widgets.static_views.markup import COLOURS, milliseconds, moment, svg

_WIDTH, _NAMES, _ROW = 760, 290, 20
_MOST = 60  # spans; of a longer trace those that failed or held it up, and their parents, come first
_DEEPEST = 12
_STYLE = (
    ".adt .t{font-weight:600;font-size:13px}.adt .b{fill:var(--c);fill-opacity:.4;stroke:var(--c)}"
    ".adt .cpl{stroke:var(--text);stroke-width:2}.adt .f .b{stroke:var(--bad);stroke-width:2}"
    ".adt .f .n{fill:var(--bad)}.adt .g{stroke:var(--line)}.adt .s{font-weight:600}"
)


def trace_svg(chart: TraceChart) -> str:
    """An SVG document; of more than 60 spans the telling ones are drawn and the rest counted."""
    spans = chart.trace.spans
    if not spans:
        body = [text(16, 24, chart.title, "t"), text(16, 46, "The trace has no spans.", "soft")]
        return svg(_WIDTH, 60, "trace", _STYLE, f"{chart.title}. No spans.", body)
    start = min(span.start for span in spans)
    total = max((s.start - start).total_seconds() * 1000 + s.duration_ms for s in spans) or 1.0
    failed = sum(span.status == "error" for span in spans)
    colour = {name: n % COLOURS for n, name in enumerate(dict.fromkeys(span.service for span in spans))}
    critical = set(chart.critical_path)
    rows = _rows(chart)
    aside = f"{len(spans)} spans, {len(colour)} services, {milliseconds(total)}"
    parts = [
        text(16, 24, cut(plain(chart.title), 70), "t"),
        text(16, 42, f"{aside}{f', {failed} failed' if failed else ''}", "soft"),
        text(_WIDTH - 16, 24, f"starts {moment(start)} UTC", "soft", "end"),
        text(_WIDTH - 16, 42, cut(plain(chart.trace.trace_id), 40), "soft", "end"),
    ]
    plot = _WIDTH - _NAMES - 16
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = _NAMES + share * plot
        anchor = "end" if share == 1 else "middle" if share else "start"
        parts.append(text(x, 64, milliseconds(total * share) if share else "0", "soft", anchor))
    for number, (span, depth) in enumerate(rows):
        x = _NAMES + (span.start - start).total_seconds() * 1000 / total * plot
        width = max(1.5, span.duration_ms / total * plot)
        parts.append(_row(span, depth, 72 + number * _ROW, x, width, colour[span.service], span.span_id in critical))
    height = 72 + len(rows) * _ROW + 12
    if len(rows) < len(spans):
        parts.append(text(16, height + 6, f"and {len(spans) - len(rows)} more spans", "soft"))
        height += 18
    told = [
        f"{s.service} {s.name} {milliseconds(s.duration_ms)}{' failed' if s.status == 'error' else ''}"
        for s, _ in rows[:8]
    ]
    return svg(_WIDTH, height, "trace", _STYLE, f"{chart.title}: {aside}, {failed} failed. {'; '.join(told)}.", parts)


def _row(span: Span, depth: int, y: float, x: float, width: float, colour: int, critical: bool) -> str:
    bad = span.status == "error"
    indent = 16 + min(depth, _DEEPEST) * 10
    room = int((_NAMES - indent - 8) / 6.4)
    service = cut(plain(span.service), max(4, room // 2))
    name = cut(plain(span.name), max(3, room - len(service) - (3 if bad else 1)))
    label = milliseconds(span.duration_ms)
    if x + width <= _WIDTH - 90:
        spot, anchor = x + width + 5, ""
    else:  # no room after the bar: before it, else in it
        spot, anchor = (x - 5, "end") if x > _NAMES + 60 else (x + 5, "")
    title = f"{span.service} {span.name}: {label}, {span.status} {cut(span.status_message, 300)}".rstrip()
    bar = {"x": px(x), "y": px(y + 3), "width": px(width), "height": 13, "rx": 2, "class": "b"}
    under = {"class": "cpl", "x1": px(x), "x2": px(x + width), "y1": px(y + 17), "y2": px(y + 17)}
    names = f'<tspan class="s n">{esc(service)}</tspan> {esc(name)}{" ⚠" if bad else ""}'
    return element(
        "g",
        {"class": f"k{colour}{' f' if bad else ''}"},
        element("title", {}, esc(title)),
        element("text", {"x": indent, "y": px(y + 14)}, names),
        element("rect", bar),
        element("line", under) if critical else "",
        text(spot, y + 14, label, "", anchor),
    )


def _rows(chart: TraceChart) -> list[tuple[Span, int]]:
    """Spans as a tree from top to bottom, with their depth."""
    ordered = list(_walk(chart.trace.spans))
    if len(ordered) <= _MOST:
        return ordered
    known = {span.span_id: span for span, _ in ordered}
    kept: set[str] = set()
    critical = set(chart.critical_path)
    telling = [s for s, _ in ordered if s.status == "error"] + [s for s, _ in ordered if s.span_id in critical]
    for span in [*telling, *(s for s, _ in ordered)]:
        chain, one = [], known.get(span.span_id)
        while one is not None and one.span_id not in kept and one not in chain:
            chain.append(one)
            one = known.get(one.parent_span_id)
        if len(kept) + len(chain) <= _MOST:
            kept |= {link.span_id for link in chain}
    return [(span, depth) for span, depth in ordered if span.span_id in kept]


def _walk(spans: tuple[Span, ...]) -> Iterator[tuple[Span, int]]:
    known = {span.span_id for span in spans}
    below: dict[str, list[Span]] = {}
    for span in spans:
        root = span.parent_span_id not in known or span.parent_span_id == span.span_id
        below.setdefault("" if root else span.parent_span_id, []).append(span)
    seen: set[str] = set()
    # After the roots, whatever hangs on a circle of parents begins where it started first.
    for first in [*sorted(below.get("", []), key=_order), *sorted(spans, key=_order)]:
        pending = [(first, 0)]
        while pending:
            span, depth = pending.pop()
            if span.span_id in seen:
                continue
            seen.add(span.span_id)
            yield span, depth
            pending += [(child, depth + 1) for child in sorted(below.get(span.span_id, []), key=_order, reverse=True)]


def _order(span: Span) -> tuple[float, str]:
    return span.start.timestamp(), span.span_id
