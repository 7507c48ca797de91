"""The kinds of faults a field can have (apimachinery util/validation/field)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from autodevops.sandbox.kubernetes.status import Fault


def required(field: str, detail: str = "") -> Fault:
    return Fault(field, "FieldValueRequired", _with("Required value", detail))


def wrong(field: str, value: Any, detail: str) -> Fault:
    return Fault(field, "FieldValueInvalid", _with(f"Invalid value: {_shown(value)}", detail))


def unsupported(field: str, value: Any, known: Sequence[str]) -> Fault:
    values = ", ".join(f'"{one}"' for one in known)
    return Fault(field, "FieldValueNotSupported", f"Unsupported value: {_shown(value)}: supported values: {values}")


def not_found(field: str, value: Any) -> Fault:
    return Fault(field, "FieldValueNotFound", f"Not found: {_shown(value)}")


def duplicate(field: str, value: Any) -> Fault:
    return Fault(field, "FieldValueDuplicate", f"Duplicate value: {_shown(value)}")


def not_allowed(field: str, detail: str) -> Fault:
    return Fault(field, "FieldValueForbidden", _with("Forbidden", detail))


def each(field: str, value: Any, details: Iterable[str]) -> list[Fault]:
    return [wrong(field, value, detail) for detail in details]


def _with(says: str, detail: str) -> str:
    return f"{says}: {detail}" if detail else says


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
