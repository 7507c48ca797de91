"""Services, Endpoints and EndpointSlices: who is reached by which name."""

from __future__ import annotations

from collections.abc import Sequence

from autodevops.sandbox.basics.hashing import number, safe_name
from autodevops.sandbox.basics.moments import rfc3339
from autodevops.sandbox.world.objects.meta import metadata, object_uid, owner_reference
from autodevops.sandbox.world.templates import Json, common_labels, selector
from autodevops.sandbox.world.topology import Service
from autodevops.sandbox.world.workloads import History, Pod


def network(histories: Sequence[History], at: float) -> dict[str, list[Json]]:
    """Services, Endpoints and EndpointSlices of all workloads that are called."""
    found: dict[str, list[Json]] = {"services": [], "endpoints": [], "endpointslices": []}
    for history in histories:
        if history.service.kind == "DaemonSet":
            continue
        found["services"].append(_service(history))
        found["endpoints"].append(_endpoints(history, at))
        found["endpointslices"].append(_slice(history, at))
    if histories:
        found["services"].append(_api_server(histories[0].rollouts[0].at))
    return found


def service_name(service: Service) -> str:
    return "kube-dns" if service.name == "coredns" else service.name


def _protocol(service: Service) -> str:
    return "UDP" if service.port == 53 else "TCP"


def _cluster_ip(name: str) -> str:
    if name == "kube-dns":
        return "10.96.0.10"
    value = number("cluster ip", name)
    return f"10.96.{value % 200 + 1}.{value // 200 % 250 + 2}"


def _service(history: History) -> Json:
    service = history.service
    name = service_name(service)
    created = history.rollouts[0].at
    address = _cluster_ip(name)
    port: Json = {
        "name": service.port_name,
        "protocol": _protocol(service),
        "port": service.port,
        "targetPort": service.port_name,
    }
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata("Service", name, service.namespace, created, created, labels=common_labels(service)),
        "spec": {
            "ports": [port],
            "selector": selector(service),
            "clusterIP": address,
            "clusterIPs": [address],
            "type": "ClusterIP",
            "sessionAffinity": "None",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "internalTrafficPolicy": "Cluster",
        },
        "status": {"loadBalancer": {}},
    }


def _api_server(created: float) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(
            "Service",
            "kubernetes",
            "default",
            created,
            created,
            labels={"component": "apiserver", "provider": "kubernetes"},
        ),
        "spec": {
            "ports": [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": 6443}],
            "clusterIP": "10.96.0.1",
            "clusterIPs": ["10.96.0.1"],
            "type": "ClusterIP",
            "sessionAffinity": "None",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "internalTrafficPolicy": "Cluster",
        },
        "status": {"loadBalancer": {}},
    }


def _changed(history: History, at: float) -> float:
    moments = [history.rollouts[0].at]
    for pod in history.pods:
        moments += [pod.created_at, pod.ready_at, pod.deleted_at]
    return max(moment for moment in moments if moment <= at)


def _target(pod: Pod) -> Json:
    return {"kind": "Pod", "namespace": pod.namespace, "name": pod.name, "uid": pod.uid}


def _endpoints(history: History, at: float) -> Json:
    service = history.service
    changed = _changed(history, at)
    name = service_name(service)
    port = {"name": service.port_name, "port": service.port, "protocol": _protocol(service)}
    groups: dict[str, list[Json]] = {"addresses": [], "notReadyAddresses": []}
    for pod in history.pods:
        if pod.exists(at):
            key = "addresses" if pod.ready(at) else "notReadyAddresses"
            groups[key].append({"ip": pod.ip, "nodeName": pod.node, "targetRef": _target(pod)})
    found: Json = {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": metadata(
            "Endpoints",
            name,
            service.namespace,
            history.rollouts[0].at,
            changed,
            labels={**common_labels(service), "endpoints.kubernetes.io/managed-by": "endpoint-controller"},
            annotations={"endpoints.kubernetes.io/last-change-trigger-time": rfc3339(changed)},
        ),
    }
    if any(groups.values()):
        found["subsets"] = [{**{key: items for key, items in groups.items() if items}, "ports": [port]}]
    return found


def _slice(history: History, at: float) -> Json:
    service = history.service
    name = service_name(service)
    owner = owner_reference("v1", "Service", name, object_uid("Service", service.namespace, name))
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata(
            "EndpointSlice",
            f"{name}-{safe_name(5, 'slice', service.namespace, name)}",
            service.namespace,
            history.rollouts[0].at,
            _changed(history, at),
            labels={
                **common_labels(service),
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
                "kubernetes.io/service-name": name,
            },
            owner=owner,
            generation=1,
        ),
        "addressType": "IPv4",
        "endpoints": [
            {
                "addresses": [pod.ip],
                "conditions": {"ready": pod.ready(at), "serving": pod.ready(at), "terminating": False},
                "targetRef": _target(pod),
                "nodeName": pod.node,
            }
            for pod in history.pods
            if pod.exists(at)
        ],
        "ports": [{"name": service.port_name, "port": service.port, "protocol": _protocol(service)}],
    }
