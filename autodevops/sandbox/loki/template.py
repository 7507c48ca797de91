"""Go templates as line_format and label_format use them: fields, literals and pipes through a table of functions.

Control structures (`if`, `range`) are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from autodevops.sandbox.wire.go import unquote

Render = Callable[[Mapping[str, str], str, int], str]
"""(labels, line, timestamp in ns) -> text."""

_ACTION = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_WORD = re.compile(r'\s*("(?:[^"\\]|\\.)*"|`[^`]*`|\||-?\d+|\.[A-Za-z_][A-Za-z0-9_]*|[A-Za-z_][A-Za-z0-9_]*)')

_FUNCTIONS: dict[str, tuple[int, Callable[..., str]]] = {
    "ToLower": (1, str.lower),
    "lower": (1, str.lower),
    "ToUpper": (1, str.upper),
    "upper": (1, str.upper),
    "title": (1, str.title),
    "trim": (1, str.strip),
    "TrimSpace": (1, str.strip),
    "trimPrefix": (2, lambda prefix, text: text.removeprefix(prefix)),
    "trimSuffix": (2, lambda suffix, text: text.removesuffix(suffix)),
    "TrimPrefix": (2, lambda text, prefix: text.removeprefix(prefix)),
    "TrimSuffix": (2, lambda text, suffix: text.removesuffix(suffix)),
    "replace": (3, lambda old, new, text: text.replace(old, new)),
    "trunc": (2, lambda size, text: text[: int(size)] if int(size) >= 0 else text[int(size) :]),
    "substr": (3, lambda start, end, text: text[int(start) : int(end)]),
    "default": (2, lambda fallback, text: text or fallback),
}


@lru_cache(maxsize=256)
def compile_template(text: str) -> Render:
    """Raises ValueError naming what is not understood."""
    parts: list[Render] = []
    position = 0
    for action in _ACTION.finditer(text):
        parts.append(_literal(text[position : action.start()]))
        parts.append(_action(action.group(1)))
        position = action.end()
    rest = text[position:]
    if "{{" in rest:
        raise ValueError("unclosed action")
    parts.append(_literal(rest))

    def render(labels: Mapping[str, str], line: str, timestamp: int) -> str:
        return "".join(part(labels, line, timestamp) for part in parts)

    return render


def _literal(text: str) -> Render:
    return lambda labels, line, timestamp: text


def _action(text: str) -> Render:
    words: list[str] = []
    position = 0
    while position < len(text.rstrip()):
        match = _WORD.match(text, position)
        if match is None:
            raise ValueError(f"unexpected {text[position:].strip()!r} in action")
        words.append(match.group(1))
        position = match.end()
    if not words:
        raise ValueError("missing value for command")
    commands: list[list[str]] = [[]]
    for word in words:
        if word == "|":
            commands.append([])
        else:
            commands[-1].append(word)
    value: Render | None = None
    for command in commands:
        value = _command(command, value)
    assert value is not None
    return value


def _command(words: list[str], piped: Render | None) -> Render:
    if not words:
        raise ValueError("missing value for command")
    head, arguments = words[0], [_operand(word) for word in words[1:]]
    if head in ("if", "else", "end", "range", "with"):
        raise ValueError(f"the action {head!r} is not supported by this sandbox")
    if head[0] in '."`-' or head[0].isdigit() or head in ("__line__", "__timestamp__"):
        if arguments or piped is not None:
            raise ValueError(f"can't give argument to non-function {head}")
        return _operand(head)
    if head not in _FUNCTIONS:
        raise ValueError(f'function "{head}" not defined')
    count, function = _FUNCTIONS[head]
    operands = [*arguments, piped] if piped is not None else arguments
    if len(operands) != count:
        raise ValueError(f"wrong number of args for {head}: want {count} got {len(operands)}")
    return lambda labels, line, timestamp: function(*(operand(labels, line, timestamp) for operand in operands))


def _operand(word: str) -> Render:
    if word == "__line__":
        return lambda labels, line, timestamp: line
    if word == "__timestamp__":
        return lambda labels, line, timestamp: str(timestamp)
    if word.startswith("."):
        name = word[1:]
        return lambda labels, line, timestamp: labels.get(name, "")
    if word[0] in '"`':
        return _literal(unquote(word))
    if word.lstrip("-").isdigit():
        return _literal(word)
    raise ValueError(f'function "{word}" not defined')
