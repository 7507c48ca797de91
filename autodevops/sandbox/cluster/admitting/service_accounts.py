"""ServiceAccount: which account a pod runs as, and its token mounted into every container."""

from __future__ import annotations

from autodevops.sandbox.basics.hashing import safe_name
from autodevops.sandbox.basics.moments import parse_rfc3339
from autodevops.sandbox.cluster.denied import forbidden
from autodevops.sandbox.cluster.store import Json, Store

_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_MIRROR = "kubernetes.io/config.mirror"
_GRACE = 2.0  # s the server waits for the default account of a namespace just made


def set_account(store: Store, pod: Json) -> None:
    """Raises Denied when the account is not there."""
    spec, meta = pod["spec"], pod["metadata"]
    if _MIRROR in (meta.get("annotations") or {}):
        return
    namespace = str(meta.get("namespace") or "default")
    name = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    account = store.get("ServiceAccount", namespace, name)
    if account is None and not (name == "default" and _is_new(store, namespace)):
        why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        raise forbidden(pod, why)
    account = account or {}
    if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = [dict(one) for one in account["imagePullSecrets"]]
    mounted = spec.get("automountServiceAccountToken")
    if mounted is None:
        mounted = account.get("automountServiceAccountToken")
    if mounted is None or mounted:
        _mount_token(store, pod, namespace)


def _mount_token(store: Store, pod: Json, namespace: str) -> None:
    spec, meta = pod["spec"], pod["metadata"]
    needing = [
        one
        for one in [*(spec.get("initContainers") or ()), *spec.get("containers", ())]
        if all(mount["mountPath"] != _PATH for mount in one.get("volumeMounts") or ())
    ]
    if not needing:
        return
    suffix = safe_name(5, "token", namespace, meta.get("name") or meta.get("generateName"))
    volume = f"kube-api-access-{suffix}"
    for container in needing:
        mount = {"name": volume, "readOnly": True, "mountPath": _PATH}
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]
    field = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}, "path": "namespace"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [field]}},
    ]
    token = {"name": volume, "projected": {"defaultMode": 420, "sources": sources}}
    spec["volumes"] = [*(spec.get("volumes") or ()), token]


def _is_new(store: Store, namespace: str) -> bool:
    found = store.get("Namespace", "", namespace)
    created = (found or {"metadata": {}})["metadata"].get("creationTimestamp")
    return created is not None and store.now - parse_rfc3339(created) <= _GRACE
