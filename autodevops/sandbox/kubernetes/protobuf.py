"""Bodies in Kubernetes' protobuf, which kubectl's typed commands (`create`, `drain`, `auth`) write.

Answers are JSON, which every client takes. The envelope is Kubernetes' own: four magic bytes, then a runtime.Unknown
whose first field names the type and whose second is the object (k8s.io/apimachinery runtime/serializer/protobuf).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes.protobuf_fields import MESSAGES
from autodevops.sandbox.kubernetes.status import bad_request

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"

_MAGIC = b"k8s\x00"


class _Field(NamedTuple):
    name: str
    type: str
    repeated: bool
    kept: bool


def decode(data: bytes) -> Json:
    """The object as JSON. Raises Refused (400)."""
    try:
        if not data.startswith(_MAGIC):
            raise ValueError("no Kubernetes envelope")
        unknown = dict(_raw(data[len(_MAGIC) :]))
        kind_of = dict(_raw(_bytes(unknown[1])))
        kind = _bytes(kind_of[2]).decode()
        if kind not in MESSAGES:
            raise ValueError(f"no kind {kind!r}")
        return {"kind": kind, "apiVersion": _bytes(kind_of.get(1, b"")).decode(), **_message(kind, _bytes(unknown[2]))}
    except (ValueError, KeyError, IndexError) as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from error


def _message(name: str, data: bytes) -> Json:
    fields = _fields(name)
    found: Json = {}
    for number, raw in _raw(data):
        field = fields.get(number)
        if field is None:
            continue
        if field.type in ("n", "Q", "B"):
            key, value = _entry(field.type, _bytes(raw))
            found.setdefault(field.name, {})[key] = value
            continue
        value = _value(field.type, raw)
        if field.name == "-":
            found |= value
        elif field.repeated:
            found.setdefault(field.name, []).append(value)
        elif field.kept or value not in ("", 0, False, None, {}):
            found[field.name] = value
    return found


def _value(kind: str, raw: int | bytes) -> Any:
    match kind:
        case "s":
            return _bytes(raw).decode()
        case "i":
            return _signed(raw)
        case "b":
            return bool(raw)
        case "t":
            seconds = _signed(dict(_raw(_bytes(raw))).get(1, 0))
            return rfc3339(seconds) if seconds > 0 else None
        case "q":
            return _quantity(raw)
        case "x":
            parts = dict(_raw(_bytes(raw)))
            return _bytes(parts.get(3, b"")).decode() if parts.get(1) else _signed(parts.get(2, 0))
        case _:
            return _message(kind, _bytes(raw))


def _entry(kind: str, data: bytes) -> tuple[str, str]:
    parts = dict(_raw(data))
    key, value = _bytes(parts.get(1, b"")).decode(), _bytes(parts.get(2, b""))
    if kind == "Q":
        return key, _quantity(value)
    return key, base64.b64encode(value).decode() if kind == "B" else value.decode()


def _quantity(raw: int | bytes) -> str:
    return _bytes(dict(_raw(_bytes(raw))).get(1, b"")).decode()


@cache
def _fields(message: str) -> dict[int, _Field]:
    found = {}
    for entry in MESSAGES[message].split():
        name, number, kind = entry.split(":")
        found[int(number)] = _Field(name, kind.removeprefix("[]").rstrip("*"), kind.startswith("[]"), kind[-1] == "*")
    return found


def _bytes(raw: int | bytes) -> bytes:
    if isinstance(raw, int):
        raise ValueError("a number where text belongs")
    return raw


def _signed(raw: int | bytes) -> int:
    if isinstance(raw, bytes):
        raise ValueError("text where a number belongs")
    return raw - (1 << 64) if raw >= 1 << 63 else raw


def _raw(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Fields in order: numbers as they are, everything else as bytes. Raises ValueError, IndexError."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        match tag & 7:
            case 0:
                value, position = _varint(data, position)
                yield tag >> 3, value
            case 2:
                length, position = _varint(data, position)
                if position + length > len(data):
                    raise ValueError("unexpected end")
                yield tag >> 3, data[position : position + length]
                position += length
            case wire:
                raise ValueError(f"wire type {wire}")


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
