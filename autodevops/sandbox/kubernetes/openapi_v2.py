"""/openapi/v2 in protobuf: kubectl validates what comes in a List by it, and takes it in no other encoding.

The same schemas as `openapi.py`, in gnostic's OpenAPIv2 messages; their field numbers are the constants here.
"""

from __future__ import annotations

import json
from functools import cache

from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes import openapi

MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

_SWAGGER, _INFO, _PATHS, _DEFINITIONS = 1, 2, 8, 9
_REF, _ADDITIONAL, _TYPE, _ITEMS, _PROPERTIES, _EXTENSION = 1, 21, 22, 23, 25, 31
_FORMAT = 2
_PREFIX = "#/components/schemas/"


@cache
def document() -> bytes:
    """All kinds there are, as one document."""
    schemas: dict[str, Json] = {}
    for root in openapi.index()["paths"]:
        found = openapi.document(root)
        schemas |= found["components"]["schemas"] if found else {}
    definitions = b"".join(_bytes(1, _named(name, _schema(schema))) for name, schema in sorted(schemas.items()))
    info = _text(1, "Kubernetes") + _text(2, "v1.34.2")
    return b"".join(
        (_text(_SWAGGER, "2.0"), _bytes(_INFO, info), _bytes(_PATHS, b""), _bytes(_DEFINITIONS, definitions))
    )


def _schema(schema: Json) -> bytes:
    if "allOf" in schema:
        return _text(_REF, "#/definitions/" + schema["allOf"][0]["$ref"].removeprefix(_PREFIX))
    if "oneOf" in schema:
        return _bytes(_TYPE, _text(1, "string")) + _text(_FORMAT, "int-or-string")
    found = _bytes(_TYPE, _text(1, schema["type"]))
    if "format" in schema:
        found += _text(_FORMAT, schema["format"])
    if "items" in schema:
        found += _bytes(_ITEMS, _bytes(1, _schema(schema["items"])))
    if "additionalProperties" in schema:
        found += _bytes(_ADDITIONAL, _bytes(1, _schema(schema["additionalProperties"])))
    if "properties" in schema:
        fields = (_bytes(1, _named(name, _schema(one))) for name, one in schema["properties"].items())
        found += _bytes(_PROPERTIES, b"".join(fields))
    for name, value in schema.items():
        if name.startswith("x-kubernetes-"):
            found += _bytes(_EXTENSION, _named(name, _text(2, json.dumps(value))))
    return found


def _named(name: str, value: bytes) -> bytes:
    return _text(1, name) + _bytes(2, value)


def _text(number: int, text: str) -> bytes:
    return _bytes(number, text.encode())


def _bytes(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
