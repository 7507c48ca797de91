"""Lists in pages, single objects, and the shape a client wants them in."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from autodevops.sandbox.cluster.kubelet import shown_lease, shown_node
from autodevops.sandbox.cluster.recorder import KEPT
from autodevops.sandbox.cluster.store import Json, Key, Store
from autodevops.sandbox.kubernetes.call import Call
from autodevops.sandbox.kubernetes.conversion import as_served
from autodevops.sandbox.kubernetes.resources import Resource
from autodevops.sandbox.kubernetes.selectors import field_selector, label_selector
from autodevops.sandbox.kubernetes.status import Refused, bad_request, not_found, too_large_version
from autodevops.sandbox.kubernetes.tables import table

COMPACTED = 300.0  # seconds after which an API server lets etcd forget old revisions


@dataclass(frozen=True)
class Query:
    """What a list or watch asks for, and how the answer is to be written."""

    resource: Resource
    namespace: str
    test: Callable[[Json], bool]
    shape: str
    include: str

    def items(self, store: Store, revision: int | None = None) -> list[Json]:
        """Matching objects now or as of a revision, by namespace and name."""
        found = [
            served
            for item in _items(store, self.resource.stored, self.namespace, revision)
            if not has_expired(store, item) and self.test(served := as_served(self.resource, item))
        ]
        return sorted(found, key=_key)


def parse_query(call: Call) -> Query:
    """The query of a request. Raises Refused (400) for a selector that cannot be read."""
    labels = label_selector(call.parameters.get("labelSelector", ""))
    fields = field_selector(call.parameters.get("fieldSelector", ""), call.resource)

    def test(item: Json) -> bool:
        return (not call.name or item["metadata"]["name"] == call.name) and labels(item) and fields(item)

    include = call.parameters.get("includeObject", "Metadata") or "Metadata"
    return Query(call.resource, call.namespace, test, wanted_shape(call.headers.get("accept", "")), include)


def wanted_shape(accept: str) -> str:
    """The client's first choice that we have: `Table`, `PartialObjectMetadata`, or nothing for the object itself."""
    for choice in accept.split(","):
        parts = {part.strip() for part in choice.split(";")}
        if "application/json" in parts or "*/*" in parts:
            if "v=v1" in parts and "as=Table" in parts:
                return "Table"
            if "v=v1" in parts and parts & {"as=PartialObjectMetadata", "as=PartialObjectMetadataList"}:
                return "PartialObjectMetadata"
            if not any(part.startswith("as=") for part in parts):
                return ""
    return ""


def partial(item: Json) -> Json:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}


def listed(call: Call) -> Json:
    """A list or Table, in pages when `limit` asks for them. A page's successors show the same moment."""
    query, store = parse_query(call), call.store
    revision, after = _revision(call), ""
    if token := call.parameters.get("continue", ""):
        revision, after = _read_token(token)
        if revision < oldest_revision(store):
            raise _continue_expired(store, after)
    items = [alive(call, item) for item in query.items(store, revision) if _key(item) > after]
    limit = call.whole("limit")
    at = store.revision if revision is None else revision
    meta: Json = {"resourceVersion": str(at)}
    if limit and len(items) > limit:
        meta["continue"] = _token(at, _key(items[limit - 1]))
        if not call.parameters.get("labelSelector") and not call.parameters.get("fieldSelector"):
            meta["remainingItemCount"] = len(items) - limit
        items = items[:limit]
    if query.shape == "Table":
        return {**table(query.resource, items, call.now, query.include), "metadata": meta}
    if query.shape:
        kind, version = "PartialObjectMetadataList", "meta.k8s.io/v1"
        return {"kind": kind, "apiVersion": version, "metadata": meta, "items": [partial(item) for item in items]}
    # As an API server does, objects inside a typed list leave out what the list says already.
    bare = [{key: value for key, value in item.items() if key not in ("kind", "apiVersion")} for item in items]
    kind, version = f"{query.resource.kind}List", query.resource.api_version
    return {"kind": kind, "apiVersion": version, "metadata": meta, "items": bare}


def alive(call: Call, item: Json) -> Json:
    """Nodes and their leases with the time of the last heartbeat, which the store does not keep."""
    if item["kind"] == "Node":
        return shown_node(item, call.now, call.served.cluster.surroundings)
    return shown_lease(item, call.now, call.served.cluster.surroundings) if item["kind"] == "Lease" else item


def single(call: Call) -> Json:
    """One object, or a Table of it. Raises Refused (404)."""
    _revision(call)
    item = alive(call, call.current())
    if has_expired(call.store, item):
        raise not_found(call.resource, call.name)
    return shaped(call, as_served(call.resource, item))


def shaped(call: Call, item: Json) -> Json:
    """An object as the client wants to see it."""
    shape = wanted_shape(call.headers.get("accept", ""))
    if shape == "Table" and item["kind"] == call.resource.kind:
        include = call.parameters.get("includeObject", "Metadata") or "Metadata"
        meta = {"resourceVersion": item["metadata"].get("resourceVersion", "")}
        return {**table(call.resource, [item], call.now, include), "metadata": meta}
    return partial(item) if shape == "PartialObjectMetadata" else item


def has_expired(store: Store, item: Json) -> bool:
    """Whether an event is older than an API server keeps events."""
    return item["kind"] == "Event" and store.now > expiry(store, item)


def expiry(store: Store, event: Json) -> float:
    """The moment an event goes: a while after it was last written."""
    meta = event["metadata"]
    return store.history(Key("Event", meta["namespace"], meta["name"]))[-1].at + KEPT


def oldest_revision(store: Store) -> int:
    """The oldest revision that can still be read or watched from."""
    index = bisect_right(store.log, store.now - COMPACTED, key=lambda change: change.at)
    return store.log[index - 1].revision if index else 0


def _revision(call: Call) -> int | None:
    """The past revision a request insists on; None for now. Raises Refused (400, 410, 504)."""
    text = call.parameters.get("resourceVersion", "")
    if text in ("", "0"):
        return None
    if not text.isdigit():
        raise bad_request(f'invalid resource version: strconv.ParseUint: parsing "{text}": invalid syntax')
    if int(text) > call.store.revision:
        raise too_large_version(int(text), call.store.revision)
    if call.parameters.get("resourceVersionMatch") != "Exact":
        return None
    if int(text) < oldest_revision(call.store):
        raise Refused(410, "Expired", f"The resourceVersion for the provided list is too old: {text}")
    return int(text)


def _items(store: Store, kind: str, namespace: str, revision: int | None) -> list[Json]:
    if revision is None or revision == store.revision:
        return store.items(kind, namespace)
    found = []
    for key, versions in store.versions(kind):
        index = bisect_right(versions, revision, key=lambda version: version.revision)
        item = versions[index - 1].object if index else None
        if item is not None and (not namespace or key.namespace == namespace):
            found.append(item)
    return found


def _key(item: Json) -> str:
    return f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"


def _token(revision: int, after: str) -> str:
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": revision, "start": after}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_token(token: str) -> tuple[int, str]:
    try:
        data = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(data["rv"]), str(data["start"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise bad_request(f"continue key is not valid: {error}") from error


def _continue_expired(store: Store, after: str) -> Refused:
    refused = Refused(
        410,
        "Expired",
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
        "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
        "modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    )
    refused.body["metadata"] = {"continue": _token(store.revision, after)}
    return refused
