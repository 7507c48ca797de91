"""Variables of the notebook that a question is about, as text: data for Jamie, never words of the person.

A word is taken for a variable when it is one, and no word of a sentence: in backticks, with an underscore or a digit
in it, or `df`. So a variable called `pods` does not become what "which pods restarted?" is about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from autodevops.widgets.shell import shell

MOST_CHARACTERS = 50_000
_NAME = re.compile(r"`([A-Za-z_]\w*)`|(?<![\w.-])([A-Za-z]\w*[_\d]\w*|df)(?![\w-])")
_NO_VALUES = (ModuleType, FunctionType, BuiltinFunctionType, type)


def named_in(question: str, variables: Mapping[str, Any] | None = None) -> tuple[dict[str, str], str]:
    """The variables that `question` names with their text, and the question with "this" in their places.

    `variables` are by default those of the notebook around us; without one there are none.
    """
    known = _notebook() if variables is None else variables
    found: dict[str, str] = {}

    def this(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name not in known or isinstance(known[name], _NO_VALUES):
            return match[0]
        found[name] = told(known[name])[:MOST_CHARACTERS]
        return "this"

    asked = _NAME.sub(this, question)
    return found, asked


def told(value: object) -> str:
    """A value as text that names, times and errors can be found in."""
    if isinstance(value, str):
        return value
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    to_string = getattr(value, "to_string", None)  # a DataFrame or a Series: its repr leaves out the middle
    if callable(to_string) and len(getattr(value, "index", ())) <= 500:
        return str(to_string())
    return repr(value)


def _notebook() -> Mapping[str, Any]:
    known = getattr(shell(), "user_ns", {})
    return {name: value for name, value in known.items() if not name.startswith("_")}
