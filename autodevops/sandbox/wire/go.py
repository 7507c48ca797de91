"""Go's spelling of regular expressions, durations, byte sizes and floats, as Loki and Tempo read and write them.

Python's `re` stands in for RE2: what RE2 lacks (look-around, back-references) is refused in Go's words instead of being
quietly accepted, and `(?<name>...)` is translated. Running time is not linear as RE2's is.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from functools import lru_cache

_NANOS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
    "w": 7 * 86_400_000_000_000,
    "y": 365 * 86_400_000_000_000,
}
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d|w|y)")
_BYTES = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtpe]?i?)b?", re.IGNORECASE)
_EXPONENT = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}
_NOT_IN_RE2 = (("(?=", "(?="), ("(?!", "(?!"), ("(?<=", "(?<="), ("(?<!", "(?<!"), ("(?>", "(?>"))


@lru_cache(maxsize=512)
def compile_regex(pattern: str) -> re.Pattern[str]:
    """Compile an RE2 pattern. Raises ValueError with the message Go's regexp package gives."""
    bare = re.sub(r"\\.", "__", pattern)
    for construct, shown in _NOT_IN_RE2:
        if construct in bare:
            raise ValueError(f"error parsing regexp: invalid or unsupported Perl syntax: `{shown}`")
    reference = re.search(r"(?<!\\)(?:\\\\)*(\\[1-9])", pattern)
    if reference:
        raise ValueError(f"error parsing regexp: invalid escape sequence: `{reference.group(1)}`")
    translated = re.sub(r"\(\?<(?=[A-Za-z_])", "(?P<", pattern)
    try:
        return re.compile(translated)
    except re.error as error:
        raise ValueError(f"error parsing regexp: {error.msg}: `{pattern}`") from error


def parse_duration(text: str) -> int:
    """Nanoseconds of `1h30m`, `250ms`, `1.5s`, `2d`. Raises ValueError naming the text."""
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text)
    if rest == "0":
        return 0
    total, position = 0.0, 0
    for part in _DURATION_PART.finditer(rest):
        if part.start() != position:
            break
        total += float(part.group(1)) * _NANOS[part.group(2)]
        position = part.end()
    if not rest or position != len(rest):
        raise ValueError(f'invalid duration "{text}"')
    return sign * round(total)


def parse_bytes(text: str) -> int:
    """Bytes of `5KB` (5000), `5KiB` (5120), `1.5MB`, `200B`. Raises ValueError naming the text."""
    match = _BYTES.fullmatch(text.strip())
    if not match:
        raise ValueError(f'invalid size "{text}"')
    unit = match.group(2).lower()
    base = 1024 if unit.endswith("i") else 1000
    return int(float(match.group(1)) * base ** _EXPONENT[unit.rstrip("i")])


def format_float(value: float) -> str:
    """The shortest decimal without an exponent, as `strconv.FormatFloat(v, 'f', -1, 64)` writes it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = format(Decimal(repr(float(value))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def unquote(token: str) -> str:
    """The value of a Go string literal: `"..."` with escapes, or a raw one in backquotes. Raises ValueError."""
    if token.startswith("`"):
        return token[1:-1]
    return re.sub(
        r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", _unescape, token[1:-1], flags=re.DOTALL
    )


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\\": "\\", '"': '"', "'": "'"}


def _unescape(match: re.Match[str]) -> str:
    code = match.group(1)
    if code[0] in "xuU" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code.isdigit() and len(code) == 3:
        return chr(int(code, 8))
    if code not in _ESCAPES:
        raise ValueError(f"invalid char escape \\{code}")
    return _ESCAPES[code]


_REFERENCE = re.compile(r"\$(?:\$|([A-Za-z0-9_]+)|\{([A-Za-z0-9_]+)\})")


def expand(template: str, found: re.Match[str]) -> str:
    """`$1`, `${name}` and `$$` in a replacement, as `regexp.Expand` does; an unknown group is empty."""

    def one(reference: re.Match[str]) -> str:
        name = reference.group(1) or reference.group(2)
        if name is None:
            return "$"
        try:
            return found.group(int(name) if name.isdigit() else name) or ""
        except (IndexError, KeyError):
            return ""

    return _REFERENCE.sub(one, template)


def model_duration(nanos: int) -> str:
    """A span of time as Prometheus' model prints it: `30d1h`, `5m`, `1h30m`."""
    left, parts = nanos // 1_000_000, []
    if left == 0:
        return "0s"
    for unit, size, only_whole in (
        ("y", 31_536_000_000, True), ("w", 604_800_000, True), ("d", 86_400_000, False), ("h", 3_600_000, False),
        ("m", 60_000, False), ("s", 1000, False), ("ms", 1, False),
    ):  # fmt: skip
        if left >= size and not (only_whole and left % size):
            parts.append(f"{left // size}{unit}")
            left %= size
    return "".join(parts)
