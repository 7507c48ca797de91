"""What the API server adds to a Job: labels and a selector of its own, so that it never takes another's pods."""

from __future__ import annotations

from autodevops.sandbox.cluster.store import Json, Store, key_of

_UID, _NAME = "controller-uid", "job-name"


def set_selector(store: Store, item: Json) -> None:
    """Give a Job without `manualSelector` its uid, and its pods the labels it finds them by."""
    spec, meta = item["spec"], item["metadata"]
    if spec.get("manualSelector"):
        return
    own = meta.setdefault("uid", store.next_uid(key_of(item)))
    labels = spec.setdefault("template", {}).setdefault("metadata", {}).setdefault("labels", {})
    for prefix in ("batch.kubernetes.io/", ""):
        labels |= {f"{prefix}{_UID}": own, f"{prefix}{_NAME}": meta["name"]}
    spec.setdefault("selector", {}).setdefault("matchLabels", {})[f"batch.kubernetes.io/{_UID}"] = own
