"""Whether a line has a match of a regular expression: what a line filter asks of tens of thousands of lines.

Python's matcher tries every position of a line when case does not matter. Where a pattern is words alone (of which a
letter may be optional), it is sought in small letters instead, which takes a tenth of the time.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from autodevops.sandbox.wire.go import compile_regex

_WORDS = re.compile(r"\(\?i\)((?:[\w ,:;=\"'/|?-]|\((?!\?)|\))+)", re.ASCII)


def regex_test(pattern: str) -> Callable[[str], bool]:
    """The test for an RE2 `pattern`. Raises ValueError with the message of Go's regexp package."""
    search = compile_regex(pattern).search
    words = _WORDS.fullmatch(pattern)
    if words is None:
        return lambda line: search(line) is not None
    small = re.compile(words.group(1).lower()).search

    def test(line: str) -> bool:
        # Outside ASCII two letters may be one letter's small form, or none.
        return (small(line.lower()) if line.isascii() else search(line)) is not None

    return test
