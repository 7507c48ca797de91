"""Lists in pages, single objects, and the shape a client wants them in."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from autodevops.sandbox.kubernetes.resources import Resource, as_served
from autodevops.sandbox.kubernetes.selectors import field_selector, label_selector
from autodevops.sandbox.kubernetes.status import bad_request, not_found
from autodevops.sandbox.kubernetes.tables import table
from autodevops.sandbox.world.objects.meta import resource_version
from autodevops.sandbox.world.templates import Json
from autodevops.sandbox.world.world import World


@dataclass(frozen=True)
class Query:
    """What a list or watch asks for."""

    resource: Resource
    namespace: str
    test: Callable[[Json], bool]
    as_table: bool
    include: str

    def items(self, world: World, at: float) -> list[Json]:
        """Matching objects at a moment, by namespace and name."""
        found = (
            as_served(self.resource, item) for item in world.objects(at, self.resource.plural)[self.resource.plural]
        )
        return [
            item
            for item in found
            if (not self.namespace or item["metadata"].get("namespace", "") == self.namespace) and self.test(item)
        ]


def parse_query(
    resource: Resource, namespace: str, parameters: Mapping[str, str], accept: str, name: str = ""
) -> Query:
    """The query of a request. Raises Refused (400) for a selector that cannot be read."""
    labels = label_selector(parameters.get("labelSelector", ""))
    fields = field_selector(parameters.get("fieldSelector", ""), resource)

    def test(item: Json) -> bool:
        return (not name or item["metadata"]["name"] == name) and labels(item) and fields(item)

    include = parameters.get("includeObject", "Metadata") or "Metadata"
    return Query(resource, namespace, test, wants_table(accept), include)


def wants_table(accept: str) -> bool:
    """Whether the client's first choice that we have is a Table of meta.k8s.io/v1."""
    for choice in accept.split(","):
        parts = {part.strip() for part in choice.split(";")}
        if "application/json" in parts or "*/*" in parts:
            if "as=Table" not in parts:
                return False
            if "v=v1" in parts:
                return True
    return False


def listed(world: World, query: Query, parameters: Mapping[str, str]) -> Json:
    """A list or Table, in pages when `limit` asks for them. A page's successors show the same moment."""
    now = world.now()
    at, after = now, ""
    if token := parameters.get("continue", ""):
        at, after = _read_token(token)
    items = query.items(world, at)
    if after:
        items = [item for item in items if _key(item) > after]
    limit = _whole(parameters, "limit")
    meta: Json = {"resourceVersion": resource_version(at)}
    if limit and len(items) > limit:
        meta["continue"] = _token(at, _key(items[limit - 1]))
        meta["remainingItemCount"] = len(items) - limit
        items = items[:limit]
    if query.as_table:
        return {**table(query.resource, items, now, query.include), "metadata": meta}
    # As an API server does, objects inside a typed list leave out what the list says already.
    bare = [{key: value for key, value in item.items() if key not in ("kind", "apiVersion")} for item in items]
    return {
        "kind": f"{query.resource.kind}List",
        "apiVersion": query.resource.api_version,
        "metadata": meta,
        "items": bare,
    }


def single(world: World, query: Query, name: str) -> Json:
    """One object, or a Table of it. Raises Refused (404)."""
    now = world.now()
    for item in query.items(world, now):
        if item["metadata"]["name"] == name:
            if not query.as_table:
                return item
            meta = {"resourceVersion": item["metadata"]["resourceVersion"]}
            return {**table(query.resource, [item], now, query.include), "metadata": meta}
    raise not_found(query.resource, name)


def _key(item: Json) -> str:
    return f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"


def _whole(parameters: Mapping[str, str], name: str) -> int:
    text = parameters.get(name, "") or "0"
    if not text.isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def _token(at: float, after: str) -> str:
    text = json.dumps({"v": "meta.k8s.io/v1", "at": at, "after": after}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_token(token: str) -> tuple[float, str]:
    try:
        data = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return float(data["at"]), str(data["after"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise bad_request(f"continue key is not valid: {error}") from error
