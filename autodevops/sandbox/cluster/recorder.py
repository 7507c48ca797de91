"""Events as client-go's recorder writes them: the same thing said again counts up instead of standing there twice."""

from __future__ import annotations

from autodevops.sandbox.basics.hashing import digest
from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.cluster.kinds import KINDS
from autodevops.sandbox.cluster.store import Json, Key, Store

KEPT = 3600.0  # seconds an API server keeps an event after it was last written


class Recorder:
    """Writes events for one component, such as `default-scheduler`, or `kubelet` on a host."""

    def __init__(self, store: Store, component: str, host: str = "") -> None:
        self._store, self._component, self._host = store, component, host

    def normal(self, about: Json, reason: str, message: str, field: str = "", times: int = 1) -> None:
        """`times`: how often it happened since it was last written."""
        self._write(about, "Normal", reason, message, field, times)

    def warning(self, about: Json, reason: str, message: str, field: str = "", times: int = 1) -> None:
        """`times`: how often it happened since it was last written."""
        self._write(about, "Warning", reason, message, field, times)

    def _write(self, about: Json, kind: str, reason: str, message: str, field: str, times: int) -> None:
        meta, now = about["metadata"], self._store.now
        # Node events live in `default`, as those of all cluster-scoped objects.
        namespace = meta.get("namespace") or "default"
        name = f"{meta['name']}.{digest('event', meta['uid'], kind, reason, message, field, self._component, size=8)}"
        known = self._store.get("Event", namespace, name)
        if known is not None and now - self._store.history(Key("Event", namespace, name))[-1].at <= KEPT:

            def again(event: Json) -> None:
                event["count"] += times
                event["lastTimestamp"] = rfc3339(now)

            self._store.edit(Key("Event", namespace, name), again)
            return
        if known is not None:
            self._store.remove(Key("Event", namespace, name))
        involved: Json = {
            "kind": about["kind"],
            "name": meta["name"],
            "uid": meta["uid"],
            "apiVersion": KINDS[about["kind"]].api_version,
            "resourceVersion": meta.get("resourceVersion", ""),
        }
        if meta.get("namespace"):
            involved["namespace"] = meta["namespace"]
        if field:
            involved["fieldPath"] = field
        self._store.create(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": namespace},
                "involvedObject": involved,
                "reason": reason,
                "message": message,
                "source": {"component": self._component, **({"host": self._host} if self._host else {})},
                "firstTimestamp": rfc3339(now),
                "lastTimestamp": rfc3339(now),
                "count": times,
                "type": kind,
                "eventTime": None,
                "reportingComponent": self._component,
                "reportingInstance": self._host,
            }
        )
