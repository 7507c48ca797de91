"""Go's text/template as line_format and label_format use it: fields, pipes, variables, if, with and range.

The template is parsed once into a function over (labels, line, timestamp). What the functions do is in
`template_functions.py`. A template that fails on a line raises ValueError there; the pipeline makes it `__error__`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from autodevops.sandbox.loki.template_functions import FUNCTIONS, moment_of, shown
from autodevops.sandbox.wire.go import unquote

Render = Callable[[Mapping[str, str], str, int], str]
"""(labels, line, timestamp in ns) -> text."""


@dataclass(slots=True)
class _Scope:
    """What an expression can see: the dot, the variables, and the line itself."""

    dot: Any
    line: str
    timestamp: int
    variables: dict[str, Any] = field(default_factory=dict)


_Value = Callable[[_Scope], Any]
_Node = Callable[[_Scope], str]

_ACTION = re.compile(r"\{\{(-(?=\s))?(/\*.*?\*/|(?:\"(?:[^\"\\]|\\.)*\"|`[^`]*`|[^\"`])*?)((?<=\s)-)?\}\}", re.DOTALL)
_WORD = re.compile(
    r'\s*("(?:[^"\\]|\\.)*"|`[^`]*`|:=|\)(?:\.[A-Za-z_]\w*)*|[|(,=]|-?\d+\.\d+|-?\d+|\$[A-Za-z0-9_]*(?:\.[A-Za-z_]\w*)*'
    r"|\.(?:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)?|[A-Za-z_]\w*)"
)
_KEYWORDS = frozenset(["if", "else", "end", "range", "with"])


@lru_cache(maxsize=256)
def compile_template(text: str) -> Render:
    """Raises ValueError naming what is not understood."""
    parts = _parts(text)
    nodes, rest, _ = _block(parts, 0, top=True)
    assert rest == len(parts)

    def render(labels: Mapping[str, str], line: str, timestamp: int) -> str:
        return nodes(_Scope(labels, line, timestamp))

    return render


def _parts(text: str) -> list[str | list[str]]:
    """Literal text as str, actions as their words."""
    parts: list[str | list[str]] = []
    position, trim = 0, False
    for action in _ACTION.finditer(text):
        literal = text[position : action.start()]
        literal = literal.lstrip() if trim else literal
        parts.append(literal.rstrip() if action.group(1) else literal)
        if not action.group(2).startswith("/*"):
            parts.append(_words(action.group(2)))
        position, trim = action.end(), bool(action.group(3))
    rest = text[position:]
    if "{{" in rest:
        raise ValueError("unclosed action")
    parts.append(rest.lstrip() if trim else rest)
    return parts


def _words(text: str) -> list[str]:
    words: list[str] = []
    position, text = 0, text.rstrip()
    while position < len(text):
        match = _WORD.match(text, position)
        if match is None:
            raise ValueError(f"unexpected {text[position:].strip()!r} in command")
        words.append(match.group(1))
        position = match.end()
    if not words:
        raise ValueError("missing value for command")
    return words


# --- blocks ---


def _block(parts: Sequence[str | list[str]], position: int, *, top: bool = False) -> tuple[_Node, int, list[str]]:
    """Nodes until the `else` or `end` that closes this block: (node, position after it, the closing words)."""
    nodes: list[_Node] = []
    while position < len(parts):
        part = parts[position]
        position += 1
        if isinstance(part, str):
            if part:
                nodes.append(_literal(part))
            continue
        match part[0]:
            case "end" | "else":
                if top:
                    raise ValueError(f"unexpected {{{{{part[0]}}}}}")
                return _joined(nodes), position, part
            case "if" | "with" | "range":
                node, position = _branch(part, parts, position)
                nodes.append(node)
            case _:
                nodes.append(_action(part))
    if not top:
        raise ValueError("unexpected EOF")
    return _joined(nodes), position, []


def _literal(text: str) -> _Node:
    return lambda scope: text


def _joined(nodes: Sequence[_Node]) -> _Node:
    if len(nodes) == 1:
        return nodes[0]
    return lambda scope: "".join([node(scope) for node in nodes])


def _branch(words: list[str], parts: Sequence[str | list[str]], position: int) -> tuple[_Node, int]:
    kind = words[0]
    variables, value = _assignment(words[1:])
    body, position, closing = _block(parts, position)
    otherwise: _Node = _literal("")
    if closing[0] == "else":
        if len(closing) > 1:
            if closing[1] not in ("if", "with"):
                raise ValueError(f"unexpected {closing[1]!r} in else")
            otherwise, position = _branch(closing[1:], parts, position)
        else:
            otherwise, position, closing = _block(parts, position)
            if closing[0] != "end":
                raise ValueError("expected end; found {{else}}")

    def run(scope: _Scope) -> str:
        found = value(scope)
        if kind == "range":
            items = _items(found)
            return "".join([body(_bound(scope, variables, item)) for item in items]) if items else otherwise(scope)
        if not truth(found):
            return otherwise(scope)
        inner = _Scope(found if kind == "with" else scope.dot, scope.line, scope.timestamp, dict(scope.variables))
        inner.variables.update(dict.fromkeys(variables, found))
        return body(inner)

    return run, position


def _items(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return sorted(value.items())
    if isinstance(value, list):
        return list(enumerate(value))
    if value is None:
        return []
    raise ValueError(f"range can't iterate over {shown(value)}")


def _bound(scope: _Scope, variables: Sequence[str], item: tuple[Any, Any]) -> _Scope:
    inner = _Scope(item[1], scope.line, scope.timestamp, dict(scope.variables))
    values = item if len(variables) == 2 else item[1:]
    inner.variables.update(zip(variables, values, strict=False))
    return inner


def truth(value: Any) -> bool:
    """Go's truth: not the zero value of its type."""
    return bool(value)


# --- actions ---


def _action(words: list[str]) -> _Node:
    variables, value = _assignment(words)
    if not variables:
        return lambda scope: shown(value(scope))

    def assign(scope: _Scope) -> str:
        scope.variables[variables[0]] = value(scope)
        return ""

    return assign


def _assignment(words: list[str]) -> tuple[list[str], _Value]:
    for operator in (":=", "="):
        if operator in words:
            at = words.index(operator)
            names = [word for word in words[:at] if word != ","]
            if not names or not all(name.startswith("$") for name in names):
                raise ValueError(f"unexpected {operator!r} in command")
            return names, _pipeline(words[at + 1 :])
    return [], _pipeline(words)


def _pipeline(words: list[str]) -> _Value:
    value: _Value | None = None
    for command in _split(words):
        value = _command(command, value)
    if value is None:
        raise ValueError("missing value for command")
    return value


def _split(words: list[str]) -> list[list[str | _Value]]:
    """Commands between pipes; what is in parentheses becomes one value."""
    commands: list[list[str | _Value]] = [[]]
    position = 0
    while position < len(words):
        word = words[position]
        if word == "|":
            commands.append([])
        elif word == "(":
            depth, start = 1, position + 1
            while depth:
                position += 1
                if position == len(words):
                    raise ValueError("unclosed left paren")
                depth += {"(": 1, ")": -1}.get(words[position][0], 0)
            commands[-1].append(_reached(_pipeline(words[start:position]), words[position][2:]))
        elif word[0] == ")":
            raise ValueError("unexpected right paren")
        else:
            commands[-1].append(word)
        position += 1
    return commands


def _reached(value: _Value, path: str) -> _Value:
    """`(...).field` of a value."""
    if not path:
        return value
    names = path.split(".")
    return lambda scope: _field(value(scope), names)


def _command(words: Sequence[str | _Value], piped: _Value | None) -> _Value:
    if not words:
        raise ValueError("missing value for command")
    head, operands = words[0], [_operand(word) for word in words[1:]]
    if piped is not None:
        operands.append(piped)
    if not isinstance(head, str) or not (head[0].isalpha() or head[0] == "_") or head in ("true", "false", "nil"):
        if operands:
            raise ValueError(f"can't give argument to non-function {head if isinstance(head, str) else '(...)'}")
        return _operand(head)
    if head in _KEYWORDS:
        raise ValueError(f"unexpected <{head}> in command")
    if head in ("and", "or"):
        return _short_circuit(head, operands)
    if head in ("__line__", "__timestamp__"):
        return _operand(head)
    if head not in FUNCTIONS:
        raise ValueError(f'function "{head}" not defined')
    least, most, function = FUNCTIONS[head]
    if not least <= len(operands) <= most:
        want = str(least) if least == most else f"at least {least}"
        raise ValueError(f"wrong number of args for {head}: want {want} got {len(operands)}")
    return lambda scope: function(*[operand(scope) for operand in operands])


def _short_circuit(name: str, operands: Sequence[_Value]) -> _Value:
    if not operands:
        raise ValueError(f"wrong number of args for {name}: want at least 1 got 0")

    def run(scope: _Scope) -> Any:
        value: Any = None
        for operand in operands:
            value = operand(scope)
            if truth(value) == (name == "or"):
                break
        return value

    return run


def _operand(word: str | _Value) -> _Value:
    if not isinstance(word, str):
        return word
    if word == "__line__":
        return lambda scope: scope.line
    if word == "__timestamp__":
        return lambda scope: moment_of(scope.timestamp)
    if word[0] in '"`':
        text = unquote(word)
        return lambda scope: text
    if word[0] == "$":
        name, *path = word.split(".")
        return lambda scope: _field(scope.variables.get(name, scope.dot if name == "$" else None), path)
    if word[0] == ".":
        names = word[1:].split(".") if len(word) > 1 else []
        return lambda scope: _field(scope.dot, names)
    if word in ("true", "false", "nil"):
        constant = {"true": True, "false": False, "nil": None}[word]
        return lambda scope: constant
    if word[0].isdigit() or word[0] == "-":
        number = float(word) if "." in word else int(word)
        return lambda scope: number
    if word in FUNCTIONS:
        return _command([word], None)
    raise ValueError(f'function "{word}" not defined')


def _field(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = value.get(name, "") if isinstance(value, Mapping) else ""
    return value
