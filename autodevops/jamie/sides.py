"""The two sides of a comparison: a window with an earlier one, before with after a deploy, one place with another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from autodevops.domain.window import TimeWindow
from autodevops.jamie import catalogue, intent, names, naming
from autodevops.jamie.catalogue import Workload
from autodevops.jamie.naming import Unclear
from autodevops.jamie.timephrase import LONGEST, Timed, describe, read_window
from autodevops.kernel.errors import ToolError
from autodevops.toolbox.protocol import Tools

DAY = timedelta(days=1)
NOW = timedelta(minutes=15)  # what "now" is: over an hour the median hides what began twenty minutes ago
BESIDE_DEPLOY = timedelta(minutes=30)  # how much is looked at on each side of a deploy
LEAST_AFTER = timedelta(minutes=5)  # of samples after it, before anything can be said

_BACK = (
    (re.compile(r"\b(the )?day before yesterday\b", re.I), 2 * DAY),
    (re.compile(r"\byesterday\b", re.I), DAY),
    (re.compile(r"\b(a|one|last) week( ago)?\b|\bthe week before\b", re.I), 7 * DAY),
    (re.compile(r"\bthe day before\b|\ba day ago\b|\b(24 ?h|24 hours) ago\b", re.I), DAY),
    (
        re.compile(r"\b(an|one|1|the last|the previous) hour( ago| before)?\b|\bearlier\b|\bbefore\b", re.I),
        timedelta(hours=1),
    ),
)
_PAIR = re.compile(
    r"['\"`]?(?P<one>[a-z0-9][a-z0-9.-]*)['\"`]?\s+(?:vs\.?|versus|with|to|and|against|from)\s+(?:the\s+)?"
    r"['\"`]?(?P<other>[a-z0-9][a-z0-9.-]*)",
    re.I,
)


@dataclass(frozen=True)
class Side:
    """`label` is how it is told: `now`, `yesterday`, `staging`."""

    namespace: str
    workload: Workload | None
    window: TimeWindow
    label: str


async def sides_of(
    question: str,
    text: str,
    timed: Timed,
    namespace: str,
    workload: Workload | None,
    spaces: frozenset[str] | None,
    there: dict[str, Workload] | None,
    tools: Tools,
    now: datetime,
    zone: tzinfo,
    usual: timedelta,
) -> tuple[Side, Side] | Unclear:
    """The side asked about first, then what it is compared with."""
    if intent.read(question).topic == "deploy":
        return await _around_deploy(namespace, workload, tools, now, zone)
    given = timed.window if timed.window is not None and _ends_now(timed, now) and not _is_day(timed) else None
    window = given or TimeWindow.ending(now, min(usual, NOW))
    places = naming.namespaces_in(text, spaces)
    if len(places) >= 2:
        return await _places(places[0], places[1], workload, timed.window or window, tools)
    pair = _pair(text, there, spaces, question)
    if isinstance(pair, Unclear):
        return pair
    if pair is not None:
        one, other = pair
        shared = timed.window or window
        return Side(namespace, one, shared, one.subject.name), Side(namespace, other, shared, other.subject.name)
    return _times(question, timed, namespace, workload, now, zone, window)


def _ends_now(timed: Timed, now: datetime) -> bool:
    return timed.window is not None and now - timed.window.end < timedelta(minutes=1)


async def _around_deploy(
    namespace: str, workload: Workload | None, tools: Tools, now: datetime, zone: tzinfo
) -> tuple[Side, Side] | Unclear:
    name = workload.subject.name if workload else ""
    whose = f"{name} in {namespace}" if name else namespace
    try:
        moment = await catalogue.last_rollout(tools, namespace, name)
    except ToolError:
        moment = None
    if moment is None:
        return Unclear(
            f"I see no deploy of {whose}. Which times shall I compare?",
            (f"Compare {name or namespace} now with yesterday",),
        )
    if now - moment < LEAST_AFTER:
        return Unclear(
            f"The last deploy of {whose} is younger than five minutes; ask again once it has served for a while."
        )
    if now - moment > LONGEST:
        return Unclear(
            f"The last deploy of {whose} was on {moment:%Y-%m-%d %H:%M} UTC, longer ago than I compare with.",
            (f"Compare {name or namespace} now with yesterday",),
        )
    after = TimeWindow(start=moment, end=min(moment + BESIDE_DEPLOY, now))
    earlier = TimeWindow.ending(moment, BESIDE_DEPLOY)
    return Side(namespace, workload, after, "after the deploy"), Side(namespace, workload, earlier, "before it")


async def _places(
    one: str, other: str, workload: Workload | None, window: TimeWindow, tools: Tools
) -> tuple[Side, Side] | Unclear:
    if workload is None:
        return Side(one, None, window, one), Side(other, None, window, other)
    found = []
    for place in (one, other):
        there = await catalogue.workloads(tools, place) or {}
        if workload.subject.name not in there:
            return naming.ask("workload", workload.subject.name, (), there, "", place)
        found.append(Side(place, there[workload.subject.name], window, place))
    return found[0], found[1]


def _pair(
    text: str, there: dict[str, Workload] | None, spaces: frozenset[str] | None, question: str
) -> tuple[Workload, Workload] | Unclear | None:
    """Two workloads; or one name that exists and one that does not, which is asked about."""
    ignored = intent.table().not_names
    for found in _PAIR.finditer(text):
        one, other = found["one"].lower(), found["other"].lower()
        matches = [names.find([word], there or {}, ignored) for word in (one, other)]
        known = [there[match.name] if there and match and match.name else None for match in matches]
        if known[0] and known[1]:
            return (known[0], known[1]) if known[0] != known[1] else None
        for word, match, beside in ((one, known[0], other), (other, known[1], one)):
            if match or word in ignored or word in (spaces or ()) or spaces is None:
                continue
            if beside in spaces:
                return naming.ask("namespace", word, names.nearest(word, spaces), spaces, question)
            if (known[0] or known[1]) and not intent.has_pronoun(word):
                return naming.ask("workload", word, names.nearest(word, there or {}), there or {}, question)
    return None


def _times(
    question: str,
    timed: Timed,
    namespace: str,
    workload: Workload | None,
    now: datetime,
    zone: tzinfo,
    window: TimeWindow,
) -> tuple[Side, Side] | Unclear:
    second = read_window(timed.rest, now, zone)
    if timed.window is not None and second.window is not None and not _is_day(timed) and not _is_day(second):
        one, other = timed.window, second.window
        if one.end < other.end:
            one, other = other, one
        return _sided(namespace, workload, one, describe(one, zone, now), other, describe(other, zone, now))
    if timed.doubt is not None:
        return Unclear(timed.doubt.text)
    if timed.window is not None and not _ends_now(timed, now) and not _is_day(timed):
        return _sided(namespace, workload, window, "now", timed.window, describe(timed.window, zone, now))
    back, label = next(
        ((length, found[0].lower()) for pattern, length in _BACK if (found := pattern.search(question))),
        (DAY, "yesterday"),
    )
    earlier = TimeWindow(start=window.start - back, end=window.end - back)
    said = {"before": "an hour ago", "earlier": "an hour ago"}.get(label, label)
    return _sided(namespace, workload, window, "now", earlier, said)


def _is_day(timed: Timed) -> bool:
    """A day is compared at the time of day that it is now: whole days hide what an hour shows."""
    return bool(
        re.fullmatch(r"(the day before )?yesterday|(the )?last week|(an?|one) (day|week) ago", timed.phrase.lower())
    )


def _sided(
    namespace: str, workload: Workload | None, one: TimeWindow, one_label: str, other: TimeWindow, other_label: str
) -> tuple[Side, Side]:
    return Side(namespace, workload, one, one_label), Side(namespace, workload, other, other_label)
