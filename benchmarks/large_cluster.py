"""A made-up cluster of any size that answers on loopback as an API server and a Prometheus do.

It is for measuring our own time. One Deployment's image does not exist, so that its pods wait and its callers'
requests fail; all else is well. Objects are as large as real ones (managed fields, probes, environment, the token's
volume). Nothing here is clever: what it answers is made once and sent again, because it is not what is measured.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

NOW = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
NAMESPACE = "big"
CULPRIT = "service-7"
_FAMILY = "http_server_request_duration_seconds"
_GROUPS: Mapping[str, Mapping[str, str]] = {
    "": {
        "pods": "Pod", "services": "Service", "nodes": "Node", "namespaces": "Namespace", "events": "Event",
        "persistentvolumeclaims": "PersistentVolumeClaim", "configmaps": "ConfigMap", "secrets": "Secret",
        "resourcequotas": "ResourceQuota", "limitranges": "LimitRange", "serviceaccounts": "ServiceAccount",
    },
    "apps": {
        "deployments": "Deployment", "replicasets": "ReplicaSet", "statefulsets": "StatefulSet",
        "daemonsets": "DaemonSet",
    },
    "batch": {"jobs": "Job", "cronjobs": "CronJob"},
    "networking.k8s.io": {"networkpolicies": "NetworkPolicy", "ingresses": "Ingress"},
    "autoscaling": {"horizontalpodautoscalers": "HorizontalPodAutoscaler"},
    "policy": {"poddisruptionbudgets": "PodDisruptionBudget"},
    "storage.k8s.io": {"storageclasses": "StorageClass"},
}  # fmt: skip
_VERSIONS = {"autoscaling": "v2"}
_CLUSTER_WIDE = {"Node", "Namespace", "StorageClass"}


def create_app(services: int, replicas: int, culprit: str = CULPRIT) -> Starlette:
    """The API server under /, Prometheus under /prometheus."""
    kinds = _objects(services, replicas, culprit)

    by_name = {plural: {_name(item): item for item in found} for plural, found in kinds.items()}

    def listed(request: Request) -> Response:
        plural, namespace = request.path_params["plural"], request.path_params.get("namespace", NAMESPACE)
        found = kinds.get(plural, []) if namespace == NAMESPACE else []
        start = int(request.query_params.get("continue") or 0)
        limit = int(request.query_params.get("limit") or len(found) or 1)
        page = found[start : start + limit]
        if "PartialObjectMetadataList" in request.headers["accept"]:
            page = [json.dumps({"metadata": {"name": _name(item)}}) for item in page]
        return Response(_page(plural, start, limit, tuple(page), len(found)), media_type=_JSON)

    def one(request: Request) -> Response:
        plural, name = request.path_params["plural"], request.path_params["name"]
        item = by_name.get(plural, {}).get(name)
        if item is None and plural != "namespaces":
            return JSONResponse({"kind": "Status", "message": f"{plural} {name} not found"}, status_code=404)
        return JSONResponse({"kind": _kind_of(plural), **(json.loads(item) if item else {"metadata": {"name": name}})})

    def logs(_request: Request) -> Response:
        return Response("")

    def discovery(core: bool) -> Any:
        return lambda _request: JSONResponse(_discovery(core), media_type=_DISCOVERY)

    names = [f"service-{index}" for index in range(services)]
    lists = [
        Route(f"{root}{scope}/{{plural}}", listed)
        for root in ("/api/{version}", "/apis/{group}/{version}")
        for scope in ("", "/namespaces/{namespace}")
    ]
    return Starlette(
        routes=[
            Route("/api", discovery(True)),
            Route("/apis", discovery(False)),
            Route("/version", lambda _request: JSONResponse({"gitVersion": "v1.34.0", "major": "1", "minor": "34"})),
            Route("/api/v1/{plural}/{name}", one),
            *lists,
            Route("/api/v1/namespaces/{namespace}/pods/{name}/log", logs),
            Route("/api/{version}/namespaces/{namespace}/{plural}/{name}", one),
            Route("/apis/{group}/{version}/namespaces/{namespace}/{plural}/{name}", one),
            *_prometheus(names, culprit),
        ]
    )


def _kind_of(plural: str) -> str:
    return next(group[plural] for group in _GROUPS.values() if plural in group)


def _name(item: str) -> str:
    return str(json.loads(item)["metadata"]["name"])


_JSON = "application/json"
_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def _page(plural: str, start: int, limit: int, items: tuple[str, ...], total: int) -> str:
    after = start + len(items)
    metadata = {"resourceVersion": "1"}
    if after < total:
        metadata |= {"continue": str(after)}
    kind, inside = _kind_of(plural), ",".join(items)
    return f'{{"kind":"{kind}List","apiVersion":"v1","metadata":{json.dumps(metadata)},"items":[{inside}]}}'


def _discovery(core: bool) -> dict[str, Any]:
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "items": [
            {
                "metadata": {"name": group},
                "versions": [
                    {
                        "version": _VERSIONS.get(group, "v1"),
                        "resources": [
                            {
                                "resource": plural,
                                "responseKind": {"kind": kind},
                                "scope": "Cluster" if kind in _CLUSTER_WIDE else "Namespaced",
                                "singularResource": kind.lower(),
                                "verbs": ["get", "list"],
                            }
                            for plural, kind in kinds.items()
                        ],
                    }
                ],
            }
            for group, kinds in _GROUPS.items()
            if (group == "") is core
        ],
    }


# --- objects ---


def _objects(services: int, replicas: int, culprit: str) -> dict[str, list[str]]:
    """JSON texts by plural."""
    found: dict[str, list[Any]] = {
        "nodes": [_node(index) for index in range(max(3, services * replicas // 25))],
        "deployments": [], "replicasets": [], "pods": [], "services": [], "events": [],
    }  # fmt: skip
    nodes = len(found["nodes"])
    for index in range(services):
        name = f"service-{index}"
        broken = name == culprit
        found["deployments"].append(_deployment(name, replicas, broken))
        found["replicasets"].append(_replica_set(name, replicas))
        found["services"].append(
            {
                "metadata": _metadata(name),
                "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
            }
        )
        pods = [_pod(name, number, (index * replicas + number) % nodes, broken) for number in range(replicas)]
        found["pods"] += pods
        if broken:
            found["events"] += [_event(pod["metadata"]["name"], _image(name)) for pod in pods]
    return {plural: [json.dumps(item) for item in items] for plural, items in found.items()}


def _metadata(name: str, *, kind: str = "", owner: str = "", labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": name,
        "namespace": NAMESPACE,
        "uid": f"00000000-0000-4000-8000-{abs(hash(name)) % 10**12:012d}",
        "resourceVersion": "8231773",
        "creationTimestamp": _ago(timedelta(days=3)),
        "labels": dict(labels or {}),
        "managedFields": [
            {
                "manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
                "time": _ago(timedelta(days=3)), "fieldsType": "FieldsV1",
                "fieldsV1": {f"f:field-{n}": {".": {}, "f:name": {}, "f:value": {}} for n in range(25)},
            }
        ],
    }  # fmt: skip
    if owner:
        made["ownerReferences"] = [
            {"apiVersion": "apps/v1", "kind": kind, "name": owner, "uid": "1", "controller": True}
        ]
    return made


def _image(name: str) -> str:
    return f"registry.example/{name}:4.2.0"


def _spec(name: str) -> dict[str, Any]:
    probe = {
        "httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"},
        "periodSeconds": 10,
        "timeoutSeconds": 1,
    }
    index = int(name.rsplit("-", 1)[1])
    called = {"CALLS_URL": f"http://service-{index // 3}:80"} if index else {}
    env = {f"SETTING_{n}": f"value {n} of {name}" for n in range(12)} | called
    return {
        "containers": [
            {
                "name": "app",
                "image": _image(name),
                "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
                "env": [{"name": key, "value": value} for key, value in env.items()],
                "resources": {
                    "limits": {"cpu": "1", "memory": "512Mi"},
                    "requests": {"cpu": "250m", "memory": "256Mi"},
                },
                "readinessProbe": probe,
                "livenessProbe": probe,
                "volumeMounts": [{"name": "kube-api-access", "mountPath": "/var/run/secrets", "readOnly": True}],
                "imagePullPolicy": "IfNotPresent",
            }
        ],
        "serviceAccountName": "default",
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
    }


def _template(name: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": name}}, "spec": _spec(name)}


def _deployment(name: str, replicas: int, broken: bool) -> dict[str, Any]:
    ready = 0 if broken else replicas
    available = {"type": "Available", "status": "False" if broken else "True", "reason": "MinimumReplicasUnavailable"}
    metadata = _metadata(name)
    metadata["annotations"] = {"deployment.kubernetes.io/revision": "1"}
    return {
        "metadata": metadata,
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": _template(name)},
        "status": {
            "replicas": replicas, "availableReplicas": ready, "readyReplicas": ready,
            "conditions": [available | {"lastTransitionTime": _ago(timedelta(minutes=20))}],
        },
    }  # fmt: skip


def _replica_set(name: str, replicas: int) -> dict[str, Any]:
    metadata = _metadata(f"{name}-7d9fbc5c9b", kind="Deployment", owner=name)
    metadata["annotations"] = {"deployment.kubernetes.io/revision": "1"}
    return {"metadata": metadata, "spec": {"replicas": replicas, "template": _template(name)}, "status": {}}


def _pod(name: str, number: int, node: int, broken: bool) -> dict[str, Any]:
    owner = f"{name}-7d9fbc5c9b"
    alphabet = "bcdfghjklmnpqrstvwxz2456789"
    suffix = "".join(alphabet[(number // 27**power) % 27] for power in range(5))
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{_image(name)}"'}}
    state: dict[str, Any] = waiting if broken else {"running": {"startedAt": _ago(timedelta(days=3))}}
    volume = {"name": "kube-api-access", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
    since = _ago(timedelta(minutes=20) if broken else timedelta(days=3))
    return {
        "metadata": _metadata(f"{owner}-{suffix}", kind="ReplicaSet", owner=owner, labels={"app": name}),
        "spec": _spec(name) | {"nodeName": f"node-{node}", "volumes": [volume]},
        "status": {
            "phase": "Pending" if broken else "Running",
            "podIP": f"10.{node % 250}.{number}.7",
            "conditions": [
                {"type": kind, "status": "False" if broken and "eady" in kind else "True", "lastTransitionTime": since}
                for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
            ],
            "containerStatuses": [
                {
                    "name": "app", "image": _image(name), "imageID": f"{_image(name)}@sha256:{'0' * 64}",
                    "containerID": f"containerd://{'1' * 64}", "restartCount": 0, "ready": not broken, "state": state,
                    "lastState": {},
                }
            ],
        },
    }  # fmt: skip


def _event(pod: str, image: str) -> dict[str, Any]:
    return {
        "metadata": {"name": f"{pod}.17", "namespace": NAMESPACE, "creationTimestamp": _ago(timedelta(minutes=20))},
        "involvedObject": {"kind": "Pod", "namespace": NAMESPACE, "name": pod},
        "reason": "Failed", "type": "Warning", "count": 8,
        "message": f'Failed to pull image "{image}": rpc error: code = NotFound desc = failed to pull and unpack image '
        f'"{image}": failed to resolve reference "{image}": {image}: not found',
        "firstTimestamp": _ago(timedelta(minutes=20)), "lastTimestamp": _ago(timedelta(minutes=1)),
    }  # fmt: skip


def _node(index: int) -> dict[str, Any]:
    metadata = _metadata(f"node-{index}", labels={"kubernetes.io/hostname": f"node-{index}"})
    del metadata["namespace"]
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastTransitionTime": _ago(timedelta(days=9))}
    return {
        "metadata": metadata,
        "spec": {},
        "status": {"conditions": [ready], "allocatable": {"cpu": "16", "memory": "64Gi", "pods": "110"}},
    }


def _ago(before: timedelta) -> str:
    return (NOW - before).isoformat().replace("+00:00", "Z")


# --- Prometheus ---


def _prometheus(names: list[str], culprit: str) -> list[Route]:
    def success(data: Any) -> Response:
        return JSONResponse({"status": "success", "data": data})

    async def parameters(request: Request) -> Mapping[str, Any]:
        return {**request.query_params, **(await request.form() if request.method == "POST" else {})}

    async def instant(request: Request) -> Response:
        query = str((await parameters(request))["query"])
        rows: list[dict[str, str]] = []
        if query.startswith("count by") and _FAMILY in query:
            codes = "http_response_status_code" in query.split(") (", 1)[0]
            rows = (
                [{"http_response_status_code": c} for c in ("200", "500")] if codes else [{"service": n} for n in names]
            )
        return success(
            {"resultType": "vector", "result": [{"metric": r, "value": [NOW.timestamp(), "1"]} for r in rows]}
        )

    async def ranged(request: Request) -> Response:
        asked = await parameters(request)
        start, end, step = (float(asked[key]) for key in ("start", "end", "step"))
        kind = _kind(str(asked["query"]))
        series = _series(names, kind, culprit, start, end, step) if kind else []
        return success({"resultType": "matrix", "result": list(series)})

    async def label_values(_request: Request) -> Response:
        return success([f"{_FAMILY}_{part}" for part in ("bucket", "count", "sum")])

    async def nothing(_request: Request) -> Response:
        return success([])

    async def no_alerts(_request: Request) -> Response:
        return success({"alerts": []})

    root = "/prometheus/api/v1"
    return [
        Route(f"{root}/query", instant, methods=["GET", "POST"]),
        Route(f"{root}/query_range", ranged, methods=["GET", "POST"]),
        Route(f"{root}/label/__name__/values", label_values),
        Route(f"{root}/alerts", no_alerts),
        Route(f"{root}/{{rest:path}}", nothing, methods=["GET", "POST"]),
    ]


def _kind(query: str) -> str:
    if _FAMILY not in query:
        return ""
    return "latency" if "histogram_quantile" in query else "ratio" if "5.." in query else "rate"


def _series(
    names: list[str], kind: str, culprit: str, start: float, end: float, step: float
) -> Iterator[dict[str, Any]]:
    times = [start + step * index for index in range(int((end - start) / step) + 1)]
    callers = _callers(culprit) if culprit else set()
    for index, name in enumerate(names):
        values = [_value(kind, index, at, failing=name in callers) for at in times]
        yield {"metric": {"service": name}, "values": [[at, v] for at, v in zip(times, values, strict=True)]}


def _callers(culprit: str) -> set[str]:
    """As `_spec` has them configured."""
    index = int(culprit.rsplit("-", 1)[1])
    return {f"service-{3 * index + extra}" for extra in range(3)} - {culprit}


@cache
def _noise(index: int, at: float) -> float:
    return ((index * 7919 + int(at)) * 2654435761 % 2**32) / 2**31 - 1.0


def _value(kind: str, index: int, at: float, *, failing: bool) -> str:
    noise = _noise(index, at)
    if kind == "rate":
        return f"{20 + index % 30 + noise:.4f}"
    if kind == "latency":
        return f"{0.05 + 0.01 * (index % 7) + 0.003 * noise:.4f}"
    trouble = failing and at > (NOW - timedelta(minutes=20)).timestamp()
    return f"{(0.4 if trouble else 0.001) * (1 + 0.1 * noise):.5f}"
