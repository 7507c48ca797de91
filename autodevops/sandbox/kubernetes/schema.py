"""Which fields an object may have and of what type, by the table in `fields.py`, in the words of Go's decoder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from autodevops.sandbox.kubernetes.fields import models
from autodevops.sandbox.kubernetes.resources import Resource

_LIST = re.compile(r"(?i:list)\[(.*)\]")
_MAP = re.compile(r"(?i:dict)\(?\[?str, (.*?)\]?\)?")
_GO = {"str": "string", "int": "int32", "bool": "bool", "float": "float64"}
_QUANTITY = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?")
_QUANTITIES = {"limits", "requests", "capacity", "allocatable", "hard", "default", "defaultRequest", "max", "min"}
QUANTITY_RULE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


@cache
def model_of(api_version: str, kind: str) -> str:
    """The name of the model of a kind; empty when there is none."""
    group, _, version = api_version.rpartition("/")
    version = version[:1].upper() + version[1:]
    known = models()
    prefix = (group.partition(".")[0] or "core").capitalize()
    for name in (f"{version}{kind}", f"{prefix}{version}{kind}"):
        if name in known:
            return name
    return ""


def fields_of(model: str) -> Mapping[str, str]:
    """JSON field names of a model and their types, in the client's notation."""
    return models()[model]


@cache
def element_of(kind: str) -> tuple[str, str]:
    """A type taken apart: `list`, `map`, `model` or `plain`, and what is inside."""
    if match := _LIST.fullmatch(kind):
        return "list", match[1]
    if kind[:4].lower() == "dict":
        match = _MAP.fullmatch(kind)
        return "map", match[1] if match else "object"
    return ("model" if kind in models() else "plain"), kind


def unknown_fields(resource: Resource, item: Mapping[str, Any]) -> list[str]:
    """Paths of fields the kind does not have, as strict decoding lists them."""
    model = model_of(resource.api_version, resource.kind)
    return [*_unknown(item, model, "")] if model else []


def type_fault(resource: Resource, item: Mapping[str, Any]) -> str:
    """What Go's decoder says about the first value of a wrong type; empty when all fit."""
    model = model_of(resource.api_version, resource.kind)
    return next(_misfits(item, model, "", model), "") if model else ""


def _unknown(value: Any, kind: str, path: str) -> Iterator[str]:
    shape, inside = element_of(kind)
    if shape == "list" and isinstance(value, list):
        for index, one in enumerate(value):
            yield from _unknown(one, inside, f"{path}[{index}]")
    elif shape == "map" and isinstance(value, dict):
        for key, one in value.items():
            yield from _unknown(one, inside, f"{path}.{key}")
    elif shape == "model" and isinstance(value, dict):
        known = fields_of(inside)
        for name, one in value.items():
            where = f"{path}.{name}" if path else name
            if name not in known:
                yield where
            else:
                yield from _unknown(one, known[name], where)


def _misfits(value: Any, kind: str, path: str, owner: str) -> Iterator[str]:
    shape, inside = element_of(kind)
    if value is None or (inside == "object" and shape == "plain"):
        return
    if shape in ("list", "map", "model"):
        if shape == "list" and isinstance(value, list):
            for one in value:
                yield from _misfits(one, inside, path, owner)
        elif shape == "list" or not isinstance(value, dict):
            yield _cannot(value, path, owner, _go(kind))
        elif shape == "map":
            name = path.rpartition(".")[2]
            for one in value.values():
                if name in _QUANTITIES and inside == "str":
                    if isinstance(one, bool) or not _QUANTITY.fullmatch(str(one)):
                        yield QUANTITY_RULE
                else:
                    yield from _misfits(one, inside, path, owner)
        else:
            known = fields_of(inside)
            for name, one in value.items():
                if name in known:
                    yield from _misfits(one, known[name], f"{path}.{name}" if path else name, inside)
    elif inside == "int" and (isinstance(value, bool) or not isinstance(value, int)):
        yield _cannot(value, path, owner, "int32")
    elif inside == "bool" and not isinstance(value, bool):
        yield _cannot(value, path, owner, "bool")
    elif inside in ("str", "datetime") and not isinstance(value, str):
        if path.rpartition(".")[2] in ("sizeLimit", "divisor", "averageValue") and isinstance(value, int | float):
            return  # a quantity may be a bare number
        yield _cannot(value, path, owner, "string")


def _cannot(value: Any, path: str, owner: str, wanted: str) -> str:
    found = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}[type(value)]
    if isinstance(value, int | float) and not isinstance(value, bool) and wanted == "int32":
        found = f"number {value}"
    struct = re.sub(r"^(Core|Events|Networking|Rbac|Apps|Batch)?V\d+", "", owner)
    return f"json: cannot unmarshal {found} into Go struct field {struct}.{path} of type {wanted}"


def _go(kind: str) -> str:
    shape, inside = element_of(kind)
    if shape == "list":
        return f"[]{_go(inside)}"
    if shape == "map":
        return f"map[string]{_go(inside)}"
    if shape == "plain":
        return _GO.get(inside, inside)
    version = re.match(r"[A-Za-z]*?(V\d+)", inside)
    return f"{version[1].lower() if version else 'v1'}.{re.sub(r'^[A-Za-z]*?V[0-9]+', '', inside)}"
