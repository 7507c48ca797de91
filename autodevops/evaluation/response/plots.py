"""The plots of the scoreboard, as pictures that follow the light or dark of the system."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autodevops.evaluation.figures import Bin
from autodevops.evaluation.response.course import Course
from autodevops.evaluation.response.tables import deed
from autodevops.kernel.picture import cut, element, esc, px, text
from autodevops.widgets.static_views.markup import svg

_WIDTH = 760
_EARLIEST = -3.0  # minutes after the onset: plays begin there
_STYLE = (
    ".adt .g{stroke:var(--line)}.adt .t{font-weight:600;font-size:13px}.adt .onset{stroke:var(--soft)}"
    ".adt .alone{--c:var(--c2)}.adt .people{--c:var(--c0)}.adt .left{--c:var(--c1)}.adt .bad{--c:var(--bad)}"
    ".adt .open{--c:var(--c3)}.adt .none{--c:var(--line)}.adt .f{fill:var(--c)}.adt .s{stroke:var(--c);fill:none}"
    ".adt .wide{stroke-width:6;stroke-linecap:round}.adt .path{stroke-width:2}.adt .ring{fill:var(--bg);stroke-width:2}"
)
KINDS = {
    "alone": "resolved alone",
    "people": "resolved, people were asked",
    "left": "left to people",
    "open": "going on",
    "bad": "missed, closed early or false alarm",
    "none": "nothing wrong, nothing done",
}


def kind_of(one: Course) -> str:
    """By which of `KINDS` it ended."""
    match one.end:
        case "resolved":
            return "people" if one.asked else "alone"
        case "escalated":
            return "left"
        case "going on":
            return "open"
        case "quiet":
            return "none"
    return "bad"


def courses_svg(courses: Sequence[Course]) -> str:
    """A row for each: from the onset to its end, with what was opened and done on the way."""
    left, row, top = 200, 18, 62
    ends = [one.ended for one in courses] + [60.0]
    until = max(ends) / 60
    height = top + row * len(courses) + 30

    def x_of(seconds: float) -> float:
        return left + 12 + (max(seconds / 60, _EARLIEST) - _EARLIEST) / (until - _EARLIEST) * (_WIDTH - left - 32)

    parts = [text(16, 24, "What happened when, in minutes after the onset", "t"), *_legend(courses, 44)]
    step = next(one for one in (5, 10, 15, 30) if until / one <= 8 or one == 30)
    for minute in range(0, int(until) + 1, step):
        x = x_of(minute * 60.0)
        lines = {"class": "onset" if minute == 0 else "g", "x1": px(x), "x2": px(x), "y1": top, "y2": height - 26}
        parts += [element("line", lines), text(x, height - 10, minute, "soft", "middle")]
    for index, one in enumerate(courses):
        y = top + row * index + 12
        parts.append(text(left, y + 4, cut(one.scenario, 28), "", "end"))
        parts.append(_course(one, x_of, y))
    label = f"{len(courses)} scenarios, each with its incidents and actions over time."
    return svg(_WIDTH, height, "courses", _STYLE, label, parts)


def detection_svg(courses: Sequence[Course]) -> str:
    """The share of faults that had an incident, over minutes after the onset."""
    faulty = [one for one in courses if one.faulty]
    times = sorted(one.detected for one in faulty if one.detected is not None)
    left, top, width, height = 60, 40, _WIDTH - 80, 170
    until = max([*times, 300.0])
    corners = [(0.0, 0.0)]
    for index, at in enumerate(times):
        corners += [(max(at, 0.0), index / len(faulty)), (max(at, 0.0), (index + 1) / len(faulty))]
    corners.append((until, len(times) / len(faulty) if faulty else 0.0))
    points = " ".join(f"{px(left + x / until * width)},{px(top + height * (1 - y))}" for x, y in corners)
    parts = [text(16, 24, "Share of faults with an incident, by minutes after the onset", "t")]
    for share in (0.0, 0.5, 0.95, 1.0):
        y = top + height * (1 - share)
        parts.append(element("line", {"class": "g", "x1": left, "x2": left + width, "y1": px(y), "y2": px(y)}))
        if share != 1.0:
            parts.append(text(left - 8, y + 4, f"{share:.0%}", "soft", "end"))
    step = next((one for one in (1, 2, 5, 10) if until / 60 / one <= 10), 10)
    for minute in range(0, int(until / 60) + 1, step):
        parts.append(text(left + minute * 60 / until * width, top + height + 18, minute, "soft", "middle"))
    parts.append(element("polyline", {"class": "s path people", "points": points}))
    return svg(_WIDTH, top + height + 30, "detection", _STYLE, f"{len(times)} of {len(faulty)} faults.", parts)


def reliability_svg(found: Sequence[Bin]) -> str:
    """The share of causes that were right beside the confidence they were told with; a circle's area is how many."""
    left, top, side = 60, 44, 220
    parts = [text(16, 24, "Causes that are right, by confidence", "t")]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y, x = top + side * (1 - share), left + side * share
        parts.append(element("line", {"class": "g", "x1": left, "x2": left + side, "y1": px(y), "y2": px(y)}))
        parts.append(text(left - 8, y + 4, f"{share:.0%}", "soft", "end"))
        parts.append(text(x, top + side + 18, f"{share:.0%}", "soft", "middle"))
    parts.append(element("line", {"class": "g", "x1": left, "y1": top + side, "x2": left + side, "y2": top}))
    most = max((one.count for one in found), default=1)
    for one in found:
        radius = 4 + 10 * (one.count / most) ** 0.5
        place = {"cx": px(left + side * one.confidence), "cy": px(top + side * (1 - one.right)), "r": px(radius)}
        words = f"{one.count} causes at {one.confidence:.0%}: {one.right:.0%} right"
        parts.append(
            element("circle", {"class": "f people", "fill-opacity": "0.75", **place}, f"<title>{words}</title>")
        )
    label = "; ".join(f"{one.count} at {one.confidence:.2f}: {one.right:.2f} right" for one in found)
    return svg(left + side + 30, top + side + 34, "reliability", _STYLE, label, parts)


def groups_svg(courses: Sequence[Course]) -> str:
    """How the scenarios of each group ended."""
    groups = sorted({one.group for one in courses})
    left, row, top = 180, 24, 62
    most = max(sum(one.group == group for one in courses) for group in groups) if groups else 1
    parts = [text(16, 24, "How they ended, by what they are about", "t"), *_legend(courses, 44)]
    for index, group in enumerate(groups):
        x, y = float(left + 12), top + row * index
        parts.append(text(left, y + 15, group, "", "end"))
        members = [kind_of(one) for one in courses if one.group == group]
        for kind, words in KINDS.items():
            if not (many := members.count(kind)):
                continue
            wide = many / most * (_WIDTH - left - 40)
            bar = {"class": f"f {kind}", "x": px(x), "y": px(y + 3), "width": px(wide - 2), "height": 16, "rx": 2}
            parts.append(element("rect", bar, f"<title>{group}: {many} {words}</title>"))
            parts.append(
                f'<text x="{px(x + wide / 2 - 1)}" y="{px(y + 15)}" text-anchor="middle" class="in">{many}</text>'
            )
            x += wide
    style = f"{_STYLE}.adt .in{{fill:var(--bg);font-weight:600}}.adt .none+.in{{fill:var(--text)}}"
    return svg(_WIDTH, top + row * len(groups) + 14, "groups", style, "Scenarios of each group by their end.", parts)


def _course(one: Course, x_of: Callable[[float], float], y: float) -> str:
    """A thin line until something is opened, a thick one until it is over; circles are actions, empty ones bad."""
    kind = kind_of(one)
    opened = one.ended if one.detected is None else one.detected
    over = one.ended if one.over is None else one.over
    parts = [_line(f"s {kind}", x_of(0.0), x_of(opened), y)]
    if one.detected is not None:
        parts.append(_line(f"s wide {kind}", x_of(opened), x_of(max(over, opened)), y))
    for done in (each for each in one.deeds if each.applied):
        look = "f alone" if done.right else "s ring bad"
        place = {"cx": px(x_of(done.at)), "cy": px(y), "r": 5}
        parts.append(element("circle", {"class": look, **place}, element("title", {}, esc(deed(done)))))
    return "".join(parts)


def _line(look: str, start: float, end: float, y: float) -> str:
    return element("line", {"class": look, "x1": px(start), "x2": px(end), "y1": px(y), "y2": px(y)})


def _legend(courses: Sequence[Course], y: float) -> list[str]:
    """Of the ends that occur."""
    found = {kind_of(one) for one in courses}
    parts, x = [], 16.0
    for kind, words in KINDS.items():
        if kind not in found:
            continue
        parts.append(element("rect", {"class": f"f {kind}", "x": px(x), "y": px(y - 9), "width": 10, "height": 10}))
        parts.append(text(x + 14, y, words, "soft"))
        x += 34 + 6.4 * len(words)
    return parts
