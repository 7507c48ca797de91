"""The few protobuf bodies kubectl insists on: access reviews.

Everything else is JSON on both sides. The envelope is Kubernetes' own: four magic bytes, then a runtime.Unknown whose
second field is the object (k8s.io/apimachinery/pkg/runtime/serializer/protobuf); field numbers are those of
k8s.io/api/authorization/v1/generated.proto.
"""

from __future__ import annotations

from collections.abc import Mapping

from autodevops.sandbox.kubernetes.status import bad_request
from autodevops.sandbox.world.templates import Json

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"

_MAGIC = b"k8s\x00"
_RESOURCE = {1: "namespace", 2: "verb", 3: "group", 4: "version", 5: "resource", 6: "subresource", 7: "name"}
_PATH = {1: "path", 2: "verb"}


def decode_review(data: bytes) -> Json:
    """A SelfSubjectAccessReview or SelfSubjectRulesReview as JSON. Raises Refused (400)."""
    try:
        if not data.startswith(_MAGIC):
            raise ValueError("no Kubernetes envelope")
        unknown = _fields(data[len(_MAGIC) :])
        kind = _texts(unknown[1], {2: "kind"}).get("kind", "")
        spec = _fields(_fields(unknown[2]).get(2, b""))
        if kind == "SelfSubjectRulesReview":
            return {"kind": kind, "spec": {"namespace": spec.get(1, b"").decode()}}
        found: Json = {}
        if 1 in spec:
            found["resourceAttributes"] = _texts(spec[1], _RESOURCE)
        if 2 in spec:
            found["nonResourceAttributes"] = _texts(spec[2], _PATH)
        return {"kind": kind, "spec": found}
    except (ValueError, KeyError, IndexError) as error:
        raise bad_request(f"the object provided is unrecognized: {error}") from error


def _texts(data: bytes, names: Mapping[int, str]) -> dict[str, str]:
    return {names[number]: value.decode() for number, value in _fields(data).items() if number in names and value}


def _fields(data: bytes) -> dict[int, bytes]:
    """Length-delimited fields by number; the last one wins, others are skipped. Raises ValueError, IndexError."""
    found: dict[int, bytes] = {}
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        match tag & 7:
            case 0:
                _, position = _varint(data, position)
            case 2:
                length, position = _varint(data, position)
                if position + length > len(data):
                    raise ValueError("unexpected end")
                found[tag >> 3] = data[position : position + length]
                position += length
            case wire:
                raise ValueError(f"wire type {wire}")
    return found


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
