"""POST pods/eviction: a deletion that a PodDisruptionBudget may refuse; budgets are `controllers/disruption.py`'s."""

from __future__ import annotations

from autodevops.sandbox.cluster.controllers.disruption import EvictionDenied, may_evict
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes.call import Call
from autodevops.sandbox.kubernetes.delete import delete_with
from autodevops.sandbox.kubernetes.status import Refused, bad_request


def evict(call: Call) -> Json:
    """The Status of an eviction. Raises Refused, 429 when a budget has nothing left."""
    document = call.document()
    if not isinstance(document, dict) or document.get("kind", "Eviction") != "Eviction":
        raise bad_request("the object provided is unrecognized (must be of type Eviction)")
    if (document.get("metadata") or {}).get("name", call.name) != call.name:
        raise bad_request("name in URL does not match name in Eviction object")
    options = document.get("deleteOptions") or {}
    pod = call.current()
    denied = may_evict(call.store, pod, dry_run=call.dry_run(options))
    if denied is not None:
        details: Json = {}
        if isinstance(denied, EvictionDenied):
            details["causes"] = [*denied.causes]
            if denied.retry_after:
                details["retryAfterSeconds"] = denied.retry_after
        raise Refused(denied.code, denied.reason, str(denied), details)
    delete_with(call, options, pod)
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
