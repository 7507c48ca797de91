"""A small Kubernetes API server for error cases and odd objects: discovery of both kinds, lists, logs, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

CREATED = "2026-11-24T03:00:00Z"


def meta(name: str, namespace: str = "shop", **more: Any) -> dict[str, Any]:
    return {"name": name, "namespace": namespace, "creationTimestamp": CREATED, "uid": f"uid-{name}", **more}


def template(image: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": "cart"}}, "spec": {"containers": [{"name": "main", "image": image}]}}


def replica_set(name: str, revision: int, image: str, owner: str = "uid-cart") -> dict[str, Any]:
    annotations = {"deployment.kubernetes.io/revision": str(revision), "kubernetes.io/change-cause": f"to {image}"}
    return {
        "metadata": meta(name, annotations=annotations, ownerReferences=[{"kind": "Deployment", "uid": owner}]),
        "spec": {"template": template(image)},
        "status": {"replicas": revision, "readyReplicas": 1},
    }


OBJECTS: dict[str, list[dict[str, Any]]] = {
    "api/v1/namespaces": [{"metadata": {"name": name}} for name in ("shop", "shipping", "kube-system")],
    "api/v1/pods": [
        {
            "metadata": meta(
                f"cart-{n}",
                managedFields=[{"manager": "x", "time": "2026-11-24T01:00:00Z", "fieldsV1": {"f:spec": {}}}],
                annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}", "kept": "yes"},
            ),
            "spec": {"containers": None},
        }
        for n in range(5)
    ],
    "api/v1/secrets": [
        {
            "metadata": meta(
                "db", annotations={"kubectl.kubernetes.io/last-applied-configuration": '{"stringData":{"p":"s3cr3t"}}'}
            ),
            "data": {"password": "czNjcjN0"},
            "stringData": {"plain": "s3cr3t"},
        }
    ],
    "api/v1/events": [
        {"metadata": meta("old"), "lastTimestamp": "2026-11-24T01:00:00Z", "reason": "Old"},
        {"metadata": meta("new"), "lastTimestamp": None, "eventTime": "2026-11-24T02:00:00.5Z", "reason": "New"},
    ],
    "apis/apps/v1/deployments": [
        {
            "metadata": meta("cart"),
            "spec": {
                "selector": {"matchLabels": {"app": "cart"}, "matchExpressions": [{"key": "t", "operator": "Exists"}]}
            },
        }
    ],
    "apis/apps/v1/replicasets": [
        replica_set("cart-9", 9, "shop/cart:1"),
        replica_set("cart-10", 10, "shop/cart:2"),
        replica_set("other-1", 1, "shop/other:1", owner="uid-other"),
    ],
    "apis/apps/v1/statefulsets": [
        {
            "metadata": meta("db"),
            "spec": {"selector": {"matchLabels": {"app": "db"}}},
            "status": {"updateRevision": "db-2", "updatedReplicas": 3},
        }
    ],
    "apis/apps/v1/controllerrevisions": [
        {
            "metadata": meta(f"db-{n}", ownerReferences=[{"uid": "uid-db"}]),
            "revision": n,
            "data": {"spec": {"template": template(f"db:{n}")}},
        }
        for n in (1, 2)
    ],
    "apis/example.org/v1/widgets": [{"metadata": meta("w1")}],
}

KINDS = [  # group, version, plural, kind, namespaced, short names
    ("", "v1", "namespaces", "Namespace", False, ["ns"]),
    ("", "v1", "pods", "Pod", True, ["po"]),
    ("", "v1", "secrets", "Secret", True, []),
    ("", "v1", "events", "Event", True, ["ev"]),
    ("apps", "v1", "deployments", "Deployment", True, ["deploy"]),
    ("apps", "v1", "replicasets", "ReplicaSet", True, ["rs"]),
    ("apps", "v1", "statefulsets", "StatefulSet", True, ["sts"]),
    ("apps", "v1", "controllerrevisions", "ControllerRevision", True, []),
    ("example.org", "v1", "widgets", "Widget", True, ["wd"]),
    ("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", True, []),
]
NAMESPACES = {item["metadata"]["name"] for item in OBJECTS["api/v1/namespaces"]}


def status(code: int, message: str) -> Response:
    return JSONResponse(
        {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}, code
    )


class Cluster:
    """`aggregated` is how clusters since 1.27 answer discovery; others answer group by group."""

    def __init__(self, *, aggregated: bool = True, token: str = "good") -> None:
        self.aggregated = aggregated
        self.token = token
        self.forbidden: set[str] = set()
        self.requests: list[str] = []
        self.app = Starlette(routes=[Route("/{path:path}", self.answer)])

    async def answer(self, request: Request) -> Response:
        path = request.path_params["path"]
        self.requests.append(f"{path}?{request.url.query}")
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return status(401, "Unauthorized")
        if path in self.forbidden:
            return status(403, f'{path} is forbidden: User "dev" cannot get it')
        if path in ("api", "apis") or path == "api/v1" or path in ("apis/apps/v1", "apis/example.org/v1"):
            return self.discovery(path, request)
        if path == "apis/metrics.k8s.io/v1beta1":
            return status(503, "the server is currently unable to handle the request")
        return self.resource(path, request)

    def discovery(self, path: str, request: Request) -> Response:
        if path in ("api", "apis") and self.aggregated and "APIGroupDiscoveryList" in request.headers["accept"]:
            groups: dict[str, list[Any]] = {}
            for group, version, plural, kind, namespaced, short in KINDS:
                if (group == "") == (path == "api"):
                    resource = {
                        "resource": plural,
                        "responseKind": {"kind": kind},
                        "scope": "Namespaced" if namespaced else "Cluster",
                        "singularResource": kind.lower(),
                        "shortNames": short,
                        "verbs": ["get", "list"],
                    }
                    groups.setdefault(f"{group} {version}", []).append(resource)
            items = [
                {
                    "metadata": {"name": key.split(" ")[0]},
                    "versions": [{"version": key.split(" ")[1], "resources": found}],
                }
                for key, found in groups.items()
            ]
            return JSONResponse({"kind": "APIGroupDiscoveryList", "items": items})
        if path == "api":
            return JSONResponse({"kind": "APIVersions", "versions": ["v1"]})
        if path == "apis":
            names = dict.fromkeys(group for group, *_ in KINDS if group)
            groups_list = [
                {
                    "name": name,
                    "versions": [{"version": version} for version in {kind[1] for kind in KINDS if kind[0] == name}],
                    "preferredVersion": {"version": next(kind[1] for kind in KINDS if kind[0] == name)},
                }
                for name in names
            ]
            return JSONResponse({"kind": "APIGroupList", "groups": groups_list})
        group = "" if path == "api/v1" else path.split("/")[1]
        resources = [
            {
                "name": plural,
                "kind": kind,
                "namespaced": namespaced,
                "singularName": kind.lower(),
                "shortNames": short,
                "verbs": ["get", "list"],
            }
            for owner, _, plural, kind, namespaced, short in KINDS
            if owner == group
        ]
        return JSONResponse({"kind": "APIResourceList", "resources": [*resources, {"name": "pods/log", "kind": "Pod"}]})

    def resource(self, path: str, request: Request) -> Response:
        parts = path.split("/")
        namespace = ""
        if "namespaces" in parts[:-2]:
            at = parts.index("namespaces")
            namespace, parts = parts[at + 1], parts[:at] + parts[at + 2 :]
        if parts[-1] == "log":
            return self.log(parts[-2], request)
        if (key := "/".join(parts)) in OBJECTS:
            found = [item for item in OBJECTS[key] if not namespace or item["metadata"].get("namespace") == namespace]
            return self.page(found, request)
        items = {item["metadata"]["name"]: item for item in OBJECTS.get("/".join(parts[:-1]), [])}
        if parts[-1] not in items or (namespace and items[parts[-1]]["metadata"].get("namespace") != namespace):
            return status(404, f'{parts[-2]} "{parts[-1]}" not found')
        return JSONResponse({"kind": "Any", **items[parts[-1]]})

    def page(self, items: list[dict[str, Any]], request: Request) -> Response:
        first, size = int(request.query_params.get("continue", 0)), int(request.query_params["limit"])
        following = {"continue": str(first + size)} if first + size < len(items) else {}
        return JSONResponse({"kind": "List", "metadata": following, "items": items[first : first + size]})

    def log(self, pod: str, request: Request) -> Response:
        if pod == "cart-1" and "container" not in request.query_params:
            return status(400, "a container name must be specified for pod cart-1, choose one of: [main proxy]")
        if not pod.startswith("cart"):
            return status(404, f'pods "{pod}" not found')
        lines = [f"line {n}" for n in range(50)][-int(request.query_params["tailLines"]) :]
        return PlainTextResponse("\n".join([*lines, ""]))


def kubeconfig(path: Path, url: str, *, token: str = "good", namespace: str = "shop") -> Path:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "fake", "cluster": {"server": url}}],
        "users": [{"name": "dev", "user": {"token": token}}],
        "contexts": [
            {"name": "test", "context": {"cluster": "fake", "user": "dev", "namespace": namespace}},
            {"name": "other", "context": {"cluster": "fake", "user": "dev"}},
        ],
    }
    path.write_text(json.dumps(document))
    return path
