"""metrics.k8s.io, which metrics-server answers behind the API server: what pods and nodes use right now."""

from __future__ import annotations

from collections.abc import Iterable

from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.cluster.store import Json
from autodevops.sandbox.kubernetes.call import Call
from autodevops.sandbox.kubernetes.selectors import label_selector
from autodevops.sandbox.kubernetes.status import Refused

_WINDOW = 15  # seconds between two scrapes of metrics-server


def usage(call: Call) -> Json:
    """A PodMetrics or NodeMetrics, or a list of them. Raises Refused, 503 while metrics-server is down."""
    if not call.served.cluster.surroundings.component("metrics-server", call.now):
        raise Refused(503, "ServiceUnavailable", "the server is currently unable to handle the request")
    test = label_selector(call.parameters.get("labelSelector", ""))
    kind = "Pod" if call.resource.kind == "PodMetrics" else "Node"
    measure = _pod if kind == "Pod" else _node
    items = sorted(call.store.items(kind, call.namespace), key=_key)
    found = [one for item in items if test(item) and (one := measure(call, item)) is not None]
    if not call.name:
        api_version = call.resource.api_version
        return {"kind": f"{call.resource.kind}List", "apiVersion": api_version, "metadata": {}, "items": found}
    for one in found:
        if one["metadata"]["name"] == call.name:
            return {"kind": call.resource.kind, "apiVersion": call.resource.api_version, **one}
    where = f"{call.namespace}/{call.name}" if call.namespace else call.name
    details = {"name": where, "group": call.resource.group, "kind": call.resource.plural}
    raise Refused(404, "NotFound", f'{call.resource.singular}s.metrics.k8s.io "{where}" not found', details)


def _pod(call: Call, pod: Json) -> Json | None:
    if (pod.get("status") or {}).get("phase") != "Running":
        return None
    cores, memory = _used(call, pod)
    if cores is None and memory is None:
        return None
    containers = pod["spec"]["containers"]
    share = 1 / len(containers)
    names = [one["name"] for one in containers]
    usages = [{"name": name, "usage": _amounts((cores or 0.0) * share, (memory or 0.0) * share)} for name in names]
    return {**_head(call, pod), "containers": usages}


def _node(call: Call, node: Json) -> Json | None:
    name = node["metadata"]["name"]
    if not call.served.cluster.surroundings.node(name, call.now).kubelet:
        return None
    pods = [one for one in call.store.items("Pod") if (one.get("spec") or {}).get("nodeName") == name]
    used = [_used(call, pod) for pod in pods if (pod.get("status") or {}).get("phase") == "Running"]
    cores, memory = _sum(one for one, _ in used), _sum(one for _, one in used)
    return {**_head(call, node), "usage": _amounts(cores, memory)}


def _used(call: Call, pod: Json) -> tuple[float | None, float | None]:
    surroundings = call.served.cluster.surroundings
    return surroundings.cpu(pod, call.now), surroundings.memory(pod, call.now)


def _sum(values: Iterable[float | None]) -> float:
    return sum(one for one in values if one is not None)


def _amounts(cores: float, memory: float) -> Json:
    return {"cpu": f"{round(cores * 1e9)}n", "memory": f"{round(memory / 1024)}Ki"}


def _head(call: Call, item: Json) -> Json:
    meta = {name: item["metadata"][name] for name in ("name", "namespace", "labels") if name in item["metadata"]}
    at = call.now - call.now % _WINDOW
    return {
        "metadata": {**meta, "creationTimestamp": rfc3339(call.now)},
        "timestamp": rfc3339(at),
        "window": f"{_WINDOW}s",
    }


def _key(item: Json) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]
