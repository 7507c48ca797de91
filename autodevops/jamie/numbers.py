"""Numbers that a sentence states and the text it rests on does not.

A model that cites the right evidence may still write the wrong figure. Figures are compared as quantities: 0.34 and
34%, 250 ms and 0.25 s, 512Mi and 536870912 are the same; one that was rounded or cut is found again; a span of time
may lie between two clock times. Names with digits in them (p99, pods, versions in names) are no figures. What a
figure means is not understood: one that stands in the text for something else passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

_SIZES = {"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
_UNITS: dict[str, tuple[str, float]] = {
    "%": ("ratio", 0.01),
    "percent": ("ratio", 0.01),
    "pp": ("ratio", 0.01),
    **dict.fromkeys(("ns", "nanoseconds"), ("time", 1e-9)),
    **dict.fromkeys(("us", "µs", "microseconds"), ("time", 1e-6)),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), ("time", 1e-3)),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), ("time", 1.0)),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), ("time", 60.0)),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), ("time", 3600.0)),
    **dict.fromkeys(("d", "day", "days"), ("time", 86400.0)),
    **{f"{size}{tail}": ("bytes", factor) for size, factor in _SIZES.items() for tail in ("b", "bytes")},
    **{
        f"{size}i{tail}": ("bytes", 1024.0**power)
        for power, size in enumerate(_SIZES, start=1)
        for tail in ("", "b", "bytes")
    },
    **dict.fromkeys(("b", "byte", "bytes"), ("bytes", 1.0)),
    "k": ("", 1e3),
    "m": ("", 1e-3),  # Kubernetes: thousandths of a core; minutes are written min, or m after a figure of time
}
_WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_ROUGHLY = re.compile(
    r"\b(about|around|roughly|approximately|nearly|almost|over|under|more than|less than|some)\b|[~≈]"
)
_CLOCK = re.compile(r"(?<![\d:.])([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d(?:\.\d+)?)?(?![\d:])")
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}(?:T(?=\d))?")
_ANY = re.compile(r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_STATED = re.compile(
    r"(?<![\w.,/:@#$-])[-+~≈<>=≤≥×x]{0,2}(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?P<more>(?:\.\d+)+)?"
    r"(?P<unit>\s?%|[\s-]?[a-zA-Zµ]+(?![\w-])|(?=[^\w.]|\.(?!\d)|$))"
)
_SMALL = 1.0  # "1 of the pods" counts nothing that could be wrong
_MINUTE = 60.0


@dataclass(frozen=True)
class _Figure:
    value: float
    kind: str  # ratio, time, bytes, or empty
    factor: float
    step: float  # of the last digit written
    text: str = ""

    @property
    def base(self) -> float:
        return self.value * self.factor


def unsupported(sentence: str, texts: Iterable[str]) -> tuple[str, ...]:
    """The figures of `sentence`, as written, that none of `texts` has. Ids of evidence are to be taken out before."""
    known = "\n".join(texts)
    there = [*_figures(known, _ANY), *_counted(known), *_as_stated(known)]
    clocks = _clocks(known)
    slack = 0.1 if _ROUGHLY.search(sentence.lower()) else 0.0
    missing = []
    rest = sentence
    for found in _CLOCK.finditer(sentence):
        if not any(abs(_minutes(found) - known_at) <= 1 for known_at in clocks):
            missing.append(found[0])
        rest = rest.replace(found[0], " ")
    for found in _DATE.finditer(rest):
        if found[0].rstrip("T") not in known:
            missing.append(found[0])
        rest = rest.replace(found[0], " ")
    for found in _STATED.finditer(rest):
        if found["more"]:
            version = found["number"] + found["more"]
            missing += [] if version in known else [version]
            continue
        stated = _figure(found["number"], found["unit"].strip(" -"))
        if stated is None or abs(stated.value) == _SMALL:
            continue
        if not any(_same(stated, other, slack) for other in there) and not _between(stated, clocks, slack):
            missing.append(stated.text)
    return tuple(dict.fromkeys(missing))


def _as_stated(text: str) -> list[_Figure]:
    """The figures of a text read as those of a sentence are: what is quoted letter by letter is always found."""
    bare = _DATE.sub(" ", _CLOCK.sub(" ", text))
    read = (_figure(found["number"], found["unit"].strip(" -")) for found in _STATED.finditer(bare))
    return [figure for figure in read if figure is not None]


def _figures(text: str, pattern: re.Pattern[str]) -> list[_Figure]:
    found = []
    for each in pattern.finditer(text):
        after = re.match(r"[\s-]?(%|[a-zA-Zµ]+)", text[each.end() : each.end() + 16])
        plain = _plain(each[0])
        unit = _UNITS.get(after[1].lower()) if after else None
        found.append(_Figure(plain.value, unit[0], unit[1], plain.step) if unit else plain)
        if unit and after and after[1] == "m":
            found.append(_Figure(plain.value, "time", _MINUTE, plain.step))
    return found


def _figure(number: str, unit: str) -> _Figure | None:
    """None for an ordinal or a name: 3rd, 5xx."""
    plain = _plain(number)
    if not unit:
        return _Figure(plain.value, "", 1.0, plain.step, number)
    kind = _UNITS.get(unit.lower())
    if kind is None:
        # A word of its own after the figure is what it counts; letters that touch it make it a name.
        return None if re.fullmatch(r"st|nd|rd|th|xx", unit) else _Figure(plain.value, "", 1.0, plain.step, number)
    if unit == "m":
        kind = ("time", _MINUTE)
    return _Figure(plain.value, kind[0], kind[1], plain.step, f"{number}{'' if unit == '%' else ' '}{unit}")


def _plain(number: str) -> _Figure:
    bare = number.replace(",", "")
    value = float(bare)
    digits = bare.partition(".")[2]
    if digits:
        step = 10.0 ** -len(re.match(r"\d*", digits)[0])  # type: ignore[index]
    else:
        zeros = len(bare) - len(bare.rstrip("0"))
        step = 10.0**zeros if zeros and len(bare) - zeros > 1 else 1.0
    return _Figure(value, "", 1.0, step, number)


def _counted(text: str) -> list[_Figure]:
    words = set(re.findall(r"[a-z]+", text.lower()))
    return [_plain(str(n)) for n, word in enumerate(_WORDS, start=1) if word in words]


def _same(stated: _Figure, other: _Figure, slack: float) -> bool:
    if stated.kind and other.kind:
        return stated.kind == other.kind and _near(stated, other.base / stated.factor, slack)
    if not stated.kind and not other.kind:
        return _near(stated, other.base / stated.factor, slack)
    # One of them has no unit: metrics are in base units, durations at times in milliseconds, or it is the same word.
    candidates = {other.base / stated.factor, other.value if other.kind else other.base}
    if stated.kind == "time":
        candidates.add(other.base * 1e-3 / stated.factor)
    return any(_near(stated, candidate, slack) for candidate in candidates)


def _near(stated: _Figure, exact: float, slack: float) -> bool:
    """Rounded to the digits that were written, or cut after them (12.97 as 12.9; 1290 is no 1200)."""
    off = abs(exact) - abs(stated.value)
    tiny = 1e-9 * max(1.0, abs(exact))
    above = stated.step if stated.step <= 1.0 else 0.5 * stated.step
    return -0.5 * stated.step - tiny <= off < above - tiny or abs(off) <= tiny + slack * abs(exact)


def _between(stated: _Figure, clocks: list[int], slack: float) -> bool:
    if stated.kind != "time" or stated.factor < 1.0:
        return False
    spans = {(late - early) % 1440 for early, late in combinations(sorted(set(clocks)), 2)}
    tolerance = max(1.0, stated.step * stated.factor / _MINUTE)
    return any(abs(span - stated.base / _MINUTE) <= tolerance + slack * span for span in spans)


def _clocks(text: str) -> list[int]:
    return [_minutes(found) for found in _CLOCK.finditer(text)] + [
        _minutes(found) for found in re.finditer(r"(?<=T)([01]\d|2[0-3]):([0-5]\d)", text)
    ]


def _minutes(found: re.Match[str]) -> int:
    return int(found[1]) * 60 + int(found[2])
