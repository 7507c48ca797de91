"""The shape of a log line: what is a variable by its looks alone, whatever the other lines are.

A number, an address, an id, a path, a value after `=`, a quoted string, a list of these: each becomes `<*>`. Words
stay; whether a word is a variable (a user, a service) only other lines can tell, and log_templates asks them. Most
words of a log repeat, so the shape of each is kept; that is what makes a line cost microseconds.
"""

from __future__ import annotations

import re
from typing import Final

ANY: Final = "<*>"

_ENDS = r"\s=,;()\[\]{}\"'<>|"  # what a value ends at
_VALUE = re.compile(
    rf"""
      [A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>,;()\[\]]+        # an address with its scheme
    | \[[0-9a-fA-F]*:[0-9a-fA-F:.]*\](?::\d+)?             # an IPv6 address
    | (?<![\w.-])/[^{_ENDS}:]+                            # a path from the root
    | (?<![\w/.-])[\w.@~-]+(?:/[\w.@~+-]+){{2,}}          # a path of three parts or more
    | (?<=[\w.\]-])=(?![="'\[({{<])[^\s,;)\]}}"']*        # what follows an equals sign, also nothing
    | [^{_ENDS}/:]*\d(?:[^{_ENDS}:]|:(?=\w))*             # anything with a digit in it
    | (?<![\w.$-])[a-z][a-z_-]*(?:\.[a-z][a-z_-]*)+(?![\w.(-])  # a host, a file, a topic: dotted lower case
    | (?<![\w.-])(?:true|false|null|None|nil)(?![\w.-])
    """,
    re.VERBOSE,
)
_PLAIN = re.compile(r"[A-Za-z_-]+[.,:;]?")  # most words
_CONSTANT_VALUES: Final = frozenset({"true", "false", "null", "None", "nil"})

_DOUBLE = re.compile(r'(?<=[^\w\\])"(?:[^"\\]|\\.)*"|(?<=\w=)"(?:[^"\\]|\\.)*"')
_SINGLE = re.compile(r"(?<![\w\\])'(?:[^'\\]|\\.)*'(?!\w)")
_SAID = re.compile(r"(?:^|\s)(?:msg|message|event)=$")
_JOINED = re.compile(r"<\*>(?:[:/@+#.-]*<\*>)+")
_UNIT = re.compile(r"<\*> ?(?:[KMGTP]i?B|B|kB|ns|us|µs|ms|s|sec|min|h)\b")
_LIST = re.compile(r"(?<![^\s\[({])<\*>(?:,? ?<\*>)+")
_EMPTY_LIST = re.compile(r"\[\s*\]|\[(?:\"<\*>\"[, ]*)+\]")


class Shapes(dict[str, str]):
    """The shape of each word seen, found when it is first asked for."""

    _MOST = 200_000  # words kept: some tens of megabytes; variables that never come again fill it

    def __missing__(self, word: str) -> str:
        if word in _CONSTANT_VALUES:
            found = ANY
        elif _PLAIN.fullmatch(word):
            found = word
        else:
            found = _VALUE.sub(_replaced, word)
        if len(self) > self._MOST:
            self.clear()
        self[word] = found
        return found

    def of(self, line: str) -> str:
        """The line with the variables of each word replaced; equal shapes are of one template."""
        return " ".join(map(self.__getitem__, line.split()))


def _replaced(match: re.Match[str]) -> str:
    return f"={ANY}" if match.group().startswith("=") else ANY


def tidy(shape: str) -> str:
    """What spans several words: quoted strings, numbers with units, and lists, which are one variable however long."""
    shape = _DOUBLE.sub(lambda m: m.group() if _SAID.search(shape[: m.start()]) else f'"{ANY}"', shape)
    shape = _SINGLE.sub(f"'{ANY}'", shape)
    shape = _EMPTY_LIST.sub(f"[{ANY}]", shape)
    shape = _JOINED.sub(ANY, shape)
    shape = _UNIT.sub(ANY, shape)
    return _LIST.sub(ANY, shape)
