"""One request, taken apart: where it goes, what it says, who asks.

Everything after this works on a `Call`, under the cluster's lock, at one moment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from autodevops.sandbox.cluster.rbac import User
from autodevops.sandbox.cluster.store import Json, Key, Store
from autodevops.sandbox.kubernetes.protobuf import MEDIA_TYPE, decode
from autodevops.sandbox.kubernetes.resources import Resource
from autodevops.sandbox.kubernetes.served import Served
from autodevops.sandbox.kubernetes.status import Fault, Refused, bad_request, invalid, not_found


@dataclass(frozen=True)
class Call:
    """A request for one resource. `warnings` are told to the client beside the answer."""

    served: Served
    secret: str
    user: User
    method: str
    resource: Resource
    namespace: str
    name: str
    subresource: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    data: bytes
    warnings: list[str] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.served.cluster.store

    @property
    def now(self) -> float:
        return self.store.now

    @property
    def key(self) -> Key:
        return Key(self.resource.stored, self.namespace, self.name)

    @property
    def manager(self) -> str:
        """Who is to own the fields that are written."""
        agent = self.headers.get("user-agent", "unknown")
        return self.parameters.get("fieldManager") or agent.partition("/")[0][:128]

    def current(self) -> Json:
        """The object named in the path. Raises Refused (404)."""
        item = self.store.get(*self.key)
        if item is None:
            raise not_found(self.resource, self.name)
        return item

    def flag(self, name: str) -> bool:
        return self.parameters.get(name, "").lower() in ("true", "1")

    def whole(self, name: str) -> int | None:
        """A parameter that is a number of at least 0. Raises Refused (400)."""
        text = self.parameters.get(name, "")
        if not text:
            return None
        if not text.isdigit():
            raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
        return int(text)

    def dry_run(self, options: Mapping[str, Any] | None = None) -> bool:
        """Whether the write is only tried. Raises Refused (422)."""
        value = self.parameters.get("dryRun", "") or next(iter((options or {}).get("dryRun") or ()), "")
        if value not in ("", "All"):
            problem = f'Unsupported value: "{value}": supported values: "All"'
            raise invalid(_OPTIONS, "", [Fault("dryRun", "FieldValueNotSupported", problem)])
        return bool(value)

    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip()

    def document(self) -> Any:
        """The body as data, whatever it is written in; {} when there is none. Raises Refused (400, 415)."""
        return read_document(self.data, self.media_type())


_OPTIONS = Resource("meta.k8s.io", "v1", "", "WriteOptions")


def read_document(data: bytes, media_type: str) -> Any:
    """Data out of JSON, YAML or Kubernetes' protobuf. Raises Refused."""
    if not data:
        return {}
    if media_type == MEDIA_TYPE:
        return decode(data)
    try:
        if "yaml" in media_type:
            return yaml.safe_load(data)
        return json.loads(data)
    except (ValueError, yaml.YAMLError) as error:
        raise bad_request(f"the object provided is unrecognized (must be of type JSON): {error}") from error


def unsupported_media_type(accepted: list[str]) -> Refused:
    return Refused(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: " + ", ".join(accepted),
    )
