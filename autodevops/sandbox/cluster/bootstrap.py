"""What an API server puts into an empty cluster: its namespaces, and the roles everybody counts on
(kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy)."""

from __future__ import annotations

from autodevops.sandbox.cluster.defaults import with_defaults
from autodevops.sandbox.cluster.store import Json, Store

_GROUP = "rbac.authorization.k8s.io"
_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "deletecollection", "patch", "update")
_VIEWED = {
    "": (
        "configmaps", "endpoints", "events", "limitranges", "namespaces", "persistentvolumeclaims", "pods", "pods/log",
        "pods/status", "replicationcontrollers", "replicationcontrollers/scale", "replicationcontrollers/status",
        "resourcequotas", "resourcequotas/status", "serviceaccounts", "services", "services/status",
    ),
    "apps": (
        "controllerrevisions", "daemonsets", "daemonsets/status", "deployments", "deployments/scale",
        "deployments/status", "replicasets", "replicasets/scale", "replicasets/status", "statefulsets",
        "statefulsets/scale", "statefulsets/status",
    ),
    "autoscaling": ("horizontalpodautoscalers", "horizontalpodautoscalers/status"),
    "batch": ("cronjobs", "cronjobs/status", "jobs", "jobs/status"),
    "discovery.k8s.io": ("endpointslices",),
    "networking.k8s.io": ("ingresses", "ingresses/status", "networkpolicies"),
    "policy": ("poddisruptionbudgets", "poddisruptionbudgets/status"),
    "metrics.k8s.io": ("nodes", "pods"),
}  # fmt: skip
_EDITED = {
    "": (
        "configmaps", "events", "persistentvolumeclaims", "pods", "pods/eviction", "replicationcontrollers",
        "replicationcontrollers/scale", "secrets", "serviceaccounts", "serviceaccounts/token", "services",
    ),
    "apps": (
        "daemonsets", "deployments", "deployments/rollback", "deployments/scale", "replicasets", "replicasets/scale",
        "statefulsets", "statefulsets/scale",
    ),
    "autoscaling": ("horizontalpodautoscalers",),
    "batch": ("cronjobs", "jobs"),
    "coordination.k8s.io": ("leases",),
    "networking.k8s.io": ("ingresses", "networkpolicies"),
    "policy": ("poddisruptionbudgets",),
}  # fmt: skip
_PATHS = (
    "/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version",
    "/version/",
)  # fmt: skip


def bootstrap(store: Store) -> None:
    """Put it there, as of now; what is there already stays."""
    for name in ("default", "kube-node-lease", "kube-public", "kube-system"):
        _put(store, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for name, rules in _roles().items():
        meta = {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}
        _put(store, {"apiVersion": f"{_GROUP}/v1", "kind": "ClusterRole", "metadata": meta, "rules": rules})
    for name, role, group in (
        ("cluster-admin", "cluster-admin", "system:masters"),
        ("system:basic-user", "system:basic-user", "system:authenticated"),
        ("system:discovery", "system:discovery", "system:authenticated"),
    ):
        _put(
            store,
            {
                "apiVersion": f"{_GROUP}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
                "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": role},
                "subjects": [{"apiGroup": _GROUP, "kind": "Group", "name": group}],
            },
        )


def _put(store: Store, item: Json) -> None:
    meta = item["metadata"]
    if store.get(item["kind"], "", meta["name"]) is None:
        store.create(with_defaults(item))


def _roles() -> dict[str, list[Json]]:
    view = [_rule(group, plurals, _READ) for group, plurals in _VIEWED.items()]
    secrets = [_rule("", ("secrets",), _READ), _rule("coordination.k8s.io", ("leases",), _READ)]
    edit = [
        *view,
        *secrets,
        *(_rule(group, plurals, _WRITE) for group, plurals in _EDITED.items()),
        _rule("", ("serviceaccounts",), ("impersonate",)),
    ]
    rights = [
        _rule(_GROUP, ("rolebindings", "roles"), (*_READ, *_WRITE)),
        _rule("authorization.k8s.io", ("localsubjectaccessreviews",), ("create",)),
    ]
    asks = ("selfsubjectaccessreviews", "selfsubjectrulesreviews")
    return {
        "admin": [*edit, *rights],
        "cluster-admin": [_rule("*", ("*",), ("*",)), {"verbs": ["*"], "nonResourceURLs": ["*"]}],
        "edit": edit,
        "system:basic-user": [
            _rule("authorization.k8s.io", asks, ("create",)),
            _rule("authentication.k8s.io", ("selfsubjectreviews",), ("create",)),
        ],
        "system:discovery": [{"verbs": ["get"], "nonResourceURLs": list(_PATHS)}],
        "view": view,
    }


def _rule(group: str, resources: tuple[str, ...], verbs: tuple[str, ...]) -> Json:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
