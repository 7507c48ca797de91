"""Alertmanager's label matchers: `alertname="X"`, `severity=~"warning|critical"`, in filters and silences."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autodevops.sandbox.promql.labels import anchored
from autodevops.sandbox.wire.go import unquote

_MATCHER = re.compile(r'\s*([a-zA-Z_:][\w:]*)\s*(=~|=|!=|!~)\s*("(?:[^"\\]|\\.)*"|[^",{}]*)\s*', re.DOTALL)


class MatcherError(ValueError):
    """A matcher that cannot be read, in Alertmanager's words."""


@dataclass(frozen=True)
class LabelMatcher:
    name: str
    value: str
    is_regex: bool
    is_equal: bool

    def __str__(self) -> str:
        operator = {(False, True): "=", (False, False): "!=", (True, True): "=~", (True, False): "!~"}
        value = json.dumps(self.value, ensure_ascii=False)
        return f"{self.name}{operator[self.is_regex, self.is_equal]}{value}"

    def accepts(self, labels: Mapping[str, str]) -> bool:
        own = labels.get(self.name, "")
        hit = bool(anchored(self.value).match(own)) if self.is_regex else own == self.value
        return hit == self.is_equal


def make_matcher(name: str, value: str, is_regex: bool, is_equal: bool) -> LabelMatcher:
    """The matcher, its expression compiled once. Raises MatcherError."""
    if is_regex:
        try:
            anchored(value)
        except ValueError as error:
            raise MatcherError(str(error)) from error
    return LabelMatcher(name, value, is_regex, is_equal)


def parse_matchers(texts: Sequence[str]) -> list[LabelMatcher]:
    """The matchers of `filter` parameters; each may hold several in braces. Raises MatcherError."""
    found = []
    for text in texts:
        rest = text.strip().removeprefix("{").removesuffix("}")
        while rest.strip():
            match = _MATCHER.match(rest)
            if not match:
                raise MatcherError(f"bad matcher format: {text}")
            name, op, value = match.groups()
            found.append(
                make_matcher(name, unquote(value) if value.startswith('"') else value.strip(), "~" in op, "!" not in op)
            )
            rest = rest[match.end() :]
            if rest and not rest.startswith(","):
                raise MatcherError(f"bad matcher format: {text}")
            rest = rest[1:]
    return found


def accepted(matchers: Sequence[LabelMatcher], labels: Mapping[str, str]) -> bool:
    return all(matcher.accepts(labels) for matcher in matchers)
