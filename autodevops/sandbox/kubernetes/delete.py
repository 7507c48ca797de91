"""DELETE of an object or a collection.

What depends on an object is the garbage collector's business: deletion only leaves it the finalizers
`foregroundDeletion` and `orphan`. A pod's end is its kubelet's, a namespace's content the namespace controller's.
"""

from __future__ import annotations

from typing import Any

from autodevops.sandbox.basics.moments import parse_rfc3339, rfc3339
from autodevops.sandbox.cluster.store import Json, Key, copied, key_of
from autodevops.sandbox.kubernetes.call import Call
from autodevops.sandbox.kubernetes.conversion import as_served
from autodevops.sandbox.kubernetes.reads import listed, parse_query
from autodevops.sandbox.kubernetes.status import bad_request, conflict, forbidden, invalid, success
from autodevops.sandbox.kubernetes.validation.faults import unsupported, wrong
from autodevops.sandbox.kubernetes.writes import precondition

_SHOWN = {"PersistentVolume", "PersistentVolumeClaim", "Pod", "ResourceQuota", "Service", "ServiceAccount"}
"""Kinds whose deletion answers with the object instead of a Status."""
_ORPHANS = {"Job", "ReplicationController"}
"""Kinds whose dependents stay when nobody says anything."""
_KEPT_NAMESPACES = ("default", "kube-system", "kube-public")


def delete(call: Call) -> Json:
    """What is left of the object, or the Status of its going. Raises Refused."""
    return delete_with(call, _options(call), call.current())


def delete_collection(call: Call) -> Json:
    """Delete what a list would show; returns the list as it was. Raises Refused."""
    options, found = _options(call), listed(call)
    for item in parse_query(call).items(call.store):
        stored = call.store.get(call.resource.stored, item["metadata"].get("namespace", ""), item["metadata"]["name"])
        if stored is not None:
            delete_with(call, options, stored)
    return found


def delete_with(call: Call, options: Json, item: Json) -> Json:
    """Delete one object. Raises Refused."""
    key = key_of(item)
    if why := precondition(item, options.get("preconditions") or {}):
        raise conflict(call.resource, key.name, why)
    dry_run = call.dry_run(options)
    if key.kind == "Namespace":
        return _namespace(call, item, dry_run=dry_run)
    finalizers = _finalizers(call, options, item)
    grace = options.get("gracePeriodSeconds")
    if dry_run:
        return as_served(call.resource, item) if key.kind in _SHOWN else _gone(call, item)
    if finalizers != (item["metadata"].get("finalizers") or []):

        def mark(found: Json) -> None:
            found["metadata"]["finalizers"] = finalizers

        call.store.edit(key, mark)
    left = call.store.delete(key, None if grace is None else float(grace))
    if left is not None and key.kind == "Pod" and grace is not None:
        left = _sooner(call, key, left, int(grace))
    if left is None:
        return as_served(call.resource, item) if key.kind in _SHOWN else _gone(call, item)
    return as_served(call.resource, left)


def _sooner(call: Call, key: Key, pod: Json, grace: int) -> Json:
    """A second deletion may shorten the time a pod has, not lengthen it."""
    end = call.now + grace
    if parse_rfc3339(pod["metadata"]["deletionTimestamp"]) <= end:
        return pod

    def mark(found: Json) -> None:
        found["metadata"] |= {"deletionTimestamp": rfc3339(end), "deletionGracePeriodSeconds": grace}

    return call.store.edit(key, mark) or pod


def _gone(call: Call, item: Json) -> Json:
    return success(call.resource, item["metadata"]["name"], item["metadata"]["uid"])


def _options(call: Call) -> Json:
    """DeleteOptions out of the body or the query. Raises Refused (400, 422)."""
    document: Any = call.document()
    if not isinstance(document, dict):
        raise bad_request("the object provided is unrecognized (must be of type DeleteOptions)")
    options: Json = dict(document)
    for name in ("propagationPolicy", "orphanDependents", "gracePeriodSeconds"):
        if name in call.parameters and options.get(name) is None:
            text = call.parameters[name]
            options[name] = (
                call.whole(name) if name == "gracePeriodSeconds" else text == "true" if name[0] == "o" else text
            )
    policy, grace = options.get("propagationPolicy"), options.get("gracePeriodSeconds")
    faults = []
    if policy is not None and options.get("orphanDependents") is not None:
        faults.append(wrong("propagationPolicy", policy, "orphanDependents and deletionPropagation cannot be both set"))
    if policy not in (None, "", "Foreground", "Background", "Orphan"):
        faults.append(unsupported("propagationPolicy", policy, ("Foreground", "Background", "Orphan", "nil")))
    if grace is not None and (isinstance(grace, bool) or not isinstance(grace, int) or grace < 0):
        faults.append(wrong("gracePeriodSeconds", grace, "must be greater than or equal to 0"))
    if faults:
        raise invalid(call.resource, call.name, faults)
    return options


def _finalizers(call: Call, options: Json, item: Json) -> list[str]:
    """The object's finalizers with the one the propagation policy asks for."""
    policy = options.get("propagationPolicy") or ""
    if options.get("orphanDependents") is not None:
        policy = "Orphan" if options["orphanDependents"] else "Background"
    found = [*(item["metadata"].get("finalizers") or ())]
    kind = item["kind"]
    if not policy and not item["metadata"].get("deletionTimestamp"):
        policy = "Orphan" if kind in _ORPHANS and "orphan" not in found else ""
        if kind == "Job":
            call.warnings.append(
                "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove "
                "them or set propagationPolicy=Orphan to suppress this warning"
            )
    if policy:
        wanted = {"Orphan": "orphan", "Foreground": "foregroundDeletion"}.get(policy)
        found = [one for one in found if one not in ("orphan", "foregroundDeletion")]
        if wanted:
            found.append(wanted)
    return found


def _namespace(call: Call, item: Json, *, dry_run: bool) -> Json:
    name, meta = item["metadata"]["name"], item["metadata"]
    if name in _KEPT_NAMESPACES:
        raise forbidden(call.resource, name, "this namespace may not be deleted")
    if meta.get("deletionTimestamp") and (item.get("spec") or {}).get("finalizers"):
        raise conflict(
            call.resource,
            name,
            "The system is ensuring all content is removed from this namespace.  Upon completion, this namespace will "
            "automatically be purged by the system.",
        )
    found: Json = copied(item)
    found["metadata"].setdefault("deletionTimestamp", rfc3339(call.now))
    found["status"] = {**(found.get("status") or {}), "phase": "Terminating"}
    if dry_run:
        return found
    if not (item.get("spec") or {}).get("finalizers") and not meta.get("finalizers"):
        call.store.remove(key_of(item))
        return _gone(call, item)
    return call.store.update(found)
