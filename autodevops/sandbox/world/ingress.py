"""How requests from outside reach the entry: the Ingress, its Service, and the pods behind it."""

from __future__ import annotations

from typing import Any

from autodevops.sandbox.cluster.network import Listens, resolve
from autodevops.sandbox.cluster.views import View
from autodevops.sandbox.world.faults.effects import Outage
from autodevops.sandbox.world.links import Link
from autodevops.sandbox.world.topology import Topology

_CONTROLLER = {"metadata": {"name": "ingress", "namespace": "ingress-nginx", "labels": {}}, "spec": {}}
"""Who the ingress controller is, as far as policies can tell."""


def entry_link(topology: Topology, view: View, outages: tuple[Outage, ...], listens: Listens) -> Link:
    """Where the topology's Ingress leads. Without one, customers reach the entry's Service themselves."""
    namespace = topology.namespace
    service = topology.by_name[topology.entry]
    name, port = service.name, service.port
    ingresses = view.items("Ingress", namespace)
    if ingresses:
        classes = {str(one["metadata"]["name"]) for one in view.items("IngressClass", "")}
        backend = _backend([one for one in ingresses if one["spec"].get("ingressClassName", "") in classes | {""}])
        if backend is None:
            return Link("refused", name, port, error="404 Not Found: no ingress rule matches")
        name = str(backend["name"])
        found = view.get("Service", namespace, name)
        wanted = backend.get("port", {})
        ports = (found or {}).get("spec", {}).get("ports", ())
        match = next((one for one in ports if wanted in ({"name": one.get("name")}, {"number": one["port"]})), None)
        if match is None:
            return Link("refused", name, port, error=f"503 Service Temporarily Unavailable: no port of Service {name}")
        port = int(match["port"])
    route = resolve(view, _CONTROLLER, f"{name}.{namespace}", port, "TCP", listens)
    good = tuple(str(one.pod["metadata"]["uid"]) for one in route.backends if not one.failure and one.pod is not None)
    if not good:
        return Link("refused", name, port, error=f"503 Service Temporarily Unavailable: {name}")
    loss = max((o.amount for o in outages if o.what == "link" and o.target == topology.entry and not o.to), default=0.0)
    return Link("ok", name, port, good, loss=loss)


def _backend(ingresses: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The Service behind `/` of the first rule that has one."""
    for item in sorted(ingresses, key=lambda one: str(one["metadata"]["name"])):
        spec = item["spec"]
        for rule in spec.get("rules") or ():
            for path in rule.get("http", {}).get("paths", ()):
                if str(path.get("path", "/")) == "/":
                    backend: dict[str, Any] | None = path["backend"].get("service")
                    return backend
        if "defaultBackend" in spec:
            default: dict[str, Any] | None = spec["defaultBackend"].get("service")
            return default
    return None
