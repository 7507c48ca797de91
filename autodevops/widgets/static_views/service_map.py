"""Who calls whom as a picture: callers left of callees, how each fares, the suspect and the way the trouble took.

Layers by longest path after circles are broken, order within them by a few sweeps of barycentres (Sugiyama, Tagawa
and Toda, 1981), as in `layered.ts`: the same map gives the same picture.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from autodevops.domain.chart import MapCall, MapService, ServiceMap
from autodevops.kernel.picture import cut, element, esc, plain, px, text
from autodevops.widgets.static_views.markup import milliseconds, quantity, svg

_BOX = (184.0, 56.0)
_ACROSS, _ALONG = 14.0, 54.0  # between boxes of a layer, and between layers
_SWEEPS = 6
_BAD = 0.01  # share of failed requests from which numbers are coloured
_ROLES = {"": "", "suspect": "suspected cause", "suffers": "suffers from it"}
_STYLE = (
    ".adt .t{font-weight:600;font-size:13px}.adt .x{fill:var(--bg);stroke:var(--line)}"
    ".adt .n{font-weight:600;font-size:13px}"
    ".adt .r,.adt .q{font-size:11px;fill:var(--soft)}"
    ".adt .suspect .x{fill:var(--badbg);stroke:var(--bad);stroke-width:2}"
    ".adt .suffers .x{stroke:var(--warn);stroke-dasharray:4 2}.adt .suspect .r,.adt .bad .q{fill:var(--bad)}"
    ".adt .suffers .r{fill:var(--warn)}.adt .a{fill:none;stroke:var(--soft);stroke-width:1.2}"
    ".adt .a.bad{stroke:var(--bad)}.adt .a.path{stroke-width:2.6}.adt .a.unseen{stroke-dasharray:4 4}"
    ".adt .h{fill:var(--soft)}.adt .h.bad{fill:var(--bad)}"
)


def service_map_svg(chart: ServiceMap) -> str:
    """An SVG document as wide as the layers need; the page scales it down."""
    layers = layered([service.id for service in chart.services], [(c.caller, c.callee) for c in chart.calls])
    most = max((len(layer) for layer in layers), default=0)
    width = max(420.0, 32 + len(layers) * (_BOX[0] + _ALONG) - _ALONG)
    height = 72 + max(1, most) * (_BOX[1] + _ACROSS)
    at = {
        name: (
            16 + number * (_BOX[0] + _ALONG),
            64 + (most - len(layer)) * (_BOX[1] + _ACROSS) / 2 + place * (_BOX[1] + _ACROSS),
        )
        for number, layer in enumerate(layers)
        for place, name in enumerate(layer)
    }
    suspect = next((service.name for service in chart.services if service.role == "suspect"), "")
    aside = f"{len(chart.services)} services, {len(chart.calls)} calls"
    aside += f", {chart.left_out} more left out" if chart.left_out else ""
    aside += f"; suspect: {cut(plain(suspect), 40)}" if suspect else ""
    parts = [text(16, 24, cut(plain(chart.title), 60), "t"), text(16, 44, aside, "soft")]
    calls = [call for call in chart.calls if call.caller in at and call.callee in at and call.caller != call.callee]
    parts += [_arrow(call, at[call.caller], at[call.callee]) for call in calls]
    parts += [_box(service, *at[service.id]) for service in chart.services]
    names = {service.id: service.name for service in chart.services}
    told = [f"{names[call.caller]} calls {names[call.callee]}" for call in calls[:20]]
    return svg(width, height, "map", _STYLE, f"{chart.title}: {aside}. {'; '.join(told)}.", parts)


def layered(names: Sequence[str], calls: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Names in layers, callers before callees; a call that closes a circle is taken the other way round."""
    known = sorted(set(names))
    pairs = sorted({(a, b) for a, b in calls if a != b and {a, b} <= set(known)})
    forward = _acyclic(known, pairs)
    layer = dict.fromkeys(known, 0)
    waiting = {name: sum(b == name for _, b in forward) for name in known}
    ready = [name for name in known if not waiting[name]]
    for name in ready:  # grows while it is walked
        for _, to in (pair for pair in forward if pair[0] == name):
            layer[to] = max(layer[to], layer[name] + 1)
            waiting[to] -= 1
            if not waiting[to]:
                ready.append(to)
    found: dict[int, list[str]] = defaultdict(list)
    for name in known:
        found[layer[name]].append(name)
    layers = [found[number] for number in sorted(found)]
    for sweep in range(_SWEEPS):
        _sweep(layers, forward, backwards=bool(sweep % 2))
    return layers


def _acyclic(names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    called = {b for _, b in pairs}
    following: dict[str, list[str]] = defaultdict(list)
    for a, b in pairs:
        following[a].append(b)
    done: set[str] = set()
    turned: set[tuple[str, str]] = set()
    for root in [*(name for name in names if name not in called), *names]:
        path = [(root, iter(following[root]))] if root not in done else []
        on_path = {root}
        while path:
            name, left = path[-1]
            to = next(left, None)
            if to is None:
                path.pop()
                on_path.discard(name)
                done.add(name)
            elif to in on_path:
                turned.add((name, to))
            elif to not in done:
                path.append((to, iter(following[to])))
                on_path.add(to)
    return sorted({(b, a) if (a, b) in turned else (a, b) for a, b in pairs})


def _sweep(layers: list[list[str]], pairs: Sequence[tuple[str, str]], *, backwards: bool) -> None:
    share = {name: (n + 1) / (len(layer) + 1) for layer in layers for n, name in enumerate(layer)}
    near: dict[str, list[str]] = defaultdict(list)
    for a, b in pairs:
        near[a if backwards else b].append(b if backwards else a)
    for layer in (list(reversed(layers)) if backwards else layers)[1:]:
        middle = {
            name: sum(share[one] for one in near[name]) / len(near[name]) if near[name] else share[name]
            for name in layer
        }
        layer.sort(key=lambda name: (middle[name], name))
        share |= {name: (n + 1) / (len(layer) + 1) for n, name in enumerate(layer)}


def _box(service: MapService, x: float, y: float) -> str:
    bad = (service.error_ratio or 0) >= _BAD
    figures = [
        "" if service.rate is None else f"{quantity(service.rate, '')}/s",
        "" if service.error_ratio is None else f"{round(service.error_ratio * 100, 1):g} % err",
        "" if service.latency_s is None else milliseconds(service.latency_s * 1000),
    ]
    role = _ROLES[service.role]
    return element(
        "g",
        {"class": " ".join(filter(None, (service.role, "bad" if bad else ""))) or None},
        element("title", {}, esc(", ".join(filter(None, (service.name, service.kind, role))))),
        element("rect", {"class": "x", "x": px(x), "y": px(y), "width": _BOX[0], "height": _BOX[1], "rx": 7}),
        text(x + 10, y + 18, cut(plain(service.name), 22), "n"),
        text(x + 10, y + 33, cut(plain(role or service.kind), 26), "r"),
        text(x + 10, y + 48, " · ".join(filter(None, figures)), "q"),
    )


def _arrow(call: MapCall, start: tuple[float, float], end: tuple[float, float]) -> str:
    x1, y1 = start[0] + _BOX[0], start[1] + _BOX[1] / 2
    x2, y2 = end[0] - 7, end[1] + _BOX[1] / 2
    reach = 46.0 if end[0] <= start[0] else max(24.0, (x2 - x1) / 2)
    line = f"M{px(x1)} {px(y1)}C{px(x1 + reach)} {px(y1)} {px(x2 - reach)} {px(y2)} {px(x2)} {px(y2)}"
    bad = "bad" if call.failed else ""
    kinds = ("a", bad, "path" if call.on_path else "", "" if call.count else "unseen")
    seen = f"{call.count} calls seen, {call.failed} failed" if call.count else "configured, not seen in a trace"
    return element(
        "g",
        {},
        element("title", {}, seen),
        element("path", {"class": " ".join(filter(None, kinds)), "d": line}),
        element("path", {"class": f"h {bad}".strip(), "d": f"M{px(x2)} {px(y2 - 4)}l7 4l-7 4z"}),
    )
