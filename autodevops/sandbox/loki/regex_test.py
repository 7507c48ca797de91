"""Whether a line has a match of a regular expression: what a line filter asks of tens of thousands of lines.

Python's matcher tries every alternative at every position of a line. Where a pattern only spells out words, in
alternatives and groups and with parts that may be missing, a line has a match when it has one of the words, and to
seek them one by one takes a fraction of the time.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from autodevops.sandbox.wire.go import compile_regex

_MORE_THAN_WORDS = re.compile(r"[\\\[{.*+^$]|\(\?(?!:)|\?\?")
_MOST_WORDS = 100


def regex_test(pattern: str) -> Callable[[str], bool]:
    """The test for an RE2 `pattern`. Raises ValueError with the message of Go's regexp package."""
    search = compile_regex(pattern).search
    bare = pattern.removeprefix("(?i)")
    words = _words(bare)
    if words is None or not pattern.isascii():
        return lambda line: search(line) is not None
    if bare == pattern:
        return lambda line: _has_any(line, words)
    small = tuple(word.lower() for word in words)

    def test(line: str) -> bool:
        # Outside ASCII two letters may be one letter's small form, or none.
        return _has_any(line.lower(), small) if line.isascii() else search(line) is not None

    return test


def _has_any(line: str, words: tuple[str, ...]) -> bool:
    for word in words:  # noqa: SIM110 - a query asks this of tens of thousands of lines
        if word in line:
            return True
    return False


def _words(pattern: str) -> tuple[str, ...] | None:
    """All that a valid pattern matches, or None where it says more than words, or very many."""
    if _MORE_THAN_WORDS.search(pattern):
        return None
    found, _ = _alternatives(pattern.replace("(?:", "("), 0)
    return tuple(sorted(found)) if len(found) <= _MOST_WORDS else None


def _alternatives(pattern: str, at: int) -> tuple[set[str], int]:
    """What the alternatives that begin at a position match, and where they end."""
    found: set[str] = set()
    words = {""}
    while at < len(pattern) and pattern[at] != ")" and len(words) <= _MOST_WORDS:
        if pattern[at] == "|":
            found, words, at = found | words, {""}, at + 1
            continue
        part = {pattern[at]}
        if pattern[at] == "(":
            part, at = _alternatives(pattern, at + 1)
        at += 1
        if pattern.startswith("?", at):
            part, at = part | {""}, at + 1
        words = {word + more for word in words for more in part}
    return found | words, at
