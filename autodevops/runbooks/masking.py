"""Takes a run's secrets out of everything that leaves it: texts, JSON values, streams in pieces.

A value is known in the spellings that programs give it: as it is, line by line, escaped for JSON, Python, HTML and
URLs, in base64 at any place of a longer text, in hexadecimal. Every character of an occurrence is replaced by
`[secret NAME]`. On top of that, and where the settings do not turn it off, what looks like anybody's secret is redacted
by the general rules (`autodevops.analysis.redaction`); pictures and the packed numbers of charts are not text and stay.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

from autodevops.analysis.redaction import redact, redact_text
from autodevops.domain.base import Json
from autodevops.runbooks.texts import without_colours

SHORTEST_SECRET = 4  # characters; shorter ones would mask half of every page
_SHORTEST_PART = 8  # of a line or of base64 inside a longer text: fewer characters occur by chance
_PLAIN_MARK = "•••"
_PASSES = 4  # a mark beside what stood there may read as a secret again
_HELD_LIMIT = 65_536  # characters
_PACKED = "bdata"  # Plotly's arrays: base64 of numbers
_NUMBERS = frozenset({int, float, bool, type(None)})


class Masking:
    def __init__(self, secrets: Mapping[str, str] | None = None, *, redacting: bool = False) -> None:
        """`secrets`: values by name, each of at least SHORTEST_SECRET characters."""
        self._redacting = redacting
        found: dict[str, str] = {}
        for name, value in (secrets or {}).items():
            for spelling in spellings(value):
                found.setdefault(spelling, name)
        self.spelled = tuple(sorted(found.items(), key=lambda item: -len(item[0])))
        values = tuple((secrets or {}).values())
        self._marks = {
            name: _PLAIN_MARK if any(value in f"[secret {name}]" for value in values) else f"[secret {name}]"
            for name in secrets or {}
        }
        self._numeric = any(re.fullmatch(r"[-+.eE0-9]+", spelling) for spelling in found)

    def known(self, text: str) -> str:
        """`text` without the run's own secrets."""
        if not self.spelled:
            return text
        text = self._replaced(text)
        if "\x1b" in text and spans(self.spelled, plain := without_colours(text)):
            return self._replaced(plain)
        return text

    def text(self, text: str) -> str:
        """`text` without secrets, redacted."""
        masked = self.known(text)
        return redact_text(masked) if self._redacting else masked

    def known_value(self, value: Any) -> Any:
        """A JSON value, keys included, without the run's own secrets; `value` itself when it has none."""
        return self._value(value) if self.spelled else value

    def value(self, value: Any) -> Any:
        """A JSON value without secrets, redacted."""
        masked = self.known_value(value)
        if not self._redacting:
            return masked
        aside: list[str] = []
        reduced = _set_aside(masked, aside)
        redacted = redact(reduced)
        if redacted is reduced:
            return masked
        return _put_back(redacted, aside)

    def stream(self) -> StreamMasking:
        return StreamMasking(self)

    def mark(self, name: str) -> str:
        return self._marks[name]

    def _replaced(self, text: str) -> str:
        for turn in range(_PASSES):
            found = spans(self.spelled, text)
            if not found:
                break
            for start, end, name in reversed(found):
                mark = self._marks[name] if turn < _PASSES - 1 else _PLAIN_MARK
                text = text[:start] + mark + text[end:]
        return text

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.known(value)
        if isinstance(value, list):
            if not self._numeric and _NUMBERS.issuperset(map(type, value)):
                return value
            items = [self._value(item) for item in value]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        if isinstance(value, dict):
            fields: dict[str, Any] = {}
            same = True
            for key, item in value.items():
                new_key, new = self.known(key), self._value(item)
                same = same and new is item and new_key is key
                while new_key in fields:
                    new_key += "'"
                fields[new_key] = new
            return value if same else fields
        if self._numeric and isinstance(value, int | float) and not isinstance(value, bool):
            spelled = json.dumps(value)
            masked = self.known(spelled)
            return value if masked == spelled else masked
        return value


class StreamMasking:
    """One stream that comes in pieces: what may be the beginning of a secret is held back until the next piece."""

    def __init__(self, masking: Masking) -> None:
        self._masking = masking
        self._held = ""

    def feed(self, text: str) -> str:
        if not self._masking.spelled:
            return text
        text = self._held + text
        cut = len(text) - _open_tail(self._masking.spelled, text)
        if cut < len(text):
            # A whole secret that reaches into the tail is held with it: masked now, its end would be torn off.
            cut = min([cut, *(start for start, end, _ in spans(self._masking.spelled, text) if end > cut)])
        if len(text) - cut > max(_HELD_LIMIT, 2 * len(self._masking.spelled[0][0])):
            cut = len(text)
        ready, self._held = text[:cut], text[cut:]
        return self._masking.known(ready)

    def end(self) -> str:
        """The stream is over. What was held is masked when it is the better half of a secret."""
        text, self._held = self._held, ""
        if not text:
            return ""
        for spelling, name in self._masking.spelled:
            if spelling.startswith(text) and len(text) >= max(SHORTEST_SECRET, len(spelling) // 2):
                return self._masking.mark(name)
        return self._masking.known(text)


def spellings(value: str) -> set[str]:
    """How `value` may be written."""
    plain = {value, value.strip()}
    if "\n" in value.strip():
        plain |= {line.strip() for line in value.splitlines() if len(line.strip()) >= _SHORTEST_PART}
    found = {spelling for text in plain for spelling in _spellings(text)}
    return {spelling for spelling in found if len(spelling) >= SHORTEST_SECRET}


def _spellings(text: str) -> Iterator[str]:
    yield text
    for quoted in (json.dumps(text), json.dumps(text, ensure_ascii=False)):
        yield quoted[1:-1]
        yield quoted[1:-1].replace("/", "\\/")
        yield json.dumps(quoted)[3:-3]
    yield repr(text)[1:-1]
    yield escape(text)
    yield escape(text, quote=False)
    for quoted in (quote(text, safe=""), quote(text), quote_plus(text)):
        yield quoted
        yield re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), quoted)
    data = text.encode("utf-8", "surrogatepass")
    yield data.hex()
    yield data.hex().upper()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(data).decode().rstrip("=")
        for before in range(3):
            core = _base64_core(encode(bytes(before) + data).decode(), before)
            if len(core) >= _SHORTEST_PART:
                yield core


def _base64_core(encoded: str, before: int) -> str:
    """The characters that depend on nothing but the text, when `before` bytes stand in front of it in its group."""
    bare = encoded.rstrip("=")
    return bare[(0, 2, 3)[before] : len(bare) - (bare != encoded)]


def spans(spelled: Iterable[tuple[str, str]], text: str) -> list[tuple[int, int, str]]:
    """Where secrets stand, in order, those that overlap joined."""
    found: list[tuple[int, int, str]] = []
    for spelling, name in spelled:
        start = text.find(spelling)
        while start >= 0:
            found.append((start, start + len(spelling), name))
            start = text.find(spelling, start + 1)
    joined: list[tuple[int, int, str]] = []
    for start, end, name in sorted(found, key=lambda span: (span[0], -span[1])):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]), joined[-1][2])
        else:
            joined.append((start, end, name))
    return joined


def _open_tail(spelled: Iterable[tuple[str, str]], text: str) -> int:
    """The length of the longest end of `text` that begins a secret without completing it."""
    longest = 0
    for spelling, _ in spelled:
        window = text[-(len(spelling) - 1) :]
        start = window.find(spelling[0])
        while start >= 0 and len(window) - start > longest:
            if spelling.startswith(window[start:]):
                longest = len(window) - start
                break
            start = window.find(spelling[0], start + 1)
    return longest


def _set_aside(value: Any, aside: list[str]) -> Any:
    """`value` with pictures and packed numbers replaced by tokens that no rule reads."""
    if isinstance(value, list):
        return value if _NUMBERS.issuperset(map(type, value)) else [_set_aside(item, aside) for item in value]
    if isinstance(value, dict):
        return {
            key: _token(item, aside)
            if isinstance(item, str) and (key == _PACKED or (key.startswith("image/") and key != "image/svg+xml"))
            else _set_aside(item, aside)
            for key, item in value.items()
        }
    return value


def _token(text: str, aside: list[str]) -> str:
    aside.append(text)
    return f"\0{len(aside) - 1}"


def _put_back(value: Json, aside: list[str]) -> Any:
    if isinstance(value, str):
        number = value[1:] if value.startswith("\0") else ""
        return aside[int(number)] if number.isdecimal() and int(number) < len(aside) else value
    if isinstance(value, list):
        return [_put_back(item, aside) for item in value]
    if isinstance(value, dict):
        return {key: _put_back(item, aside) for key, item in value.items()}
    return value
