"""ControllerRevisions: the past pod templates of a StatefulSet or DaemonSet, numbered and named by their hash."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from autodevops.sandbox.basics.hashing import number
from autodevops.sandbox.cluster.controllers.writes import create, delete_all, owned, replace
from autodevops.sandbox.cluster.meta import owner_reference
from autodevops.sandbox.cluster.store import Json, Store, copied

LABEL = "controller-revision-hash"
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def of(store: Store, owner: Json) -> list[Json]:
    """The owner's revisions, oldest first."""
    return sorted(owned(store, "ControllerRevision", owner), key=lambda one: (one["revision"], one["metadata"]["name"]))


def template(revision: Json) -> Json:
    """The pod template a revision stands for."""
    found = {name: value for name, value in revision["data"]["spec"]["template"].items() if name != "$patch"}
    own: Json = copied(found)
    return own


def current(store: Store, owner: Json, past: Sequence[Json]) -> Json:
    """The revision of the owner's present template: found among the past ones and moved to the front, or made."""
    data = {"spec": {"template": {**owner["spec"]["template"], "$patch": "replace"}}}
    following = max((one["revision"] for one in past), default=0) + 1
    known = next((one for one in reversed(past) if one["data"] == data), None)
    if known is not None:
        return known if known["revision"] == following - 1 else replace(store, known, revision=following)
    value = number("revision", json.dumps(data, sort_keys=True)) & 0xFFFFFFFF
    suffix = "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in str(value))
    labels = (owner["spec"]["template"].get("metadata") or {}).get("labels") or {}
    annotations = owner["metadata"].get("annotations")
    return create(
        store,
        {
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": {
                "name": f"{owner['metadata']['name']}-{suffix}",
                "namespace": owner["metadata"]["namespace"],
                "labels": {**labels, LABEL: suffix},
                **({"annotations": dict(annotations)} if annotations else {}),
                "ownerReferences": [owner_reference(owner)],
            },
            "data": copied(data),
            "revision": following,
        },
    )


def forget_old(store: Store, owner: Json, past: Sequence[Json], live: Iterable[str]) -> None:
    """Delete the oldest revisions beyond revisionHistoryLimit that no pod has; `live` are names."""
    alive = set(live)
    idle = [one for one in past if one["metadata"]["name"] not in alive]
    limit = owner["spec"].get("revisionHistoryLimit", 10)
    delete_all(store, idle[: max(len(idle) - limit, 0)])
