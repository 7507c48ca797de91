"""Label sets: what identifies a series, and the regular expressions that select among them.

A label set is a tuple of (name, value) pairs sorted by name, without empty values: hashable, cheap to compare,
in the order Prometheus sorts by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from autodevops.sandbox.wire.go import compile_regex

Labels = tuple[tuple[str, str], ...]
NAME = "__name__"
BUCKET = "le"

_FLAG_GROUP = re.compile(r"\(\?([imsU]+)(?:-[imsU]+)?\)")


def make_labels(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> Labels:
    """The label set of `pairs`; a label with an empty value is the same as no label."""
    items = sorted(pairs.items() if isinstance(pairs, Mapping) else pairs)
    return tuple([pair for pair in items if pair[1]])


def value_of(labels: Labels, name: str) -> str:
    """The value of label `name`, or the empty string."""
    for key, value in labels:
        if key == name:
            return value
    return ""


def without(labels: Labels, names: frozenset[str]) -> Labels:
    return tuple([pair for pair in labels if pair[0] not in names])


def only(labels: Labels, names: frozenset[str]) -> Labels:
    return tuple([pair for pair in labels if pair[0] in names])


def without_name(labels: Labels) -> Labels:
    return without(labels, _NAME_ONLY)


_NAME_ONLY = frozenset({NAME})


def show(labels: Labels) -> str:
    """`{a="b", c="d"}`, as Prometheus writes a label set in its messages."""
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}"


def show_series(labels: Labels) -> str:
    """`metric{a="b"}`."""
    rest = without_name(labels)
    return value_of(labels, NAME) + (show(rest) if rest or not value_of(labels, NAME) else "")


@lru_cache(maxsize=1024)
def anchored(pattern: str) -> re.Pattern[str]:
    """The RE2 `pattern` as Prometheus uses it: anchored at both ends, with `.` matching a newline.

    Raises ValueError with the message of Go's regexp package.
    """
    compile_regex(_FLAG_GROUP.sub("", pattern))
    scoped = re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", _scope_flags(pattern))
    try:
        return re.compile(rf"(?s:{scoped})\Z")
    except re.error as error:
        raise ValueError(f"error parsing regexp: {error.msg}: `{pattern}`") from error


def _scope_flags(pattern: str) -> str:
    """`a(b(?i)c)d` as `a(b(?i:c))d`: Go lets a flag begin inside a group, Python only around one."""
    out: list[str] = []
    owed = [0]  # scoped groups to close at the end of each open group
    position = 0
    in_class = False
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            out.append(pattern[position : position + 2])
            position += 2
            continue
        if in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
            if pattern[position + 1 : position + 2] == "]":
                out.append("[")
                position += 1
                char = r"\]"
                out.append(char)
                position += 1
                continue
        elif flag := _FLAG_GROUP.match(pattern, position):
            out.append(f"(?{flag.group(1)}:")
            owed[-1] += 1
            position = flag.end()
            continue
        elif char == "(":
            owed.append(0)
        elif char == ")" and len(owed) > 1:
            out.append(")" * owed.pop())
        out.append(char)
        position += 1
    return "".join(out) + ")" * sum(owed)


@dataclass(frozen=True)
class Matcher:
    """One condition of a selector: `name op value`."""

    name: str
    op: Literal["=", "!=", "=~", "!~"]
    value: str

    def accepts(self, text: str) -> bool:
        if self.op == "=":
            return text == self.value
        if self.op == "!=":
            return text != self.value
        return (anchored(self.value).match(text) is not None) == (self.op == "=~")


Selector = tuple[tuple[Matcher, ...], ...]
"""Alternatives, each a conjunction: a series is selected when any alternative accepts it whole."""


def selects(selector: Selector, labels: Labels) -> bool:
    found = dict(labels)
    for group in selector:  # not any() and all(): a query asks this of thousands of series
        for matcher in group:
            if not matcher.accepts(found.get(matcher.name, "")):
                break
        else:
            return True
    return False


def may_select(selector: Selector, known: Mapping[str, str]) -> bool:
    """Whether a series with these labels, and others not known yet, can be selected."""
    return any(all(m.name not in known or m.accepts(known[m.name]) for m in group) for group in selector)
