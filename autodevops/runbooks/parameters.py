"""What a runbook accepts, and the check that values are that, before anything runs.

Values reach the notebook as data: an assignment of a Python literal to a declared identifier. Papermill itself takes
any name and any value, and a name with a newline in it is code.
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Mapping
from typing import Literal, Self, TypeAlias

from pydantic import Field, model_validator

from autodevops.domain.base import Json, Noun
from autodevops.kernel.errors import UsageError

Value: TypeAlias = str | int | float | bool
ParameterType = Literal["str", "int", "float", "bool"]

_TYPES: Mapping[ParameterType, str] = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
}


class Parameter(Noun):
    """The declaration of one parameter. A parameter without a default is required."""

    type: ParameterType
    default: Value | None = None
    required: bool = False
    choices: tuple[Value, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str = ""  # the whole text must match; only for type str
    unit: str = Field(default="", max_length=20)  # of a number: minutes, MiB, %
    help: str = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.required and self.default is not None:
            raise ValueError("a required parameter has no default")
        if not self.required and self.default is None:
            raise ValueError("it has no default: give one, or set required to true")
        if self.type not in {"int", "float"} and not (self.minimum is None and self.maximum is None):
            raise ValueError(f"minimum and maximum are for numbers, not for {self.type}")
        if self.unit and self.type not in {"int", "float"}:
            raise ValueError(f"unit is for numbers, not for {self.type}")
        if self.pattern:
            if self.type != "str":
                raise ValueError(f"pattern is for str, not for {self.type}")
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"pattern {self.pattern!r} is not a regular expression: {error}") from error
        for value in (*self.choices, *(() if self.default is None else (self.default,))):
            problem = objection(self, value)
            if problem:
                raise ValueError(f"its own value {value!r} is not allowed: {problem}")
        return self


def allowed(parameter: Parameter) -> str:
    """What a value may be, in words: `a whole number from 5 to 1440`."""
    words = f"{_TYPES[parameter.type]} of {parameter.unit}" if parameter.unit else _TYPES[parameter.type]
    if parameter.choices:
        return "one of " + ", ".join(repr(choice) for choice in parameter.choices)
    if parameter.minimum is not None and parameter.maximum is not None:
        return f"{words} from {parameter.minimum:g} to {parameter.maximum:g}"
    if parameter.minimum is not None:
        return f"{words}, at least {parameter.minimum:g}"
    if parameter.maximum is not None:
        return f"{words}, at most {parameter.maximum:g}"
    return f"{words} matching {parameter.pattern}" if parameter.pattern else words


def objection(parameter: Parameter, value: object) -> str:
    """Why `value` is refused, or an empty string."""
    if not _has_type(parameter.type, value):
        return f"it is not {_TYPES[parameter.type]}"
    if parameter.choices and value not in parameter.choices:
        return "it is not one of the choices"
    if isinstance(value, int | float) and not isinstance(value, bool):
        if parameter.minimum is not None and value < parameter.minimum:
            return f"it is below {parameter.minimum:g}"
        if parameter.maximum is not None and value > parameter.maximum:
            return f"it is above {parameter.maximum:g}"
    if isinstance(value, str) and parameter.pattern and not re.fullmatch(parameter.pattern, value):
        return "it does not match the pattern"
    return ""


def resolve(runbook: str, declared: Mapping[str, Parameter], given: Mapping[str, Json]) -> dict[str, Value]:
    """Every declared parameter with its value, in the order of declaration.

    Raises UsageError naming the parameter, its value and what is allowed.
    """
    for name in given:
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise UsageError(f"Runbook {runbook} has no parameter {name!r}.", f"It takes: {known}.")
    values: dict[str, Value] = {}
    for name, parameter in declared.items():
        if name not in given:
            if parameter.default is None:
                raise UsageError(
                    f"Runbook {runbook} needs parameter {name} ({parameter.help}).", f"Give {allowed(parameter)}."
                )
            values[name] = parameter.default
            continue
        value = given[name]
        problem = objection(parameter, value)
        if problem or not isinstance(value, str | int | float | bool):
            raise UsageError(
                f"Parameter {name} of runbook {runbook} cannot be {value!r}: {problem}.", f"Give {allowed(parameter)}."
            )
        values[name] = float(value) if parameter.type == "float" else value
    return values


def from_text(runbook: str, name: str, parameter: Parameter, text: str) -> Value:
    """The value that a person wrote on a command line, by the declared type; never evaluated.

    Raises UsageError. Whether it is allowed is for `resolve` to say.
    """
    try:
        if parameter.type == "str":
            return text
        if parameter.type == "bool":
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
        return int(text) if parameter.type == "int" else float(text)
    except (ValueError, LookupError) as error:
        raise UsageError(
            f"Parameter {name} of runbook {runbook} cannot be {text!r}: it is not {_TYPES[parameter.type]}.",
            f"Give {allowed(parameter)}.",
        ) from error


def is_parameter_name(name: str) -> bool:
    """A plain ASCII identifier that no Python word or dunder hides behind."""
    return bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)) and not keyword.iskeyword(name)


def as_code(values: Mapping[str, Value]) -> str:
    """Assignments of literals; reading them back with `ast.literal_eval` gives the same values."""
    return "\n".join(["# Parameters of this run", *(f"{name} = {value!r}" for name, value in values.items())])


def _has_type(kind: ParameterType, value: object) -> bool:
    if kind == "bool":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    if kind == "str":
        return isinstance(value, str) and _is_unicode(value)
    if kind == "int":
        return isinstance(value, int)
    return isinstance(value, int | float) and math.isfinite(value)


def _is_unicode(text: str) -> bool:
    """False for lone surrogates, which no file of ours can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
