"""What loops that own pods do with them: make them from a template, claim them, tell the well from the unwell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from autodevops.sandbox.basics.moments import parse_rfc3339
from autodevops.sandbox.cluster.admission import Denied
from autodevops.sandbox.cluster.controllers.writes import create, replace_meta
from autodevops.sandbox.cluster.meta import condition_of, controller_of, matches, owner_reference
from autodevops.sandbox.cluster.recorder import Recorder
from autodevops.sandbox.cluster.store import Json, Store, copied, key_of


def from_template(template: Json, owner: Json, name: str = "") -> Json:
    """A pod of the template that `owner` controls; without a name it gets one that begins with its owner's."""
    meta = copied(template.get("metadata") or {})
    meta["namespace"] = owner["metadata"]["namespace"]
    meta["ownerReferences"] = [owner_reference(owner)]
    meta.pop("creationTimestamp", None)
    if name:
        meta["name"] = name
    else:
        meta["generateName"] = f"{owner['metadata']['name']}-"
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": copied(template["spec"])}


def is_terminating(item: Json) -> bool:
    return bool(item["metadata"].get("deletionTimestamp"))


def phase(pod: Json) -> str:
    return str(pod.get("status", {}).get("phase", "Pending"))


def is_active(pod: Json) -> bool:
    """Neither finished nor going."""
    return phase(pod) not in ("Succeeded", "Failed") and not is_terminating(pod)


def ready_since(pod: Json) -> float | None:
    """Epoch seconds since when the pod is ready; None when it is not."""
    ready = condition_of(pod, "Ready")
    if ready is None or ready["status"] != "True":
        return None
    return parse_rfc3339(ready["lastTransitionTime"]) if ready.get("lastTransitionTime") else 0.0


def available_from(pod: Json, min_ready: int) -> float | None:
    """The moment (epoch s) the pod counts as available unless something happens; None when it is not ready."""
    since = ready_since(pod)
    return None if since is None else since + min_ready


def soonest(*moments: float | None) -> float | None:
    return min((moment for moment in moments if moment is not None), default=None)


def claim(store: Store, owner: Json, selector: Any, kind: str = "Pod") -> list[Json]:
    """What `owner` controls after taking orphans its selector matches and letting go of what it no longer matches."""
    uid, mine = owner["metadata"]["uid"], []
    for item in store.items(kind, owner["metadata"]["namespace"]):
        reference = controller_of(item)
        if reference is not None and reference["uid"] != uid:
            continue
        fits = matches(selector, item["metadata"].get("labels") or {})
        if reference is not None and fits:
            mine.append(item)
        elif is_terminating(owner):
            continue
        elif reference is not None:
            others = [one for one in item["metadata"]["ownerReferences"] if one["uid"] != uid]
            replace_meta(store, item, ownerReferences=others or None)
        elif fits and not is_terminating(item):
            others = item["metadata"].get("ownerReferences", [])
            mine.append(replace_meta(store, item, ownerReferences=[*others, owner_reference(owner)]))
    return mine


class PodControl:
    """Makes and deletes pods, and says so in events about their owner."""

    def __init__(self, store: Store, component: str) -> None:
        self._store = store
        self._events = Recorder(store, component)

    def create(self, owner: Json, pod: Json) -> Json:
        """Raises Denied."""
        try:
            made = create(self._store, pod)
        except Denied as error:
            self._events.warning(owner, "FailedCreate", f"Error creating: {error}")
            raise
        self._events.normal(owner, "SuccessfulCreate", f"Created pod: {made['metadata']['name']}")
        return made

    def create_many(self, owner: Json, pods: Sequence[Callable[[], Json]]) -> None:
        """One, then two, then four at a time: a failure ends it before it floods the API server. Raises Denied."""
        done, batch = 0, 1
        while done < len(pods):
            failure: Denied | None = None
            for make in pods[done : done + batch]:
                try:
                    self.create(owner, make())
                except Denied as error:
                    failure = failure or error
            if failure is not None:
                raise failure
            done, batch = done + batch, batch * 2

    def delete(self, owner: Json, pod: Json) -> None:
        self._store.delete(key_of(pod))
        self._events.normal(owner, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")
